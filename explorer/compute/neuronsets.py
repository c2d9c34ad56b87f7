"""Scores of pairs of profiles over a set of neurons.

Knows which neurons they are, and whether a measure needs their sums or the profiles themselves;
knows neither which words are asked nor which stand in for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from explorer.correlations import (
    LINEAR,
    Float32,
    Float64,
    Int64,
    Products,
    kendall,
    linear,
    products_of,
    ranks,
    spearman,
)
from explorer.profiles import Profiles, Sums, strongest
from indexer.store.space import Space

Step = Callable[[float], None]
"""Told the share of a piece of work that is done."""


@dataclass(frozen=True)
class NeuronSet:
    """Neurons of one side over which profiles are compared.

    Attributes:
        profiles: where their sums and lists come from.
        side: of the index's sides, `gate`, `up`, `in` or `out`.
        layer: the one they are of; None where they are of all that were asked for.
        among: the layers they are taken from.
        rows: their positions, in order: (n,) int64.
        chosen: whether they are only some of the neurons of those layers.
    """

    profiles: Profiles
    side: str
    layer: int | None
    among: tuple[int, ...]
    rows: Int64
    chosen: bool = False
    _held: list[Sums] = field(default_factory=list, compare=False)
    _spent: list[float] = field(default_factory=list, compare=False)

    def products(self, vectors: Float64, step: Step = lambda _: None) -> Products:
        """What the linear measures need of the profiles of some vectors.

        The profiles are not held: they pass through where that is less work than the sums.
        """
        if not self._held and self._profiles_cost_less(len(vectors)):
            return self.profiles.products(self.side, self.rows, vectors, step)
        if self.layer is not None:
            # A set a layer: of a wide model their sums are too large to be held all at once.
            return self._summed(step).products(vectors)
        if not self._held:
            self._held.append(self._summed(step))
        return self._held[0].products(vectors)

    def _profiles_cost_less(self, words: int) -> bool:
        """Whether the profiles of so many vectors are less work than the sums.

        Counted are multiplications, a neuron each: m (2 d + m) of the profiles of m vectors and
        their products, and d^2 of the sums, with what these are multiplied by spread over the
        neurons. Where sums are held for what follows, all counts that was spent on profiles
        before. Sums that are kept from question to question are made at once. What was asked
        before is not looked at, so that an answer is the same to the last digit whenever it is.
        """
        if not self.chosen and self.profiles.keeps_sums(self.side):
            return False
        width = self.profiles.index.neuron_space(self.side).entry.width
        sums = width**2 + 2 * words * width * (width + words) / max(1, len(self.rows))
        if self.layer is not None:
            self._spent.clear()
        self._spent.append(words * (2 * width + words))
        return sum(self._spent) < sums

    def _summed(self, step: Step) -> Sums:
        if self.chosen:
            return self.profiles.sums(self.side, self.rows)
        return self.profiles.sums_of_layers(self.side, self.among, step)

    def scores(
        self,
        vectors: Float64,
        first: Int64,
        second: Int64,
        measures: Sequence[str],
        step: Step,
        products: Products | None = None,
    ) -> dict[str, Float64]:
        """Scores of pairs of vectors, by position and measure: each (pairs,) float64.

        Args:
            vectors: (m, d_model) float64.
            first: one of each pair, by position among the vectors: (pairs,) int64.
            second: the other.
            measures: which.
            step: told what is done.
            products: what `products` gives for the vectors, where it was asked before.
        """
        found: dict[str, Float64] = {}
        if any(measure in LINEAR for measure in measures):
            found = linear(products or self.products(vectors), first, second, measures)
        if any(measure not in LINEAR for measure in measures):
            # Kendall's tau of the ranks takes as long as they do, or longer.
            part = 0.5 if "kendall" in measures else 1.0
            ranked = self.profiles.ranked(
                self.side, self.rows, vectors, lambda share: step(part * share)
            )
            found |= _of_ranks(
                ranked, first, second, measures, lambda share: step(part + (1 - part) * share)
            )
        step(1.0)
        return found

    def own_scores(
        self,
        vectors: Float64,
        homes: Sequence[Space],
        groups: Int64,
        first: Int64,
        second: Int64,
        measures: Sequence[str],
        step: Step,
    ) -> dict[str, Float64]:
        """The same for groups of vectors, each over neurons chosen anew on the whole group.

        Of the layers' neurons, as many as the set has are chosen for each group: those with the
        largest mean |z| over its vectors.

        Args:
            vectors: (m, d_model) float64.
            homes: the m spaces they are from.
            groups: (b, w) int64, positions among the vectors.
            first: one of each pair, by position in the group: (pairs,) int64.
            second: the other.
            measures: which.
            step: told what is done.

        Returns:
            By measure, (b, pairs) float64.
        """
        rows = self.profiles.rows(self.among)
        lists = self.profiles.lists(self.side, rows, vectors)
        impact = self.profiles.impact(self.side, rows, lists, homes)
        found = {measure: np.empty((len(groups), len(first))) for measure in measures}
        for at, group in enumerate(groups):
            neurons = strongest(sum(impact[i] for i in group) / len(group), len(self.rows))
            part = lists[np.ix_(group, neurons)]
            scored = linear(products_of(part), first, second, measures)
            if len(scored) < len(measures):
                ranked = np.stack([ranks(values) for values in part])
                scored |= _of_ranks(ranked, first, second, measures, lambda _: None)
            for measure, values in scored.items():
                found[measure][at] = values
            step((at + 1) / len(groups))
        return found


def _of_ranks(
    ranked: Float32, first: Int64, second: Int64, measures: Sequence[str], step: Step
) -> dict[str, Float64]:
    found: dict[str, Float64] = {}
    if "spearman" in measures:
        found["spearman"] = spearman(ranked, first, second)
    if "kendall" in measures:
        found["kendall"] = kendall(ranked, first, second, step)
    return found
