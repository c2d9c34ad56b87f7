"""Where the scores of pairs of words stand among those of their control pairs.

Knows how many control pairs each pair still needs and how many fit at once; knows no measure, and
not how stand-ins are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.chance.control_draws import DRAWS_AT_ONCE, ControlDraws
from explorer.chance.significance import same
from explorer.compute.neuronsets import NeuronSet
from explorer.correlations import Float64, Int64


@dataclass
class PairScores:
    """Where the scores of some pairs stand among those of their control pairs, as these come in.

    `asked` are the scores of the pairs, (pairs,) float64.
    """

    asked: Float64
    n: int = 0
    mean: float = 0.0
    _squares: float = 0.0
    _lower: Int64 = field(init=False)
    _equal: Int64 = field(init=False)
    _each: Int64 = field(init=False)

    def __post_init__(self) -> None:
        self._lower, self._equal, self._each = np.zeros((3, len(self.asked)), np.int64)

    def add(self, values: Float64, used: NDArray[np.bool_]) -> None:
        """Take in control scores (b, pairs), those that are `used`."""
        equal = same(values, self.asked)
        self._lower += ((values < self.asked) & ~equal & used).sum(axis=0)
        self._equal += (equal & used).sum(axis=0)
        self._each += used.sum(axis=0)
        new = values[used]
        if not len(new):
            return
        # Means and squares of two parts make those of the whole (Chan, Golub and LeVeque 1979).
        mean, total = float(new.mean()), self.n + len(new)
        apart = mean - self.mean
        self._squares += float(((new - mean) ** 2).sum()) + apart**2 * self.n * len(new) / total
        self.mean += apart * len(new) / total
        self.n = total

    @property
    def std(self) -> float:
        """Their standard deviation: of all control scores, divided by n."""
        return float(np.sqrt(self._squares / self.n))

    @property
    def percentiles(self) -> Float64:
        """(pairs,) float64: how many in a hundred score lower, half of the equals counted."""
        return 100 * (self._lower + self._equal / 2) / self._each


def read_against(
    stand_ins: ControlDraws,
    sets: Sequence[NeuronSet],
    standings: Sequence[dict[str, PairScores]],
    first: Int64,
    second: Int64,
    wanted: int,
    own: bool,
    together: int,
    progress: Callable[[float], None],
) -> None:
    """Give every pair of words its control pairs, the same in every set of neurons.

    Args:
        stand_ins: of the words.
        sets: the neurons that profiles are compared over.
        standings: for each set, by measure, where the scores of the pairs stand; they take in
            those of the control pairs.
        first: one word of each pair, by position: (pairs,) int64.
        second: the other.
        wanted: how many control pairs a pair.
        own: whether neurons are chosen anew for each draw.
        together: of how many stand-ins the profiles fit at once.
        progress: told how many control pairs every pair has, parts of them counted.
    """
    taken = np.zeros(len(first), np.int64)
    for drawn in _batches(stand_ins, taken, wanted, together):
        counted = stand_ins.counts(drawn, first, second)
        used = counted & (taken + np.cumsum(counted, axis=0) <= wanted)
        vectors, homes, where = stand_ins.vectors(drawn)
        before, new = int(taken.min()), int(used.sum(axis=0).min())
        for at, (neurons, standing) in enumerate(zip(sets, standings, strict=True)):

            def step(share: float, at: int = at, before: int = before, new: int = new) -> None:
                progress(before + new * (at + share) / len(sets))

            if own:
                scores = neurons.own_scores(
                    vectors, homes, where, first, second, list(standing), step
                )
            else:
                one, other = where[:, first].ravel(), where[:, second].ravel()
                scores = neurons.scores(vectors, one, other, list(standing), step)
            for measure, values in scores.items():
                standing[measure].add(values.reshape(used.shape), used)
        taken += used.sum(axis=0)


def _batches(stand_ins: ControlDraws, taken: Int64, wanted: int, together: int) -> Iterator[Int64]:
    """Draws in their order until every pair has enough, in batches of so many stand-ins.

    `taken` is how many each pair has; it grows between the batches.
    """
    part = 0
    while True:
        drawn, start = stand_ins.drawn(part), 0
        all_fit = stand_ins.different(drawn) <= together
        step = DRAWS_AT_ONCE if all_fit else max(1, together // drawn.shape[1])
        while start < DRAWS_AT_ONCE:
            missing = wanted - int(taken.min())
            if missing == 0:
                return
            # A little more than is missing, for the draws that give no control pair.
            count = min(step, missing + missing // 16 + 8)
            yield drawn[start : start + count]
            start += count
        part += 1
