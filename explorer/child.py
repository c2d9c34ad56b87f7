"""A module of ours, run in a Python of its own, with the same paths as this one.

Knows how it is started, heard while it tells how far it is, asked again where it stays, and ended;
knows nothing of what it does. `python -m` would look for modules in the current folder first, where
somebody's `queue.py` may lie.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from explorer.errors import Cancelled
from indexer.store.wire import Writer, receive

LOOK = 0.05
"""Seconds between two looks at whether it is still wanted."""

_RUN = (
    "import json, runpy, sys\n"
    "sys.path[:] = json.loads(sys.argv.pop(1))\n"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def command(module: str, *arguments: str) -> list[str]:
    """What to start for a module: `command("indexer.encode", folder)`."""
    return [sys.executable, "-P", "-c", _RUN, json.dumps(sys.path), module, *arguments]


@dataclass(frozen=True)
class Ended:
    """What came of a process.

    Attributes:
        code: its exit code; below 0 the signal that ended it.
        out: what it wrote to stdout.
        last: the last line of words that it wrote to stderr; empty where it wrote none.
    """

    code: int
    out: bytes
    last: str

    @property
    def why(self) -> str:
        """Why it failed, as far as it said."""
        if self.last:
            return self.last
        how = f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"
        return f"its process ended with {how}"


def heard(
    what: str,
    command: Sequence[str],
    told: Callable[[dict[str, Any]], None],
    cancelled: threading.Event | None = None,
    patience: float = 0.0,
) -> Ended:
    """Run a process to its end, and pass on what it tells in JSON lines on stderr.

    Its stdin stays open meanwhile, and no program but this one has the other end of its pipes: so
    it can tell when this process is gone. However this call ends, the process has ended too, and
    what it started.

    Args:
        what: is being done, for the error.
        command: what to start.
        told: is given each JSON object, in the thread that asked; what it raises ends the process.
        cancelled: ends it once it is set.
        patience: seconds between asking it to end, as an interrupt does, and ending it.

    Raises:
        Cancelled: `cancelled` was set.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # an interrupt from the terminal is ours to answer
    )
    lines: queue.Queue[bytes | None] = queue.Queue()
    out: list[bytes] = []
    threads = [
        threading.Thread(target=_read, args=(child, out), daemon=True),
        threading.Thread(target=_listen, args=(child, lines), daemon=True),
    ]
    try:
        for thread in threads:
            thread.start()
        last = ""
        while True:
            if cancelled is not None and cancelled.is_set():
                raise Cancelled(f"{what} was cancelled")
            try:
                line = lines.get(timeout=LOOK)
            except queue.Empty:
                continue
            if line is None:
                break
            text = line.decode(errors="replace").strip()
            said = _object(text)
            if said is not None:
                told(said)
            elif text:
                last = text
        while True:
            if cancelled is not None and cancelled.is_set():
                raise Cancelled(f"{what} was cancelled")
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(LOOK)
                break
    except BaseException:
        _end(child, patience)
        raise
    finally:
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
    return Ended(child.returncode, out[0] if out else b"", last)


class Worker:
    """A process that answers over `indexer.store.wire`, one question after another.

    Its stdin stays open, and no program but this one has the other end of its pipes: so it can tell
    when this process is gone.

    Args:
        command: what to start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # an interrupt from the terminal is ours to answer
        )
        assert self._child.stdin is not None
        self._writer = Writer(self._child.stdin)
        self._frames: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
        self._last = ""
        self._threads = [
            threading.Thread(target=self._receive, daemon=True),
            threading.Thread(target=self._drain, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def running(self) -> bool:
        """Whether it can be asked: it may have ended by itself."""
        return self._child.poll() is None

    def ask(
        self,
        what: str,
        told: Callable[[dict[str, Any]], None],
        cancelled: threading.Event | None = None,
        **head: Any,
    ) -> tuple[dict[str, Any], bytes] | Ended:
        """The frame that answers a frame, or how the process ended instead.

        Whatever this call raises, the process has ended too, and what it started.

        Args:
            what: is being done, for the error.
            told: is given each frame `say` and `bar` before, in the thread that asked; what it
                raises ends the process.
            cancelled: ends it once it is set.
            **head: the frame, `kind` among it.

        Raises:
            Cancelled: `cancelled` was set.
        """
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended, as its last frame will tell
                self._writer.send(**head)
            while True:
                if cancelled is not None and cancelled.is_set():
                    raise Cancelled(f"{what} was cancelled")
                try:
                    frame = self._frames.get(timeout=LOOK)
                except queue.Empty:
                    continue
                if frame is None:
                    self.end()
                    return Ended(self._child.returncode, b"", self._last)
                if frame[0]["kind"] not in ("say", "bar"):
                    return frame
                told(frame[0])
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End it and what it has started, at once."""
        _end(self._child, 0.0)
        for thread in self._threads:
            thread.join()
        for pipe in self._pipes:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def let_go(self) -> None:
        """Hold its pipes no longer, in a process that was forked from the one that started it."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for pipe in self._pipes:  # not closed: a thread that is not here may have locked them
            os.dup2(nothing, pipe.fileno(), inheritable=False)
        os.close(nothing)

    @property
    def _pipes(self) -> list[IO[bytes]]:
        pipes = (self._child.stdin, self._child.stdout, self._child.stderr)
        return [pipe for pipe in pipes if pipe is not None]

    def _receive(self) -> None:
        assert self._child.stdout is not None
        with contextlib.suppress(ValueError):  # what is no frame ends it
            while (frame := receive(self._child.stdout)) is not None:
                self._frames.put(frame)
        self._frames.put(None)

    def _drain(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._last = line.decode(errors="replace").strip() or self._last


def _read(child: subprocess.Popen[bytes], out: list[bytes]) -> None:
    assert child.stdout is not None
    out.append(child.stdout.read())


def _listen(child: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert child.stderr is not None
    for line in child.stderr:
        lines.put(line)
    lines.put(None)


def _object(text: str) -> dict[str, Any] | None:
    """What a line tells, or None for a line that is one of words."""
    if not text.startswith("{"):
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _end(child: subprocess.Popen[bytes], patience: float) -> None:
    """End a process and what it has started: at once, or asking it first."""
    if patience and child.poll() is None:
        _signal(child, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    if child.poll() is None:
        _signal(child, None)
    child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals | None) -> None:
    """Send a signal to a process and what it has started; None for the one that none survives."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL if number is None else number)
        elif number is None:
            child.kill()
        else:
            child.terminate()
