"""A query's scores of all items of a space, and what only float64 can decide among them.

A scan is fast, and its float32 says of most items which scores better. `Scan` knows how far each
of its scores may be from the exact one, and scores anew in float64 whatever that leaves open, so
that what is best, and how many score better than something, are what a sort of all the exact scores
gives. Where a space has codes of what is compared, a pass over them answers first, and rows are
scanned only where it proves too little. Knows no texts and no question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from explorer.best_of_each import QUERIES_AT_ONCE, near_of_each
from explorer.calibration import calibrate, calibrated
from explorer.first_pass import FirstPass, Tally
from explorer.measures.measure import Measure
from explorer.products import Float64
from explorer.questions import Calibration
from explorer.ranking import best
from indexer.store.space import Space

Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

FEW = 8
"""Queries up to which each has a pass over codes of its own; more are one product with all rows."""

_SPARSE = 256
"""One of so many items at the most are the best that a walk over the rows keeps."""

_ROUNDING = 1e-13
"""What a formula over exact scores may be off by in float64, as a share of its result."""


@dataclass(frozen=True)
class Scan:
    """The scores of every item of a space with one query, found when they are needed.

    Attributes:
        rows: how many items there are.
        find: finds the scores of all, (rows,) float64, as the products of the float32 scan have
            them.
        allowed: how far each of these may be from the exact one: one figure, or (rows,) float64.
        exact: the exact scores of the items at some positions: (n,) int64 -> (n,) float64.
        sign: 1 where a higher score is better, -1 for a distance.
        first: a pass over codes, which may answer without all scores.
        spread: mean and standard deviation of all exact scores, where they are known without them.
        near: positions of all that may be among the best, where they are known, (n,) int64, and
            for how many of the best.
        tally: what was done to find scores.
    """

    rows: int
    find: Callable[[], Float64]
    allowed: Callable[[Float64], Float64 | float]
    exact: Callable[[Int64], Float64]
    sign: int = 1
    first: FirstPass | None = None
    spread: tuple[float, float] | None = None
    near: tuple[Int64, int] | None = None
    tally: Tally = field(default_factory=Tally)

    @cached_property
    def values(self) -> Float64:
        """(rows,) float64: the scores of all items, as a scan of all rows has them."""
        return self.find()

    @cached_property
    def off_by(self) -> Float64 | float:
        """How far each of `values` may be from the exact score: one figure, or (rows,) float64."""
        return self.allowed(self.values)

    @property
    def _first(self) -> FirstPass | None:
        """The pass over codes, while the scores of all items are not known."""
        return None if "values" in vars(self) else self.first

    def calibration(self, population: str) -> Calibration:
        """What a score is read against: mean and deviation of all items' scores.

        Raises:
            DamagedIndex, EmptyPopulation: as `explorer.calibration.calibrate` does.
        """
        if self.spread is None:
            return calibrate(self.values, population)
        return calibrated(*self.spread, self.rows, population)

    def best(self, k: int, among: Int64 | None = None) -> tuple[Int64, Float64]:
        """The k items that score best, nearest first, and their exact scores.

        Among equals the lower position comes first, as in a stable sort of all exact scores.

        Args:
            k: how many.
            among: (m,) int64, positions of the items that count, ascending; all unless given.

        Returns:
            Positions (k,) int64, and scores (k,) float64.
        """
        if among is None and self.near is not None and k <= self.near[1]:
            return self._sorted(self.near[0], k)
        if among is None and self._first is not None:
            proven = self._first.best(k)
            if proven is not None:
                return proven
        values = self.values if among is None else self.values[among]
        keys = values if self.sign > 0 else -values
        first = best(keys, k)
        # The k-th best exact score is no worse than the least that these k may have.
        if isinstance(self.off_by, float):
            near = np.flatnonzero(keys >= np.min(keys[first]) - 2 * self.off_by)
        else:
            off = self.off_by if among is None else self.off_by[among]
            near = np.flatnonzero(keys + off >= np.min(keys[first] - off[first]))
        return self._sorted(near if among is None else among[near], k)

    def _sorted(self, near: Int64, k: int) -> tuple[Int64, Float64]:
        """The best of some items by their exact scores."""
        found = self.exact(near)
        order = np.lexsort((near, -self.sign * found))[:k]
        return near[order], found[order]

    def better(self, score: float) -> Int64:
        """Positions of the items that score better than some exact score, ties not among them.

        (n,) int64, in no order.
        """
        if self._first is not None and self.spread is not None:
            proven = self._first.better(score, *self.spread)
            if proven is not None:
                return proven
        above = self.sign * (self.values - score)
        off = self._off(np.arange(len(above)))
        found: Mask = above > off
        unsure = np.flatnonzero(np.abs(above) <= off)
        found[unsure] = self.sign * self.exact(unsure) > self.sign * score
        return np.flatnonzero(found)

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


def scan(
    measure: Measure,
    query: Float64,
    tally: Tally | None = None,
    near: tuple[Int64, int] | None = None,
) -> Scan:
    """The scores of all items of a measure's space with a composed query.

    Args:
        measure: of the space.
        query: as composed.
        tally: what is done is counted in; a new one unless given.
        near: as `Scan.near`.
    """
    done = Tally() if tally is None else tally

    def find() -> Float64:
        done.scans += 1
        return measure.scores(query)

    return _scan(measure, query, find, done, near)


def together(measure: Measure, queries: Sequence[Float64], tally: Tally) -> list[Scan]:
    """The same of some queries whose scores, once one is needed, are found in one walk."""
    found: list[Float64] = []

    def find(at: int) -> Float64:
        if not found:
            found.extend(measure.scores_of_each(queries))
        tally.scans += 1
        return found[at]

    return [_scan(measure, query, partial(find, at), tally) for at, query in enumerate(queries)]


def scans_of_each(
    measure: Measure, queries: Sequence[Float64] | Float64, k: int = 0
) -> Iterator[Scan]:
    """The same of several queries; many walk over the rows together.

    Args:
        measure: of the space.
        queries: as composed.
        k: how many of the best of each will be asked for, where that is known and no more is.
    """
    if len(queries) <= FEW:
        yield from (scan(measure, query) for query in queries)
        return
    if measure.as_scanned and measure.codes is not None and 0 < k <= _most(measure.space):
        # Nothing but the best is kept of a walk; all else that may be asked is found when it is.
        for first in range(0, len(queries), QUERIES_AT_ONCE):
            those = queries[first : first + QUERIES_AT_ONCE]
            directions = np.stack([measure.facing(query)[1] for query in those])
            # Where scores are a scan's products, all are off by one figure.
            by = 2 * float(measure.off_by(np.empty(0), directions[0]))
            each = near_of_each(measure.space, directions, k, by)
            for query, near in zip(those, each, strict=True):
                yield scan(measure, query, Tally(scans=1), (near, k))
        return
    for query, values in zip(queries, measure.scores_of_each(queries), strict=True):
        found = _scan(measure, query, lambda values=values: values, Tally(scans=1))  # type: ignore[misc]
        _ = found.values
        yield found


def _scan(
    measure: Measure,
    query: Float64,
    find: Callable[[], Float64],
    tally: Tally,
    near: tuple[Int64, int] | None = None,
) -> Scan:
    def exact(positions: Int64) -> Float64:
        tally.exact += len(positions)
        return measure.exact_scores(positions, query)

    codes, first = measure.codes, None
    if codes is not None:
        first = FirstPass(codes, measure.facing(query)[1], exact, tally)
    return Scan(
        rows=measure.space.entry.rows,
        find=find,
        allowed=lambda values: measure.off_by(values, query),
        exact=exact,
        sign=measure.sign,
        first=first,
        spread=measure.spread(query),
        near=near,
        tally=tally,
    )


def _most(space: Space) -> int:
    """For how many of the best of each query a walk is faster than all scores."""
    return space.entry.rows // _SPARSE


def scan_of(
    values: Float64,
    off_by: Float64 | float,
    exact: Callable[[Int64], Float64],
    sign: int = 1,
    tally: Tally | None = None,
) -> Scan:
    """A scan whose scores are known: (rows,) float64, and how far each may be off."""
    counted = Tally() if tally is None else tally
    return Scan(len(values), lambda: values, lambda _: off_by, exact, sign, tally=counted)


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
    return scan_of(
        values,
        np.maximum(high - values, values - low) + _ROUNDING * np.abs(high),
        lambda positions: formula([one.exact(positions) for one in scans]),
        tally=scans[0].tally,
    )
