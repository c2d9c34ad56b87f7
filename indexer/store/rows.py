"""The rows of a space as a FAISS file, written a block at a time, scanned in place.

Knows the byte layout of faiss's `IndexFlatIP` ("IxFI") and nothing of what a row means. Writing
needs no faiss, so a process that holds torch never loads a second OpenMP runtime; reading is
`faiss.read_index` on a mapped file, and a scan is faiss's own inner-product kernel over it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry, opened
from indexer.store.layout import rows_file
from indexer.store.mapped import Mapped, threads
from indexer.store.spaces import SpaceEntry

Float32 = NDArray[np.float32]

# fourcc, d, ntotal, two unused words faiss sets to 2**20, is_trained, metric (0: inner product),
# and the length of the vector that follows, in floats.
_HEADER = struct.Struct("<4siqqq?iQ")


ROUNDING = 1e-4
"""How far the length of a unit row, and a cosine, may be from 1: float32 sums stay well below."""


def file_bytes(rows: int, width: int) -> int:
    """The size of the FAISS file of `rows` x `width`."""
    return _HEADER.size + rows * width * 4


def header(rows: int, width: int) -> bytes:
    """The bytes that stand before the floats of an `IndexFlatIP` of `rows` x `width`."""
    return _HEADER.pack(b"IxFI", width, rows, 1 << 20, 1 << 20, True, 0, rows * width)


class RowsWriter:
    """A FAISS file of known size, filled in any order and at any pace.

    The file has its full length and a whole header from the start, so what is in it after a
    kill is exactly what was written. Rows go in with `put`; memory is the caller's block.
    """

    def __init__(self, path: Path, rows: int, width: int) -> None:
        self.rows, self.width = rows, width
        size = file_bytes(rows, width)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        # Full length comes last, so a file of that length has its header.
        if os.fstat(self._fd).st_size != size:
            os.pwrite(self._fd, header(rows, width), 0)
            os.truncate(self._fd, size)

    def put(self, first: int, block: Float32) -> None:
        """Write `block` ((n, width) float32, unit rows) as rows `first` to `first + n`."""
        data = np.ascontiguousarray(block, dtype="<f4").data.cast("B")
        at = _HEADER.size + first * self.width * 4
        while data:
            done = os.pwrite(self._fd, data, at)
            data, at = data[done:], at + done

    def get(self, first: int, count: int) -> Float32:
        """Rows `first` to `first + count` as they are in the file now, (count, width) float32."""
        return read_rows(self._fd, self.width, first, count)

    def sync(self) -> None:
        """Return once everything put so far is on the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_rows(fd: int, width: int, first: int, count: int) -> Float32:
    """Rows of a FAISS file by plain reads, into aligned memory: (count, width) float32."""
    block = np.empty((count, width), dtype="<f4")
    view = block.data.cast("B")
    at = _HEADER.size + first * width * 4
    while view:
        done = os.preadv(fd, [view], at)
        if done == 0:
            raise DamagedIndex(f"file of rows ends before row {first + count}")
        view, at = view[done:], at + done
    return block


_CACHED_ROWS = 192
_MANY_QUERIES, _COPIED_ROWS, _APART = 16, 2048, 16
_FEW_ROWS = 4096
"""Rows below which one thread is as fast as several."""
_MANY_ROWS = 1024
"""Rows copied at once from which on the whole file is likely to be read."""


class MappedRows(Mapped):
    """The rows of one space, mapped from their FAISS file.

    `faiss_index` is the mapped `IndexFlatIP`; never `add` to it. The floats start at an odd
    offset of the file, where NumPy would copy the whole matrix before it multiplies, so scans go
    through faiss's kernel, which reads them where they lie.
    """

    def __init__(self, path: Path, rows: int, width: int, label: str) -> None:
        kind = f"{rows:,} x {width} FAISS file"
        super().__init__(path, header(rows, width), file_bytes(rows, width), kind, label)
        self.rows, self.width = rows, width
        flat = self._faiss.rev_swig_ptr(self.faiss_index.get_xb(), rows * width)
        self._matrix: Float32 = flat.reshape(rows, width)

    def row(self, position: int) -> Float32:
        """One row, (width,) float32, a copy."""
        row: Float32 = self.block(position, 1)[0]
        return row

    def block(self, first: int, count: int) -> Float32:
        """Rows `first` to `first + count`, (count, width) float32, a copy in aligned memory."""
        return self._copied(slice(first, first + count), first, first + count - 1)

    def take(self, positions: NDArray[np.int64]) -> Float32:
        """Rows at some positions, (len(positions), width) float32, a copy in aligned memory."""
        least, most = (int(positions.min()), int(positions.max())) if len(positions) else (0, -1)
        return self._copied(positions, least, most)

    def _copied(self, which: slice | NDArray[np.int64], least: int, most: int) -> Float32:
        if least < 0 or most >= self.rows:
            row = least if least < 0 else most
            raise DamagedIndex(
                f"{self.label} has rows 0 to {self.rows - 1:,}, and row {row:,} was looked for: "
                "`indexer verify` says what is damaged"
            )
        self.require_whole()
        if most - least >= _MANY_ROWS and (isinstance(which, slice) or len(which) >= _MANY_ROWS):
            self.read_ahead()
        rows = self._matrix[which]
        # A slice is a view of the file; what is picked is a copy already.
        return np.array(rows, np.float32) if isinstance(which, slice) else rows

    def walk(self, queries: Float32) -> Iterator[tuple[int, Float32]]:
        """Inner products with many queries, of some rows after the other: (m, width) float32.

        Yields the position of the first of them, and (n, m) float32, which the next overwrite.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        self.require_whole()
        self.read_ahead()
        products = np.empty((min(_COPIED_ROWS, self.rows), len(queries)), np.float32)
        for first, block in self._copies():
            yield first, np.matmul(block, queries.T, out=products[: len(block)])

    def _copies(self) -> Iterator[tuple[int, Float32]]:
        """All rows, some after the other, in aligned memory which the next overwrite.

        They are few enough to be in the processor's cache when they are multiplied; and memory that
        is used again needs no new pages.
        """
        copy = np.empty((min(_COPIED_ROWS, self.rows), self.width), np.float32)
        for first in range(0, self.rows, _COPIED_ROWS):
            block = copy[: min(_COPIED_ROWS, self.rows - first)]
            np.copyto(block, self._matrix[first : first + len(block)])
            yield first, block

    def scan(self, queries: Float32) -> Float32:
        """Inner products of every row with some queries: (m, width) -> (m, rows) float32.

        Each thread walks a part of the rows in blocks that stay in the processor's cache while
        every query passes over them, so that further queries cost no further reading. Of many
        queries one matrix product a block is faster, though it needs a copy of the block.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        self.require_whole()
        self.read_ahead()
        if len(queries) >= _MANY_QUERIES:
            # Rows of the result that lie a multiple of a page apart would share few cache lines.
            out = np.empty((len(queries), self.rows + _APART), np.float32)[:, : self.rows]
            for first, block in self._copies():
                np.matmul(queries, block.T, out=out[:, first : first + len(block)])
            return out
        out = np.empty((len(queries), self.rows), np.float32)
        workers, count = threads()
        parts = count if self.rows >= _FEW_ROWS else 1
        edges = [self.rows * i // parts for i in range(parts + 1)]
        kernel, pointer = self._faiss.fvec_inner_products_ny, self._faiss.swig_ptr

        def part(first: int, last: int) -> None:
            step = last - first if len(queries) == 1 else _CACHED_ROWS
            for start in range(first, last, step):
                end = min(start + step, last)
                rows = pointer(self._matrix[start:end])
                for at, query in enumerate(queries):
                    kernel(
                        pointer(out[at, start:end]), pointer(query), rows, self.width, end - start
                    )

        running = [workers.submit(part, edges[i], edges[i + 1]) for i in range(1, parts)]
        part(edges[0], edges[1])
        for future in running:
            future.result()
        return out


class UnitRows(MappedRows):
    """The rows of a space of a sealed index, each of length 1 or zero.

    Whatever is read of them is checked for that: a row by its length as it is copied, and all of
    them in a scan by their products, none of which can be greater than the query is long. What
    answers show is scored from copies, so that no damaged row is shown.

    Args:
        folder: of the index.
        space: what the manifest says of the space.
        entry: what it says of the file.
    """

    def __init__(self, folder: Path, space: SpaceEntry, entry: FileEntry | None) -> None:
        name = rows_file(space.name)
        opened(folder, name, entry).close()
        super().__init__(folder / name, space.rows, space.width, f"index {folder.name!r}: {name}")

    def _copied(self, which: slice | NDArray[np.int64], least: int, most: int) -> Float32:
        rows = super()._copied(which, least, most)
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = not_unit(rows)
        if len(wrong):
            at = int(wrong[0]) + least if isinstance(which, slice) else int(which[wrong[0]])
            raise self._not_unit(f"row {at:,} is not of length 1")
        return rows

    def scan(self, queries: Float32) -> Float32:
        """Inner products of every row with some queries: (m, width) -> (m, rows) float32.

        Raises:
            DamagedIndex: a product is no number, or greater than products with unit rows can be.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            out = super().scan(queries)
            self._check(out, 0, _longest(queries))
        return out

    def walk(self, queries: Float32) -> Iterator[tuple[int, Float32]]:
        """Inner products with many queries, as of any rows.

        Raises:
            DamagedIndex: as `scan` does.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            longest, each = _longest(queries), super().walk(queries)
        while True:
            with np.errstate(over="ignore", invalid="ignore"):
                found = next(each, None)
                if found is None:
                    return
                self._check(found[1].T, found[0], longest)
            yield found

    def _check(self, products: Float32, first: int, longest: NDArray[np.float64]) -> None:
        """Raise `DamagedIndex` where a product is greater than the query's length, or no number.

        Args:
            products: (m, n) float32.
            first: position of the first row that they are of.
            longest: what they may be at the most, (m,) float64.
        """
        greatest = np.maximum(products.max(axis=1), -products.min(axis=1))
        sound = greatest <= longest  # not so where either is no number
        if sound.all():
            return
        query = int(np.argmin(sound))
        wrong = products[query]
        at = int(np.argmax(np.where(np.isfinite(wrong), np.abs(wrong), np.inf)))
        cosine = float(wrong[at]) * (1 + ROUNDING) / max(float(longest[query]), 1e-300)
        raise self._not_unit(f"row {first + at:,} has a cosine of {cosine:.3g} with what was asked")

    def _not_unit(self, said: str) -> DamagedIndex:
        return DamagedIndex(f"{self.label}: {said}: `indexer verify` says what is damaged")


def _longest(queries: Float32) -> NDArray[np.float64]:
    """What products of some queries with unit rows may be at the most: (m,) float64."""
    found: NDArray[np.float64] = np.linalg.norm(queries.astype(np.float64), axis=1)
    found *= 1 + ROUNDING
    return found


def not_unit(rows: Float32) -> NDArray[np.int64]:
    """Which of some rows are neither of length 1 nor zero: positions, int64."""
    squares = np.vecdot(rows, rows)
    off = ~(np.abs(squares - 1) <= 2 * ROUNDING)
    return np.flatnonzero(off & (squares != 0))


def scan_error(width: int) -> float:
    """How far a scan's inner product of two unit vectors may be from that of the same in float64.

    n products added up in float32, in whatever order and with or without fused multiplication, are
    off by gamma_n |x||y| at the most, gamma_n = n u / (1 - n u) and u = 2^-24 (Higham 2002,
    "Accuracy and Stability of Numerical Algorithms", section 3.1). Five are added to n: rounding
    the query to float32 is off by u, a row is longer or shorter than 1 by up to u, which a cosine
    divides by, and what is left is more than the float64 product, or a number too small for
    float32, is off by. At a width of 576 it is 3.5e-5.

    Args:
        width: of the vectors.
    """
    steps = (width + 5) * 2.0**-24
    return steps / (1 - steps)
