"""What neurons give words: profiles, and the sums over neurons from which they can be compared.

A word's profile is the list of its dot products n.w with the neurons of one side, each at its own
length. With G = sum of n n' and g = sum of n over some neurons, the dot product of the profiles of
x and y over them is x'Gy, and the sum of x's is x.g: no profile need be made. Where the words are
few beside the width, their profiles are less work than G, and pass through some neurons at a time.
Knows neurons and vectors; knows no measure of two profiles and no question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.correlations import Float32, Float64, Int64, Products, ranks
from explorer.ranking import best
from indexer.store.read import Index
from indexer.store.space import Space

_ROWS_AT_ONCE = 2048
"""Neurons taken in one block, as float64: 9 MB at a width of 576, 67 MB at 4,096."""

_KEPT_BYTES = 256 << 20
"""Of the layers' sums, what is kept for the next question; the rest is summed anew."""

_PAIRS_AT_ONCE = 1024
"""Differences of two words whose profiles pass through together."""

_LISTS_BYTES = 256 << 20
"""What profiles that are only passed through may take at once."""


@dataclass(frozen=True)
class Sums:
    """Sums over the vectors of some neurons.

    Attributes:
        outer: (d_model, d_model) float64: G, the sum of n n'.
        total: (d_model,) float64: g, the sum of n.
        n: how many neurons.
    """

    outer: Float64
    total: Float64
    n: int

    def products(self, vectors: Float64) -> Products:
        """What the linear measures need of the profiles of some vectors: (m, d_model) float64."""

        def squared_distances(first: Int64, second: Int64) -> Float64:
            found = np.empty(len(first))
            for at in range(0, len(first), _PAIRS_AT_ONCE):
                here = slice(at, at + _PAIRS_AT_ONCE)
                apart = vectors[first[here]] - vectors[second[here]]
                found[here] = np.vecdot(apart @ self.outer, apart)
            return np.maximum(found, 0)

        dots = vectors @ self.outer @ vectors.T
        return Products(dots, vectors @ self.total, self.n, squared_distances)


class Profiles:
    """The neurons of an index as words see them; keeps the sums of whole layers."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._kept: dict[tuple[str, int], Sums] = {}

    def rows(self, layers: Sequence[int]) -> Int64:
        """Positions of all neurons of some layers, in order: (n,) int64."""
        spans = [self.index.neuron_grid.span(layer) for layer in layers]
        return np.concatenate([np.arange(here.start, here.stop) for here in spans])

    def keeps_sums(self, side: str) -> bool:
        """Whether the sums of every layer of a side may be kept together, for later questions."""
        width = self.index.neuron_space(side).entry.width
        return len(self.index.manifest.layers) * 8 * width * width <= _KEPT_BYTES

    def sums_of_layers(
        self, side: str, layers: Sequence[int], step: Callable[[float], None] = lambda _: None
    ) -> Sums:
        """Sums over all neurons of some layers; `step` is told the share of them that is done."""
        found = []
        for at, layer in enumerate(layers, start=1):
            found.append(self._sums_of_layer(side, layer))
            step(at / len(layers))
        if len(found) == 1:
            return found[0]
        width = self.index.neuron_space(side).entry.width
        outer, total = np.zeros((width, width)), np.zeros(width)
        for one in found:
            outer += one.outer
            total += one.total
        return Sums(outer, total, sum(one.n for one in found))

    def _sums_of_layer(self, side: str, layer: int) -> Sums:
        if (side, layer) not in self._kept:
            found = self.sums(side, self.rows([layer]))
            if (len(self._kept) + 1) * found.outer.nbytes > _KEPT_BYTES:
                return found
            self._kept[side, layer] = found
        return self._kept[side, layer]

    def products(
        self,
        side: str,
        rows: Int64,
        vectors: Float64,
        step: Callable[[float], None] = lambda _: None,
    ) -> Products:
        """What the linear measures need of profiles over the neurons at some positions.

        Those of some vectors, (m, d_model) float64: they pass through, some neurons at a time;
        `step` is told the share that is done.
        """
        space, count = self.index.neuron_space(side), len(vectors)

        def squared_distances(first: Int64, second: Int64) -> Float64:
            found = np.zeros(len(first))
            for at in range(0, len(first), _PAIRS_AT_ONCE):
                here = slice(at, at + _PAIRS_AT_ONCE)
                apart = vectors[first[here]] - vectors[second[here]]
                for _, block in _blocks(space, rows):
                    part = apart @ block.T
                    found[here] += np.vecdot(part, part)
            return found

        dots, sums = np.zeros((count, count)), np.zeros(count)
        for first, block in _blocks(space, rows):
            part = vectors @ block.T
            dots += part @ part.T
            sums += part.sum(axis=1)
            step((first + len(block)) / len(rows))
        return Products(dots, sums, len(rows), squared_distances)

    def sums(self, side: str, rows: Int64) -> Sums:
        """Sums over the neurons at some positions, a block at a time."""
        space = self.index.neuron_space(side)
        width = space.entry.width
        outer, total = np.zeros((width, width)), np.zeros(width)
        for _, block in _blocks(space, rows):
            outer += block.T @ block
            total += block.sum(axis=0)
        return Sums(outer, total, len(rows))

    def lists(self, side: str, rows: Int64, vectors: Float64) -> Float64:
        """Profiles of some vectors over the neurons at some positions: (m, n) float64."""
        found = np.empty((len(vectors), len(rows)))
        for first, block in _blocks(self.index.neuron_space(side), rows):
            np.matmul(vectors, block.T, out=found[:, first : first + len(block)])
        return found

    def ranked(
        self,
        side: str,
        rows: Int64,
        vectors: Float64,
        step: Callable[[float], None] = lambda _: None,
    ) -> Float32:
        """Ranks from 1 of each profile over the neurons at some positions: (m, n) float32.

        The profiles themselves pass through in parts; `step` is told the share that is done.
        """
        found = np.empty((len(vectors), len(rows)), np.float32)
        at_once = max(1, _LISTS_BYTES // (8 * max(1, len(rows))))
        for first in range(0, len(vectors), at_once):
            part = self.lists(side, rows, vectors[first : first + at_once])
            for at, values in enumerate(part):
                found[first + at] = ranks(values)
                step((first + at + 1) / len(vectors))
        return found

    def impact(self, side: str, rows: Int64, lists: Float64, homes: Sequence[Space]) -> Float64:
        """How far each neuron sets each word apart, |z|, from the words' profiles: (m, n) float64.

        z = (n.w - n.mu) / sqrt(n' Sigma n), with mu and Sigma of the word's own space; 0 for a
        neuron whose scores do not vary.
        """
        space = self.index.neuron_space(side)
        found = np.empty_like(lists)
        moments = {home.name: space.scores_of(home) for home in homes}
        for at, home in enumerate(homes):
            mean, deviation = (every[rows] for every in moments[home.name])
            above = np.abs(lists[at] - mean)
            found[at] = np.divide(above, deviation, out=above * 0, where=deviation > 0)
        return found

    def lengths(self, side: str, rows: Int64) -> Float64:
        """Euclidean norm of each neuron's vector at some positions: (n,) float64."""
        return self.index.neuron_space(side).norms[rows].astype(np.float64)


def strongest(impact: Float64, count: int) -> Int64:
    """Positions of the neurons of greatest impact, in the order of rows: (count,) int64."""
    return np.sort(best(impact, count))


def _blocks(space: Space, rows: Int64) -> Iterator[tuple[int, Float64]]:
    """The neurons at some positions at their own length: (first, (m, d_model) float64)."""
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        if part[-1] - part[0] == len(part) - 1:
            unit = space.rows.block(int(part[0]), len(part))
        else:
            unit = space.rows.take(part)
        yield first, np.multiply(unit, space.norms[part, None], dtype=np.float64)
