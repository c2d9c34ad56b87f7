"""Vectors from elsewhere: a text of GloVe's shape imported whole, against pandas reading it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Line, process

ROWS, WIDTH = 400_000, 50

_PANDAS = """
import sys, numpy, pandas
kinds = {0: str, **{at: numpy.float32 for at in range(1, %d)}}
table = pandas.read_csv(sys.argv[1], sep=" ", header=None, quoting=3, dtype=kinds, na_filter=False)
vectors = table.iloc[:, 1:].to_numpy()
"""


def glove() -> list[Line]:
    """400,000 words of 50 numbers: process start to exit, the sealed index verified."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "glove.txt"
        write_text(path)
        size = path.stat().st_size / 1e6
        command = [sys.executable, "-m", "indexer", "import", str(path), "--name", "glove"]
        ours = process([*command, "--indexes", folder, "--quiet"])
        theirs = process([sys.executable, "-c", _PANDAS % (WIDTH + 1), str(path)])
    return [
        Line(
            f"`indexer import` of {ROWS:,} words x {WIDTH}, {size:.0f} MB of text",
            f"{ours.seconds:.1f} s, {ours.megabytes:.0f} MB: "
            f"{ours.seconds / theirs.seconds:.1f} times what pandas takes to read it "
            f"({theirs.seconds:.1f} s, {theirs.megabytes:.0f} MB)",
            "60 s",
            ours.seconds <= 60,
        )
    ]


def write_text(path: Path) -> None:
    """A file of the shape of `glove.6B.50d.txt`: words by frequency, 5 digits a number."""
    from wordfreq import top_n_list

    words = top_n_list("en", ROWS)
    words += [f"word{at}" for at in range(len(words), ROWS)]
    rng, numbers = np.random.default_rng(0), " ".join(["%.5g"] * WIDTH)
    with path.open("w", encoding="utf-8") as file:
        for first in range(0, ROWS, 1000):
            block = rng.normal(0, 0.4, (1000, WIDTH)).tolist()
            names = words[first : first + 1000]
            file.writelines(
                f"{name} {numbers % tuple(row)}\n" for name, row in zip(names, block, strict=True)
            )
