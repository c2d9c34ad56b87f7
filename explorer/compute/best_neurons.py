"""The neurons that answer best to some words, by their weights alone.

Every neuron of a side has a score: the least of what it gives each word (or the mean), less the
largest of what it gives those to avoid. Ranks are those of sorting all neurons' scores in float64,
and two ways lead to them. A scan of all rows in float32 says between which bounds each score lies,
and what it leaves open is scored anew. Of z the neurons have 8-bit codes too, and one pass over
these is shorter: no neuron's least z is above its mean z, which is its product with one vector,
the mean of the words less that of their population. So the neurons whose mean is high are looked
at, and all others are proven to have a lower least. Where words have little in common too many
would have to be, and the scan answers.

Knows words' vectors and neurons; knows no question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from explorer.first_pass import Tally
from explorer.measures.measure import HALF_ULP_64, Weighted, split
from explorer.products import Float64, products_of_each
from explorer.ranking import best
from indexer.store.codes import Z_ALIKE, Codes
from indexer.store.errors import DamagedIndex
from indexer.store.rows import Float32, scan_error
from indexer.store.space import Space

Int64 = NDArray[np.int64]

_ROUNDINGS = 16 * HALF_ULP_64
"""What a few roundings in float64 may change of a number, as a share."""


@dataclass(frozen=True)
class Ranking:
    """Neurons that are ranked among each other: stretches of positions, and how many are shown."""

    stretches: tuple[slice, ...]
    count: int

    def holds_all(self, rows: int) -> bool:
        """Whether these are all the neurons there are."""
        return self.stretches == (slice(0, rows),)

    def of(self, values: Float64) -> Float64:
        """What is of them: (neurons,) -> (n,), a view where they lie together."""
        parts = [values[stretch] for stretch in self.stretches]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def positions(self, at: Int64) -> Int64:
        """Positions of the neurons at some places among them: (m,) int64."""
        found: Int64
        if len(self.stretches) == 1:
            found = at + self.stretches[0].start
        else:
            every = [np.arange(stretch.start, stretch.stop) for stretch in self.stretches]
            found = np.concatenate(every)[at]
        return found


@dataclass(frozen=True)
class Ranked:
    """One of the best: its rank, its position, its score, and what each word gives it."""

    rank: int
    position: int
    score: float
    values: list[float]


_SHARE = {1: 1 / 384, 2: 1 / 96, 3: 1 / 32}
"""By how many words hold a score below the mean: what share of the neurons a pass asks for.

Where more words do, too many neurons are left open, and a scan is faster.
"""

_AT_FIRST = 48
"""Neurons besides twice as many as are wanted: of them the pass asks, and looks at first."""

_MOST = 1 / 8
"""Share of the neurons beyond which a pass asks for no more of the highest."""

_MANY = 2048
"""Neurons that may be open after a pass; to look at more of them takes as long as a scan."""

_AT_ONCE = 128
"""Rows copied at once: so many stay in the processor's cache."""


def best_by_weights(
    space: Space,
    words: Sequence[Weighted],
    wanted: int,
    score: str,
    combine: str,
    rankings: Sequence[Ranking],
    tally: Tally,
) -> list[Ranked]:
    """The best of each ranking, as sorting the exact scores of all neurons gives them.

    Args:
        space: the side.
        words: those that are wanted, and after them those to avoid.
        wanted: how many of them are.
        score: `dot`, `cosine` or `z`.
        combine: `min` or `mean`.
        rankings: neurons that are ranked among each other.
        tally: what is done is counted in it.
    """
    asked = _Asked(space, [_Scorer(space, word, score) for word in words], wanted, combine)
    by_codes = None
    if score == "z" and len(rankings) == 1 and rankings[0].holds_all(space.entry.rows):
        by_codes = _by_codes(asked, rankings[0].count, tally)
    near = _by_scan(asked, rankings, tally) if by_codes is None else [by_codes.positions]
    # Whatever may be among the best is scored anew.
    positions = np.concatenate(near)
    values = asked.exactly(positions, tally)
    if by_codes is not None:
        by_codes.hold(values[:wanted])
    total = asked.total(values)
    found, start = [], 0
    for ranking, here in zip(rankings, near, strict=True):
        order = start + np.lexsort((here, -total[start : start + len(here)]))[: ranking.count]
        order = order[total[order] > -np.inf]
        found += [
            Ranked(rank, int(positions[at]), float(total[at]), [float(v[at]) for v in values])
            for rank, at in enumerate(order, start=1)
        ]
        start += len(here)
    return found


def _by_scan(asked: _Asked, rankings: Sequence[Ranking], tally: Tally) -> list[Int64]:
    """Positions of the neurons that may be among the best of each ranking, of all by a scan."""
    tally.scans += 1
    lower, upper = asked.bounds(asked.space.scan_all(asked.directions))
    near = []
    for ranking in rankings:
        low, high = ranking.of(lower), ranking.of(upper)
        enough = low[best(low, ranking.count)[-1]]
        near.append(ranking.positions(np.flatnonzero((high >= enough) & (high > -np.inf))))
    return near


@dataclass(frozen=True)
class _Near:
    """Neurons that may be among the best, as a pass over codes leaves them.

    Attributes:
        codes: that were passed over.
        positions: theirs, (n,) int64.
        means: their mean z by codes, (n,) float64.
        off_by: how far the mean of their z may be from these, (n,) float64.
    """

    codes: Codes
    positions: Int64
    means: Float64
    off_by: Float64

    def hold(self, values: Sequence[Float64]) -> None:
        """Hold what codes say of them against their z with each word, (n,) float64 each.

        Raises:
            DamagedIndex: one is farther from what its codes score than they say it can be.
        """
        wrong = np.flatnonzero(~(np.abs(np.mean(values, axis=0) - self.means) <= self.off_by))
        if len(wrong):
            row = int(self.positions[wrong[0]])
            raise DamagedIndex(
                f"{self.codes.label_of(row)}: row {row:,} is not what its codes say: "
                "`indexer verify` says what is damaged"
            )


def _by_codes(asked: _Asked, k: int, tally: Tally) -> _Near | None:
    """The neurons that may be among the k best of all by z, found by passes over codes.

    Returns:
        None where there are no codes, or where they leave too much open.
    """
    codes, share = asked.space.z_codes, _SHARE.get(asked.holding)
    between = None if codes is None or share is None else asked.between
    if codes is None or share is None or between is None:
        return None
    size, direction = split(between)
    unlike = asked.unlike(codes)
    at_first = 2 * k + _AT_FIRST
    count = at_first + int(codes.rows * share)
    while size and count <= codes.rows * _MOST:
        tally.passes += 1
        found = codes.highest(direction, count)
        means, off_by = found.scores * size, found.off_by * size + unlike
        some = found.positions
        if len(some) > at_first:
            some = some[np.argpartition(-means, at_first)[:at_first]]
        # The k-th best of all is no worse than the k-th best of some.
        enough = _least_of_best(asked.bounds_of(some)[0], k)
        open_ = np.flatnonzero(means + off_by >= asked.needed(enough))
        if len(open_) > max(_MANY, 4 * k):
            return None
        lower, upper = asked.bounds_of(found.positions[open_])
        if len(open_) >= k:
            enough = max(enough, _least_of_best(lower, k))
        short_of = found.ceiling * size + unlike - asked.needed(enough)
        # Of what was not returned none can reach the last of the best, nor equal it.
        if short_of < 0:
            near = open_[(upper >= enough) & (upper > -np.inf)]
            near = near[np.argsort(found.positions[near])]
            return _Near(codes, found.positions[near], means[near], off_by[near])
        count = _more(count, means, short_of)
    return None


def _least_of_best(lower: Float64, k: int) -> float:
    """The k-th highest of some values."""
    return float(np.partition(lower, len(lower) - k)[len(lower) - k])


def _more(count: int, means: Float64, short_of: float) -> int:
    """How many to ask for, that the least of them is lower by so much.

    So many more as there would be if their number grew by as much with every step downwards as it
    did in the lower half of those found: it grows by less, so that these are enough.
    """
    middle, least = float(np.median(means)), float(means.min())
    doublings = short_of / max(middle - least, 1e-300)
    return math.ceil(count * math.pow(2, min(max(doublings, 0.5), 32)))


class _Asked:
    """What some words are to the neurons of a side.

    Args:
        space: the side.
        scorers: of the words that are wanted, and after them of those to avoid.
        wanted: how many of them are.
        combine: `min` or `mean`.
    """

    def __init__(self, space: Space, scorers: Sequence[_Scorer], wanted: int, combine: str) -> None:
        self.space, self.wanted, self.combine = space, wanted, combine
        self._scorers = scorers

    @property
    def directions(self) -> Float64:
        """The words' unit vectors, (words, d_model)."""
        return np.stack([scorer.direction for scorer in self._scorers])

    @property
    def holding(self) -> int:
        """How many words hold a neuron's score below the mean of what it gives the wanted."""
        avoided = len(self._scorers) - self.wanted
        return avoided + (self.wanted if self.combine == "min" else 1)

    @property
    def between(self) -> Float64 | None:
        """The mean of the words that are wanted, less that of their population: (d_model,).

        None where one of them is of another space than `embed`, whose moments z's codes are of.
        """
        wanted = self._scorers[: self.wanted]
        if any(scorer.home.entry.kind != "embed" for scorer in wanted):
            return None
        total: Float64 = np.mean([scorer.vector for scorer in wanted], axis=0)
        return total - wanted[0].home.mean

    def unlike(self, codes: Codes) -> float:
        """How far a mean z may be from the product with `between`, by how either is rounded."""
        sizes = [scorer.size for scorer in self._scorers[: self.wanted]]
        middle = float(np.linalg.norm(self._scorers[0].home.mean))
        return 2 * Z_ALIKE * codes.longest * (max(sizes) + middle)

    def needed(self, score: float) -> float:
        """What the mean of a neuron must reach for its score to reach some score.

        No score is above the mean; and where words are to be avoided, what is not above 0 for those
        that are wanted does not count.
        """
        return max(score, 0.0) if self._scorers[self.wanted :] else score

    def bounds_of(self, positions: Int64) -> tuple[Float64, Float64]:
        """The same as `bounds` of some neurons, from float32 products with copies of their rows."""
        directions = self.directions.astype(np.float32)
        products = np.empty((len(directions), len(positions)), np.float32)
        for first in range(0, len(positions), _AT_ONCE):
            here = slice(first, first + _AT_ONCE)
            products[:, here] = directions @ self.space.rows.take(positions[here]).T
        return self.bounds(products, positions)

    def bounds(
        self, scanned: Float32, positions: Int64 | slice = slice(None)
    ) -> tuple[Float64, Float64]:
        """What every neuron's exact score lies between, given what a scan may be off by.

        Neither the least nor the mean nor the largest of some scores is off by more than one of
        these is, and a difference by no more than both of its sides.

        Args:
            scanned: (words, n) float32, inner products of unit rows with `directions`.
            positions: of these rows, (n,) int64; all unless given.

        Returns:
            (n,) float64 each.

        Raises:
            DamagedIndex: a score is not a finite number, which a sound index never gives.
        """
        each = zip(self._scorers, scanned, strict=True)
        values = [scorer.scanned(products, positions) for scorer, products in each]
        if not all(np.isfinite(each.sum()) for each in values):
            raise DamagedIndex(
                f"scores of {self.space.name} are not finite numbers: `indexer verify` names the "
                "file"
            )
        # Of the words of one space the longest is off by most.
        by_size = sorted(self._scorers, key=lambda one: one.size)
        longest = {scorer.home.name: scorer for scorer in by_size}
        off, *others = (scorer.off_by(positions) for scorer in longest.values())
        for other in others:
            np.maximum(off, other, out=off)
        answered = _answered(values, self.wanted, self.combine)
        if not values[self.wanted :]:
            return answered - off, answered + off
        total = answered - np.maximum(np.stack(values[self.wanted :]).max(axis=0), 0)
        surely, perhaps = answered > off, answered > -off
        return (
            np.where(surely, total - 2 * off, -np.inf),
            np.where(perhaps, total + 2 * off, -np.inf),
        )

    def exactly(self, positions: Int64, tally: Tally) -> list[Float64]:
        """What each word gives some neurons, in float64 from the rows as stored: (n,) each."""
        tally.exact += len(positions)
        return _exactly(self.space, positions, self._scorers)

    def total(self, values: Sequence[Float64]) -> Float64:
        """Neurons' scores from what each word gives them, (n,) float64 each."""
        return _total(values, self.wanted, self.combine)


class _Scorer:
    """What a word gives the neurons of a side, from its inner products with their unit rows.

    `dot` is n.w; `cosine` n.w / |n||w|; `z` (n.w - n.mu) / sqrt(n' Sigma n), with mu and Sigma of
    the word's own space. A neuron whose scores do not vary gets z = 0.

    Args:
        space: the side.
        word: its vector, with the space that it is from.
        score: `dot`, `cosine` or `z`.
    """

    def __init__(self, space: Space, word: Weighted, score: str) -> None:
        self._space, self._score = space, score
        self.vector, self.size = word.vector, float(np.linalg.norm(word.vector))
        self.home = word.home
        self._moments = space.scores_of(word.home) if score == "z" else None
        self._vary = self._moments is None or bool(self._moments[1].min() > 0)

    @property
    def direction(self) -> Float64:
        """The word's unit vector, (d_model,): none is too long or short for a scan's float32."""
        return self.vector / self.size if self.size else self.vector

    def scores(self, products: Float64, at: Int64) -> Float64:
        """(n,) products with the word at its own length -> (n,) scores; may reuse them."""
        if self._score == "cosine":
            return products / self.size if self.size else products
        products *= self._space.lengths[at]
        if self._moments is not None:
            mean, deviation = (values[at] for values in self._moments)
            products -= mean
            with np.errstate(divide="ignore", invalid="ignore"):  # of those that do not vary
                products /= deviation
            if not self._vary:
                products[deviation <= 0] = 0
        return products

    def scanned(self, products: Float32, at: Int64 | slice) -> Float64:
        """The scores of some neurons, from a scan's products with `direction`: (n,) float64."""
        if self._score == "cosine":
            return products.astype(np.float64)
        each, less = self._scale
        scores: Float64 = products * each[at]
        scores *= self.size
        if less is not None:
            scores -= less[at]
        return scores

    def off_by(self, at: Int64 | slice) -> Float64:
        """How far each of these may be from the exact one: (n,) float64."""
        error = scan_error(self._space.entry.width) + _ROUNDINGS
        if self._score == "cosine":
            return np.full(len(self._space.lengths[at]), error)
        each, less = self._scale
        off = each[at] * (error * self.size)
        if less is not None:
            off += _ROUNDINGS * np.abs(less[at])
        return off

    @property
    def _scale(self) -> tuple[Float64, Float64 | None]:
        """What a product with a unit row is multiplied by, the word's size aside; and what less."""
        if self._moments is None:
            return self._space.lengths, None
        return self._space.standardising(self.home)


def exact_neuron_scores(
    space: Space, positions: Int64, words: Sequence[Weighted], score: str
) -> list[Float64]:
    """What words give some neurons of a side, in float64: a list of (n,) float64, one a word."""
    return _exactly(space, positions, [_Scorer(space, word, score) for word in words])


def _exactly(space: Space, positions: Int64, scorers: Sequence[_Scorer]) -> list[Float64]:
    """The same of words whose scorers are made."""
    products = products_of_each(space, positions, [scorer.vector for scorer in scorers])
    return [scorer.scores(own, positions) for scorer, own in zip(scorers, products, strict=True)]


def _answered(values: Sequence[Float64], wanted: int, combine: str) -> Float64:
    """What a neuron gives the words that are wanted: the least, or the mean."""
    if combine == "min":
        return reduce(np.minimum, values[:wanted])
    answered: Float64 = np.stack(values[:wanted]).mean(axis=0)
    return answered


def _total(values: Sequence[Float64], wanted: int, combine: str) -> Float64:
    """A neuron's score: what it gives the wanted, less the largest of the others above zero.

    Minus infinity of one that gives the wanted nothing, where others are to be avoided.
    """
    answered = _answered(values, wanted, combine)
    if not values[wanted:]:
        return answered
    total: Float64 = answered - np.maximum(np.stack(values[wanted:]).max(axis=0), 0)
    total[answered <= 0] = -np.inf
    return total
