"""What the system knows of processes, for tests that none is left behind.

A test waits for something to be so, never for a time to pass; how long it waits at most decides
nothing but when a test that hangs is given up.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import forked

PATIENCE = 120.0
"""Seconds until what should come by itself is given up: many times as long as it ever takes."""


def until(true: Callable[[], object], what: str = "it never came") -> None:
    """Wait until something is so; an error where it never is."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def shown_in(terminal: int) -> bytes:
    """All that is written to a pseudo-terminal until nobody has its other end, and it is closed."""
    parts = []
    with contextlib.suppress(OSError):  # what Linux says when the other end is closed
        while part := os.read(terminal, 1 << 16):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts)


def children(pid: int | None = None) -> set[int]:
    """Processes that this one, or another, started and has not yet waited for.

    Those that fork programs for the tests are none.
    """
    lists = Path(f"/proc/{pid or 'self'}/task").glob("*/children")
    return {int(child) for each in lists for child in each.read_text().split()} - forked.pids()


def running(pid: int) -> bool:
    """Whether a process is there and does something; one that only waits to be reaped does not."""
    try:
        state = _stat(pid)[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def ended(pid: int) -> bool:
    """Wait until a process has ended."""
    until(lambda: not running(pid), f"process {pid} never ends")
    return True


def reads(pid: int, ending: str) -> None:
    """Wait until a process has mapped a file whose name ends so."""

    def mapped() -> bool:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        return any(line.endswith(ending) for line in lines)

    until(mapped, f"process {pid} never read a file *{ending}")


def works(pid: int, seconds: float = 0.2) -> None:
    """Wait until a process has used a processor for so long from now on."""
    before = _used(pid)
    until(lambda: _used(pid) - before >= seconds, f"process {pid} does nothing")


def _used(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """What is known of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def killed_at(script: str, moment: str, *arguments: str) -> int:
    """Run a script, kill it for good once it prints a line with `moment`; the pid on that line."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        line = next(line for line in parent.stdout if moment in line)
        parent.kill()
    return int(line.split()[0])
