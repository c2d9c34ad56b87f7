"""How things are measured: medians of interleaved runs, and whole processes from outside."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One row of the report: what was measured, the figure, and what it must not exceed."""

    what: str
    figure: str
    target: str
    met: bool


def interleaved(runs: int, **functions: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each function, called in turn, so that drift falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(runs):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


@dataclass(frozen=True)
class Process:
    """A finished process: wall seconds from start to exit, and its peak memory in MB.

    `megabytes` is the peak resident size; `own` the peak of what of it is the process's own, pages
    of mapped files not counted, looked at every 20 ms (0 where the system doesn't tell).
    """

    seconds: float
    megabytes: float
    own: float


def process(command: Sequence[str]) -> Process:
    """Run a command to its end, its output thrown away.

    Python may keep bytecode, as it does for whoever installed the program: without, every module
    of ours would be compiled at each start.
    """
    kept = {name: said for name, said in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=kept
    )
    with Watch(child.pid) as watch:
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"benchmark: {' '.join(command)} failed")
    return Process(seconds, usage.ru_maxrss / 1024, watch.peak / 1024)


def own_kilobytes(pid: int) -> int:
    """Anonymous memory of a process; 0 where the system doesn't tell, or it has ended."""
    return _kilobytes(pid, "RssAnon:")


def peak_kilobytes(pid: int) -> int:
    """The greatest resident size of a process so far; 0 where the system doesn't tell."""
    return _kilobytes(pid, "VmHWM:")


def _kilobytes(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) for line in lines if line.startswith(field)), default=0)


class Watch:
    """Looks at a process's anonymous memory until it ends; `peak` is in kB."""

    def __init__(self, pid: int) -> None:
        self._pid, self.peak = pid, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.peak = max(self.peak, own_kilobytes(self._pid))


def in_turn(runs: int, **commands: Sequence[str]) -> dict[str, list[Process]]:
    """Runs of each command, called in turn, after one of each to warm the page cache."""
    for command in commands.values():
        process(command)
    done: dict[str, list[Process]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            done[name].append(process(command))
    return done


def processes(command: Sequence[str], runs: int) -> Process:
    """Median seconds and greatest memory of several runs, after one to warm the page cache."""
    process(command)
    done = [process(command) for _ in range(runs)]
    return Process(
        statistics.median(p.seconds for p in done),
        max(p.megabytes for p in done),
        max(p.own for p in done),
    )
