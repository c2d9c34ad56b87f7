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
from indexer.store.rows import scan_error
from indexer.store.space import Space

Float64 = NDArray[np.float64]

NEARLY_EQUAL = 1e-4
"""Below this share of |x|^2 + |y|^2, float32 inner products leave a squared distance few digits."""

_HALF_ULP = 2.0**-24
"""What rounding a number to float32 may change of it, as a share."""

_HALF_ULP_64 = 2.0**-53
"""The same of float64."""

PRODUCTS_AT_ONCE = 1 << 24
"""Inner products held at once when several queries walk over the rows together: 64 MB."""

EVERY = slice(None)
"""All items of a space."""

COSMUL_EPSILON = 1e-6
"""Kept out of the denominator of 3CosMul, as gensim has it."""

_PAIRS_AT_ONCE = 2048
_EXACT_AT_ONCE = 4096
"""Rows scored in float64 at once: 19 MB of them at a width of 576."""

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
    if measure != "cosine":  # of which the length is nothing
        rows *= space.lengths[positions, None]
    return normed_rows(rows, space, measure)


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


def row_products(rows: Float64, vector: Float64) -> Float64:
    """Inner products of some rows with a vector: (n, width), (width,) -> (n,) float64.

    Equal rows have equal products, to the last bit, whatever stands beside them and whatever
    processor they are found on: a matrix product, which sums its last columns in another order,
    does not promise that.
    """
    products: Float64 = np.multiply(rows, vector).sum(axis=1)
    return products


def unit_products(space: Space, positions: NDArray[np.int64], vector: Float64) -> Float64:
    """Inner products of some unit rows of a space with a vector, in float64: (n,) float64."""
    found = np.empty(len(positions))
    for first in range(0, len(positions), _EXACT_AT_ONCE):
        here = slice(first, first + _EXACT_AT_ONCE)
        rows = space.rows.take(positions[here]).astype(np.float64)
        found[here] = row_products(rows, vector)
    return found


def exact_scores(
    space: Space, positions: NDArray[np.int64], query: Float64, measure: str
) -> Float64:
    """The scores of some items, computed in float64 from the rows as stored: (n,) float64.

    These decide every rank: an item is better than another where its exact score is. Equal rows
    score the same to the last bit.
    """
    found = np.empty(len(positions))
    for first in range(0, len(positions), _EXACT_AT_ONCE):
        here = positions[first : first + _EXACT_AT_ONCE]
        found[first : first + len(here)] = _exactly(space, here, query, measure)
    return found


def _exactly(space: Space, positions: NDArray[np.int64], query: Float64, measure: str) -> Float64:
    size, direction = _split(query)
    rows = space.rows.take(positions).astype(np.float64)
    if measure == "cosine":
        # A unit row's length is rounded, and so is not quite 1.
        lengths = np.sqrt(_squares(rows))
        products = row_products(rows, direction)
        return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    if measure == "dot":
        return row_products(rows, direction) * space.lengths[positions] * size
    rows *= space.lengths[positions, None]
    if measure == "euclidean":
        rows -= query
        return np.sqrt(_squares(rows))
    rows -= space.mean
    lengths = np.sqrt(_squares(rows))
    # An item that the index has as the mean itself has no direction, though rounding leaves one.
    lengths[space.over_centered[positions] == 0] = 0
    products = row_products(rows, direction)
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)


def _squares(rows: Float64) -> Float64:
    """The squared length of each row: (n, width) -> (n,) float64."""
    squares: Float64 = np.square(rows).sum(axis=1)
    return squares


def off_by(space: Space, values: Float64, query: Float64, measure: str) -> Float64 | float:
    """How far a score of the scan may be from the exact one: one figure, or (rows,) float64.

    Proven, not seen: with e what `scan_error` says, c what the float64 of a row's sums leaves
    open, and |y| the length of a row, |y - mu| that of a row less the mean,

        dot         e |x| |y|
        cosine      e
        centered    (e |y| + c (|y| + |mu|)) / |y - mu|, and the rounding of |y - mu| to float32
        euclidean   what the square may be off by, 2 e |x| |y| + 4 u |y|^2 + c (|x| + |y|)^2, over
                    the distance, and no more than its root

    Args:
        space: whose items.
        values: (rows,) float64, their scores as the scan has them.
        query: as composed.
        measure: how they were scored.
    """
    width = space.entry.width
    error = scan_error(width)
    if measure == "cosine":
        return error
    sums = 2 * (width + 8) * _HALF_ULP_64
    size = float(np.linalg.norm(query))
    if measure == "dot":
        return error * size * space.lengths
    if measure == "centered":
        beyond = sums * float(np.linalg.norm(space.mean))
        return ((error + sums) * space.lengths + beyond) * space.over_centered + 2 * _HALF_ULP
    squares = 2 * error * size * space.lengths
    # A unit row's length is rounded, and what the scan takes for |y|^2 with it.
    squares += 4 * _HALF_ULP * space.lengths**2 + sums * (space.lengths + size) ** 2
    # What a square is off by, over the root; near 0 the root is off by no more than its root.
    return squares / np.maximum(np.maximum(values, np.sqrt(squares)), 1e-300)


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
    """Scores of items with items, by measure, in float64 from the rows as stored.

    A `centered` score with an item that is the mean itself is 0, as a cosine with zero is.
    `progress` is told what share of the pairs is done.

    Returns:
        By measure, (pairs,) float64.
    """
    found = {measure: np.empty(len(first)) for measure in measures}
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        here = slice(start, start + _PAIRS_AT_ONCE)
        positions = first[here], second[here]
        unit = [space.rows.take(at).astype(np.float64) for at in positions]
        lengths = [space.norms[at].astype(np.float64) for at in positions]
        whole = [rows * size[:, None] for rows, size in zip(unit, lengths, strict=True)]
        for measure in measures:
            if measure == "cosine":
                values = np.vecdot(*(normed_rows(rows, space, measure) for rows in unit))
            elif measure == "dot":
                values = np.vecdot(*whole)
            elif measure == "euclidean":
                values = np.linalg.norm(whole[0] - whole[1], axis=1)
            else:
                values = _centered(whole, positions, space)
            found[measure][here] = values
        progress(min(1.0, here.stop / len(first)))
    return found


def _centered(
    vectors: Sequence[Float64], positions: Sequence[NDArray[np.int64]], space: Space
) -> Float64:
    """The cosines of pairs of vectors less the mean: two of (n, width) -> (n,) float64."""
    away = [rows - space.mean for rows in vectors]
    product, size = np.vecdot(*away), np.ones(len(away[0]))
    for rows, at in zip(away, positions, strict=True):
        size *= np.where(space.centered_norms[at] > 0, np.linalg.norm(rows, axis=1), 0)
    cosines: Float64 = np.divide(product, size, out=np.zeros_like(product), where=size > 0)
    return cosines


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
