"""How vectors become 8-bit codes, and how far these may be from what they stand for.

Coded are the vectors v that the space's own measure compares, each of length 1 or zero: a row, or
in a space of centred cosines a row less the mean. Of neurons those whose products with words less
their mean are z are coded too: a row by its length over the deviation of its products. Vectors are
turned first, so that no dimension stands out (`turned`), which leaves every inner product what it
is. Then a dimension j has a scale s_j, its greatest number over 127, and a vector has a signed byte
for each:

    c_j = round(v_j / s_j)              r = v - s c, of which the length |r| is kept

A query x of length 1 is turned too, and has bytes with one scale t:

    b_j = round(s_j x_j / t)            f = x - t b / s

So a product of bytes, which is exact, says of v.x, by Cauchy and Schwarz,

    | v.x - t c.b |  =  | r.x + s c.f |  <=  |r| + (|v| + |r|) |f|

and a few roundings more. Knows vectors; knows no file of codes, and no question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.store.mapped import threads
from indexer.store.rows import ROUNDING, Float32
from indexer.store.spaces import SpaceEntry

Float64 = NDArray[np.float64]

_Found = TypeVar("_Found")

FEWEST_ROWS = 4096
"""Rows below which a scan of them all is as fast as a pass over codes."""

ROWS_TO_WIDTH = 4
"""How many times its width a space's rows are where it has codes: second moments take room too."""

CODED = ("cosine", "centered")
"""Measures whose vectors are coded: those that a space may have as its own."""

ALIGNED = 16
"""What the width of codes is a multiple of."""

MOST_CODE = 127
"""The greatest code, and the least of the other sign."""

SLACK = 1e-12
"""More than float64 is off by in a product of two vectors of length 1, turned and not, and in the
length of one."""


MOST_TO_MEDIAN = 64
"""How many times the median the longest vector is where z is coded: one scale goes for all."""

LEAST_LENGTH = float(np.finfo(np.float32).smallest_normal)
"""Below it float32 keeps few digits of a vector's length."""

_BLOCK = 4096
"""Vectors whose products are added up at once."""

_IN_CACHE = 256
"""Vectors whose float64 copies stay in the processor's cache."""


def is_coded(entry: SpaceEntry) -> bool:
    """Whether a space that is written gets codes: where they are worth their room."""
    return (
        entry.measure in CODED
        and entry.rows >= FEWEST_ROWS
        and entry.rows >= ROWS_TO_WIDTH * entry.width
    )


def is_z_coded(entry: SpaceEntry, lengths: Float64, factors: Float64) -> bool:
    """Whether neurons get codes of what z compares: where that can be told well by them.

    Args:
        entry: a space of neurons.
        lengths: of the vectors before they were made unit, (rows,) float64.
        factors: (rows,) float64, as `z_factors` has them.
    """
    some = factors > 0
    return (
        is_coded(entry)
        and bool(some.any())
        and float(lengths[some].min()) >= LEAST_LENGTH
        and float(factors.max()) <= MOST_TO_MEDIAN * float(np.median(factors[some]))
    )


def z_factors(lengths: Float64, deviations: Float64) -> Float64:
    """What a unit row is multiplied by, so that its product with a word less the mean is z.

    Args:
        lengths: of the vectors before they were made unit, (rows,) float64.
        deviations: of each one's products with the words, (rows,) float64.

    Returns:
        (rows,) float64; 0 where nothing varies.
    """
    over = np.divide(1.0, deviations, out=np.zeros_like(deviations), where=deviations > 0)
    return lengths * over


def code_width(width: int) -> int:
    """How many bytes a vector's codes have."""
    return -(-width // ALIGNED) * ALIGNED


def rounding(width: int) -> float:
    """How far a vector of length 1, turned in float32, may be from the vector itself, turned.

    Each of the sums and differences rounds its result, and each step keeps lengths but for a
    factor; so n steps are off by n u of a length, u = 2^-24, and with them the signs, the
    division and the first rounding to float32 (Higham 2002, lemma 3.1). As much again is what a
    residual's own float32 is off by.

    Args:
        width: of the vectors.
    """
    wide = code_width(width)
    steps = 2 * ((wide & -wide).bit_length() + 1) + 2
    return 2 * (steps + 8) * 2.0**-24


@lru_cache(maxsize=8)
def signs(count: int) -> Float64:
    """As many times 1 or -1, in no order: (count,) float64, the same on every machine."""
    hashed = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) >> np.uint64(13)
    return np.where(hashed & np.uint64(1), 1.0, -1.0)


def turned(vectors: NDArray[Any]) -> NDArray[Any]:
    """Vectors, padded with zeros and turned: (n, width) -> (n, code_width(width)).

    Twice each block of as many numbers as the greatest power of two that divides the width is
    given signs and multiplied by Hadamard's matrix, and between the two the blocks are dealt out.
    So one great number becomes many small ones, and the steps of 8 bits are small for all of them.
    The sums and differences of each of some steps are those of a rotation: what float32 is off by
    in all of them is `rounding`.

    Args:
        vectors: float32 or float64, which the result is too.
    """
    count, width = vectors.shape
    wide = code_width(width)
    block = wide & -wide
    found = np.zeros((wide, count), vectors.dtype)  # a vector a column: each step is of whole rows
    found[:width] = vectors.T
    for given in signs(2 * wide).reshape(2, wide, 1):
        found *= given.astype(vectors.dtype)
        found = _multiplied(found, block)
        found = found.reshape(-1, block, count).transpose(1, 0, 2).reshape(wide, count)
    return np.ascontiguousarray(found.T)


def turned_alone(vector: Float64) -> Float64:
    """One vector, turned as `turned` has it: (width,) -> (code_width(width),) float64.

    Hadamard's matrix of a block is the Kronecker product of two smaller ones, which multiply the
    block as a matrix from its two sides.
    """
    wide = code_width(len(vector))
    block = wide & -wide
    high = 1 << (block.bit_length() - 1) // 2
    found = np.zeros(wide)
    found[: len(vector)] = vector
    for given in signs(2 * wide).reshape(2, wide):
        parts = (found * given).reshape(-1, high, block // high)
        parts = _hadamard(high) @ parts @ _hadamard(block // high)
        found = parts.reshape(-1, block).T.reshape(wide)
    return found


@lru_cache(maxsize=16)
def _hadamard(size: int) -> Float64:
    """Hadamard's matrix of a power of two over the root of its size: (size, size) float64."""
    found: Float64 = np.ones((1, 1))
    while len(found) < size:
        found = np.block([[found, found], [found, -found]])
    found /= np.sqrt(size)
    return found


def _multiplied(columns: NDArray[Any], block: int) -> NDArray[Any]:
    """Columns, each block of a power of two times Hadamard's matrix over the root of its size."""
    other, half = np.empty_like(columns), block
    while half > 1:
        half //= 2
        (first, second), (total, difference) = (
            pairs.reshape(-1, 2, half, columns.shape[1]).swapaxes(0, 1)
            for pairs in (columns, other)
        )
        np.add(first, second, out=total)
        np.subtract(first, second, out=difference)
        columns, other = other, columns
    columns *= columns.dtype.type(1 / np.sqrt(block))
    return columns


@dataclass(frozen=True)
class Blocks(ABC):
    """What codes are made of, and are held against: the rows of a space, wherever they lie.

    Attributes:
        entry: what the space is.
        block: unit rows from a position on, so many: (n, width) float32.
    """

    entry: SpaceEntry
    block: Callable[[int, int], Float32]

    @abstractmethod
    def vectors(self, first: int) -> Float64:
        """A block of the vectors that are coded, from a position on: (n, width) float64."""

    def lengths(self, at: slice) -> Float32 | float:
        """How long some of them are at the most: one figure, or (n,) float32."""
        return 1.0

    def _rows(self, first: int) -> Float64:
        """A block of unit rows from a position on: (n, width) float64."""
        return self.block(first, min(_BLOCK, self.entry.rows - first)).astype(np.float64)

    def each(self, find: Callable[[int, Float64], _Found]) -> Iterator[tuple[int, _Found]]:
        """What is found of every block: its position and vectors go in, in any order.

        Yields position and finding in order. Threads find a few ahead of who asks.
        """
        workers, count = threads()
        waiting: deque[tuple[int, Future[_Found]]] = deque()
        for first in range(0, self.entry.rows, _BLOCK):
            found = workers.submit(lambda at: find(at, self.vectors(at)), first)
            waiting.append((first, found))
            if len(waiting) > count:
                at, found = waiting.popleft()
                yield at, found.result()
        for at, found in waiting:
            yield at, found.result()


@dataclass(frozen=True)
class Source(Blocks):
    """The vectors that a space's own measure compares.

    Attributes:
        norms: (rows,) float32.
        centered_norms: (rows,) float32, the length of each vector less the mean.
        mean: (width,) float64, of its population.
    """

    norms: Float32
    centered_norms: Float32
    mean: Float64

    def vectors(self, first: int) -> Float64:
        """A block of the vectors that are compared, from a position on: (n, width) float64.

        Each is of length 1, or zero: in a space of centred cosines where the measure takes it for
        the mean itself.
        """
        whole = self._rows(first)
        for at in range(0, len(whole), _IN_CACHE):
            vectors = whole[at : at + _IN_CACHE]
            if self.entry.measure == "centered":
                here = slice(first + at, first + at + len(vectors))
                vectors *= self.norms[here, None]
                vectors -= self.mean
                vectors[self.centered_norms[here] == 0] = 0
            sizes = np.sqrt(np.vecdot(vectors, vectors))
            sizes[sizes == 0] = 1
            vectors /= sizes[:, None]
        return whole


@dataclass(frozen=True)
class Standardised(Blocks):
    """The vectors of neurons whose products with words less their mean are z.

    Attributes:
        factors: (rows,) float64, what each unit row is multiplied by (`z_factors`).
    """

    factors: Float64

    def vectors(self, first: int) -> Float64:
        """A block of them, from a position on: (n, width) float64."""
        whole = self._rows(first)
        whole *= self.factors[first : first + len(whole), None]
        return whole

    def lengths(self, at: slice) -> Float32:
        """How long some of them are at the most: (n,) float32."""
        return z_lengths(self.factors[at])


def z_lengths(factors: Float64) -> Float32:
    """How long a unit row times each factor is at the most: (n,) float32."""
    return (factors * (1 + ROUNDING)).astype(np.float32)


def in_cache(vectors: Float64) -> Iterator[tuple[int, Float32]]:
    """Some vectors, turned in float32, as many at a time as stay in the processor's cache."""
    for at in range(0, len(vectors), _IN_CACHE):
        yield at, turned(vectors[at : at + _IN_CACHE].astype(np.float32))


def coded(
    vectors: Float32, scales: Float32, lengths: Float32 | float = 1.0
) -> tuple[NDArray[np.int8], Float32]:
    """Codes of some vectors that are turned, and how far each may be from what they stand for.

    Args:
        vectors: (n, code width) float32.
        scales: (code width,) float32; 0 where every number of a dimension is.
        lengths: (n,) float32, how long they are at the most; 1 unless given.

    Returns:
        (n, code width) int8, and (n,) float32, `rounding` included.
    """
    rounded = np.rint(vectors * over(scales))
    np.clip(rounded, -MOST_CODE, MOST_CODE, out=rounded)
    codes = rounded.astype(np.int8)
    return codes, lengths_left(vectors, rounded, scales, lengths)


def lengths_left(
    vectors: Float32, codes: Float32, scales: Float32, lengths: Float32 | float = 1.0
) -> Float32:
    """How far each of some vectors may be from what its codes stand for: (n,) float32.

    Args:
        vectors: (n, code width) float32, turned.
        codes: the same of numbers, which are written over.
        scales: (code width,) float32.
        lengths: (n,) float32, how long they are at the most; 1 unless given.
    """
    codes *= scales
    codes -= vectors
    left: Float32 = np.sqrt(np.vecdot(codes, codes))
    left += np.float32(rounding(vectors.shape[1])) * np.asarray(lengths, np.float32)
    return left


def over(steps: Float32) -> Float32:
    """1 over each, and 0 where it is 0."""
    return np.divide(1, steps, out=np.zeros_like(steps), where=steps > 0)


def scales_of(greatest: Float32) -> Float32:
    """The scale of each dimension, (code width,) float32, of the greatest number in it."""
    return greatest / np.float32(MOST_CODE)
