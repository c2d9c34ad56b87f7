"""The files of a space's 8-bit codes: written as faiss has them, asked for what scores highest.

A file is faiss's `IndexScalarQuantizer` of type `QT_8bit_direct_signed` ("IxSQ"). Where its width
is a multiple of 16 faiss multiplies bytes, many at once, and takes the whole part of a query's
numbers; so vectors have as many zeros after them, and queries are whole numbers. Writing it needs
no faiss. What the bytes mean is in `indexer.store.coding`.
"""

from __future__ import annotations

import math
import os
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.coding import (
    MOST_CODE,
    SLACK,
    Blocks,
    Float64,
    Source,
    Standardised,
    code_width,
    coded,
    in_cache,
    in_float32,
    lengths_left,
    rounding,
    scales_of,
    signs,
    turned_alone,
)
from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry, opened
from indexer.store.layout import codes_file
from indexer.store.mapped import Files, Mapped, Piece, filled, in_parts
from indexer.store.moments import Moments, Part
from indexer.store.rows import Float32, scan_error
from indexer.store.shards import Shard, listed, runs
from indexer.store.spaces import SpaceEntry

Int64 = NDArray[np.int64]

_Part = tuple[Int64, Float64]

_this_thread = threading.local()
"""Whether it was said of the thread that faiss is to use it alone."""

_ROWS_A_THREAD = 8192
"""Rows for which one more thread is worth its while."""

_READ_BYTES = 256 << 10
"""Codes that are read at once: they stay in the processor's cache."""

_PROBES, _ALIKE = 8, 1e-9
"""Along how many directions moments are held against the rows, and how far they may be apart."""
_SURE = 2e-10
"""The same of moments whose products were added up in float32, before they are written."""

Z_ALIKE = 2.0**-20
"""The same of the moments of a neuron's products with words, as a share of both lengths: they are
found of vectors whose stored rows and lengths are rounded to float32."""

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
        self._files = {shard: (folder / shard.file(file)).open("wb") for shard in shards}
        self._written = 0
        for shard, begun in self._files.items():
            begun.write(header(shard.rows, width))

    def put(self, codes: NDArray[np.int8]) -> None:
        """Write the codes that come next: (n, code width) int8."""
        first, self._written = self._written, self._written + len(codes)
        for shard, start, stop in runs(tuple(self._files), first, self._written):
            here = codes[shard.first + start - first : shard.first + stop - first]
            self._files[shard].write((here.view(np.uint8) ^ np.uint8(_OFFSET)).data)

    def close(self) -> None:
        """Return once everything is on the disk."""
        for file in self._files.values():
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
        dtype = np.float32 if in_float32(source.entry) else np.float64
        return _greatest(vectors), Part.of(vectors, dtype)

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
    writer: CodesWriter, source: Source, compared: Compared | None = None
) -> dict[str, NDArray[Any]]:
    """Write the codes of a space, in two walks over its rows.

    Args:
        writer: of their files, which is closed.
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
        vectors = source.compared(first, unit)
        return _coded(source, first, vectors, scales, residuals), along.products(vectors)

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


def write_z_codes(writer: CodesWriter, source: Standardised) -> dict[str, NDArray[Any]]:
    """Write the codes of what z compares of neurons, in two walks over the rows.

    Args:
        writer: of their files, which is closed.
        source: the rows.

    Returns:
        `z_scales` (code width,) float32, `z_residuals` (rows,) float32.
    """
    entry = source.entry
    greatest = np.zeros(code_width(entry.width), np.float32)
    for _, most in source.each(lambda _, vectors: _greatest(vectors)):
        np.maximum(greatest, most, out=greatest)
    scales, residuals = scales_of(greatest), np.empty(entry.rows, np.float32)

    def written(first: int, vectors: Float64) -> NDArray[np.int8]:
        return _coded(source, first, vectors, scales, residuals)

    for _, codes in source.each(written):
        writer.put(codes)
    writer.close()
    return {"z_scales": scales, "z_residuals": residuals}


def _greatest(vectors: Float64) -> Float32:
    """The greatest number of each dimension of some vectors, turned: (code width,) float32."""
    most = [np.maximum(wide.max(axis=0), -wide.min(axis=0)) for _, wide in in_cache(vectors)]
    found: Float32 = np.max(most, axis=0)
    return found


def _coded(
    source: Blocks, first: int, vectors: Float64, scales: Float32, residuals: Float32
) -> NDArray[np.int8]:
    """The codes of a block, (n, code width) int8; what they leave goes into `residuals`."""
    codes = np.empty((len(vectors), len(scales)), np.int8)
    for at, wide in in_cache(vectors):
        here = slice(first + at, first + at + len(wide))
        lengths = source.lengths(here)
        codes[at : at + len(wide)], residuals[here] = coded(wide, scales, lengths)
    return codes


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
        self._within: dict[tuple[int, int], dict[str, Any]] = {}
        """How faiss is asked for some rows alone; there are as many runs of them as threads."""

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
        within = self._within.get((start, stop))
        if within is None:
            within = {}
            if stop - start < self.rows:
                only = self.faiss.IDSelectorRange(start, stop)
                within["params"] = self.faiss.SearchParameters(sel=only)
            self._within[start, stop] = within
        scores, ids = self.faiss_index.search(query, min(count, stop - start), **within)
        there = ids[0] >= 0
        return ids[0][there], scores[0][there].astype(np.float64)

    def search_plain(
        self, fd: int, query: Float32, count: int, start: int, stop: int
    ) -> tuple[Int64, Float64]:
        """The same by plain reads, in memory that is used again: no page of the file is mapped.

        Args:
            fd: of the file.
            query: as `search` has it, and what follows too.
            count: how many.
            start: the first of the rows.
            stop: what follows the last of them.
        """
        faiss = self.faiss
        flat = faiss.IndexScalarQuantizer(self._wide, _SIGNED, faiss.METRIC_INNER_PRODUCT)
        step = max(1, _READ_BYTES // self._wide)
        block = np.empty((min(step, stop - start), self._wide), np.uint8)
        found: list[_Part] = []
        for first in range(start, stop, step):
            codes = block[: min(step, stop - first)]
            if not filled(fd, codes.data.cast("B"), _HEADER.size + first * self._wide):
                raise DamagedIndex(f"{self.label} ends before row {first + len(codes):,}")
            flat.reset()
            flat.add_sa_codes(codes)
            scores, ids = flat.search(query, min(count, len(codes)))
            found.append((ids[0] + first, scores[0].astype(np.float64)))
        return _best_of(found, count)

    def stored(self, start: int, stop: int) -> NDArray[np.int8]:
        """Codes as they are in the file, (n, code width) int8."""
        with self.path.open("rb") as file:
            file.seek(_HEADER.size + start * self._wide)
            read = np.frombuffer(file.read((stop - start) * self._wide), np.uint8)
        codes: NDArray[np.int8] = (read ^ np.uint8(_OFFSET)).view(np.int8)
        return codes.reshape(-1, self._wide)


def _best_of(found: Sequence[_Part], count: int) -> _Part:
    """The best of what was found in several parts, best first: of equals those of earlier parts."""
    if len(found) == 1:
        return found[0]
    positions, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    best = np.argsort(-scores, kind="stable")[:count]
    return positions[best], scores[best]


def _search_alone(faiss: Any) -> None:
    """Have faiss use the thread that this is, and no others beside it."""
    if not getattr(_this_thread, "alone", False):
        faiss.omp_set_num_threads(1)
        _this_thread.alone = True


class Codes:
    """The codes of one space of a sealed index.

    Args:
        folder: of the index.
        space: what the manifest says of the space.
        files: what it says of files.
        scales: (code width,) float32.
        residuals: (rows,) float32.
        file: its name in the index; that of the codes of what is compared unless given.
        lengths: (rows,) float32, how long the vectors that are coded are at the most; 1 unless
            given.
    """

    def __init__(
        self,
        folder: Path,
        space: SpaceEntry,
        files: Mapping[str, FileEntry],
        scales: Float32,
        residuals: Float32,
        file: str = "",
        lengths: Float32 | None = None,
    ) -> None:
        whole, label = file or codes_file(space.name), f"index {folder.name!r}: "

        def open_file(shard: Shard) -> CodesFile:
            name = shard.file(whole)
            opened(folder, name, files.get(name)).close()
            return CodesFile(folder / name, shard.rows, space.width, label + name)

        self.files = Files(whole, listed(whole, files, space.rows), open_file)
        self._label = label
        self.rows, self.width = space.rows, space.width
        self.scales, self.residuals = scales, residuals
        self._lengths = lengths
        self._asked = False

    @cached_property
    def _most_left(self) -> float:
        """The greatest residual."""
        return float(self.residuals.max())

    @cached_property
    def _steps(self) -> tuple[Float64, Float64]:
        """The scales, and 1 over each or 0 where it is 0: (code width,) float64."""
        steps = self.scales.astype(np.float64)
        return steps, np.divide(1.0, steps, out=np.zeros_like(steps), where=steps > 0)

    @cached_property
    def longest(self) -> float:
        """How long the vectors that are coded are at the most."""
        return 1.0 if self._lengths is None else float(self._lengths.max())

    @cached_property
    def _most_reach(self) -> float:
        """The greatest length that the codes of a vector stand for."""
        if self._lengths is None:
            return 1 + self._most_left
        return float((self._lengths.astype(np.float64) + self.residuals).max())

    def _reach(self, at: Int64, residuals: Float64) -> Float64:
        """How long what some codes stand for is at the most: (n,) float64."""
        return residuals + (1.0 if self._lengths is None else self._lengths[at])

    def highest(self, query: Float64, count: int) -> Highest:
        """The items whose codes score highest, `count` or more of them.

        Args:
            query: (width,) float64, of length 1.
            count: how many.
        """
        steps, over_steps = self._steps
        direction = turned_alone(query)
        scaled = direction * steps
        step = float(np.abs(scaled).max()) / MOST_CODE
        asked = np.rint(scaled / step) if step else scaled
        missed = direction - step * asked * over_steps
        missed *= steps > 0
        left = math.sqrt(missed @ missed)
        # What faiss adds up is exact in whole numbers, and rounded to float32 in the end at the
        # least; an order of adding up in float32 is allowed for too.
        left += scan_error(len(steps)) * (1 + left) + SLACK
        found = self._parts(asked.astype(np.float32)[None], count)
        positions = np.concatenate([at for at, _ in found])
        scores = np.concatenate([scores for _, scores in found]) * step
        residuals = self.residuals[positions].astype(np.float64)
        floors = [float(scores[-1]) for at, scores in found if len(at) == count]
        most = self._most_left + self._most_reach * left
        ceiling = max(floors) * step + most if floors else -np.inf
        off_by = residuals + self._reach(positions, residuals) * left
        return Highest(positions, scores, off_by, ceiling)

    def _parts(self, query: Float32, count: int) -> list[_Part]:
        """The best of each part of the rows, best first, as many parts as there are threads.

        Positions, and what the codes give, in whole numbers.
        """

        def part(first: int, last: int) -> _Part:
            _search_alone(faiss)
            return _best_of([among(piece) for piece in self.files.pieces(first, last)], count)

        def among(piece: Piece[CodesFile]) -> _Part:
            file, start, stop = piece.file, piece.start, piece.stop
            file.require_whole()
            file.read_ahead(start, stop)
            with ExitStack() as opened:
                fd = opened.enter_context(file.plain()) if once else None
                if fd is None:
                    positions, scores = file.search(query, count, start, stop)
                else:
                    positions, scores = file.search_plain(fd, query, count, start, stop)
            return positions + piece.before, scores

        # A command asks once: pages of all codes would be most of its memory. Who asks again has
        # them mapped, which spares a copy.
        once, self._asked = not self._asked, True
        faiss = self.files.file(self.files.shards[0]).faiss
        own = faiss.omp_get_max_threads()
        # Before others run, of whom each wants Python's lock when this thread lets go of it.
        _search_alone(faiss)
        try:
            return in_parts(self.rows, _ROWS_A_THREAD, part)
        finally:  # this thread is not ours
            faiss.omp_set_num_threads(own)
            _this_thread.alone = False

    def label_of(self, row: int) -> str:
        """Whose a row's codes are, and in which file."""
        return self._label + self.files.name_of(row)

    def stored(self, first: int, count: int) -> NDArray[np.int8]:
        """Codes `first` to `first + count` as they are on disk, (count, code width) int8."""
        pieces = self.files.pieces(first, first + count)
        return np.concatenate([piece.file.stored(piece.start, piece.stop) for piece in pieces])


def z_fault_of(
    codes: Codes, source: Standardised, words: tuple[Float64, Float64], means: Float64
) -> str:
    """What codes of what z compares say that does not hold of the rows, as `fault_of` has it.

    Wrong is what an answer would be wrong by: a vector that lies farther from its codes than its
    residual says, or whose products with the words have another mean or deviation than is stored.

    Args:
        codes: of neurons.
        source: their rows.
        words: mean and covariance of the words' vectors.
        means: of the products of each vector with them, (rows,) float64.
    """
    middle, covariance = words
    size, most = float(np.linalg.norm(middle)), float(np.trace(covariance))

    def held(first: int, vectors: Float64) -> tuple[Int64, Int64]:
        """Rows that lie too far from their codes, and those of other moments."""
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        off = np.abs(vectors @ middle - means[first : first + len(vectors)])
        varied = np.vecdot(vectors @ covariance, vectors)
        off_by = np.abs(varied - (lengths > 0))
        wrong = (off > Z_ALIKE * lengths * size) | (off_by > Z_ALIKE * lengths**2 * most)
        return _far_off(codes, source, first, vectors), first + np.flatnonzero(wrong)

    for _, (far, other) in source.each(held):
        if len(far):
            return _said_far(codes, far)
        if len(other):
            row = int(other[0])
            name = codes.files.name_of(row)
            return f"{name}: mean and deviation of row {row:,} are not those of its products"
    return ""


def _far_off(codes: Codes, source: Blocks, first: int, vectors: Float64) -> Int64:
    """Rows of a block that lie farther from their codes than is said."""
    stored, wrong = codes.stored(first, len(vectors)), []
    rounded = np.float32(rounding(source.entry.width))
    for at, wide in in_cache(vectors):
        numbers = stored[at : at + len(wide)].astype(np.float32)
        here = slice(first + at, first + at + len(wide))
        lengths = source.lengths(here)
        # As much again is what both lengths are off by.
        most = codes.residuals[here] + rounded * np.asarray(lengths, np.float32)
        near = lengths_left(wide, numbers, codes.scales, lengths) <= most
        wrong.append(first + at + np.flatnonzero(~near))
    return np.concatenate(wrong)


def _said_far(codes: Codes, rows: Int64) -> str:
    row = int(rows[0])
    return f"{codes.files.name_of(row)}: row {row:,} lies farther from its codes than is said"


def fault_of(
    codes: Codes,
    source: Source,
    spread: tuple[Float64, Float64],
    look: Callable[[int, Float32], None] = lambda _, __: None,
) -> str:
    """What codes say that does not hold of the rows, and in which file, or an empty text.

    They need not be the codes that are made here: another processor may round otherwise. Wrong is
    what an answer would be wrong by: a vector that lies farther from its codes than its residual
    says, and moments that are not those of the vectors.

    Args:
        codes: of a space.
        source: its rows.
        spread: `compared_mean` and `compared_covariance`.
        look: looks at each block of the rows too, as it is read: given the first and (n, width)
            float32, in any order and by several threads, until something wrong is found.
    """
    along = _Along(spread)

    def held(first: int) -> tuple[Int64, Float64]:
        """Rows that lie too far from their codes, and the products along those directions."""
        unit = source.rows(first)
        look(first, unit)
        vectors = source.compared(first, unit)
        return _far_off(codes, source, first, vectors), along.products(vectors)

    for _, (wrong, products) in source.walk(held):
        if len(wrong):
            return _said_far(codes, wrong)
        along.add(products)
    if not along.apart() <= _ALIKE:
        return f"{codes.files.whole}: the moments of what is compared are not those of the rows"
    return ""
