"""The pair of tables that the Embedding Projector opens: `tensors.tsv` and `metadata.tsv`.

Written only; the Projector's own rule is that a table of one column has no header row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from indexer.portable.vectors import Float32, Labelled, Put
from indexer.store.shown import in_a_sheet


def files(target: Path) -> list[Path]:
    """Both, in the folder that was asked for."""
    return [target / "tensors.tsv", target / "metadata.tsv"]


@contextmanager
def write(paths: Sequence[Path], what: Labelled) -> Iterator[Put]:
    """Write numbers with 9 digits, which give the same float32 back, and what they are of.

    A spreadsheet opens `metadata.tsv` too: texts that it would run have an apostrophe before them.
    """
    texts = str if what.raw_cells else in_a_sheet

    def cells(row: Sequence[object]) -> str:
        return "\t".join(texts(one) if isinstance(one, str) else _cell(one) for one in row) + "\n"

    with paths[1].open("w", encoding="utf-8", newline="\n") as table:
        if what.columns:
            table.write(cells(["label", *what.columns]))
        for row in zip(what.labels, *what.columns.values(), strict=True):
            table.write(cells(row))
    with paths[0].open("wb") as file:

        def put(vectors: Float32) -> None:
            np.savetxt(file, vectors, "%.9g", "\t")

        yield put


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
