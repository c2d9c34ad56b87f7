"""What every measure answers, and what all of them have in common.

A measure scores the items of one space. What it is asked with is a query: a sum of items, each
normed in the measure's own sense (`compose`). Three ways lead to a score, and agree: the fast one
from a scan of the unit rows, the exact one in float64 from the rows as stored, which decides every
rank, and that of two queries with each other. How far the fast one may be from the exact one is
proven, measure by measure.

With u a unit row, |y| its norm, mu and |y - mu| what the index stores:

    dot         x.y               = |y| u.x
    cosine      x.y / |x||y|      = u.x / |x|
    centered    cosine of x - mu and y - mu = (|y| u.x - mu.x) / |y - mu||x|, x centred already
    euclidean   |x - y|           = sqrt(|x|^2 - 2 |y| u.x + |y|^2)
    whitened    cosine of S^(-1/2)(x - mu) and S^(-1/2)(y - mu): see `explorer.measures.whitened`

A cosine with the zero vector is 0. Knows vectors and spaces; knows no words and no tables.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from explorer.errors import QueryError
from explorer.measures import MeasureName
from explorer.products import ROWS_AT_ONCE, Float64
from indexer.store.codes import Codes
from indexer.store.coding import in_float32
from indexer.store.errors import option_named
from indexer.store.space import Space

Int64 = NDArray[np.int64]

HALF_ULP = 2.0**-24
"""What rounding a number to float32 may change of it, as a share."""

HALF_ULP_64 = 2.0**-53
"""The same of float64."""

PRODUCTS_AT_ONCE = 1 << 24
"""Inner products held at once when several queries walk over the rows together: 64 MB."""

PAIRS_AT_ONCE = 2048

HARDLY, HARDLY_IN_FLOAT32 = 1e-7, 1e-4
"""Share of the variance in all directions below which that in one is not read off a covariance;
and of one whose products were added up in float32."""


@dataclass(frozen=True)
class Weighted:
    """A vector at its own length, (width,) float64, with its weight and its home space."""

    vector: Float64
    weight: float
    home: Space


@dataclass(frozen=True)
class Pairs:
    """Some pairs of items of a space: the first of each, and the second.

    Attributes:
        positions: theirs, two of (n,) int64.
        unit: their unit rows, two of (n, width) float64.
        whole: the same at their own lengths.
    """

    positions: tuple[Int64, Int64]
    unit: tuple[Float64, Float64]
    whole: tuple[Float64, Float64]

    @classmethod
    def of(cls, space: Space, first: Int64, second: Int64) -> Pairs:
        """Pairs of items at some positions."""

        def rows(at: Int64) -> tuple[Float64, Float64]:
            unit = space.rows.take(at).astype(np.float64)
            return unit, unit * space.norms[at].astype(np.float64)[:, None]

        (one, one_whole), (other, other_whole) = rows(first), rows(second)
        return cls((first, second), (one, other), (one_whole, other_whole))


class Measure(ABC):
    """How vectors are scored in one space.

    To add one, write its class in a file of its own, and name it in `MeasureName` and in
    `explorer.measures.registry`: every question, option, table and page follows.

    Attributes:
        name: what people call it.
        cosine: whether scores are cosines, from -1 to 1: of what has a direction, so that a zero
            vector cannot be asked, and such that 3CosMul may multiply them.
        distance: whether a score is the distance of two normed vectors, so that a lower one is
            nearer; else it is their inner product.
        as_scanned: whether scores are a scan's products themselves.
        space: whose items are scored.
    """

    name: ClassVar[MeasureName]
    cosine: ClassVar[bool] = False
    distance: ClassVar[bool] = False
    as_scanned: ClassVar[bool] = False

    def __init__(
        self,
        space: Space,
        members: Callable[[], Int64] | None = None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        """A measure of a space.

        Args:
            space: whose items are scored.
            members: positions of the items that the space's mean and covariance are of, (n,)
                int64; all of them unless given.
            announce: told in one line how far something has come that takes more than a second.
        """
        self.space = space
        self._members = members
        self._announce = announce

    @property
    def sign(self) -> int:
        """1 where a higher score is nearer, -1 for a distance."""
        return -1 if self.distance else 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its scores should know besides the name."""
        return ()

    def lacking(self) -> str | None:
        """Why this space cannot be asked by it, in one line; None where it can."""
        return None

    # -- queries ----------------------------------------------------------------------------

    def normed_rows(self, vectors: Float64, home: Space | None = None) -> Float64:
        """Vectors, each unit-normed in the measure's own sense: (n, width) -> (n, width) float64.

        One without a direction is left zero, so that its cosines are 0. Where a measure has no norm
        to divide by, vectors are left as they are.

        Args:
            vectors: at their own lengths.
            home: the space that they are from; that of the measure unless given.
        """
        return vectors

    def normed(self, item: Weighted) -> Float64:
        """An item's vector, normed as `normed_rows` has it: (width,) float64.

        Raises:
            QueryError: the vector has no direction.
        """
        rows = self.normed_rows(item.vector[None], item.home)
        if self.cosine and not rows.any():
            raise QueryError(
                f"a zero vector has no direction; ask with "
                f"{option_named('measure', 'dot')} or euclidean"
            )
        vector: Float64 = rows[0]
        return vector

    def compose(self, items: Sequence[Weighted]) -> Float64:
        """The signed, weighted sum of normed items (3CosAdd), a query: (width,) float64.

        Raises:
            QueryError: an item, or the sum, has no direction.
        """
        parts = [item.weight * self.normed(item) for item in items]
        total: Float64 = np.sum(parts, axis=0)
        largest = max(length(part) for part in parts)
        if not self.distance and length(total) <= 1e-9 * largest:
            raise QueryError("the expression adds up to nothing: its items cancel")
        return total

    @abstractmethod
    def between(self, first: Float64, second: Float64) -> float:
        """The score of two queries with each other, each (width,) float64."""

    def one_score(self, target: Weighted, query: Float64) -> float:
        """The score of one vector, an item of the space or not, with a query."""
        return self.between(self.normed(target), query)

    def pairwise(self, first: Float64, second: Float64) -> Float64:
        """Every score of some normed vectors with others.

        (..., n, width) and (..., m, width) -> (..., n, m) float64.
        """
        products: Float64 = first @ second.swapaxes(-1, -2)
        return products

    # -- what codes know ------------------------------------------------------------------------

    @property
    def codes(self) -> Codes | None:
        """The codes of the vectors that it compares; None where the space has none of these.

        They are of the space's own measure, and of no other.
        """
        return self.space.codes if self.space.entry.measure == self.name else None

    def spread(self, query: Float64) -> tuple[float, float] | None:
        """Mean and standard deviation of all items' scores with a query, without their scores.

        With v the vectors compared, m and C their mean and covariance over all items, and x the
        query made unit, these are m.x and sqrt(x' C x).

        Returns:
            None where the space has no codes, or the scores hardly vary, so that a difference of
            sums would leave few digits.
        """
        if self.codes is None:
            return None
        mean, covariance = self.space.compared
        direction = self.facing(query)[1]
        # A product of each row alone: NumPy's of a matrix wakes threads that others wait for.
        variance = float(direction @ np.vecdot(covariance, direction))
        hardly = HARDLY_IN_FLOAT32 if in_float32(self.space.entry) else HARDLY
        if not variance > hardly * float(np.trace(covariance)):
            return None
        return float(mean @ direction), math.sqrt(variance)

    # -- a scan -----------------------------------------------------------------------------

    def facing(self, query: Float64) -> tuple[float, Float64]:
        """Length and direction, (width,) float64, of what the rows are multiplied with."""
        return split(query)

    @abstractmethod
    def from_products(
        self, products: Float64, query: Float64, facing: tuple[float, Float64]
    ) -> Float64:
        """Scores from the inner products of all unit rows with the direction that they face.

        Args:
            products: (rows,) float64; may be written over.
            query: as composed.
            facing: its `facing`.

        Returns:
            (rows,) float64.
        """

    @abstractmethod
    def off_by(self, values: Float64, query: Float64) -> Float64 | float:
        """How far a score of the scan may be from the exact one: one figure, or (rows,) float64.

        Proven, not seen; each measure says from what. There e is what `scan_error` says, and c what
        the float64 of a row's sums leaves open.

        Args:
            values: (rows,) float64, the scores as the scan has them.
            query: as composed.
        """

    def scores(self, query: Float64) -> Float64:
        """The score of every item with a query: (rows,) float64.

        The rows are scanned with a unit vector, so that no weight is too large or small for the
        float32 of the scan.
        """
        facing = self.facing(query)
        return self.from_products(self.space.scan(facing[1]).astype(np.float64), query, facing)

    def scores_of_each(self, queries: Sequence[Float64] | Float64) -> Iterator[Float64]:
        """The same for several queries, in one walk over the rows for each few of them.

        Yields (rows,) float64 a query, in their order; equal to `scores` but for the last digits of
        float32. Memory is that of a few million products, whatever the number of queries.
        """
        at_once = max(1, PRODUCTS_AT_ONCE // self.space.entry.rows)
        for first in range(0, len(queries), at_once):
            part = [self.facing(query) for query in queries[first : first + at_once]]
            scanned = self.space.scan_all(np.stack([direction for _, direction in part]))
            asked = queries[first : first + at_once]
            for query, facing, products in zip(asked, part, scanned, strict=True):
                yield self.from_products(products.astype(np.float64), query, facing)

    # -- exact scores -----------------------------------------------------------------------

    @abstractmethod
    def exactly(self, rows: Float64, positions: Int64, query: Float64) -> Float64:
        """Scores of some unit rows, (n, width) float64, which may be written over: (n,) float64.

        Each is found by itself, so that equal rows score the same to the last bit.
        """

    def exact_scores(self, positions: Int64, query: Float64) -> Float64:
        """The scores of some items, computed in float64 from the rows as stored: (n,) float64.

        These decide every rank: an item is better than another where its exact score is. Equal rows
        score the same to the last bit.
        """
        found = np.empty(len(positions))
        for first in range(0, len(positions), ROWS_AT_ONCE):
            here = positions[first : first + ROWS_AT_ONCE]
            rows = self.space.rows.take(here).astype(np.float64)
            found[first : first + len(here)] = self.exactly(rows, here, query)
        return found

    @abstractmethod
    def of_pairs(self, pairs: Pairs) -> Float64:
        """Scores of items with items, in float64 from the rows as stored: (n,) float64.

        A score with an item that has no direction is 0, as a cosine with zero is.
        """

    # -- candidates -------------------------------------------------------------------------

    def items(self, positions: Int64) -> Float64:
        """Rows whose products with those of `asking`, or distances to them, are scores.

        Each is found by itself, so that equal items have equal rows: (n, width) float64.
        """
        rows = self.space.rows.take(positions).astype(np.float64)
        rows *= self.space.lengths[positions, None]
        return self.normed_rows(rows)

    def asking(self, positions: Int64) -> Float64:
        """What those rows are multiplied with where items of the space are asked: (n, width)."""
        return self.items(positions)


class Cosines(Measure):
    """A measure that scores directions: the cosine of two vectors, each moved as it has it."""

    cosine = True

    def moved(self, vectors: Float64, home: Space) -> Float64:
        """Vectors, (n, width) float64, as this measure sees them."""
        return vectors

    def normed_rows(self, vectors: Float64, home: Space | None = None) -> Float64:
        """Vectors, moved and made unit: (n, width) -> (n, width) float64."""
        vectors = self.moved(vectors, self.space if home is None else home)
        sizes = np.linalg.norm(vectors, axis=-1, keepdims=True)
        # Not > 0: what is no number must stay none, and be told of.
        unit: Float64 = np.divide(vectors, sizes, out=np.zeros_like(vectors), where=sizes != 0)
        return unit

    def between(self, first: Float64, second: Float64) -> float:
        """The cosine of two queries."""
        return float(first @ second) / (length(first) * length(second))


def split(query: Float64) -> tuple[float, Float64]:
    """A vector's length and direction."""
    size = length(query)
    return size, query / size if size else query


def length(vector: Float64) -> float:
    """A vector's length, as `numpy.linalg.norm` has it, which takes three times as long."""
    return math.sqrt(float(vector.dot(vector)))


def over(products: Float64, lengths: Float64) -> Float64:
    """Products over the lengths of rows; 0 where a row has none."""
    found: Float64 = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return found


def sums_error(width: int) -> float:
    """What the float64 of a row's sums leaves open, as a share of the lengths multiplied."""
    return 2 * (width + 8) * HALF_ULP_64


def pair_scores(
    measures: Sequence[Measure],
    first: Int64,
    second: Int64,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Float64]:
    """Scores of items with items by measures of one space, in float64 from the rows as stored.

    `progress` is told what share of the pairs is done.

    Returns:
        For each measure, (pairs,) float64.
    """
    found = [np.empty(len(first)) for _ in measures]
    for start in range(0, len(first), PAIRS_AT_ONCE):
        here = slice(start, start + PAIRS_AT_ONCE)
        pairs = Pairs.of(measures[0].space, first[here], second[here])
        for measure, scores in zip(measures, found, strict=True):
            scores[here] = measure.of_pairs(pairs)
        progress(min(1.0, here.stop / len(first)))
    return found
