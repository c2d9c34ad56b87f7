"""The self-check once more, on what a sealed index holds, and on the same made a little louder.

How small an error a check found says nothing of whether it looked: where a processor computes a
product alike twice, a sound check finds an error of exactly 0. That a part was looked at is seen by
what the check says once that part is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer import check
from indexer.errors import CheckFailed
from indexer.extract.firing import Moments
from indexer.extract.tokens import token_spaces
from indexer.model import Model
from indexer.store.read import Index

PARTS = ("embed", "mlp", "attention", "logits", "context", "firing")
"""What the manifest of an index of everything has an error for; an encoder's has no logits."""

WORDS = 8

Float64 = NDArray[np.float64]
Fired = dict[int, list[tuple[NDArray[np.int32], NDArray[np.float32]]]]


def assert_looked_at(index: Index, model: Model) -> None:
    """What an index holds passes the check; one part of it a hundredth louder fails there."""
    encoder = index.manifest.model.encoder
    parts = [part for part in PARTS if not (encoder and part == "logits")]
    assert list(index.manifest.check) == parts
    for part in parts:
        errors = again(index, model, part)
        assert errors
        assert all(np.isfinite(list(errors.values())))
        with pytest.raises(CheckFailed, match=f"at (un)?{part}"):
            again(index, model, part, louder=1.01)


def again(index: Index, model: Model, part: str, louder: float = 1.0) -> dict[str, float]:
    """One part of the self-check, on rows or activations times `louder`."""
    manifest = index.manifest
    words = range(0, manifest.words, max(1, manifest.words // WORDS))
    ids = [index.words.by_id([at])[0].token_ids for at in words]

    def rows(space: str, first: int, count: int) -> Float64:
        own = index.space(space)
        unit = own.rows.block(first, count).astype(np.float64)
        return louder * own.norms[first : first + count, None] * unit

    if part == "embed":
        return check.check_embedding(model, rows, token_spaces(model))
    if part == "mlp":
        alike = [own for own in ids if len(own) == len(ids[0])]
        return check.check_mlp(model, rows, manifest.neuron_grid, True, alike)
    if part == "logits":
        way = index.unembedding
        louder_rows = dataclasses.replace(way, rows=lambda *span: louder * way.rows(*span))
        return check.check_logits(model, louder_rows, ids)
    if part == "attention":
        return check.check_heads(model, rows, manifest.head_grid, True, [own[0] for own in ids])
    assert manifest.prefix is not None
    around = manifest.prefix.token_ids, manifest.prefix.suffix_ids
    if part == "context":
        stored = {
            entry.layer: np.concatenate([rows(entry.name, at, 1) for at in words])
            for entry in index.context_spaces
            if entry.layer is not None
        }
        return check.check_context(model, stored, *around, ids, manifest.dtype)
    table = index.sql("SELECT activation_mean, activation_std FROM neuron ORDER BY id")
    mean, deviation = np.array(table, np.float64).T
    recorded = fired(index, words, louder)
    assert all(len(neurons) for of_words in recorded.values() for neurons, _ in of_words)
    acted = [index.activations.signs(word) for word in words]
    signs = np.stack([own for own in acted if own is not None]) if manifest.signed else None
    return check.check_firing(
        model,
        manifest.neuron_grid,
        *around,
        ids,
        recorded,
        Moments(mean, deviation),
        manifest.dtype,
        manifest.neurons_per_word,
        signs,
    )


def fired(index: Index, words: Sequence[int], louder: float) -> Fired:
    """By end, of each word the neurons that were recorded and their activations times `louder`."""
    lists: Fired = {end: [] for end in ((1, -1) if index.manifest.model.gated else (1,))}
    for word in words:
        fires = index.activations.of_word(word)
        for end, of_words in lists.items():
            own = [one for one in fires if one.rank * end > 0]
            of_words.append(
                (
                    np.array([one.neuron for one in own], np.int32),
                    np.array([one.activation for one in own], np.float32) * np.float32(louder),
                )
            )
    return lists
