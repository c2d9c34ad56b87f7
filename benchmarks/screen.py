"""The terminal UI in a terminal of its own: its first screen, and a key until its table stands."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import explorer
from benchmarks.measure import Line, own_kilobytes

PROGRAM = str(Path(sys.executable).parent / "explorer")
SIZE = (36, 120)
FOOTER = b"palette"
"""The last thing that a first screen shows, of any app of Textual."""

PLAIN = (
    "from textual.app import App\n"
    "from textual.widgets import Footer, Input\n"
    "class Plain(App):\n"
    "    def compose(self):\n"
    "        yield Input()\n"
    "        yield Footer()\n"
    "Plain().run()"
)
WORDS = ("large", "river", "happy", "green")
MANY = (*WORDS, "tall", "dog", "red", "king", "house", "music", "tree", "fire", "small", "queen")
KEY = re.compile(r"\x1b\[(?:\w|\d+~)|\x1b\w|.")
"""A key as a terminal sends it: an arrow or function key, alt with a letter, a letter."""
PATIENCE = 20.0


class Terminal:
    """A program in a pseudo-terminal; what it writes is read, and looked through."""

    def __init__(self, command: Sequence[str], state: str) -> None:
        self.begun = time.perf_counter()
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", EXPLORER_STATE=state)
            os.execv(command[0], command)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._seen = b""

    def press(self, key: str) -> float:
        """Send a key; when."""
        self._seen = b""
        os.write(self._file, key.encode())
        return time.perf_counter()

    def until(self, text: bytes) -> float:
        """When a text was written."""
        end = time.perf_counter() + PATIENCE
        while text not in self._seen:
            if time.perf_counter() > end:
                raise SystemExit(f"benchmark: the screen never showed {text!r}")
            if select.select([self._file], [], [], 0.05)[0]:
                self._seen += os.read(self._file, 1 << 16)
        return time.perf_counter()

    def rest(self, seconds: float) -> None:
        """Read on for some time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._file], [], [], left)[0]:
                os.read(self._file, 1 << 16)

    def quiet(self) -> None:
        """Read on until nothing is written for a tenth of a second."""
        while select.select([self._file], [], [], 0.1)[0]:
            os.read(self._file, 1 << 16)

    @property
    def own_megabytes(self) -> float:
        """Memory of its own, pages of mapped files not counted."""
        return own_kilobytes(self._pid) / 1024

    def quit(self) -> None:
        """End it, and wait for it."""
        os.write(self._file, b"\x11")
        while True:
            try:
                if not os.read(self._file, 1 << 16):
                    break
            except OSError:
                break
        os.waitpid(self._pid, 0)
        os.close(self._file)


def first() -> list[Line]:
    """Process start to tabs and query bar, and to the keys below, beside an empty Textual app."""
    commands = {
        "ours": [PROGRAM, "tui", "--index", "smollm2"],
        "plain": [sys.executable, "-c", PLAIN],
    }
    times: dict[str, list[float]] = {name: [] for name in (*commands, "bar")}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(10):
            for name, command in commands.items():
                terminal = Terminal(command, f"{folder}/{run}.json")
                bar = terminal.until(b"Neighbors") if name == "ours" else 0.0
                whole = terminal.until(FOOTER) - terminal.begun
                if run:  # the first fills the page cache
                    times[name].append(whole)
                    times["bar"] += [bar - terminal.begun] * (name == "ours")
                terminal.quit()
    bar, ours, plain = (statistics.median(times[name]) for name in ("bar", "ours", "plain"))
    figure = (
        f"{bar:.2f} s to the query bar, {ours:.2f} s to the keys below it "
        f"({ours / plain:.1f} times an empty Textual app)"
    )
    return [Line("`explorer tui`: first screen", figure, "0.5 s to the bar", bar < 0.5)]


def keys() -> list[Line]:
    """A letter typed into the query bar until the first row of its answer is written."""
    with explorer.open("smollm2") as ix:
        expected = {}
        for word in WORDS:
            for end in range(1, len(word) + 1):
                try:
                    rows = ix.neighbors(word[:end], k=20, distinct=True).rows
                except explorer.errors.QueryError:
                    continue
                expected[word[:end]] = f"{rows[0].score:.4f}".encode()
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal([PROGRAM, "tui", "--index", "smollm2"], f"{folder}/state.json")
        terminal.until(b"49,152")
        terminal.rest(2)
        for word in WORDS:
            for end in range(1, len(word) + 1):
                pressed = terminal.press(word[end - 1])
                if word[:end] in expected:
                    times.append(terminal.until(expected[word[:end]]) - pressed)
                terminal.rest(0.4)
            terminal.press("\x15")
            terminal.rest(0.4)
        terminal.quit()
    median, worst = statistics.median(times), max(times)
    return [
        Line(
            f"`explorer tui`: key to table on `embed`, median of {len(times)} letters",
            f"{1000 * median:.0f} ms (longest {1000 * worst:.0f})",
            "100 ms",
            median <= 0.1,
        )
    ]


def memory() -> list[Line]:
    """Its own memory once 10,000 keys asked five views new questions, against that after 4,000."""
    words = [f"{first}, {second}" for first in MANY for second in MANY if first != second]
    views = (
        "\x1bn\x15{0}\x1b[B\x1b[B\r",
        "\x1b[19~",
        "\x1bm\x15{0}",
        "\x1bo\x15{1}",
        "\x1bl\x15{1} + {2}",
        "\x1ba",
    )
    held: list[float] = []
    pressed, marks = 0, [4_000, 10_000]
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal([PROGRAM, "tui", "--index", "smollm2"], f"{folder}/state.json")
        terminal.until(b"49,152")
        for pair in itertools.cycle(words):
            for keys in views:
                typed = keys.format(pair, *pair.split(", "))
                terminal.press(typed)
                pressed += len(KEY.findall(typed))
                terminal.quiet()
            if pressed >= marks[len(held)]:
                terminal.rest(2)
                held.append(terminal.own_megabytes)
                if len(held) == len(marks):
                    break
        terminal.quit()
    early, late = held
    figure = f"{late:.0f} MB of its own, {late / early:.2f} times that after 4,000 ({early:.0f} MB)"
    return [
        Line(
            "`explorer tui`: memory after 10,000 keys in five views",
            figure,
            "1.25 times",
            late <= 1.25 * early,
        )
    ]
