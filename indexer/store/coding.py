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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.store.mapped import in_order
from indexer.store.rows import BLOCK, ROUNDING, Float32
from indexer.store.spaces import SpaceEntry

Float64 = NDArray[np.float64]

_Found = TypeVar("_Found")

FEWEST_ROWS = 4096
"""Rows below which a scan of them all is as fast as a pass over codes."""

ROWS_TO_WIDTH = 4
"""How many times its width a space's rows are where it has codes: second moments take room too."""

_MANY_ROWS, _WIDE = 1 << 16, 256
"""Rows, and their width, from which products of what is coded are added up in float32: it takes
half as long, and of so many roundings next to nothing is left in the mean."""

CODED = ("cosine", "centered")
"""Measures whose vectors are coded: those that a space may have as its own."""

ALIGNED = 16
"""What the width of codes is a multiple of."""

MOST_CODE = 127
"""The greatest code, and the least of the other sign."""

SLACK = 1e-12
"""More than float64 is off by in a product of two vectors of length 1, turned and not, and in the
length of one."""


_STEP = 16
"""Numbers of a vector that are added and subtracted at once."""

MOST_TO_MEDIAN = 64
"""How many times the median the longest vector is where z is coded: one scale goes for all."""

LEAST_LENGTH = float(np.finfo(np.float32).smallest_normal)
"""Below it float32 keeps few digits of a vector's length."""

_IN_CACHE = 240
"""Vectors whose float64 copies stay in the processor's cache."""


def is_coded(entry: SpaceEntry) -> bool:
    """Whether a space that is written gets codes: where they are worth their room."""
    return (
        entry.measure in CODED
        and entry.rows >= FEWEST_ROWS
        and entry.rows >= ROWS_TO_WIDTH * entry.width
    )


def in_float32(entry: SpaceEntry) -> bool:
    """Whether a covariance of what is coded may be off by more than float64 leaves of it."""
    return entry.rows >= _MANY_ROWS and entry.width >= _WIDE


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

    A step takes f numbers to f sums of them, in whatever order and with or without fused
    multiplication, so that each is off by f u of the sum of its terms' sizes, u = 2^-24 (Higham
    2002, section 3.1). Of all of them that is sqrt(f) f u of the length at the most, since the
    terms' sizes alone are multiplied by a matrix of ones, which makes a length f times as long
    where Hadamard's makes it sqrt(f) times. Eight more are for the signs, the division by a root
    and the first rounding to float32. As much again is what a residual's own float32 is off by.

    Args:
        width: of the vectors.
    """
    wide = code_width(width)
    steps = 2 * sum(step * step**0.5 for step in _steps(wide & -wide))
    return 2 * float(steps + 8) * 2.0**-24


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
    What float32 is off by in all of it is `rounding`.

    Args:
        vectors: float32 or float64, which the result is too.
    """
    found: NDArray[Any] = Turning(vectors.shape[1], len(vectors), vectors.dtype)(vectors)
    return found


class Turning:
    """Turns vectors of one width, as `turned` has it, in memory that each call writes over.

    Memory that is new each time costs more than the sums: the system fills it with zeros first.

    Args:
        width: of the vectors.
        most: how many there are at once.
        dtype: of their numbers.
    """

    def __init__(self, width: int, most: int, dtype: Any) -> None:
        self.wide = code_width(width)
        self._block = self.wide & -self.wide
        self._one, self._other = np.empty((2, most * self.wide), dtype)
        steps = _steps(self._block)
        given = signs(2 * self.wide).reshape(2, -1, 1, steps[0])
        # The first step gives the signs, and divides by the root of the block's size.
        self._signed = (hadamard(steps[0]) * given / np.sqrt(self._block)).astype(dtype)
        self._further = [hadamard(size).astype(dtype) for size in steps[1:]]

    def __call__(self, vectors: NDArray[Any]) -> NDArray[Any]:
        """(n, width) -> (n, code width), to be used before the next call."""
        count, width = vectors.shape
        found = vectors.T  # a vector a column: each step is of whole rows
        if self.wide > width:
            found = self._room(count)
            found[:width], found[width:] = vectors.T, 0
            found = self._swapped(found)
        for signed in self._signed:
            found = self._multiplied(found, signed).reshape(-1, self._block, count)
            dealt = self._room(count).reshape(self._block, -1, count)
            dealt[:] = found.transpose(1, 0, 2)
            found = self._swapped(dealt)
        rows = self._room(count).reshape(count, self.wide)
        for at in range(0, self.wide, ALIGNED):  # as much of both as a line of the cache holds
            rows[:, at : at + ALIGNED] = found[at : at + ALIGNED].T
        return rows

    def _multiplied(self, columns: NDArray[Any], signed: NDArray[Any]) -> NDArray[Any]:
        """Columns given signs, each block of them times Hadamard's matrix.

        That is the Kronecker product of small ones, and a product with each of these is a step: a
        few products of matrices take less time than sums and differences, two numbers at a time.
        """
        count, apart = columns.shape[1], 1
        for matrix in (signed, *self._further):
            size = matrix.shape[-1]
            out = self._room(count).reshape(-1, size, apart * count)
            np.matmul(matrix, columns.reshape(out.shape), out=out)
            columns = self._swapped(out)
            apart *= size
        return columns

    def _room(self, count: int) -> NDArray[Any]:
        """Memory for a result: (code width, count)."""
        room: NDArray[Any] = self._other[: self.wide * count].reshape(self.wide, count)
        return room

    def _swapped(self, found: NDArray[Any]) -> NDArray[Any]:
        """What was found, as columns, its memory kept until the result after the next."""
        self._one, self._other = self._other, self._one
        return found.reshape(self.wide, -1)


def _steps(block: int) -> list[int]:
    """Factors of a power of two, none above `_STEP`."""
    found = [min(block, _STEP)]
    while (left := block // prod(found)) > 1:
        found.append(min(left, _STEP))
    return found


@lru_cache(maxsize=8)
def hadamard(size: int) -> Float64:
    """Hadamard's matrix of a size that is a power of two, Sylvester's: (size, size) float64."""
    matrix: Float64 = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.kron(np.array([[1.0, 1.0], [1.0, -1.0]]), matrix)
    return matrix


def turned_alone(vector: Float64) -> Float64:
    """One vector, turned as `turned` has it: (width,) -> (code_width(width),) float64.

    Hadamard's matrix of a block is the Kronecker product of two smaller ones, which multiply the
    block as a matrix from its two sides.
    """
    wide = code_width(len(vector))
    block = wide & -wide
    high = 1 << (block.bit_length() - 1) // 2
    left, right = hadamard(high), hadamard(block // high) / np.sqrt(block)
    found = np.zeros(wide)
    found[: len(vector)] = vector
    for given in signs(2 * wide).reshape(2, wide):
        parts = left @ (found * given).reshape(-1, high, block // high) @ right
        found = parts.reshape(-1, block).T.reshape(wide)
    return found


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

    def rows(self, first: int) -> Float32:
        """A block of the rows, from a position on: (n, width) float32."""
        return self.block(first, min(BLOCK, self.entry.rows - first))

    def each(self, find: Callable[[int, Float64], _Found]) -> Iterator[tuple[int, _Found]]:
        """What is found of every block: its position and vectors go in, in any order.

        Yields position and finding in order. Threads find a few ahead of who asks.
        """
        return self.walk(lambda at: find(at, self.vectors(at)))

    def walk(self, find: Callable[[int], _Found]) -> Iterator[tuple[int, _Found]]:
        """What is found from each position on at which a block begins, in order, by threads."""
        holds = 8 * self.entry.width * BLOCK
        return in_order(range(0, self.entry.rows, BLOCK), find, holds)


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
        return self.compared(first, self.rows(first))

    def compared(self, first: int, unit: Float32) -> Float64:
        """The same of rows that were read already, (n, width) float32."""
        whole = np.empty(unit.shape)
        for at in range(0, len(whole), _IN_CACHE):
            vectors = whole[at : at + _IN_CACHE]
            vectors[:] = unit[at : at + _IN_CACHE]
            if self.entry.measure == "centered":
                here = slice(first + at, first + at + len(vectors))
                vectors *= self.norms[here, None]
                vectors -= self.mean
                vectors[self.centered_norms[here] == 0] = 0
            sizes = np.sqrt(np.vecdot(vectors, vectors))
            sizes[sizes == 0] = 1
            vectors /= sizes[:, None]
        return whole

    def lengthened(self, first: int, unit: Float32) -> Float64:
        """Rows that were read already, (n, width) float32, at their own length: float64."""
        vectors = np.empty(unit.shape)
        for at in range(0, len(unit), _IN_CACHE):
            here = slice(at, min(at + _IN_CACHE, len(unit)))
            vectors[here] = unit[here]
            vectors[here] *= self.norms[first + here.start : first + here.stop, None]
        return vectors

    def center(self, first: int, unit: Float32) -> None:
        """Find the lengths less the mean of rows that were read already, (n, width) float32."""
        for at in range(0, len(unit), _IN_CACHE):
            part = unit[at : at + _IN_CACHE]
            here = slice(first + at, first + at + len(part))
            vectors = part.astype(np.float64)
            vectors *= self.norms[here, None]
            vectors -= self.mean
            self.centered_norms[here] = np.sqrt(np.vecdot(vectors, vectors))

    def center_all(self) -> None:
        """Find those of all rows."""
        for _ in self.walk(lambda first: self.center(first, self.rows(first))):
            pass


@dataclass(frozen=True)
class Standardised(Blocks):
    """The vectors of neurons whose products with words less their mean are z.

    Attributes:
        factors: (rows,) float64, what each unit row is multiplied by (`z_factors`).
    """

    factors: Float64

    def vectors(self, first: int) -> Float64:
        """A block of them, from a position on: (n, width) float64."""
        whole = self.rows(first).astype(np.float64)
        whole *= self.factors[first : first + len(whole), None]
        return whole

    def lengths(self, at: slice) -> Float32:
        """How long some of them are at the most: (n,) float32."""
        return z_lengths(self.factors[at])


def z_lengths(factors: Float64) -> Float32:
    """How long a unit row times each factor is at the most: (n,) float32."""
    return (factors * (1 + ROUNDING)).astype(np.float32)


def in_cache(vectors: Float64) -> Iterator[tuple[int, Float32]]:
    """Some vectors, turned in float32, as many at a time as stay in the processor's cache.

    What is yielded is written over by what comes next.
    """
    turning = Turning(vectors.shape[1], min(_IN_CACHE, len(vectors)), np.float32)
    for at in range(0, len(vectors), _IN_CACHE):
        yield at, turning(vectors[at : at + _IN_CACHE].astype(np.float32))


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
