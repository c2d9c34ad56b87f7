"""How an answer's time and memory grow with rows, from 10,000 to 4,000,000; drawn as a picture.

python -m benchmarks.peers.growth
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import Line, process
from benchmarks.peers import agreement
from benchmarks.peers.libraries import library
from benchmarks.peers.page import PAGE, Part, table
from benchmarks.peers.rows import GROWN, WORDS, read_names
from benchmarks.peers.served import in_turn, served
from benchmarks.peers.sizes import CACHE, QUERIES, WARM, rows_of, say

PICTURE = PAGE.parent / "pictures/growth.svg"
LINEAR, FLAT = 1.1, 1.25
"""A row's time at the most rows, of that at a quarter of them; own memory there, of the least's."""


@dataclass(frozen=True)
class Step:
    """What was measured at so many rows: seconds a query, own memory in MB, seconds to import."""

    rows: int
    ours: float
    numpy: float
    ours_own: float
    numpy_own: float
    resident: float
    making: float


def grown() -> Part:
    """Each number of rows by itself: written, imported, asked, removed."""
    steps = [_step(name) for name in GROWN]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.growth"],
        input=json.dumps([asdict(one) for one in steps]),
        check=True,
        text=True,
    )
    of, (least, *_, before, most) = next(iter(GROWN.values())), steps
    head = (
        *("rows", "`ix.neighbors`, ms", "NumPy product, ms", "times NumPy"),
        *("own memory, MB", "resident, MB", "NumPy's own, MB", "`indexer import`, s"),
    )
    rows = [
        [
            *(f"{one.rows:,}", f"{1000 * one.ours:.1f}", f"{1000 * one.numpy:.1f}"),
            *(f"{one.ours / one.numpy:.2f}", f"{one.ours_own:,.0f}", f"{one.resident:,.0f}"),
            *(f"{one.numpy_own:,.0f}", f"{one.making:.1f}"),
        ]
        for one in steps
    ]
    slower = most.ours / before.ours / (most.rows / before.rows)
    larger = most.ours_own / least.ours_own
    lines = [
        Line(
            f"a row's time at {most.rows:,} rows, of that at {before.rows:,}",
            f"{slower:.2f} times",
            f"{LINEAR} times",
            slower <= LINEAR,
        ),
        Line(
            f"own memory at {most.rows:,} rows, of that at {least.rows:,}",
            f"{larger:.2f} times",
            f"{FLAT} times",
            larger <= FLAT,
        ),
    ]
    text = [
        f"Rows of {of.width} numbers, {of.about}. Memory is the peak of a process that answered "
        f"{WARM + QUERIES} words; ours maps its file, whose pages count as resident, and NumPy "
        "reads it.",
        "",
        f"![time and own memory by rows](pictures/{PICTURE.name})",
        "",
        *table(head, rows),
    ]
    return Part(text, lines, ["semantic-explorer", "numpy"])


def _step(name: str) -> Step:
    of, base = GROWN[name], CACHE / f"{name}-libraries"
    folder = base / "ours"
    shutil.rmtree(base, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        rows = rows_of(of)
        say(f"{of.rows:,} rows: import")
        making = process(library("ours").making("ours", rows, folder))
        say(f"{of.rows:,} rows: one query")
        words = read_names(rows / WORDS)[: WARM + QUERIES]
        with served("ours", rows, folder) as ours, served("numpy", rows, folder) as numpy:
            turns = in_turn([ours, numpy], words, WARM)
            (resident, own), (_, theirs) = ours.memory(), numpy.memory()
        agreement.check("NumPy", words[WARM:], turns.found["ours"], turns.found["numpy"])
    finally:
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(CACHE / name, ignore_errors=True)
    seconds = (turns.median("ours"), turns.median("numpy"))
    return Step(of.rows, *seconds, own, theirs, resident, making.seconds)


def draw(steps: list[Step], path: Path) -> None:
    """Time above, own memory below, both logarithmic."""
    from explorer.show.draw.file import as_bytes
    from explorer.show.draw.shown import ShownFigure

    figure = ShownFigure(figsize=(8, 7), layout="constrained")
    rows = [one.rows for one in steps]
    panels = (
        ("milliseconds a query", [1000 * s.ours for s in steps], [1000 * s.numpy for s in steps]),
        ("own memory, MB", [s.ours_own for s in steps], [s.numpy_own for s in steps]),
    )
    for axes, (label, ours, numpy) in zip(figure.subplots(2, 1), panels, strict=True):
        axes.loglog(rows, ours, "o-", color="black", label="ix.neighbors, names and z")
        axes.loglog(rows, numpy, "s--", color="0.5", label="NumPy product, ten best")
        axes.set_xticks(rows, [f"{count:,}" for count in rows])
        axes.minorticks_off()
        axes.set_ylabel(label)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("rows")
    figure.axes[0].legend(frameon=False)
    figure.described = "Milliseconds a query, and own memory, of ix.neighbors and of NumPy."
    path.write_bytes(as_bytes(figure, "svg"))


if __name__ == "__main__":
    draw([Step(**one) for one in json.load(sys.stdin)], PICTURE)
