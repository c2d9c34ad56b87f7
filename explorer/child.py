"""A module of ours, run in a Python of its own, with the same paths as this one.

Knows how it is started, heard while it tells how far it is, and ended; knows nothing of what it
does. `python -m` would look for modules in the current folder first, where somebody's `queue.py`
may lie.
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
from typing import Any

from explorer.errors import Cancelled

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
    sent: bytes = b"",
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
        sent: what it finds on stdin first.
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
        threading.Thread(target=_talk, args=(child, sent, out), daemon=True),
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


def _talk(child: subprocess.Popen[bytes], sent: bytes, out: list[bytes]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it ended before it had read all
        child.stdin.write(sent)
        child.stdin.flush()
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
