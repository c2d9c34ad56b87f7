"""One set of rows searched by every library: one query, 256, cold, memory, disk, and making it."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, Process, process, processes
from benchmarks.peers import agreement
from benchmarks.peers.libraries import NAMES, library
from benchmarks.peers.libraries.ours import Ours
from benchmarks.peers.page import Part, table
from benchmarks.peers.rows import SIZES, WORDS, Rows, read_names
from benchmarks.peers.served import in_turn, served

CACHE = Path(".cache/bench-peers")
WARM, QUERIES, BATCH = 3, 31, 256
ONE, MANY = "gensim", "faiss-flat"
"""Whom one query, and many at once, are compared with."""

TARGETS = {49_152: 0.5, 1_000_000: 0.45}
"""Rows -> what share of gensim's time one query may take."""

MANY_TARGET = 0.9
LARGE = 500_000
"""Rows from which on fewer turns are taken: each lasts seconds."""

HEAD = (
    *("library", "one query, ms", "times gensim", "256 at once, ms each", "times FAISS Flat"),
    *("cold, s", "cold, MB (own)", "open, MB (own)", "disk, MB", "making, s", "answers"),
)


@dataclass
class Row:
    """What was measured of one library; nothing where it has no such thing."""

    name: str
    making: Process | None = None
    disk: float = 0
    one: float = 0
    times_gensim: float = 0
    memory: tuple[float, float] = (0, 0)
    cold: Process | None = None
    many: float | None = None
    times_flat: float | None = None
    answers: str = ""
    note: str = ""
    recalls: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        """As the table has it."""
        return [
            library(self.name).title + (f" ({self.note})" if self.note else ""),
            f"{1000 * self.one:.1f}",
            f"{self.times_gensim:.2f}",
            "" if self.many is None else f"{1000 * self.many / BATCH:.2f}",
            "" if self.times_flat is None else f"{self.times_flat:.2f}",
            "" if self.cold is None else f"{self.cold.seconds:.2f}",
            "" if self.cold is None else f"{self.cold.megabytes:,.0f} ({self.cold.own:,.0f})",
            "{:,.0f} ({:,.0f})".format(*self.memory),
            f"{self.disk:,.0f}",
            "" if self.making is None else f"{self.making.seconds:.1f}",
            self.answers,
        ]


def rows_of(of: Rows) -> Path:
    """The folder of a set of rows, written unless it is there."""
    folder = CACHE / of.name
    if not (folder / WORDS).exists():
        say(f"writing {of.rows:,} rows x {of.width}")
        command = [sys.executable, "-m", "benchmarks.peers.rows", of.name, str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def size(name: str) -> Part:
    """Every library on one set of rows."""
    of = SIZES[name]
    every = [one for one in NAMES if library(one).largest >= of.rows]
    rows, base, turns = rows_of(of), CACHE / f"{name}-libraries", 3 if of.rows > LARGE else 5
    measured = {one: Row(one) for one in every}
    shutil.rmtree(base, ignore_errors=True)
    try:
        words = read_names(rows / WORDS)
        for one in every:
            _make(measured[one], rows, home(base, one))
        _one_query(measured, rows, base, words[: WARM + QUERIES])
        left = words[WARM + QUERIES :]
        for at, one in enumerate(every):
            if library(one).cold:
                say(f"{one}: cold")
                command = library(one).answering(one, rows, home(base, one), left[at])
                measured[one].cold = processes(command, turns)
        _many(measured, rows, base, left[len(every) :], turns)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    for one in measured.values():
        mean = statistics.mean(one.recalls)
        one.answers = "the same ten" if library(one.name).exact else f"recall {mean:.3f}"
    text = [
        f"{of.rows:,} rows x {of.width}: {of.about}. {of.rows * of.width * 4 / 1e6:,.0f} MB in "
        "float32.",
        "",
        *table(HEAD, [measured[one].cells() for one in every]),
    ]
    missing = [library(one).title for one in NAMES if one not in every]
    if missing:
        text += ["", f"Not measured with so many rows: {', '.join(missing)}."]
    return Part(text, targets(of.rows, measured), [library(one).package for one in every])


def home(base: Path, name: str) -> Path:
    """The folder of the files that a library reads."""
    return base / (library(name).home or name)


def targets(rows: int, measured: dict[str, Row]) -> list[Line]:
    """What was aimed at with so many rows."""
    ours, lines = measured["ours"], []
    if rows in TARGETS:
        exact = [
            one
            for one in measured.values()
            if library(one.name).exact and not isinstance(library(one.name), Ours)
        ]
        first = min(exact, key=lambda one: one.times_gensim)
        lines.append(
            Line(
                f"`ix.neighbors(word)`, names and z, {rows:,} rows",
                f"{ours.times_gensim:.2f} times gensim",
                f"{TARGETS[rows]} times",
                ours.times_gensim <= TARGETS[rows],
            )
        )
        lines.append(
            Line(
                "the same beside the fastest exact library",
                f"{ours.times_gensim / first.times_gensim:.2f} times {library(first.name).title}",
                "faster than each",
                ours.times_gensim < first.times_gensim,
            )
        )
    assert ours.times_flat is not None
    lines.append(
        Line(
            f"`ix.neighbors([256 words])`, {rows:,} rows",
            f"{ours.times_flat:.2f} times FAISS Flat",
            f"{MANY_TARGET} times",
            ours.times_flat <= MANY_TARGET,
        )
    )
    return lines


def _make(row: Row, rows: Path, folder: Path) -> None:
    """Its own files, where it has some."""
    one = library(row.name)
    folder.mkdir(parents=True, exist_ok=True)
    if one.made:
        say(f"{row.name}: making its files")
        row.making = process(one.making(row.name, rows, folder))
    row.disk = sum(path.stat().st_size for path in one.files(rows, folder)) / 1e6


def _one_query(measured: dict[str, Row], rows: Path, base: Path, words: list[str]) -> None:
    """A word at a time, each library in turn with gensim; all are held to our answers."""
    expected: list[Any] = []
    with served(ONE, rows, home(base, ONE)) as gensim:
        for name, row in measured.items():
            if name == ONE:
                continue
            say(f"{name}: one query")
            with served(name, rows, home(base, name)) as other:
                turns = in_turn([gensim, other], words, WARM)
                row.memory, row.note = other.memory(), other.note
            row.one, row.times_gensim = turns.median(name), turns.ratio(name, ONE)
            if name == "ours":
                expected = turns.found[name]
                measured[ONE].one, measured[ONE].times_gensim = turns.median(ONE), 1
                _judge(measured[ONE], words[WARM:], expected, turns.found[ONE])
                measured[ONE].memory = gensim.memory()
            _judge(row, words[WARM:], expected, turns.found[name])


def _many(measured: dict[str, Row], rows: Path, base: Path, words: list[str], batches: int) -> None:
    """Many words at once, in turn with FAISS Flat."""
    ends = range(8, 8 + batches * BATCH + 1, BATCH)
    asked = [words[:8], *(words[first:last] for first, last in pairwise(ends))]
    expected: list[Any] = []
    with served(MANY, rows, home(base, MANY)) as flat:
        for name, row in measured.items():
            if not library(name).many or name == MANY:
                continue
            say(f"{name}: {BATCH} at once")
            with served(name, rows, home(base, name)) as other:
                turns = in_turn([flat, other], asked, 1)
            row.many, row.times_flat = turns.median(name), turns.ratio(name, MANY)
            found = {one: list(chain(*batch)) for one, batch in turns.found.items()}
            if name == "ours":
                expected = found[name]
                measured[MANY].many, measured[MANY].times_flat = turns.median(MANY), 1
                _judge(measured[MANY], words[8:], expected, found[MANY])
            _judge(row, words[8:], expected, found[name])


def _judge(row: Row, words: list[str], expected: list[Any], found: list[Any]) -> None:
    """Exact ones must answer as we do; of others the share that they found is kept."""
    if library(row.name).exact:
        asked = words[: len(expected)]
        agreement.check(library(row.name).title, asked, expected, found)
    row.recalls.append(agreement.recall(expected, found))


def say(what: str) -> None:
    """How far it is, on stderr."""
    print(what, file=sys.stderr, flush=True)
