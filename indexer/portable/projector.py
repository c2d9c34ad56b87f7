"""The pair of tables that the Embedding Projector opens: `tensors.tsv` and `metadata.tsv`.

Written only; the Projector's own rule is that a table of one column has no header row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from indexer.portable.vectors import Float32, Labelled, Put


def files(target: Path) -> list[Path]:
    """Both, in the folder that was asked for."""
    return [target / "tensors.tsv", target / "metadata.tsv"]


@contextmanager
def write(paths: Sequence[Path], what: Labelled) -> Iterator[Put]:
    """Write numbers with 9 digits, which give the same float32 back, and what they are of."""
    with paths[1].open("w", encoding="utf-8", newline="\n") as table:
        if what.columns:
            table.write("\t".join(["label", *what.columns]) + "\n")
        for label, *rest in zip(what.labels, *what.columns.values(), strict=True):
            table.write("\t".join([label, *map(_cell, rest)]) + "\n")
    with paths[0].open("wb") as file:

        def put(vectors: Float32) -> None:
            np.savetxt(file, vectors, "%.9g", "\t")

        yield put


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
