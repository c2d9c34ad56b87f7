"""What is kept of activations as words go by, against all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from indexer.extract.firing import (
    NEURONS_PER_WORD,
    WORDS_PER_NEURON,
    Kept,
    Moments,
    Signs,
    Strongest,
    Sums,
    Tally,
    Whole,
    _by_neuron_and_strength,
    floors,
    strongest,
    strongest_of_each,
)
from indexer.store.files import FileEntry
from indexer.store.grid import NeuronGrid, NeuronLayer
from indexer.store.layout import ZERO
from indexer.store.signs import SignsWriter, drop_if_empty, signs_of

Float32 = NDArray[np.float32]

GRID = NeuronGrid((NeuronLayer(0, 0, 300), NeuronLayer(2, 3, 70)))
WORDS = 900


def activations(kind: str, seed: int = 0) -> Float32:
    """(WORDS, neurons) float32: `heavy` tails, `sparse` with zeros, or `rare`, few ever firing."""
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, (WORDS, GRID.rows)) * rng.lognormal(0, 1, GRID.rows)
    values += rng.normal(0, 1, GRID.rows)
    if kind == "sparse":
        values = np.maximum(values - 1, 0)
    if kind == "rare":
        values *= rng.random(values.shape) < rng.choice([0, 0.001, 0.01, 0.5], GRID.rows)
    return values.astype(np.float32)


def hear(listener: Any, values: Float32) -> None:
    for entry in GRID.layers:
        listener.hear(entry.layer, torch.from_numpy(values[:, GRID.span(entry.layer)].copy()))


def tallied(values: Float32, size: int, z: float) -> tuple[Tally, Kept]:
    """All words through a tally, in batches; what was kept of them, joined."""
    sample = Tally(GRID, np.full(GRID.rows, np.inf, np.float32))
    hear(sample, values[::9])
    sample.batch(0, len(values[::9]))
    sample.merge()
    tally = Tally(GRID, floors(moments_of(values[::9]), sample, z))
    kept = []
    for start in range(0, len(values), size):
        part = values[start : start + size]
        hear(tally, part)
        kept.append(tally.batch(start, len(part)))
    whole = Kept(
        np.concatenate([k.counts for k in kept]),
        np.concatenate([k.neurons for k in kept]),
        np.concatenate([k.activations for k in kept]),
    )
    tally.merge()
    return tally, whole


def moments_of(values: Float32) -> Moments:
    sums = Sums(GRID)
    for start in range(0, len(values), 50):
        hear(sums, values[start : start + 50])
    return sums.moments(len(values))


KINDS = pytest.mark.parametrize("kind", ["heavy", "sparse", "rare"])


@KINDS
@pytest.mark.parametrize("size", [7, 64, 500])
def test_means_deviations_and_strongest_words_are_those_of_all(kind: str, size: int) -> None:
    values = activations(kind)
    tally, _ = tallied(values, size, 1.5)
    moments = moments_of(values)
    wide = values.astype(np.float64)
    np.testing.assert_allclose(moments.mean, wide.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(moments.std, wide.std(axis=0), rtol=1e-7, atol=1e-9)
    for neuron, column in enumerate(values.T):
        order = [int(w) for w in np.lexsort((np.arange(WORDS), -column)) if column[w] != 0]
        best = order[:WORDS_PER_NEURON]
        assert tally.words[neuron].tolist() == best + [-1] * (WORDS_PER_NEURON - len(best))
        assert tally.activations[neuron, : len(best)].tolist() == column[best].tolist()


@KINDS
@pytest.mark.parametrize("z", [0.5, 2.0])
def test_nothing_that_was_not_kept_lies_above_the_bound(kind: str, z: float) -> None:
    values = activations(kind)
    tally, kept = tallied(values, 64, z)
    moments = moments_of(values)
    everything = moments.z(values, np.broadcast_to(np.arange(GRID.rows), values.shape))
    words = np.repeat(np.arange(WORDS), kept.counts)
    assert (values[words, kept.neurons] == kept.activations).all()
    everything[words, kept.neurons] = -np.inf
    everything[values == 0] = -np.inf
    assert everything.max() <= tally.bound(moments) + 1e-6
    assert len(words) < values.size  # or the bound says nothing


@KINDS
def test_a_words_strongest_neurons_are_those_of_all(kind: str) -> None:
    values = activations(kind)
    tally, kept = tallied(values, 64, 0.3)
    moments = moments_of(values)
    again = Strongest(GRID, moments)
    hear(again, values)
    sure = 0
    starts = np.concatenate([[0], np.cumsum(kept.counts)])
    for word, (ids, found) in enumerate(again.batch()):
        z = moments.z(values[word], np.arange(GRID.rows, dtype=np.int32))
        order = [n for n in np.lexsort((np.arange(GRID.rows), -z)).tolist() if values[word, n] != 0]
        assert ids.tolist() == order[:NEURONS_PER_WORD]
        assert found.tolist() == values[word, ids].tolist()
        own = slice(starts[word], starts[word + 1])
        near, _ = strongest(kept.neurons[own], kept.activations[own], moments)
        whole = len(near) == NEURONS_PER_WORD
        if whole and moments.z(values[word, near], near)[-1] > tally.bound(moments):
            sure += 1
            assert near.tolist() == order[:NEURONS_PER_WORD]
    assert sure or kind != "heavy"  # what is proven must also happen


def test_the_whole_of_a_batch_is_in_the_order_of_rows() -> None:
    values = activations("heavy")[:3]
    whole = Whole(GRID)
    hear(whole, values)
    assert np.array_equal(whole.batch(), values)


def test_a_neuron_that_never_varies_has_z_0() -> None:
    moments = Moments(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    z = moments.z(np.array([2.0, 3.0], np.float32), np.array([0, 1], np.int32))
    assert z.tolist() == [0.0, 3.0]


def test_turned_moments_are_those_of_the_turned_activations() -> None:
    values = activations("heavy")
    for own, turned in zip(
        vars(moments_of(-values)).values(),
        vars(moments_of(values).turned(-1)).values(),
        strict=True,
    ):
        np.testing.assert_allclose(turned, own, rtol=1e-9)


@pytest.mark.parametrize("digits", [0, 1, 7])
def test_activations_sort_as_a_full_sort_sorts_them_ties_included(digits: int) -> None:
    rng = np.random.default_rng(digits)
    neurons = rng.integers(0, 40, 5000).astype(np.int32)
    # An activation of 0, which comes with two signs, is never kept.
    activations = rng.standard_normal(5000).round(digits).astype(np.float32) + 0.25
    activations[:2] = [np.inf, -np.inf]
    words = rng.permutation(5000).astype(np.int32)
    found = _by_neuron_and_strength(neurons, activations, words)
    order = np.lexsort((words, -activations, neurons))
    for of in (neurons, activations, words):
        assert np.array_equal(of[found], of[order])


@pytest.mark.parametrize("depth", [1, 5, 64])
@pytest.mark.parametrize("digits", [0, 1, 7])
def test_the_strongest_of_many_words_are_those_of_each_ties_included(
    digits: int, depth: int
) -> None:
    rng = np.random.default_rng(digits)
    counts = rng.permutation([0, 0, 1, depth - 1, depth, depth + 1, 150, 200]).astype(np.int32)
    neurons = np.concatenate([rng.permutation(200)[:n] for n in counts]).astype(np.int32)
    activations = rng.standard_normal(len(neurons)).round(digits).astype(np.float32)
    moments = Moments(np.zeros(200), rng.integers(0, 3, 200) / 2)  # some never vary
    found, values, last = strongest_of_each(Kept(counts, neurons, activations), moments, depth)
    ends = np.cumsum(counts)
    for word, (first, end) in enumerate(zip(ends - counts, ends, strict=True)):
        own = slice(first, end)
        ids, fires = strongest(neurons[own], activations[own], moments, depth)
        assert found[word].tolist() == [*ids.tolist(), *[-1] * (depth - len(ids))]
        assert values[word].tolist() == [*fires.tolist(), *[0.0] * (depth - len(ids))]
        whole = len(ids) == depth
        assert last[word] == (moments.z(fires, ids)[-1] if whole else -np.inf)


@KINDS
@pytest.mark.parametrize("size", [1, 7, 64, 500])
def test_the_sign_of_every_activation_is_written_as_it_is(
    kind: str, size: int, tmp_path: Path
) -> None:
    values = activations(kind)
    writer, signs = SignsWriter(tmp_path, WORDS, GRID.rows), Signs(GRID)
    for start in range(0, WORDS, size):
        hear(signs, values[start : start + size])
        for first, below, none in signs.batch():
            writer.put(start + first, below, none)
    writer.sync()
    writer.close()
    names = drop_if_empty(tmp_path)
    assert (ZERO in names) == bool((values == 0).any()) == (tmp_path / ZERO).exists()
    files = {name: FileEntry.of(tmp_path / name) for name in names}
    for word in (0, 1, 63, 64, 500, WORDS - 1):
        found = signs_of(tmp_path, files, GRID.rows, word)
        np.testing.assert_array_equal(found, np.sign(values[word]))
