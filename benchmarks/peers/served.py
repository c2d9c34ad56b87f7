"""Libraries in processes of their own, asked in turn: their times, ratios and memory.

A process a library, so that none holds another's threads or memory; asked in turn, so that drift
falls on all alike.
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
REST = 0.01
"""Seconds between two answers: threads of the one before may spin on for a while."""


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
    """Ask each process the same, turn by turn; the first `warm` turns are not counted.

    Who is asked first changes from turn to turn.
    """
    turns = Turns(*({one.name: [] for one in processes} for _ in range(2)))
    for turn, what in enumerate(asked):
        for one in processes if turn % 2 else reversed(processes):
            time.sleep(REST)
            seconds, found = one.ask(what)
            if turn >= warm:
                turns.seconds[one.name].append(seconds)
                turns.found[one.name].append(found)
    return turns


__all__ = ["Asked", "Found", "Served", "Turns", "in_turn", "served"]
