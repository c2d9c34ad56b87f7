"""NumPy's own file of an array, and a file of labels beside it, one a line."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BadVectors, reason
from indexer.portable.labels import Names, named
from indexer.portable.unpacked import Unpacked
from indexer.portable.vectors import ROWS, Block, Float32, Labelled, Put, VectorSource

FLOATS = ("float16", "float32", "float64")
_KINDS = f"vectors are {', '.join(FLOATS)}"


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

    def __init__(
        self, array: NDArray[Any], asked: VectorSource, labels: list[str] | None = None
    ) -> None:
        name = asked.path.name
        if array.ndim != 2:
            raise BadVectors(
                f"{name}: {array.ndim} dimensions {array.shape}; vectors are the rows of 2"
            )
        if array.dtype.newbyteorder("=").name not in FLOATS:
            raise BadVectors(f"{name} holds {array.dtype}; {_KINDS}")
        self._array = array.T if asked.transpose else array
        self.rows, self.width = self._array.shape
        self.notes: list[str] = []
        if not self.rows or not self.width:
            raise BadVectors(f"{name} holds no vectors: its shape is {array.shape}")
        if labels is not None and asked.labels is None:
            if len(labels) != self.rows:
                raise BadVectors(f"{name}: {len(labels):,} labels for {self.rows:,} vectors")
            self._labels: Names = labels
        else:
            self._labels, note = named(asked, self.rows)
            self.notes.append(note)
        if asked.limit is not None:
            self.rows = min(self.rows, asked.limit)

    def place(self, row: int) -> str:
        """Rows are counted from 0, as NumPy has it."""
        return f"row {row}"

    def names(self) -> Iterator[list[str]]:
        """All names, in order."""
        for first in range(0, self.rows, ROWS):
            yield self._labels[first : min(first + ROWS, self.rows)]

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        for first in range(0, self.rows, ROWS):
            labels = self._labels[first : min(first + ROWS, self.rows)]
            with np.errstate(over="ignore"):  # what is too large is told as not finite
                part = np.array(self._array[first : first + len(labels)], np.float32)
            yield Block(labels, part)


def read(source: Unpacked, asked: VectorSource) -> ArrayReader:
    """Open an array, mapped, once its header fits the size of the file.

    Raises:
        BadVectors: it is no array of NumPy, is cut short, or holds no vectors.
    """
    shape, fortran, dtype = _header(source)
    if dtype.hasobject:
        raise BadVectors(f"{source.name} holds Python's objects, which are pickles; {_KINDS}")
    start = source.file.tell()
    ends = start + math.prod(shape) * dtype.itemsize
    if ends > source.size:
        raise BadVectors(
            f"{source.name} is cut short: an array {shape} of {dtype} ends at byte {ends:,}, and "
            f"the file has {source.size:,}"
        )
    if ends < source.size:
        raise BadVectors(
            f"{source.name}: {source.size - ends:,} bytes follow the array {shape} of {dtype}: the "
            "file holds more than one array, or its header is damaged"
        )
    if not math.prod(shape) or not dtype.itemsize:
        raise BadVectors(f"{source.name} holds no vectors: its shape is {shape}")
    order: Literal["F", "C"] = "F" if fortran else "C"
    return ArrayReader(np.memmap(source.file, dtype, "r", start, shape, order), asked)


def _header(source: Unpacked) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type; the file is left where the numbers begin."""
    file, readers = source.file, np.lib.format
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a damaged header looks like
            version = readers.read_magic(file)
            if version == (1, 0):
                shape, fortran, dtype = readers.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, fortran, dtype = readers.read_array_header_2_0(file)
            else:
                raise BadVectors(
                    f"{source.name} is no array of NumPy: version {version[0]}.{version[1]} is not "
                    "one that arrays of numbers have"
                )
    except BadVectors:
        raise
    except Exception as err:  # the header is a Python literal: whatever Python says of a bad one
        raise BadVectors(f"{source.name} is no array of NumPy: {reason(err)}") from None
    if any(type(n) is not int or n < 0 for n in shape):
        raise BadVectors(f"{source.name} is no array of NumPy: its shape is {shape}")
    return shape, fortran, dtype
