"""The rows of a space as FAISS files, written a block at a time, scanned in place.

Knows the byte layout of faiss's `IndexFlatIP` ("IxFI") and nothing of what a row means. Writing
needs no faiss, so a process that holds torch never loads a second OpenMP runtime; reading is
`faiss.read_index` on a mapped file, and a scan is faiss's own inner-product kernel over it. Rows of
16 bits are `indexer.store.sixteen`'s; whoever reads gets the float32 rows that they stand for.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry, opened
from indexer.store.layout import rows_file
from indexer.store.mapped import Files, Mapped, Piece, filled, in_parts
from indexer.store.shards import Shard, listed, runs
from indexer.store.sixteen import Decoding, Raw, SixteenFile
from indexer.store.sixteen import header as narrow_header
from indexer.store.spaces import Narrow, SpaceEntry

Float32 = NDArray[np.float32]

# fourcc, d, ntotal, two unused words faiss sets to 2**20, is_trained, metric (0: inner product),
# and the length of the vector that follows, in floats.
_HEADER = struct.Struct("<4siqqq?iQ")

BLOCK = 4096
"""Rows handled at a time wherever a space is walked through."""

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

    Args:
        path: of the file.
        rows: how many it will hold.
        width: of a row.
        dtype: the type of 16 bits that its numbers have; None of float32.
    """

    def __init__(self, path: Path, rows: int, width: int, dtype: Narrow | None = None) -> None:
        self.rows, self.width = rows, width
        begins = narrow_header(rows, width, dtype) if dtype else header(rows, width)
        self._numbers = np.dtype("<u2" if dtype else "<f4")
        self._begins = len(begins)
        size = self._begins + rows * width * self._numbers.itemsize
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        # Full length comes last, so a file of that length has its header.
        if os.fstat(self._fd).st_size != size:
            os.pwrite(self._fd, begins, 0)
            os.truncate(self._fd, size)

    def put(self, first: int, block: NDArray[Any]) -> None:
        """Write `block` as rows `first` to `first + n`.

        (n, width) float32, unit rows; uint16, the bits of numbers, where they have 16.
        """
        data = np.ascontiguousarray(block, dtype=self._numbers).data.cast("B")
        at = self._begins + first * self.width * self._numbers.itemsize
        while data:
            done = os.pwrite(self._fd, data, at)
            data, at = data[done:], at + done

    def get(self, first: int, count: int) -> NDArray[Any]:
        """Rows `first` to `first + count` as they are in the file now, by plain reads.

        In aligned memory, (count, width) of what `put` takes.
        """
        return read_rows(self._fd, self.width, first, count, self._begins, self._numbers)

    def sync(self) -> None:
        """Return once everything put so far is on the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class ShardsWriter:
    """The files of a space's rows, filled as one is, in any order and at any pace.

    Args:
        folder: of the index under way.
        file: what the file is called where it is the only one.
        shards: which rows lie in which.
        width: of a row.
        dtype: the type of 16 bits that its numbers have; None of float32.
    """

    def __init__(
        self,
        folder: Path,
        file: str,
        shards: Sequence[Shard],
        width: int,
        dtype: Narrow | None = None,
    ) -> None:
        self.shards, self.rows, self.width = tuple(shards), shards[-1].end, width
        narrow = (dtype,) if dtype else ()
        self._writers = {
            shard: RowsWriter(folder / shard.file(file), shard.rows, width, *narrow)
            for shard in self.shards
        }

    def put(self, first: int, block: NDArray[Any], raw: Raw | None = None) -> NDArray[Any]:
        """Write `block`, as `RowsWriter` takes it, as rows `first` to `first + n`.

        Args:
            first: the position of its first row.
            block: (n, width).
            raw: of which vectors they were made, for rows of 16 bits.

        Returns:
            The rows that are stored.
        """
        for shard, start, stop in runs(self.shards, first, first + len(block)):
            at = shard.first - first
            self._writers[shard].put(start, block[at + start : at + stop])
        return block

    def get(self, first: int, count: int) -> NDArray[Any]:
        """Rows `first` to `first + count` as they are on disk now, (count, width)."""
        parts = [
            self._writers[shard].get(start, stop - start)
            for shard, start, stop in runs(self.shards, first, first + count)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @property
    def rounded(self) -> int:
        """How many rows are not those that were put."""
        return 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is to stand beside the rows, by name."""
        return {}

    def sync(self) -> None:
        """Return once everything put so far is on the disk."""
        for writer in self._writers.values():
            writer.sync()

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()


def read_rows(
    fd: int,
    width: int,
    first: int,
    count: int,
    begins: int = _HEADER.size,
    numbers: np.dtype[Any] | None = None,
) -> NDArray[Any]:
    """Rows of a FAISS file by plain reads, into aligned memory: (count, width).

    Args:
        fd: of the file.
        width: of a row.
        first: the first of them.
        count: how many.
        begins: bytes before the numbers.
        numbers: their type; float32 unless given.
    """
    block = np.empty((count, width), numbers or np.dtype("<f4"))
    if not filled(fd, block.data.cast("B"), begins + first * width * block.itemsize):
        raise DamagedIndex(f"file of rows ends before row {first + count}")
    return block


_CACHED_ROWS = 192
_MANY_QUERIES, _COPIED_ROWS, _APART = 16, 2048, 16
_ROWS_A_THREAD = 2048
"""Rows for which one more thread is worth its while."""
_AHEAD_BYTES = 64 << 20
"""How far a walk over rows asks for what it will read next."""
_MANY_ROWS, _DENSE = 1024, 8
"""Rows copied at once from which on they are asked for, where one of so many is needed."""


class RowsFile(Mapped):
    """Rows mapped from one FAISS file.

    `faiss_index` is the mapped `IndexFlatIP`; never `add` to it.

    Attributes:
        matrix: (rows, width) float32. It starts at an odd offset of the file, where NumPy would
            copy the whole of it before it multiplies.
    """

    def __init__(self, path: Path, rows: int, width: int, label: str) -> None:
        kind = f"{rows:,} x {width} FAISS file"
        super().__init__(path, header(rows, width), width * 4, rows, kind, label)
        flat = self.faiss.rev_swig_ptr(self.faiss_index.get_xb(), rows * width)
        self.matrix: Float32 = flat.reshape(rows, width)
        self.rows = rows

    def read(self, start: int, stop: int, out: Float32) -> Float32:
        """Rows from one on to another, as the file counts them, copied to `out`."""
        out[:] = self.matrix[start:stop]
        return out

    def taken(self, positions: NDArray[np.int64]) -> Float32:
        """Rows at some positions of the file: (n, width) float32."""
        rows: Float32 = self.matrix[positions]
        return rows

    def decoded(self, positions: NDArray[np.int64], stored: bytearray) -> Float32:
        """The same, of rows that were read: their bytes, one after another."""
        rows: Float32 = np.frombuffer(stored, "<f4").reshape(len(positions), -1)
        return rows


StoredFile = RowsFile | SixteenFile
"""A file of rows, in whatever type they are stored."""


class MappedRows:
    """The rows of one space, mapped from their FAISS files.

    Scans go through faiss's kernel, which reads rows where they lie. What a scan finds does not
    depend on where the files are cut.

    Args:
        files: theirs.
        width: of a row.
        label: whose they are, in front of a file's name.
    """

    def __init__(self, files: Files[RowsFile] | Files[StoredFile], width: int, label: str) -> None:
        self.files, self.rows, self.width, self._label = files, files.rows, width, label
        self._ends = np.array([shard.end for shard in files.shards])
        self._ended, self._asked = -1, 0  # where the last long block ended, and what was asked for

    @property
    def _rows_ahead(self) -> int:
        return max(1, _AHEAD_BYTES // (4 * self.width))

    def row(self, position: int) -> Float32:
        """One row, (width,) float32, a copy."""
        row: Float32 = self.take(np.array([position]))[0]
        return row

    def block(self, first: int, count: int) -> Float32:
        """Rows `first` to `first + count`, (count, width) float32, a copy in aligned memory."""
        self._require_there(first, first + count - 1)
        if count >= _MANY_ROWS:
            self._ask_for(first, first + count)
        return self._block(first, first + count)

    def take(self, positions: NDArray[np.int64]) -> Float32:
        """Rows at some positions, (len(positions), width) float32, a copy in aligned memory."""
        if not len(positions):
            return np.empty((0, self.width), np.float32)
        self._require_there(int(positions.min()), int(positions.max()))
        if len(self.files.shards) == 1:
            return self._taken(self.files.file(self.files.shards[0]), positions)
        rows = np.empty((len(positions), self.width), np.float32)
        within = np.searchsorted(self._ends, positions, side="right")
        for at in np.unique(within).tolist():
            shard, here = self.files.shards[at], within == at
            rows[here] = self._taken(self.files.file(shard), positions[here] - shard.first)
        return rows

    def _require_there(self, least: int, most: int) -> None:
        if least < 0 or most >= self.rows:
            row = least if least < 0 else most
            raise DamagedIndex(
                f"{self._label}{self.files.whole} has rows 0 to {self.rows - 1:,}, and row "
                f"{row:,} was looked for: `indexer verify` says what is damaged"
            )

    def _block(self, first: int, last: int) -> Float32:
        return self._read(first, np.empty((last - first, self.width), np.float32))

    def _read(self, first: int, rows: Float32) -> Float32:
        """Rows from a position on, copied into memory that is there: as many as it has room for."""
        for piece in self._pieces(first, first + len(rows)):
            at = piece.before - first
            out = rows[at + piece.start : at + piece.stop]
            piece.file.read(piece.start, piece.stop, out)
        return rows

    def _taken(self, file: StoredFile, positions: NDArray[np.int64]) -> Float32:
        """Rows of one file, by where they lie in it."""
        few = file.few(positions.tolist())
        if few is not None:
            return file.decoded(positions, few)
        file.require_whole()
        if len(positions) >= _MANY_ROWS:
            # Where they stand close together what lies between them is read too.
            runs, counts = np.unique(positions // _MANY_ROWS, return_counts=True)
            for run in runs[counts * _DENSE >= _MANY_ROWS].tolist():
                last = min((run + 1) * _MANY_ROWS, file.rows)
                file.read_ahead(run * _MANY_ROWS, last)
        return file.taken(positions)

    def walk(self, queries: Float32) -> Iterator[tuple[int, Float32]]:
        """Inner products with many queries, of some rows after the other: (m, width) float32.

        Yields the position of the first of them, and (n, m) float32, which the next overwrite.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        products = np.empty((min(_COPIED_ROWS, self.rows), len(queries)), np.float32)
        for first, block in self._copies():
            yield first, np.matmul(block, queries.T, out=products[: len(block)])

    def _copies(self) -> Iterator[tuple[int, Float32]]:
        """All rows, some after the other, in aligned memory which the next overwrite.

        They are few enough to be in the processor's cache when they are multiplied; and memory that
        is used again needs no new pages.
        """
        copy = np.empty((min(_COPIED_ROWS, self.rows), self.width), np.float32)
        for first, last in self._steps(0, self.rows, _COPIED_ROWS):
            yield first, self._read(first, copy[: last - first])

    def scan(self, queries: Float32) -> Float32:
        """Inner products of every row with some queries: (m, width) -> (m, rows) float32.

        Each thread walks a part of the rows in blocks that stay in the processor's cache while
        every query passes over them, so that further queries cost no further reading. Of many
        queries one matrix product a block is faster, though it needs a copy of the block.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if len(queries) >= _MANY_QUERIES:
            # Rows of the result that lie a multiple of a page apart would share few cache lines.
            out = np.empty((len(queries), self.rows + _APART), np.float32)[:, : self.rows]
            for first, block in self._copies():
                np.matmul(queries, block.T, out=out[:, first : first + len(block)])
            return out
        out = np.empty((len(queries), self.rows), np.float32)
        step = self._rows_ahead
        within = step if len(queries) == 1 else _CACHED_ROWS

        def part(first: int, last: int) -> None:
            for start, stop in self._steps(first, last, step):
                for piece in self._pieces(start, stop):
                    multiply(piece)

        def multiply(piece: Piece[RowsFile] | Piece[StoredFile]) -> None:
            file, faiss = piece.file, piece.file.faiss
            kernel, pointer = faiss.fvec_inner_products_ny, faiss.swig_ptr
            # Rows that are decoded stay in the cache, in memory that is used again.
            several, copy = within, np.empty((0, self.width), np.float32)
            if isinstance(file, SixteenFile):
                several, copy = _CACHED_ROWS, np.empty((_CACHED_ROWS, self.width), np.float32)
            for start in range(piece.start, piece.stop, several):
                stop = min(start + several, piece.stop)
                if isinstance(file, SixteenFile):
                    rows = pointer(file.read(start, stop, copy[: stop - start]))
                else:
                    rows = pointer(file.matrix[start:stop])
                here = slice(piece.before + start, piece.before + stop)
                for at, query in enumerate(queries):
                    kernel(pointer(out[at, here]), pointer(query), rows, self.width, stop - start)

        in_parts(self.rows, _ROWS_A_THREAD, part)
        return out

    def _ask_for(self, first: int, last: int) -> None:
        """Read a block ahead, and what follows where it follows another: who walks walks on."""
        begin, end = first, last
        if first == self._ended:
            begin = max(first, self._asked)
            end = min(last + self._rows_ahead, self.rows)
        self._ended, self._asked = last, end
        self._read_ahead(begin, end)

    def _steps(self, first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
        """A walk over rows: so many at a time, each asked for while those before it are read."""
        self._read_ahead(first, min(first + step, last))
        for start in range(first, last, step):
            stop = min(start + step, last)
            self._read_ahead(stop, min(stop + step, last))
            yield start, stop

    def _read_ahead(self, first: int, last: int) -> None:
        for piece in self.files.pieces(first, last):
            piece.file.read_ahead(piece.start, piece.stop)

    def _pieces(self, first: int, last: int) -> Iterator[Piece[RowsFile] | Piece[StoredFile]]:
        for piece in self.files.pieces(first, last):
            piece.file.require_whole()
            yield piece


class UnitRows(MappedRows):
    """The rows of a space of a sealed index, each of length 1 or zero.

    Whatever is read of them is checked for that: a row by its length as it is copied, and all of
    them in a scan by their products, none of which can be greater than the query is long. What
    answers show is scored from copies, so that no damaged row is shown.

    Args:
        folder: of the index.
        space: what the manifest says of the space.
        files: what it says of files.
        decoding: what makes rows of stored numbers, where these have 16 bits.
    """

    def __init__(
        self,
        folder: Path,
        space: SpaceEntry,
        files: Mapping[str, FileEntry],
        decoding: Decoding | None = None,
    ) -> None:
        whole, label = rows_file(space.name), f"index {folder.name!r}: "

        def open_file(shard: Shard) -> StoredFile:
            name = shard.file(whole)
            opened(folder, name, files.get(name)).close()
            of = (folder / name, shard.rows, space.width, label + name)
            return RowsFile(*of) if decoding is None else SixteenFile(*of, decoding, shard.first)

        shards = listed(whole, files, space.rows)
        super().__init__(Files(whole, shards, open_file), space.width, label)

    def block(self, first: int, count: int) -> Float32:
        """Rows `first` to `first + count`, (count, width) float32, a copy in aligned memory.

        Raises:
            DamagedIndex: one is not of length 1.
        """
        rows = super().block(first, count)
        self._require_unit(rows, lambda at: first + at)
        return rows

    def take(self, positions: NDArray[np.int64]) -> Float32:
        """Rows at some positions, (len(positions), width) float32, a copy in aligned memory.

        Raises:
            DamagedIndex: one is not of length 1.
        """
        rows = super().take(positions)
        self._require_unit(rows, lambda at: int(positions[at]))
        return rows

    def _require_unit(self, rows: Float32, row_of: Callable[[int], int]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = not_unit(rows)
        if len(wrong):
            at = row_of(int(wrong[0]))
            raise self._not_unit(at, "is not of length 1")

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
        raise self._not_unit(first + at, f"has a cosine of {cosine:.3g} with what was asked")

    def _not_unit(self, row: int, said: str) -> DamagedIndex:
        name = self._label + self.files.name_of(row)
        return DamagedIndex(f"{name}: row {row:,} {said}: `indexer verify` says what is damaged")


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
