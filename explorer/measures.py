"""How two vectors are scored, defined once for every question.

Knows the four measures, how each norms what it adds up, and the calibration of a query; knows no
words and no tables. With u a unit row, |y| its norm, mu and |y - mu| what the index stores:

    dot         x.y               = |y| u.x
    cosine      x.y / |x||y|      = u.x / |x|
    centered    cosine of x - mu and y - mu = (|y| u.x - mu.x) / |y - mu||x|, x centred already
    euclidean   |x - y|           = sqrt(|x|^2 - 2 |y| u.x + |y|^2)

A cosine with the zero vector is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import QueryError
from explorer.results import Calibration
from indexer.store.errors import DamagedIndex, EmptyPopulation, unknown
from indexer.store.layout import MEASURES
from indexer.store.space import Space

Float64 = NDArray[np.float64]

NEARLY_EQUAL = 1e-4
"""Below this share of |x|^2 + |y|^2, float32 inner products leave a squared distance few digits."""

SCAN_ERROR = 1e-6
"""What a scan's product of two unit vectors may be off by: ten times the most that was seen."""

PRODUCTS_AT_ONCE = 1 << 24
"""Inner products held at once when several queries walk over the rows together: 64 MB."""

EVERY = slice(None)
"""All items of a space."""

COSMUL_EPSILON = 1e-6
"""Kept out of the denominator of 3CosMul, as gensim has it."""

_PAIRS_AT_ONCE = 4096

_CONSTANT = 1e-12
"""Scores that deviate by less than this share of their mean do so by rounding alone."""


@dataclass(frozen=True)
class Weighted:
    """A vector at its own length, (width,) float64, with its weight and its home space."""

    vector: Float64
    weight: float
    home: Space


def checked_measure(measure: str | None, space: Space) -> str:
    """The measure asked for, or the space's own.

    Raises:
        QueryError: there is no such measure.
    """
    if measure is None:
        return space.entry.measure
    if measure not in MEASURES:
        raise QueryError(unknown("measure", measure, MEASURES))
    return measure


def normed(item: Weighted, measure: str) -> Float64:
    """An item's vector, unit-normed in the measure's own sense: (width,) float64.

    `cosine` makes it unit; `centered` first takes its home space's mean away; `dot` and
    `euclidean` have no norm to divide by and leave it as it is.

    Raises:
        QueryError: the vector has no direction.
    """
    rows = normed_rows(item.vector[None], item.home, measure)
    if measure in ("cosine", "centered") and not rows.any():
        raise QueryError("a zero vector has no direction; ask with --measure dot or euclidean")
    vector: Float64 = rows[0]
    return vector


def normed_items(space: Space, positions: NDArray[np.int64], measure: str) -> Float64:
    """Items of a space, normed as `normed_rows` has it: (len(positions), width) float64."""
    rows = space.rows.take(positions).astype(np.float64)
    if measure == "cosine":
        return rows  # stored so
    return normed_rows(rows * space.norms[positions, None], space, measure)


def normed_rows(vectors: Float64, home: Space, measure: str) -> Float64:
    """Vectors, each unit-normed in the measure's own sense: (n, width) -> (n, width) float64.

    One without a direction is left zero, so that its cosines are 0. `home` is their space, whose
    mean `centered` takes away.
    """
    if measure == "centered":
        vectors = vectors - home.mean
    if measure in ("cosine", "centered"):
        sizes = np.linalg.norm(vectors, axis=-1, keepdims=True)
        # Not > 0: what is no number must stay none, and be told of.
        vectors = np.divide(vectors, sizes, out=np.zeros_like(vectors), where=sizes != 0)
    return vectors


def pairwise(first: Float64, second: Float64, measure: str) -> Float64:
    """Every score of some normed vectors with others.

    (..., n, width) and (..., m, width) -> (..., n, m) float64.
    """
    products: Float64 = first @ second.swapaxes(-1, -2)
    if measure != "euclidean":
        return products
    squares = np.vecdot(first, first)[..., :, None] + np.vecdot(second, second)[..., None, :]
    distances: Float64 = np.sqrt(np.maximum(squares - 2 * products, 0))
    return distances


def compose(items: Sequence[Weighted], measure: str) -> Float64:
    """The signed, weighted sum of normed items (3CosAdd): (width,) float64.

    Raises:
        QueryError: the sum is zero, so that it has no direction.
    """
    parts = [item.weight * normed(item, measure) for item in items]
    total: Float64 = np.sum(parts, axis=0)
    largest = max(float(np.linalg.norm(part)) for part in parts)
    if measure != "euclidean" and float(np.linalg.norm(total)) <= 1e-9 * largest:
        raise QueryError("the expression adds up to nothing: its items cancel")
    return total


def scores(space: Space, query: Float64, measure: str) -> Float64:
    """The score of every item of a space with a composed query: (rows,) float64.

    The rows are scanned with the unit query, so that no weight is too large or small for the
    float32 of the scan.
    """
    size, direction = _split(query)
    return _measured(space, space.scan(direction).astype(np.float64), EVERY, query, size, measure)


def scores_of_each(
    space: Space, queries: Sequence[Float64] | Float64, measure: str
) -> Iterator[Float64]:
    """The same for several queries, in one walk over the rows for each few of them.

    Yields (rows,) float64 a query, in their order; equal to `scores` but for the last digits of
    float32. Memory is that of a few million products, whatever the number of queries.
    """
    at_once = max(1, PRODUCTS_AT_ONCE // space.entry.rows)
    for first in range(0, len(queries), at_once):
        part = [_split(query) for query in queries[first : first + at_once]]
        scanned = space.scan_all(np.stack([direction for _, direction in part]))
        for query, (size, _), products in zip(queries[first:], part, scanned, strict=False):
            yield _measured(space, products.astype(np.float64), EVERY, query, size, measure)


def exact_scores(
    space: Space, positions: NDArray[np.int64], query: Float64, measure: str
) -> Float64:
    """The scores of some items, computed in float64 from the rows as stored: (n,) float64."""
    rows = space.rows.take(positions).astype(np.float64)
    if measure == "euclidean":
        away = rows * space.norms[positions, None] - query
        distances: Float64 = np.linalg.norm(away, axis=1)
        return distances
    size, direction = _split(query)
    return _measured(space, np.vecdot(rows, direction), positions, query, size, measure)


def best_exactly(
    space: Space, values: Float64, k: int, query: Float64, measure: str
) -> tuple[NDArray[np.int64], Float64]:
    """The k items that score best, nearest first, and their scores in float64.

    Args:
        space: whose items.
        values: (rows,) float64, their scores as the float32 scan has them.
        k: how many.
        query: as composed.
        measure: how they were scored.

    Returns:
        Positions (k,) int64, the lower first among equals, and scores (k,) float64. They are what
        sorting the exact scores of all items gives: whatever may be among the best, given what
        the scan can be off by, is scored anew.
    """
    sign = better_first(measure)
    keys = values if sign > 0 else -values
    off = _off_by(space, values, query, measure)
    first = best(keys, k)
    if isinstance(off, float):
        near = np.flatnonzero(keys >= float(keys[first[-1]]) - 2 * off)
    else:
        near = np.flatnonzero(keys + off >= float(np.min(keys[first] - off[first])))
    exact = exact_scores(space, near, query, measure)
    order = np.lexsort((near, -sign * exact))[:k]
    return near[order], exact[order]


def _split(query: Float64) -> tuple[float, Float64]:
    """A query's length and direction."""
    size = float(np.linalg.norm(query))
    return size, query / size if size else query


def _measured(
    space: Space,
    products: Float64,
    at: slice | NDArray[np.int64],
    query: Float64,
    size: float,
    measure: str,
) -> Float64:
    """Scores from the inner products of some unit rows with the unit query; may reuse them."""
    if measure == "cosine":
        return products
    products *= space.lengths[at]
    if measure == "centered":
        products -= float(space.mean @ query) / size if size else 0.0
        products *= space.over_centered[at]
        return products
    products *= size
    if measure == "dot":
        return products
    return _distances(space, query, space.lengths[at], products, size)


def _off_by(space: Space, values: Float64, query: Float64, measure: str) -> Float64 | float:
    """How far a score of the scan may be from the exact one: one figure, or (rows,) float64."""
    if measure == "cosine":
        return SCAN_ERROR
    size = float(np.linalg.norm(query))
    if measure == "dot":
        return SCAN_ERROR * size * space.lengths
    if measure == "euclidean":
        squares = 2 * SCAN_ERROR * size * space.lengths
        # What a square is off by, over the root; near 0 the root is off by no more than its root.
        return squares / np.maximum(np.maximum(values, np.sqrt(squares)), 1e-300)
    return SCAN_ERROR * space.lengths * space.over_centered


def _distances(
    space: Space, query: Float64, lengths: Float64, products: Float64, size: float
) -> Float64:
    """|x - y| for every item, those that all but cancel computed from the vectors themselves."""
    whole = lengths**2 + size**2
    squares = whole - 2 * products
    for at in np.flatnonzero(squares < NEARLY_EQUAL * whole):
        squares[at] = np.sum((space.vector(int(at)) - query) ** 2)
    return np.sqrt(squares, out=squares)


def pair_scores(
    space: Space,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    measures: Sequence[str],
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Float64]:
    """Scores of items with items, by measure: each (pairs,) float64.

    A `centered` score with an item that is the mean itself is 0, as a cosine with zero is.
    `progress` is told what share of the pairs is done.
    """
    unit = np.empty(len(first))
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        here = slice(start, start + _PAIRS_AT_ONCE)
        unit[here] = np.vecdot(
            space.rows.take(first[here]).astype(np.float64),
            space.rows.take(second[here]).astype(np.float64),
        )
        progress(min(1.0, here.stop / len(first)))
    norms = space.norms.astype(np.float64)
    dot = unit * norms[first] * norms[second]
    found: dict[str, Float64] = {}
    for measure in measures:
        if measure == "dot":
            found[measure] = dot
        elif measure == "cosine":
            found[measure] = unit
        elif measure == "euclidean":
            square = norms[first] ** 2 + norms[second] ** 2 - 2 * dot
            found[measure] = np.sqrt(np.maximum(square, 0))
        else:
            along = space.scan(space.mean).astype(np.float64) * norms
            above = dot - along[first] - along[second] + float(space.mean @ space.mean)
            lengths = space.centered_norms.astype(np.float64)
            size = lengths[first] * lengths[second]
            found[measure] = np.divide(above, size, out=np.zeros_like(above), where=size > 0)
    return found


def between(first: Float64, second: Float64, measure: str) -> float:
    """The score of two composed queries with each other."""
    if measure == "euclidean":
        return float(np.linalg.norm(first - second))
    product = float(first @ second)
    if measure == "dot":
        return product
    return product / (float(np.linalg.norm(first)) * float(np.linalg.norm(second)))


def one_score(target: Weighted, query: Float64, measure: str) -> float:
    """The score of one vector, an item of the space or not, with a composed query."""
    mine = target.vector if measure == "euclidean" else normed(target, measure)
    return between(mine, query, measure)


def cosmul(positive: Sequence[Float64], negative: Sequence[Float64]) -> Float64:
    """3CosMul (Levy and Goldberg 2014): cosines, shifted to [0, 1], multiplied and divided."""
    above = np.prod([(1 + c) / 2 for c in positive], axis=0)
    below = np.prod([(1 + c) / 2 for c in negative], axis=0) if negative else 0.0
    result: Float64 = above / (below + COSMUL_EPSILON) if negative else above
    return result


def calibrate(values: Float64, population: str) -> Calibration:
    """Mean and deviation of a query's scores over all items of a space.

    Raises:
        DamagedIndex: a score is not a finite number, which a sound index never gives.
        EmptyPopulation: every item scores the same, so that no score stands out.
    """
    mean = float(values.mean())
    above = values - mean
    deviation = math.sqrt(float(np.square(above, out=above).mean()))
    if not math.isfinite(deviation):
        raise DamagedIndex(
            f"scores of {population} are not finite numbers: `indexer verify` names the file"
        )
    if deviation <= _CONSTANT * abs(mean):
        raise EmptyPopulation(
            f"{population} score the same, {mean:.4f} (n = {len(values):,}): no z can be had where "
            "nothing varies"
        )
    return Calibration(mean, deviation, len(values), population)


def z(score: float, calibration: Calibration) -> float:
    """Deviations above the mean."""
    return (score - calibration.mean) / calibration.deviation


def better_first(measure: str) -> int:
    """+1 where a higher score is nearer, -1 for a distance."""
    return -1 if measure == "euclidean" else 1


def best(values: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Positions of the k highest values, highest first, the lower position first among equals.

    Equals a full sort. The k highest lie at or above the k-th highest of the maxima of runs of
    64, which is cheap to find and leaves little to sort.
    """
    k = min(k, len(values))
    runs = len(values) // 64
    if runs >= 2 * k:
        maxima = values[: runs * 64].reshape(runs, 64).max(axis=1)
        floor = np.partition(maxima, runs - k)[runs - k]
        near = np.flatnonzero(values >= floor)
    else:
        near = np.arange(len(values))
    order = np.lexsort((near, -values[near]))[:k]
    chosen: NDArray[np.int64] = near[order]
    return chosen
