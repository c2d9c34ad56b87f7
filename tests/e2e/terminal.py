"""A terminal that a program runs in and a person types at: tmux, a server of its own each."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from e2e.conftest import PATIENCE, program


class Watched:
    """What a person watches: it shows something, after a while."""

    @property
    def screen(self) -> str:
        raise NotImplementedError

    def until(self, true: Callable[[str], bool]) -> str:
        """Wait until the screen shows something; what it shows then."""
        end = time.monotonic() + PATIENCE
        while not true(shown := self.screen):
            assert time.monotonic() < end, f"it never came:\n{shown}"
            time.sleep(0.05)
        return shown


class Terminal(Watched):
    """A terminal of its own tmux server."""

    def __init__(self, folder: Path, environment: dict[str, str], size: tuple[int, int]) -> None:
        self._tmux = [program("tmux"), "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._environment = environment
        columns, lines = size
        self.run("new-session", "-d", "-x", str(columns), "-y", str(lines), "sh")
        self.run("set", "-g", "status", "off")
        self.run("resize-window", "-x", str(columns), "-y", str(lines))

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environment, capture_output=True, check=True
        )
        return done.stdout.decode()

    def type(self, text: str) -> None:
        self.run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def keys(self, *keys: str) -> None:
        """Keys by name, and texts that begin with a blank, which is left out, in one write."""
        sent: list[str] = []
        for key in keys:
            if key.startswith(" "):
                sent += [{" ": "Space", ";": "\\;"}.get(char, char) for char in key[1:]]
            else:
                sent.append(key)
        self.run("send-keys", *sent)

    def resize(self, columns: int, lines: int) -> None:
        self.run("resize-window", "-x", str(columns), "-y", str(lines))

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    @property
    def copied(self) -> str:
        """What a program handed on to be pasted elsewhere."""
        return self.run("show-buffer")

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], env=self._environment, check=False)
