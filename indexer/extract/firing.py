"""How strongly neurons fire at words' last tokens: what is kept of it as the words go by.

A neuron's activation is what its column of the output matrix is multiplied by. There is one for
each word and neuron, far too many to keep, so that sums are kept (for mean and standard
deviation), each neuron's strongest words so far, and the few activations that may yet be among a
word's strongest.

Knows activations a layer at a time; knows nothing of hooks and files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.store.grid import NeuronGrid

if TYPE_CHECKING:
    import torch

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

WORDS_PER_NEURON = 20
"""How many words a neuron fires most strongly at are kept for each."""

NEURONS_PER_WORD = 64
"""How many neurons that fire most strongly at a word are kept for each, unless a build says."""

FAR = 2.0
"""Deviations above its mean from which a neuron's activation may be among a word's strongest."""

KEPT = 0.03
"""About what share of a word's activations is kept until deviations are known."""

_PENDING = 1_500_000  # 18 MB of activations that may be among their neurons' strongest


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each neuron's activation over some words: (neurons,) float64.

    `z` is standard deviations above the mean; 0 where a neuron's activation never varies.
    """

    mean: Float64
    std: Float64

    def z(self, activations: Float32, neurons: Int32) -> Float64:
        """Z of single activations, float64, in the shape of `neurons`."""
        above = activations.astype(np.float64) - self.mean[neurons]
        std = self.std[neurons]
        result: Float64 = np.divide(above, std, out=above * 0, where=std > 0)
        return result

    def turned(self, end: int) -> Moments:
        """Those of the activations times 1 or -1."""
        return Moments(end * self.mean, self.std)


@dataclass(frozen=True)
class Kept:
    """Activations kept of a batch of words, one word's after another's.

    Attributes:
        counts: (words,) int32, how many of each word.
        neurons: rows of the neurons, int32.
        activations: float32.
    """

    counts: Int32
    neurons: Int32
    activations: Float32


class Sums:
    """The sums that means and deviations follow from; `hear` is given every layer's activations."""

    def __init__(self, grid: NeuronGrid) -> None:
        self.grid = grid
        self.sums = np.zeros((2, grid.rows))

    def hear(self, layer: int, activations: torch.Tensor) -> None:
        """One layer's activations: (words, neurons of the layer)."""
        here = self.grid.span(layer)
        wide = activations.double()
        self.sums[0, here] += wide.sum(0).cpu().numpy()
        self.sums[1, here] += wide.square_().sum(0).cpu().numpy()

    def take(self, sums: Float64) -> None:
        """Add those of a batch that was heard elsewhere, (2, neurons); of batches in order.

        A batch's own sums are added up by themselves in either case, so that no bit differs.
        """
        self.sums += sums

    def moments(self, words: int) -> Moments:
        """Mean and standard deviation over the words heard, divided by n."""
        mean, square = self.sums / max(words, 1)
        return Moments(mean, np.sqrt(np.maximum(square - mean**2, 0)))


class Signs:
    """Which way every neuron of a batch of words acts: whether it is below 0, and whether at 0."""

    AT_ONCE = 64
    """Words whose bits take a byte each meanwhile."""

    def __init__(self, grid: NeuronGrid) -> None:
        self.grid = grid
        self._heard: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    def hear(self, layer: int, activations: torch.Tensor) -> None:
        """One layer's activations of a batch: (words, neurons of the layer)."""
        below, none = (activations < 0).cpu().numpy(), (activations == 0).cpu().numpy()
        self._heard[layer] = np.packbits(below, axis=1), np.packbits(none, axis=1)

    def heard(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """What was heard of a batch, for `take`: (words, bytes of every layer) each."""
        every = [self._heard.pop(entry.layer) for entry in self.grid.layers]
        below, none = (np.concatenate([bits[at] for bits in every], axis=1) for at in (0, 1))
        return below, none

    def take(self, below: NDArray[np.uint8], none: NDArray[np.uint8]) -> None:
        """Have heard what was heard of a batch elsewhere."""
        edges = np.cumsum([0, *(-(-entry.rows // 8) for entry in self.grid.layers)])
        for entry, start, stop in zip(self.grid.layers, edges, edges[1:], strict=False):
            self._heard[entry.layer] = below[:, start:stop], none[:, start:stop]

    def batch(self) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.bool_]]]:
        """A few words at a time: the first, and where they are below 0, and at 0: (n, neurons)."""
        heard = [(entry.rows, self._heard[entry.layer]) for entry in self.grid.layers]
        for first in range(0, len(heard[0][1][0]), self.AT_ONCE):
            here = slice(first, first + self.AT_ONCE)
            below, none = (
                np.concatenate(
                    [np.unpackbits(bits[at][here], axis=1, count=rows) for rows, bits in heard],
                    axis=1,
                ).astype(bool)
                for at in (0, 1)
            )
            yield first, below, none
        self._heard.clear()


class Tally:
    """Each neuron's strongest words so far, and what may be among a word's strongest neurons.

    An activation is kept where it reaches its neuron's floor, or the weakest of its neuron's
    strongest words so far. An activation of exactly 0 is no firing and is never kept. For the other
    end, it is given all activations turned: times -1.

    Args:
        grid: which neuron is which row.
        floors: (neurons,) float32.
    """

    def __init__(self, grid: NeuronGrid, floors: Float32) -> None:
        self.grid, self._floors = grid, floors
        self.words = np.full((grid.rows, WORDS_PER_NEURON), -1, np.int32)
        self.activations = np.full((grid.rows, WORDS_PER_NEURON), -np.inf, np.float32)
        self._weakest = self.activations[:, -1].copy()
        self._heard: list[tuple[NDArray[np.int16], Int32, Float32]] = []
        self._pending: list[tuple[Int32, Int32, Float32]] = []

    def hear(self, layer: int, activations: torch.Tensor) -> None:
        """One layer's activations of a batch: (words, neurons of the layer)."""
        import torch

        here = self.grid.span(layer)
        weakest = torch.from_numpy(self._weakest[here]).to(activations.device)
        if len(activations) >= WORDS_PER_NEURON and bool(weakest.isinf().any()):
            # Until there are as many words: none below the batch's own strongest can be one.
            fires = torch.where(activations == 0, -torch.inf, activations)
            own = fires.T.contiguous().topk(WORDS_PER_NEURON, dim=1).values[:, -1]
            weakest = torch.where(weakest.isinf(), own, weakest)
        floor = torch.minimum(weakest, torch.from_numpy(self._floors[here]).to(activations.device))
        reaches = activations >= floor
        if bool((floor <= 0).any()):
            reaches &= activations != 0
        # On the CPU NumPy finds what is set several times as fast as torch does.
        places = np.flatnonzero(reaches.cpu().numpy())
        words, units = np.divmod(places, activations.shape[1])
        values = activations.flatten()[torch.from_numpy(places).to(activations.device)]
        self._heard.append(
            (words.astype(np.int16), (units + here.start).astype(np.int32), values.cpu().numpy())
        )

    def heard(self) -> tuple[NDArray[np.int16], Int32, Float32]:
        """What may count of a batch, for `take`: words within it, neurons, activations."""
        words, neurons, activations = (
            np.concatenate(parts) for parts in zip(*self._heard, strict=True)
        )
        self._heard.clear()
        return words, neurons, activations

    def take(self, words: NDArray[np.int16], neurons: Int32, activations: Float32) -> None:
        """Have heard what another tally, of the same floors, heard of a batch."""
        self._heard.append((words, neurons, activations))

    def batch(self, first: int, count: int) -> Kept:
        """What was kept of a batch, `first` being its first word; call it after each."""
        words, neurons, activations = self.heard()
        order = np.argsort(words, kind="stable")  # of 16-bit numbers, a radix sort
        words, neurons, activations = words[order], neurons[order], activations[order]
        strong = activations > self._weakest[neurons]
        self._pending.append(
            (neurons[strong], words[strong].astype(np.int32) + first, activations[strong])
        )
        if sum(len(part[0]) for part in self._pending) > _PENDING:
            self.merge()
        counts = np.bincount(words, minlength=count).astype(np.int32)
        return Kept(counts, neurons, activations)

    def merge(self) -> None:
        """Let what is pending into the strongest words; the earlier word first among equals."""
        if not self._pending:
            return
        neurons, words, activations = (
            np.concatenate(parts) for parts in zip(*self._pending, strict=True)
        )
        self._pending.clear()
        touched = np.flatnonzero(np.bincount(neurons)).astype(np.int32)
        neurons = np.concatenate([neurons, np.repeat(touched, WORDS_PER_NEURON)])
        words = np.concatenate([words, self.words[touched].ravel()])
        activations = np.concatenate([activations, self.activations[touched].ravel()])
        order = _by_neuron_and_strength(neurons, activations, words)
        neurons, words, activations = neurons[order], words[order], activations[order]
        starts = np.searchsorted(neurons, touched)
        ranks = np.arange(len(neurons)) - np.repeat(starts, np.diff([*starts, len(neurons)]))
        best = ranks < WORDS_PER_NEURON
        self.words[neurons[best], ranks[best]] = words[best]
        self.activations[neurons[best], ranks[best]] = activations[best]
        self._weakest = self.activations[:, -1].copy()

    def restore(self, words: Int32, activations: Float32) -> None:
        """Go on from the strongest words of an earlier tally."""
        self.words, self.activations = words, activations
        self._weakest = activations[:, -1].copy()

    def bound(self, moments: Moments) -> float:
        """No activation that was not kept has a z above this, moments being those of all words.

        One that was not kept lies below its neuron's floor, and is none of its strongest words.
        """
        below = np.minimum(self._floors, self.activations[:, -1])
        varies = moments.std > 0
        z = (below[varies].astype(np.float64) - moments.mean[varies]) / moments.std[varies]
        return float(z.max(initial=-np.inf))


class Whole:
    """Every activation of a batch of a few words."""

    def __init__(self, grid: NeuronGrid) -> None:
        self.grid = grid
        self._heard: dict[int, Float32] = {}

    def hear(self, layer: int, activations: torch.Tensor) -> None:
        """One layer's activations of a batch: (words, neurons of the layer)."""
        self._heard[layer] = activations.cpu().numpy()

    def batch(self) -> Float32:
        """(words, neurons) float32, neurons in the order of rows."""
        whole = np.concatenate([self._heard[entry.layer] for entry in self.grid.layers], axis=1)
        self._heard.clear()
        return whole


class Strongest:
    """The neurons that fire most strongly at each word of a batch, deviations being known.

    Args:
        grid: which neuron is which row.
        moments: of every neuron.
        depth: how many are kept of a word.
    """

    def __init__(self, grid: NeuronGrid, moments: Moments, depth: int = NEURONS_PER_WORD) -> None:
        self.grid, self.moments, self.depth = grid, moments, depth
        self._heard: list[tuple[Int32, Float32]] = []

    def hear(self, layer: int, activations: torch.Tensor) -> None:
        """One layer's activations of a batch: (words, neurons of the layer)."""
        import torch

        here = self.grid.span(layer)
        mean, std = (
            torch.from_numpy(of[here]).to(activations.device)
            for of in (self.moments.mean, self.moments.std)
        )
        z = (activations.double() - mean) / torch.where(std > 0, std, torch.inf)
        z = torch.where(activations == 0, -torch.inf, z)
        near = z.topk(min(self.depth, z.shape[1]), dim=1).indices
        self._heard.append(
            (
                (near + here.start).cpu().numpy().astype(np.int32),
                activations.gather(1, near).cpu().numpy(),
            )
        )

    def batch(self) -> Iterator[tuple[Int32, Float32]]:
        """Per word of the batch its neurons and their activations, strongest first."""
        neurons, activations = (
            np.concatenate(parts, axis=1) for parts in zip(*self._heard, strict=True)
        )
        self._heard.clear()
        for row, values in zip(neurons, activations, strict=True):
            fires = values != 0
            yield strongest(row[fires], values[fires], self.moments, self.depth)


def _by_neuron_and_strength(
    neurons: Int32, activations: Float32, words: Int32
) -> NDArray[np.int64]:
    """`np.lexsort((words, -activations, neurons))` of activations other than 0, but faster.

    Neuron and activation make one number of 64 bits, which NumPy sorts fastest.
    """
    bits = activations.view(np.uint32)
    # Of floats as bits, turning all of a negative one and the sign of others sorts as numbers do.
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    keys = neurons.astype(np.uint64) << np.uint64(32) | ~rising
    order = np.argsort(keys)
    ordered = keys[order]
    equal = ordered[1:] == ordered[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
    among = order[tied]
    order[tied] = among[np.lexsort((words[among], keys[among]))]
    return order


def floors(moments: Moments, sample: Tally, z: float = FAR) -> Float32:
    """From which activation of each neuron one is to be kept: (neurons,) float32.

    `z` standard deviations above the mean, or the weakest of its strongest in a sample where that
    is lower: a few words at which a neuron fires hard would make its deviation look larger than it
    is. One that hardly fires at the sample is given a twentieth of the median deviation, or else
    the first word at which it fires would lower no bound.

    Args:
        moments: over the sample.
        sample: a tally of it.
        z: how far above.
    """
    least = 0.05 * float(np.median(moments.std))
    reach = moments.mean + z * np.maximum(moments.std, least)
    strong = sample.activations[:, -1]
    lowest: Float32 = np.minimum(reach, np.where(np.isinf(strong), reach, strong))
    return lowest.astype(np.float32)


def strongest_of_each(
    kept: Kept, moments: Moments, depth: int = NEURONS_PER_WORD
) -> tuple[Int32, Float32, Float64]:
    """`strongest` of each of some words.

    Returns:
        (words, depth) each: neurons, -1 where there are no more, and their activations, 0 there;
        and (words,) the z of the last, -inf where a word has fewer than `depth`.
    """
    count, widest = len(kept.counts), max(depth, int(kept.counts.max(initial=0)))
    z = np.full((count, widest), -np.inf)
    z[np.arange(widest) < kept.counts[:, None]] = moments.z(kept.activations, kept.neurons)
    last = np.partition(z, -depth, axis=1)[:, -depth]
    starts = np.cumsum(kept.counts) - kept.counts
    words, places = np.nonzero((z >= last[:, None]) & (z > -np.inf))
    at = starts[words] + places
    order = np.lexsort((kept.neurons[at], -z[words, places], words))
    words, at = words[order], at[order]
    ranks = np.arange(len(words)) - np.searchsorted(words, words)
    words, at, ranks = (part[ranks < depth] for part in (words, at, ranks))
    neurons = np.full((count, depth), -1, np.int32)
    activations = np.zeros((count, depth), np.float32)
    neurons[words, ranks], activations[words, ranks] = kept.neurons[at], kept.activations[at]
    return neurons, activations, last


def strongest(
    neurons: Int32, activations: Float32, moments: Moments, depth: int = NEURONS_PER_WORD
) -> tuple[Int32, Float32]:
    """Of one word's activations those of the highest z, the lower row first among equals."""
    z = moments.z(activations, neurons)
    near = (
        np.flatnonzero(z >= np.partition(z, -depth)[-depth])
        if len(z) > depth
        else np.arange(len(z))
    )
    order = near[np.lexsort((neurons[near], -z[near]))][:depth]
    return neurons[order], activations[order]
