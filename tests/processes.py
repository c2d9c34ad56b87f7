"""What the system knows of processes, for tests that none is left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def children() -> set[int]:
    """Processes that this one started and has not yet waited for."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for each in lists for pid in each.read_text().split()}


def running(pid: int) -> bool:
    """Whether a process is there and does something; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def ended(pid: int, seconds: float) -> bool:
    """Whether a process has ended, waiting for that at most so long."""
    until = time.monotonic() + seconds
    while running(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not running(pid)


def killed_at(script: str, moment: str, *arguments: str) -> int:
    """Run a script, kill it for good once it prints a line with `moment`; the pid on that line."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        line = next(line for line in parent.stdout if moment in line)
        parent.kill()
    return int(line.split()[0])
