"""The files of a space's 8-bit codes: written as faiss has them, asked for what scores highest.

A file is faiss's `IndexScalarQuantizer` of type `QT_8bit_direct_signed` ("IxSQ"). Where its width
is a multiple of 16 faiss multiplies bytes, many at once, and takes the whole part of a query's
numbers; so vectors have as many zeros after them, and queries are whole numbers. Writing it needs
no faiss. What the bytes mean is in `indexer.store.coding`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.coding import (
    MOST_CODE,
    SLACK,
    Float64,
    Source,
    code_width,
    coded,
    in_cache,
    in_float32,
    lengths_left,
    rounding,
    scales_of,
    signs,
    turned,
)
from indexer.store.files import FileEntry, opened
from indexer.store.layout import codes_file
from indexer.store.mapped import Files, Mapped, Piece, in_parts
from indexer.store.moments import Moments, Part
from indexer.store.rows import Float32, scan_error
from indexer.store.shards import Shard, listed
from indexer.store.spaces import SpaceEntry

Int64 = NDArray[np.int64]

_ROWS_A_THREAD = 8192
"""Rows for which one more thread is worth its while."""

_PROBES, _ALIKE = 8, 1e-9
"""Along how many directions moments are held against the rows, and how far they may be apart."""
_SURE = 2e-10
"""The same of moments whose products were added up in float32, before they are written."""

# fourcc, d, ntotal, two unused words, is_trained, metric (0: inner product); then the quantizer:
# its type (8: QT_8bit_direct_signed), how and from what it was trained, d, bytes a vector, numbers
# trained; and how many bytes follow.
_HEADER = struct.Struct("<4siqqq?iiifQQQQ")
_SIGNED = 8
_OFFSET = 128
"""What is added to a signed byte where it is stored, which flips its first bit."""


def header(rows: int, width: int) -> bytes:
    """The bytes that stand before the codes of `rows` vectors of `width`."""
    wide = code_width(width)
    index = (b"IxSQ", wide, rows, 1 << 20, 1 << 20, True, 0)
    return _HEADER.pack(*index, _SIGNED, 0, 0.0, wide, wide, 0, rows * wide)


class CodesWriter:
    """Files of codes, written from the beginning of the first to the end of the last.

    Args:
        folder: of the index under way.
        file: what the file is called where it is the only one.
        shards: which rows lie in which.
        width: of a vector.
    """

    def __init__(self, folder: Path, file: str, shards: Sequence[Shard], width: int) -> None:
        self._files, self._left = [], [shard.rows for shard in shards]
        for shard in shards:
            self._files.append((folder / shard.file(file)).open("wb"))
            self._files[-1].write(header(shard.rows, width))

    def put(self, codes: NDArray[np.int8]) -> None:
        """Write the codes that come next: (n, code width) int8."""
        while len(codes):
            at = next(at for at, left in enumerate(self._left) if left)
            here, codes = codes[: self._left[at]], codes[self._left[at] :]
            self._files[at].write((here.view(np.uint8) ^ np.uint8(_OFFSET)).data)
            self._left[at] -= len(here)

    def close(self) -> None:
        """Return once everything is on the disk."""
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
            file.close()


class Compared:
    """Of the vectors of a space that are coded: their moments, and the greatest of their numbers.

    Args:
        width: of the vectors.
    """

    def __init__(self, width: int) -> None:
        self._moments = Moments(width)
        self._greatest = np.zeros(code_width(width), np.float32)

    @staticmethod
    def part_of(source: Source, vectors: Float64) -> tuple[Float32, Part]:
        """What is kept of a block of them, (n, width) float64; several threads may ask.

        Of many rows products are added up in float32, which takes half as long: `write_codes`
        holds what comes of it against the rows.
        """
        most = [np.maximum(wide.max(axis=0), -wide.min(axis=0)) for _, wide in in_cache(vectors)]
        dtype = np.float32 if in_float32(source.entry) else np.float64
        return np.max(most, axis=0), Part.of(vectors, dtype)

    def add(self, most: Float32, part: Part) -> None:
        """Take a block in."""
        np.maximum(self._greatest, most, out=self._greatest)
        self._moments.add(part)

    @property
    def scales(self) -> Float32:
        """(code width,) float32."""
        return scales_of(self._greatest)

    def moments(self) -> tuple[Float64, Float64]:
        """Mean and covariance of all that was taken in."""
        return self._moments.found()


def write_codes(
    folder: Path,
    file: str,
    shards: Sequence[Shard],
    source: Source,
    compared: Compared | None = None,
) -> dict[str, NDArray[Any]]:
    """Write the codes of a space, in two walks over its rows.

    Args:
        folder: of the index under way.
        file: what the file is called where it is the only one.
        shards: which rows lie in which.
        source: the rows.
        compared: what the first walk would find, where another has found it before the centred
            norms were known: these are then found in the second.

    Returns:
        `scales` (code width,) float32, `residuals` (rows,) float32; and of all the vectors that
        are coded, `compared_mean` (width,) float64 and `compared_covariance` (width, width)
        float64, divided by n: the scores of a query have its product with the one as their mean,
        and its square by the other as their variance.
    """
    entry, centering = source.entry, compared is not None
    if compared is None:
        compared = Compared(entry.width)
        for _, found in source.each(lambda _, vectors: Compared.part_of(source, vectors)):
            compared.add(*found)
    spread = compared.moments()
    along = _Along(spread)
    scales, residuals = compared.scales, np.empty(entry.rows, np.float32)

    def written(first: int) -> tuple[NDArray[np.int8], Float64]:
        unit = source.rows(first)
        if centering:
            source.center(first, unit)
        codes = np.empty((len(unit), code_width(entry.width)), np.int8)
        vectors = source.compared(first, unit)
        for at, wide in in_cache(vectors):
            here = slice(at, at + len(wide))
            codes[here], residuals[first + at : first + at + len(wide)] = coded(wide, scales)
        return codes, along.products(vectors)

    writer = CodesWriter(folder, file, shards, entry.width)
    for _, (codes, products) in source.walk(written):
        writer.put(codes)
        along.add(products)
    writer.close()
    if in_float32(entry) and not along.apart() <= _SURE:
        spread = _exactly(source)
    return {
        "scales": scales,
        "residuals": residuals,
        "compared_mean": spread[0],
        "compared_covariance": spread[1],
    }


def _exactly(source: Source) -> tuple[Float64, Float64]:
    """Mean and covariance of what is compared, products added up in float64."""
    found = Moments(source.entry.width)
    for _, part in source.each(lambda _, vectors: Part.of(vectors, np.float64)):
        found.add(part)
    return found.found()


class _Along:
    """Vectors along a few directions, which tell whether moments are theirs.

    The variance along each tells a wrong number anywhere in the covariance.

    Args:
        spread: mean and covariance.
    """

    def __init__(self, spread: tuple[Float64, Float64]) -> None:
        width = len(spread[0])
        self._along = signs(_PROBES * width).reshape(_PROBES, width) / np.sqrt(width)
        self._middle = self._along @ spread[0]
        self._expected = np.vecdot(self._along @ spread[1], self._along)
        self._most = float(np.trace(spread[1])) + SLACK
        self._rows, self._sums, self._squares = 0, np.zeros(_PROBES), np.zeros(_PROBES)

    def products(self, vectors: Float64) -> Float64:
        """(n, width) -> (n, directions), less the mean; several threads may ask."""
        products: Float64 = vectors @ self._along.T - self._middle
        return products

    def add(self, products: Float64) -> None:
        """Take the products of some vectors in."""
        self._rows += len(products)
        self._sums += products.sum(axis=0)
        self._squares += np.square(products).sum(axis=0)

    def apart(self) -> float:
        """How far mean and variance are from what they should be, the latter of all the variance.

        No number where one of them is none.
        """
        means = np.abs(self._sums / self._rows)
        variances = np.abs(self._squares / self._rows - self._expected) / self._most
        return float(np.max([means, variances]))


@dataclass(frozen=True)
class Highest:
    """The items whose codes score highest with a query.

    Attributes:
        positions: (n,) int64, in no order.
        scores: (n,) float64, what their codes score.
        off_by: (n,) float64, how far the scores of the items themselves may be from these.
        ceiling: what the score of no other item is above; minus infinity where there is no other.
    """

    positions: Int64
    scores: Float64
    off_by: Float64
    ceiling: float


class CodesFile(Mapped):
    """Codes mapped from one FAISS file."""

    def __init__(self, path: Path, rows: int, width: int, label: str) -> None:
        kind = f"{rows:,} x {width} file of codes"
        super().__init__(path, header(rows, width), code_width(width), rows, kind, label)
        self.rows, self._wide = rows, code_width(width)

    def search(self, query: Float32, count: int, start: int, stop: int) -> tuple[Int64, Float64]:
        """The codes that score highest among some rows, `start` to `stop`, best first.

        Args:
            query: (1, code width) float32, of whole numbers.
            count: how many.
            start: the first of the rows, as the file counts them.
            stop: what follows the last of them.

        Returns:
            Where each lies in the file, and what it scores, in whole numbers.
        """
        asked: dict[str, Any] = {}
        if stop - start < self.rows:
            within = self.faiss.IDSelectorRange(start, stop)
            asked["params"] = self.faiss.SearchParameters(sel=within)
        own = self.faiss.omp_get_max_threads()  # of whichever thread this is
        self.faiss.omp_set_num_threads(1)
        try:
            scores, ids = self.faiss_index.search(query, min(count, stop - start), **asked)
        finally:
            self.faiss.omp_set_num_threads(own)
        there = ids[0] >= 0
        return ids[0][there], scores[0][there].astype(np.float64)

    def stored(self, start: int, stop: int) -> NDArray[np.int8]:
        """Codes as they are in the file, (n, code width) int8."""
        with self.path.open("rb") as file:
            file.seek(_HEADER.size + start * self._wide)
            read = np.frombuffer(file.read((stop - start) * self._wide), np.uint8)
        codes: NDArray[np.int8] = (read ^ np.uint8(_OFFSET)).view(np.int8)
        return codes.reshape(-1, self._wide)


class Codes:
    """The codes of one space of a sealed index.

    Args:
        folder: of the index.
        space: what the manifest says of the space.
        files: what it says of files.
        scales: (code width,) float32.
        residuals: (rows,) float32.
    """

    def __init__(
        self,
        folder: Path,
        space: SpaceEntry,
        files: Mapping[str, FileEntry],
        scales: Float32,
        residuals: Float32,
    ) -> None:
        whole, label = codes_file(space.name), f"index {folder.name!r}: "

        def open_file(shard: Shard) -> CodesFile:
            name = shard.file(whole)
            opened(folder, name, files.get(name)).close()
            return CodesFile(folder / name, shard.rows, space.width, label + name)

        self.files = Files(whole, listed(whole, files, space.rows), open_file)
        self._label = label
        self.rows, self.width = space.rows, space.width
        self.scales, self.residuals = scales, residuals

    @cached_property
    def _most_left(self) -> float:
        """The greatest residual."""
        return float(self.residuals.max())

    def highest(self, query: Float64, count: int) -> Highest:
        """The items whose codes score highest, `count` or more of them.

        Args:
            query: (width,) float64, of length 1.
            count: how many.
        """
        steps = self.scales.astype(np.float64)
        direction = turned(query.astype(np.float64)[None])[0]
        scaled = direction * steps
        step = float(np.abs(scaled).max()) / MOST_CODE
        asked = np.rint(scaled / step) if step else scaled
        missed = direction - step * np.divide(
            asked, steps, out=np.zeros_like(steps), where=steps > 0
        )
        left = float(np.linalg.norm(missed[steps > 0]))
        # What faiss adds up is exact in whole numbers, and rounded to float32 in the end at the
        # least; an order of adding up in float32 is allowed for too.
        left += scan_error(len(steps)) * (1 + left) + SLACK
        found = self._parts(asked.astype(np.float32)[None], count)
        positions = np.concatenate([at for at, _ in found])
        scores = np.concatenate([scores for _, scores in found]) * step
        residuals = self.residuals[positions].astype(np.float64)
        floors = [float(scores[-1]) for at, scores in found if len(at) == count]
        most = self._most_left + (1 + self._most_left) * left
        ceiling = max(floors) * step + most if floors else -np.inf
        return Highest(positions, scores, residuals + (1 + residuals) * left, ceiling)

    def _parts(self, query: Float32, count: int) -> list[tuple[Int64, Float64]]:
        """The best of each part of the rows, best first, as many parts as there are threads.

        Positions, and what the codes give, in whole numbers.
        """

        def part(first: int, last: int) -> tuple[Int64, Float64]:
            found = [among(piece) for piece in self.files.pieces(first, last)]
            if len(found) == 1:
                return found[0]
            positions, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
            best = np.argsort(-scores, kind="stable")[:count]
            return positions[best], scores[best]

        def among(piece: Piece[CodesFile]) -> tuple[Int64, Float64]:
            piece.file.require_whole()
            piece.file.read_ahead(piece.start, piece.stop)
            positions, scores = piece.file.search(query, count, piece.start, piece.stop)
            return positions + piece.before, scores

        return in_parts(self.rows, _ROWS_A_THREAD, part)

    def label_of(self, row: int) -> str:
        """Whose a row's codes are, and in which file."""
        return self._label + self.files.name_of(row)

    def stored(self, first: int, count: int) -> NDArray[np.int8]:
        """Codes `first` to `first + count` as they are on disk, (count, code width) int8."""
        pieces = self.files.pieces(first, first + count)
        return np.concatenate([piece.file.stored(piece.start, piece.stop) for piece in pieces])


def fault_of(codes: Codes, source: Source, spread: tuple[Float64, Float64]) -> str:
    """What codes say that does not hold of the rows, and in which file, or an empty text.

    They need not be the codes that are made here: another processor may round otherwise. Wrong is
    what an answer would be wrong by: a vector that lies farther from its codes than its residual
    says, and moments that are not those of the vectors.

    Args:
        codes: of a space.
        source: its rows.
        spread: `compared_mean` and `compared_covariance`.
    """
    width, along = source.entry.width, _Along(spread)

    def held(first: int, vectors: Float64) -> tuple[Int64, Float64]:
        """Rows that lie too far from their codes, and the products along those directions."""
        stored, wrong = codes.stored(first, len(vectors)), []
        for at, wide in in_cache(vectors):
            numbers = stored[at : at + len(wide)].astype(np.float32)
            here = codes.residuals[first + at : first + at + len(wide)]
            # As much again is what both lengths are off by.
            near = lengths_left(wide, numbers, codes.scales) <= here + np.float32(rounding(width))
            wrong.append(first + at + np.flatnonzero(~near))
        return np.concatenate(wrong), along.products(vectors)

    for _, (wrong, products) in source.each(held):
        if len(wrong):
            row = int(wrong[0])
            return (
                f"{codes.files.name_of(row)}: row {row:,} lies farther from its codes than is said"
            )
        along.add(products)
    if not along.apart() <= _ALIKE:
        return f"{codes.files.whole}: the moments of what is compared are not those of the rows"
    return ""
