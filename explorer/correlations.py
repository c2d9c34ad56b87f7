"""How alike two lists of numbers are: the measures, and what each of them needs.

Knows lists, their ranks, and their sums and products; knows no words and no neurons. With x and y
two lists of n numbers, x.y their dot product and s their sums:

    dot         x.y
    cosine      x.y / |x||y|
    euclidean   |x - y| = sqrt(x.x + y.y - 2 x.y)
    pearson     (x.y - sx sy / n) / sqrt((x.x - sx^2 / n) (y.y - sy^2 / n))
    spearman    Pearson's of the ranks, equal values sharing the mean of theirs
    kendall     tau-b (Kendall 1945): (concordant - discordant) / sqrt(pairs not tied in x, in y)

A cosine with the zero list is 0, and so is a correlation with a list that does not vary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from explorer.questions.compare import ProfileMeasure

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

LINEAR = ("pearson", "cosine", "euclidean", "dot")
CORRELATIONS: tuple[ProfileMeasure, ...] = get_args(ProfileMeasure)

CONSTANT = 1e-12
"""A list whose variance is below this share of its mean square does not vary: no more digits are
left of float64 sums."""

NEARLY_EQUAL = 1e-6
"""Below this share of x.x + y.y, a squared distance is taken from the difference itself."""

_NUMBERS_AT_ONCE = 4096

_PAIRS_WORTH_ALL = 32
"""Products of all m lists with all cost about as much as those of m^2 / 32 pairs one by one."""


@dataclass(frozen=True)
class Products:
    """What the linear measures need of some lists.

    Attributes:
        dots: (m, m) float64, the dot product of every list with every other.
        sums: (m,) float64, the sum of each list.
        n: how long the lists are.
        squared_distances: of the lists at some positions and at as many others, |x - y|^2 without
            cancellation: two (k,) int64 -> (k,) float64.
    """

    dots: Float64
    sums: Float64
    n: int
    squared_distances: Callable[[Int64, Int64], Float64]

    @property
    def constant(self) -> NDArray[np.bool_]:
        """(m,) bool: which lists do not vary."""
        squares = np.diagonal(self.dots)
        above: NDArray[np.bool_] = squares - self.sums**2 / self.n > CONSTANT * squares
        return ~above


def products_of(lists: Float64) -> Products:
    """The same from the lists themselves: (m, n) float64."""

    def squared_distances(first: Int64, second: Int64) -> Float64:
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return np.array([np.sum((lists[one] - lists[other]) ** 2) for one, other in pairs])

    return Products(lists @ lists.T, lists.sum(axis=1), lists.shape[1], squared_distances)


def linear(
    of: Products, first: Int64, second: Int64, measures: Sequence[str]
) -> dict[str, Float64]:
    """Pearson, cosine, Euclidean and dot of pairs of lists, by position: each (pairs,) float64."""
    squares = np.diagonal(of.dots)
    dots = of.dots[first, second]
    found: dict[str, Float64] = {}
    for measure in measures:
        if measure == "pearson":
            lengths = np.sqrt(np.maximum(squares - of.sums**2 / of.n, 0))
            scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=~of.constant)
            means = of.sums / np.sqrt(of.n)
            found[measure] = (dots - means[first] * means[second]) * scale[first] * scale[second]
            np.clip(found[measure], -1, 1, out=found[measure])
        elif measure == "cosine":
            lengths = np.sqrt(squares)
            scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
            found[measure] = np.clip(dots * scale[first] * scale[second], -1, 1)
        elif measure == "euclidean":
            whole = squares[first] + squares[second]
            apart = whole - 2 * dots
            near = np.flatnonzero(apart < NEARLY_EQUAL * whole)
            if len(near):
                apart[near] = of.squared_distances(first[near], second[near])
            found[measure] = np.sqrt(apart, out=apart)
        elif measure == "dot":
            found[measure] = dots
    return found


def ranks(values: Float64) -> Float32:
    """Ranks from 1 of one list, equal values sharing the mean of theirs: (n,) float32.

    float32 holds every rank and half rank of lists of up to four million numbers.
    """
    order = np.argsort(values)
    ordered = values[order]
    differs = ordered[1:] != ordered[:-1]
    found = np.empty(len(values), np.float32)
    if differs.all():
        found[order] = np.arange(1, len(values) + 1, dtype=np.float32)
        return found
    starts = np.concatenate([[0], np.flatnonzero(differs) + 1])
    ends = np.append(starts[1:], len(values))
    found[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return found


def spearman(ranked: Float32, first: Int64, second: Int64) -> Float64:
    """Spearman's rho of pairs of lists from their ranks (m, n): (pairs,) float64.

    Ranks less their mean are whole or half numbers, whose products float64 adds up without error
    in lists of up to a hundred thousand; so it makes no difference in which order.
    """
    count, n = ranked.shape
    mean = (n + 1) / 2

    def dot(one: int, other: int) -> float:
        around = [ranked[at].astype(np.float64) - mean for at in (one, other)]
        return float(np.einsum("n,n->", *around))

    squares = np.array([dot(at, at) for at in range(count)])
    if len(first) < count * count / _PAIRS_WORTH_ALL:
        dots = np.array(list(map(dot, first.tolist(), second.tolist())))
    else:
        every = np.zeros((count, count))
        for start in range(0, n, _NUMBERS_AT_ONCE):
            part = ranked[:, start : start + _NUMBERS_AT_ONCE].astype(np.float64) - mean
            every += part @ part.T
        dots = every[first, second]
    lengths = np.sqrt(squares)
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    rho: Float64 = np.clip(dots * scale[first] * scale[second], -1, 1)
    return rho


def kendall(ranked: Float32, first: Int64, second: Int64, step: Callable[[float], None]) -> Float64:
    """Kendall's tau-b of pairs of lists from their ranks (m, n): (pairs,) float64.

    SciPy's, in n log n a pair; `step` is told the share of the pairs that is done.
    """
    from scipy.stats import kendalltau

    found = np.zeros(len(first))
    for at, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if np.ptp(ranked[one]) and np.ptp(ranked[other]):
            found[at] = kendalltau(ranked[one], ranked[other], method="asymptotic").statistic
        step((at + 1) / len(first))
    return found
