"""NumPy's own file of an array, and a file of labels beside it, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BadVectors
from indexer.portable.labels import named
from indexer.portable.vectors import ROWS, Asked, Block, Float32, Labelled, Put

FLOATS = ("float16", "float32", "float64")


def files(target: Path) -> list[Path]:
    """`vectors.npy` and `vectors.labels.txt`, with or without the ending given."""
    stem = target.with_suffix("") if target.suffix == ".npy" else target
    return [stem.with_name(f"{stem.name}.npy"), stem.with_name(f"{stem.name}.labels.txt")]


@contextmanager
def write(paths: Sequence[Path], what: Labelled) -> Iterator[Put]:
    """Write an array (rows, width) float32, and its labels."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (what.rows, what.width)}
    paths[1].write_text("".join(f"{label}\n" for label in what.labels), "utf-8")
    with paths[0].open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)

        def put(vectors: Float32) -> None:
            file.write(np.ascontiguousarray(vectors, "<f4").data)

        yield put


class ArrayReader:
    """An array of two dimensions that lies in a file, and its labels.

    Raises:
        BadVectors: it has another rank or type, or its labels are fewer or more.
    """

    def __init__(self, array: NDArray[Any], asked: Asked, labels: list[str] | None = None) -> None:
        name = asked.path.name
        if array.ndim != 2:
            raise BadVectors(
                f"{name}: {array.ndim} dimensions {array.shape}; vectors are the rows of 2"
            )
        if array.dtype.newbyteorder("=").name not in FLOATS:
            raise BadVectors(f"{name} holds {array.dtype}; vectors are {', '.join(FLOATS)}")
        self._array = array.T if asked.transpose else array
        self.rows, self.width = self._array.shape
        self.notes: tuple[str, ...] = ()
        if not self.rows or not self.width:
            raise BadVectors(f"{name} holds no vectors: its shape is {array.shape}")
        if labels is not None and asked.labels is None:
            if len(labels) != self.rows:
                raise BadVectors(f"{name}: {len(labels):,} labels for {self.rows:,} vectors")
            self._labels = labels
        else:
            self._labels, note = named(asked.path, asked.labels, self.rows)
            self.notes = (note,)

    def place(self, row: int) -> str:
        """Rows are counted from 0, as NumPy has it."""
        return f"row {row}"

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        for first in range(0, self.rows, ROWS):
            with np.errstate(over="ignore"):  # what is too large is told as not finite
                part = np.array(self._array[first : first + ROWS], np.float32)
            yield Block(self._labels[first : first + ROWS], part)


def read(asked: Asked) -> ArrayReader:
    """Open an array, mapped.

    Raises:
        BadVectors: it is no array of NumPy, is cut short, or holds no vectors.
    """
    try:
        array = np.load(asked.path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as err:
        first = str(err).splitlines()[0] if str(err) else "it ends at once"
        raise BadVectors(f"{asked.path.name} is no array of NumPy: {first}") from None
    if not isinstance(array, np.ndarray):
        raise BadVectors(f"{asked.path.name} is an archive (.npz); save one array with numpy.save")
    return ArrayReader(array, asked)
