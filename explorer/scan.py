"""A query's scores of all items of a space, and what only float64 can decide among them.

A scan is fast, and its float32 says of most items which scores better. `Scan` knows how far each
of its scores may be from the exact one, and scores anew in float64 whatever that leaves open, so
that what is best, and how many score better than something, are what a sort of all the exact scores
gives. Knows no texts and no question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.measures.measure import Measure
from explorer.products import Float64
from explorer.ranking import best

Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_ROUNDING = 1e-13
"""What a formula over exact scores may be off by in float64, as a share of its result."""


@dataclass(frozen=True)
class Scan:
    """The scores of every item of a space with one query.

    Attributes:
        values: (rows,) float64, as the products of the float32 scan have them.
        off_by: how far each may be from the exact one: one figure, or (rows,) float64.
        exact: the exact scores of the items at some positions: (n,) int64 -> (n,) float64.
        sign: 1 where a higher score is better, -1 for a distance.
    """

    values: Float64
    off_by: Float64 | float
    exact: Callable[[Int64], Float64]
    sign: int = 1

    def best(self, k: int, among: Int64 | None = None) -> tuple[Int64, Float64]:
        """The k items that score best, nearest first, and their exact scores.

        Among equals the lower position comes first, as in a stable sort of all exact scores.

        Args:
            k: how many.
            among: (m,) int64, positions of the items that count, ascending; all unless given.

        Returns:
            Positions (k,) int64, and scores (k,) float64.
        """
        every = np.arange(len(self.values)) if among is None else among
        keys, off = self.sign * self.values[every], self._off(every)
        first = best(keys, k)
        # The k-th best exact score is no worse than the least that these k may have.
        near = every[keys + off >= np.min((keys - off)[first])]
        found = self.exact(near)
        order = np.lexsort((near, -self.sign * found))[:k]
        return near[order], found[order]

    def better(self, score: float) -> Mask:
        """Which items score better than some exact score, ties not among them: (rows,) bool."""
        above = self.sign * (self.values - score)
        off = self._off(np.arange(len(above)))
        found: Mask = above > off
        unsure = np.flatnonzero(np.abs(above) <= off)
        found[unsure] = self.sign * self.exact(unsure) > self.sign * score
        return found

    def counts(self, edges: Float64, among: Int64 | None = None) -> Int64:
        """How many exact scores lie from each edge to the next: (edges - 1,) int64.

        An edge belongs to what lies above it. Scores beyond the first and last are not counted.

        Args:
            edges: (n,) float64, ascending.
            among: (m,) int64, positions of the items that count, ascending; all unless given.
        """
        every = np.arange(len(self.values)) if among is None else among
        values, off = self.values[every], self._off(every)
        above = np.searchsorted(edges, values - off, side="right")
        unsure = np.flatnonzero(above != np.searchsorted(edges, values + off, side="right"))
        above[unsure] = np.searchsorted(edges, self.exact(every[unsure]), side="right")
        found: Int64 = np.bincount(above, minlength=len(edges) + 1)[1 : len(edges)]
        return found

    def _off(self, at: Int64) -> Float64:
        return np.broadcast_to(self.off_by, len(self.values))[at]


def scan(measure: Measure, query: Float64) -> Scan:
    """The scores of all items of a measure's space with a composed query."""
    return scan_of(measure, measure.scores(query), query)


def scans_of_each(measure: Measure, queries: Sequence[Float64] | Float64) -> Iterator[Scan]:
    """The same of several queries, in one walk over the rows for each few of them."""
    found = measure.scores_of_each(queries)
    for query, values in zip(queries, found, strict=True):
        yield scan_of(measure, values, query)


def scan_of(measure: Measure, values: Float64, query: Float64) -> Scan:
    """A scan whose scores are known."""
    return Scan(
        values,
        measure.off_by(values, query),
        lambda positions: measure.exact_scores(positions, query),
        measure.sign,
    )


def combined(
    scans: Sequence[Scan], signs: Sequence[int], formula: Callable[[Sequence[Float64]], Float64]
) -> Scan:
    """What a formula makes of the scores of several scans.

    Args:
        scans: of the same items; a higher score is better in each.
        signs: for each scan 1 where the formula rises with its scores, -1 where it falls.
        formula: scores (n,) of each scan -> (n,) float64.
    """
    values = formula([one.values for one in scans])
    low, high = (
        formula(
            [one.values + end * sign * one.off_by for one, sign in zip(scans, signs, strict=True)]
        )
        for end in (-1, 1)
    )
    return Scan(
        values,
        np.maximum(high - values, values - low) + _ROUNDING * np.abs(high),
        lambda positions: formula([one.exact(positions) for one in scans]),
    )
