"""The file of a space's 8-bit codes: written as faiss has it, asked for what scores highest.

The file is faiss's `IndexScalarQuantizer` of type `QT_8bit_direct_signed` ("IxSQ"). Where its width
is a multiple of 16 faiss multiplies bytes, many at once, and takes the whole part of a query's
numbers; so vectors have as many zeros after them, and queries are whole numbers. Writing it needs
no faiss. What the bytes mean is in `indexer.store.coding`.
"""

from __future__ import annotations

import math
import os
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
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
    lengths_left,
    rounding,
    scales_of,
    signs,
    turned_alone,
)
from indexer.store.files import FileEntry, opened
from indexer.store.layout import codes_file
from indexer.store.mapped import Mapped, threads
from indexer.store.moments import moments
from indexer.store.rows import Float32, scan_error
from indexer.store.spaces import SpaceEntry

Int64 = NDArray[np.int64]

Moments = tuple[Float64, Float64]
"""Mean (width,) and covariance (width, width) of some vectors, both float64."""

_Range = tuple[int, dict[str, Any]]
_Part = tuple[Int64, Float64]

_this_thread = threading.local()
"""Whether it was said of the thread that faiss is to use it alone."""

_FEW_ROWS = 16384
"""Rows below which one thread is as fast as several."""

_PROBES, _ALIKE = 8, 1e-9
"""Along how many directions moments are held against the rows, and how far they may be apart."""

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
    """A file of codes, written from its beginning to its end."""

    def __init__(self, path: Path, rows: int, width: int) -> None:
        self._file = path.open("wb")
        self._file.write(header(rows, width))

    def put(self, codes: NDArray[np.int8]) -> None:
        """Write the codes that come next: (n, code width) int8."""
        self._file.write((codes.view(np.uint8) ^ np.uint8(_OFFSET)).data)

    def close(self) -> None:
        """Return once everything is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def write_codes(path: Path, source: Source) -> dict[str, NDArray[Any]]:
    """Write the codes of a space, in two walks over its rows.

    Returns:
        `scales` (code width,) float32, `residuals` (rows,) float32; and of all the vectors that
        are coded, `compared_mean` (width,) float64 and `compared_covariance` (width, width)
        float64, divided by n: the scores of a query have its product with the one as their mean,
        and its square by the other as their variance.
    """
    entry = source.entry
    greatest = np.zeros(code_width(entry.width), np.float32)

    def measured(_: int, vectors: Float64) -> tuple[Float32, Float64]:
        most = [np.abs(wide).max(axis=0) for _, wide in in_cache(vectors)]
        return np.max(most, axis=0), vectors

    def vectors() -> Iterator[tuple[int, Float64]]:
        for first, (most, block) in source.each(measured):
            np.maximum(greatest, most, out=greatest)
            yield first, block

    every = np.ones(entry.rows, bool)
    mean, covariance = moments(vectors(), every, entry.width, entry.name, np.float64)
    scales = scales_of(greatest)
    return {
        "scales": scales,
        "residuals": _write(path, source, scales),
        "compared_mean": mean,
        "compared_covariance": covariance,
    }


def write_z_codes(path: Path, source: Standardised) -> dict[str, NDArray[Any]]:
    """Write the codes of what z compares of neurons, in two walks over the rows.

    Returns:
        `z_scales` (code width,) float32, `z_residuals` (rows,) float32.
    """
    greatest = np.zeros(code_width(source.entry.width), np.float32)

    def measured(_: int, vectors: Float64) -> Float32:
        found: Float32 = np.max([np.abs(wide).max(axis=0) for _, wide in in_cache(vectors)], axis=0)
        return found

    for _, most in source.each(measured):
        np.maximum(greatest, most, out=greatest)
    scales = scales_of(greatest)
    return {"z_scales": scales, "z_residuals": _write(path, source, scales)}


def _write(path: Path, source: Blocks, scales: Float32) -> Float32:
    """Write a file of codes; what they leave of each vector comes back, (rows,) float32."""
    entry = source.entry
    residuals = np.empty(entry.rows, np.float32)

    def written(first: int, vectors: Float64) -> list[NDArray[np.int8]]:
        found = []
        for at, wide in in_cache(vectors):
            here = slice(first + at, first + at + len(wide))
            codes, residuals[here] = coded(wide, scales, source.lengths(here))
            found.append(codes)
        return found

    writer = CodesWriter(path, entry.rows, entry.width)
    for _, parts in source.each(written):
        for codes in parts:
            writer.put(codes)
    writer.close()
    return residuals


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


class Codes(Mapped):
    """The codes of one space of a sealed index.

    Args:
        folder: of the index.
        space: what the manifest says of the space.
        entry: what it says of the file.
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
        entry: FileEntry | None,
        scales: Float32,
        residuals: Float32,
        file: str = "",
        lengths: Float32 | None = None,
    ) -> None:
        name = file or codes_file(space.name)
        opened(folder, name, entry).close()
        self.rows, self.width = space.rows, space.width
        self._wide = code_width(space.width)
        head = header(self.rows, self.width)
        size = len(head) + self.rows * self._wide
        kind = f"{self.rows:,} x {self._wide} file of codes"
        super().__init__(folder / name, head, size, kind, f"index {folder.name!r}: {name}")
        self.scales, self.residuals = scales, residuals
        self._lengths = lengths
        self._known_ranges: list[_Range] = []

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
        self.require_whole()
        self.read_ahead()
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
        left += scan_error(self._wide) * (1 + left) + SLACK
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
        workers, most = threads()
        first, *others = self._ranges(most if self.rows >= _FEW_ROWS else 1)
        # Before others run, of whom each wants Python's lock when this thread lets go of it.
        own = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)
        try:
            running = [workers.submit(self._part_by_worker, query, count, one) for one in others]
            return [self._part(query, count, first), *(one.result() for one in running)]
        finally:
            self._faiss.omp_set_num_threads(own)

    def _part_by_worker(self, query: Float32, count: int, within: _Range) -> _Part:
        """The best of one part, by a thread that walks over files and has no others help it."""
        if not getattr(_this_thread, "asks_alone", False):
            self._faiss.omp_set_num_threads(1)
            _this_thread.asks_alone = True
        return self._part(query, count, within)

    def _part(self, query: Float32, count: int, within: _Range) -> _Part:
        """The best of one part of the rows, best first."""
        rows, asked = within
        scores, ids = self.faiss_index.search(query, min(count, rows), **asked)
        there = ids[0] >= 0
        return ids[0][there], scores[0][there].astype(np.float64)

    def _ranges(self, parts: int) -> list[_Range]:
        """So many parts of the rows: how many each has, and how faiss is asked for them."""
        found = self._known_ranges
        if len(found) != parts:
            found, edges = [], [self.rows * i // parts for i in range(parts + 1)]
            for first, last in pairwise(edges):
                asked = {}
                if parts > 1:
                    within = self._faiss.IDSelectorRange(first, last)
                    asked["params"] = self._faiss.SearchParameters(sel=within)
                found.append((last - first, asked))
            self._known_ranges = found
        return found

    def stored(self, first: int, count: int) -> NDArray[np.int8]:
        """Codes `first` to `first + count` as they are in the file, (count, code width) int8."""
        with self.path.open("rb") as file:
            file.seek(_HEADER.size + first * self._wide)
            read = np.frombuffer(file.read(count * self._wide), np.uint8)
        codes: NDArray[np.int8] = (read ^ np.uint8(_OFFSET)).view(np.int8)
        return codes.reshape(-1, self._wide)


def z_fault_of(codes: Codes, source: Standardised, words: Moments, means: Float64) -> str:
    """What codes of what z compares say that does not hold of the rows, or an empty text.

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
            return _said_far(far)
        if len(other):
            return f"mean and deviation of row {int(other[0]):,} are not those of its products"
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


def _said_far(rows: Int64) -> str:
    return f"row {int(rows[0]):,} lies farther from its codes than is said"


def fault_of(codes: Codes, source: Source, spread: tuple[Float64, Float64]) -> str:
    """What codes say that does not hold of the rows, or an empty text.

    They need not be the codes that are made here: another processor may round otherwise. Wrong is
    what an answer would be wrong by: a vector that lies farther from its codes than its residual
    says, and moments that are not those of the vectors.

    Args:
        codes: of a space.
        source: its rows.
        spread: `compared_mean` and `compared_covariance`.
    """
    rows, width = source.entry.rows, source.entry.width
    # The variance along a few directions tells a wrong number anywhere in the covariance.
    along = signs(_PROBES * width).reshape(_PROBES, width) / np.sqrt(width)
    sums, squares = np.zeros(len(along)), np.zeros(len(along))
    middle = along @ spread[0]

    def held(first: int, vectors: Float64) -> tuple[Int64, Float64]:
        """Rows that lie too far from their codes, and the products along those directions."""
        return _far_off(codes, source, first, vectors), vectors @ along.T - middle

    for _, (wrong, products) in source.each(held):
        if len(wrong):
            return _said_far(wrong)
        sums += products.sum(axis=0)
        squares += np.square(products).sum(axis=0)
    spreads = np.vecdot(along @ spread[1], along)
    most = float(np.trace(spread[1])) + SLACK
    if not (
        np.abs(sums / rows).max() <= _ALIKE
        and np.abs(squares / rows - spreads).max() <= _ALIKE * most
    ):
        return "the moments of what is compared are not those of the rows"
    return ""
