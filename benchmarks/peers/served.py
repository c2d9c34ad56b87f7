"""Libraries in processes of their own, asked in turn: their times, ratios and memory.

A process a library, so that none holds another's threads or memory; asked in turn, so that drift
falls on all alike; a few words in a row, since what was idle, or has lost the processor's caches to
another, is measured by how fast it wakes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Watch, peak_kilobytes
from benchmarks.peers.libraries.library import Found

Asked = str | list[str]
REST = 0.06
"""Seconds between two answers: OpenBLAS's threads, of whoever was asked before, spin on for 2 to 26
cycles, 0.03 seconds at 2 GHz, and would hold a core of the next one's."""

IN_A_ROW, WAKING = 8, 2
"""Words that a library is asked in a row, and how many of them wake it: they are not timed."""


class Served:
    """A library's process. `note` is what it says of itself once it is open."""

    def __init__(self, name: str, rows: Path, folder: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.serve", name, str(rows), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._watch = Watch(self._process.pid)
        self._watch.__enter__()
        try:
            self.note: str = self._read()["note"]
        except BaseException:
            self.close()
            raise

    def ask(self, asked: Asked) -> tuple[float, Any]:
        """Seconds, and what was found: of a word `Found`, of a list one for each."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        reply = self._read()
        return reply["seconds"], reply["found"]

    def memory(self) -> tuple[float, float]:
        """Peaks so far, in MB: resident, and of that its own."""
        return peak_kilobytes(self._process.pid) / 1024, self._watch.peak / 1024

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._watch.__exit__()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"benchmark: the process of {self.name} ended")
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextmanager
def served(name: str, rows: Path, folder: Path) -> Iterator[Served]:
    """A library's process, ended afterwards."""
    one = Served(name, rows, folder)
    try:
        yield one
    finally:
        one.close()


@dataclass(frozen=True)
class Turns:
    """What asking several processes in turn gave: a list a process, an entry a turn."""

    seconds: dict[str, list[float]]
    found: dict[str, list[Any]]

    def median(self, name: str) -> float:
        """Median seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, other: str) -> float:
        """Median of the turns' ratios."""
        pairs = zip(self.seconds[name], self.seconds[other], strict=True)
        return statistics.median(one / two for one, two in pairs)


def in_turn(processes: Sequence[Served], asked: Sequence[Asked], warm: int) -> Turns:
    """Ask each process the same, some words in a row, turn by turn.

    The first `warm` words are not counted, and of each turn not the time of the first few. Who is
    asked first changes from turn to turn.
    """
    turns = Turns(*({one.name: [] for one in processes} for _ in range(2)))
    for turn, first in enumerate(range(0, len(asked), IN_A_ROW)):
        for one in processes if turn % 2 else reversed(processes):
            time.sleep(REST)
            for at, what in enumerate(asked[first : first + IN_A_ROW], start=first):
                seconds, found = one.ask(what)
                if at >= warm:
                    turns.found[one.name].append(found)
                    if at - first >= WAKING or len(asked) - warm <= IN_A_ROW:
                        turns.seconds[one.name].append(seconds)
    return turns


__all__ = ["Asked", "Found", "Served", "Turns", "in_turn", "served"]
