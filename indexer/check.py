"""Does what was extracted reproduce the model? An index that fails is not sealed.

Knows the arithmetic around an MLP and an attention, and compares with what the model itself
computed on real forward passes; reads the rows back from the files that are about to be sealed, so
the whole way from weight to disk is under the check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import CheckFailed
from indexer.extract.context import LastTokenStream
from indexer.extract.firing import Moments, Whole, strongest
from indexer.extract.logits import predicted
from indexer.extract.norms import Float64, plain_norm, root_mean_square
from indexer.extract.probe import Experts, Probe, probe
from indexer.model import Model
from indexer.store.grid import HeadGrid, NeuronGrid
from indexer.store.spaces import (
    HEAD_SIDES,
    TokenSpace,
    context_space,
    head_space,
    neuron_space,
    token_space,
)
from indexer.store.unembedding import Unembedding

Rows = Callable[[str, int, int], Float64]
"""(space, first row, count) -> the vectors as stored, (count, d_model) float64."""

LOGIT_POSITIONS = 8
"""How many positions' logits are compared: of a vocabulary of 260,000 they take 50 MB."""

TOLERANCE = 1e-4
EMBED_TOLERANCE = 1e-6
CONTEXT_TOLERANCE = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
"""Greatest relative errors; context rows are compared in the dtype they were computed in."""


def relative_error(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """|found - expected| / |expected|, in the Frobenius norm."""
    size = float(np.linalg.norm(expected))
    return float(np.linalg.norm(found - expected)) / (size if size else 1.0)


def check_embedding(model: Model, rows: Rows, kinds: Sequence[TokenSpace]) -> dict[str, float]:
    """Stored token rows against the model's own matrices, every row.

    Raises:
        CheckFailed: a space is off by more than `EMBED_TOLERANCE`.
    """
    errors = {}
    for kind in kinds:
        worst = 0.0
        for first in range(0, model.vocabulary, 8192):
            count = min(8192, model.vocabulary - first)
            own = model.token_rows(kind, first, count).double().numpy()
            worst = max(worst, relative_error(rows(token_space(kind), first, count), own))
        errors[token_space(kind)] = worst
    return _within(errors, EMBED_TOLERANCE)


def check_mlp(
    model: Model, rows: Rows, grid: NeuronGrid, folded: bool, ids: Sequence[Sequence[int]]
) -> dict[str, float]:
    """Every layer's MLP output recomputed from stored rows, against the model's own.

    Where a block has experts, every one of them is run on its own as well: a forward pass may
    leave some out.

    Args:
        model: in any precision; each block is run in float32.
        rows: reads the neuron spaces back.
        grid: which rows are whose.
        folded: whether the rows hold the norms' gains.
        ids: token ids of sequences of one length, run for the purpose.

    Raises:
        CheckFailed: a layer is off by more than `TOLERANCE`.
    """
    layers = [entry.layer for entry in grid.layers]
    errors: dict[str, float] = {}
    probes = probe(model, layers, ids, "mlp")
    for entry in grid.layers:
        layer, seen = entry.layer, probes[entry.layer]
        start = grid.span(layer).start

        def stored(expert: int | None, start: int = start, units: int = entry.units) -> Any:
            first = start + (expert or 0) * units
            return {s: rows(neuron_space(s), first, units) for s in model.family.sides}

        if entry.experts:
            assert seen.experts is not None, "a block with experts was probed as one"
            worst = _experts_error(model, layer, seen.experts, stored, seen, folded)
        else:
            found, bias = mlp_output(model, layer, stored(None), seen, folded)
            worst = _error(found, bias, seen.added if folded else seen.written)
        if model.norm(layer, model.mlp(layer).norm) is None:
            # An entry that leaves out a norm would go unseen: the MLP must read the stream itself.
            worst = max(worst, relative_error(seen.read + seen.added, seen.left))
        errors[f"mlp.{layer}"] = worst
    return _within(errors, TOLERANCE)


def mlp_output(
    model: Model,
    layer: int,
    sides: dict[str, Float64],
    seen: Probe,
    folded: bool,
    expert: int | None = None,
) -> tuple[Float64, Float64]:
    """What an MLP, or one expert of it, writes, from extracted rows alone and biases beside them.

    Returns:
        (positions, d_model) float64, and as much of it as its bias is: act(read) [* up] @ out +
        bias; under the folded convention what the norm after makes of that, where there is one.
    """
    import torch

    mlp = model.mlp(layer)

    def read(side: str) -> Float64:
        raw = model.matrix(layer, side, expert).double().numpy()
        bias = model.bias(layer, side)
        return _read(model, layer, mlp.norm, seen, sides[side], raw, bias, folded)

    hidden = model.activation(torch.from_numpy(read(model.family.sides[0]))).numpy()
    if "up" in sides:
        hidden = hidden * read("up")
    bias = model.bias(layer, "out")
    return _write(model, layer, mlp.norm_after, seen, hidden @ sides["out"], bias, folded)


def _experts_error(
    model: Model,
    layer: int,
    experts: Experts,
    stored: Callable[[int | None], dict[str, Float64]],
    seen: Probe,
    folded: bool,
) -> float:
    """The worst of: each expert on its own, and all of them mixed as the router asked."""
    worst, mixed = 0.0, np.zeros_like(seen.written)
    for expert, own in enumerate(experts.alone):
        found, _ = mlp_output(model, layer, stored(expert), seen, folded, expert)
        worst = max(worst, relative_error(found[: len(own)], own))
        weight = (experts.weights * (experts.chosen == expert)).sum(axis=1)
        mixed += weight[:, None] * found
    return max(worst, relative_error(mixed, seen.written))


def check_heads(
    model: Model, rows: Rows, grid: HeadGrid, folded: bool, tokens: Sequence[int]
) -> dict[str, float]:
    """Every layer's attention output recomputed from stored rows, against the model's own.

    Each token is run alone, so that every head attends fully to the one position there is.

    Raises:
        CheckFailed: a layer is off by more than `TOLERANCE`.
    """
    probes = probe(model, grid.layers, [[token] for token in tokens], "attention")
    attention, size = model.family.attention, grid.heads * grid.width
    errors = {}
    for at, layer in enumerate(grid.layers):
        seen = probes[layer]
        value, output = (rows(head_space(side), at * size, size) for side in HEAD_SIDES)
        raw = model.head_rows(layer, "value").double().numpy()
        bias = model.head_bias(layer, "value")
        read = _read(model, layer, attention.norm, seen, value, raw, bias, folded)
        bias = model.head_bias(layer, "output")
        found, part = _write(model, layer, attention.norm_after, seen, read @ output, bias, folded)
        worst = _error(found, part, seen.added if folded else seen.written)
        if model.norm(layer, attention.norm) is None:  # as above; attention is first in its block
            worst = max(worst, relative_error(seen.read, seen.entered))
        errors[f"attention.{layer}"] = worst
    return _within(errors, TOLERANCE)


def check_logits(model: Model, own: Unembedding, ids: Sequence[Sequence[int]]) -> dict[str, float]:
    """Logits made of stored vectors and of the model's own last stream, against its own logits.

    The words are run as one text, of which the first positions are looked at, each by itself: the
    first of all is a sink in many models, whose stream would hide what the others say.

    Args:
        model: in any precision; what follows the last block is run in float32.
        own: as read back.
        ids: token ids of some words.

    Raises:
        CheckFailed: a position is off by more than `TOLERANCE`.
    """
    room = getattr(model.config, "max_position_embeddings", None) or LOGIT_POSITIONS
    text = [token for word in ids for token in word][: min(room, LOGIT_POSITIONS)]
    seen = predicted(model, text)
    found = own.logits(seen.stream)
    # What is there whatever the stream: the shift and the bias, through all that follows.
    constant = own.of_normed(
        np.zeros((1, model.d_model)) if own.shift is None else own.shift[None]
    )[0]
    errors = [_error(*one) for one in zip(found, repeat(constant), seen.logits, strict=False)]
    return _within({"logits": float(np.max(errors))}, TOLERANCE)


def _read(
    model: Model,
    layer: int,
    names: tuple[str, ...],
    seen: Probe,
    rows: Float64,
    raw: Float64,
    bias: Any,
    folded: bool,
) -> Float64:
    """What rows read: folded ones off the plain-normed stream, raw ones off the normed one."""
    constant = np.zeros(len(rows)) if bias is None else bias.double().numpy()
    norm = model.norm(layer, names)
    if not folded or norm is None:
        return seen.read @ rows.T + constant
    shift = model.shift(norm)
    if shift is not None:
        constant = constant + raw @ shift.numpy()
    return plain_norm(model, norm, seen.stream) @ rows.T + constant


def _write(
    model: Model,
    layer: int,
    name: str | None,
    seen: Probe,
    written: Float64,
    bias: Any,
    folded: bool,
) -> tuple[Float64, Float64]:
    """What rows write, with the bias, and the bias; both through the norm after, if folded."""
    constant = np.zeros(written.shape[1]) if bias is None else bias.double().numpy()
    norm = model.norm(layer, (name,) if name else ())
    if not folded or norm is None:
        return written + constant, np.broadcast_to(constant, written.shape)
    gain = model.gain(norm)
    if gain is not None:
        constant = constant * gain.numpy()
    size = root_mean_square(norm, seen.written)
    return (written + constant) / size, constant / size


def _error(found: Float64, bias: Float64, expected: Float64) -> float:
    """How far off, relative to what rows account for: a large bias must not hide a wrong row.

    Where rows account for less than a hundredth, float32 has no digits left to tell.
    """
    whole = float(np.linalg.norm(expected))
    scale = max(float(np.linalg.norm(expected - bias)), whole / 100) or 1.0
    return float(np.linalg.norm(found - expected)) / scale


def check_context(
    model: Model,
    stored: dict[int, Float64],
    prefix: Sequence[int],
    suffix: Sequence[int],
    words: Sequence[Sequence[int]],
    dtype: str,
    rounding: float = 0.0,
) -> dict[str, float]:
    """Stored context rows of some words against plain forward passes of prefix, word and suffix.

    Args:
        model: in the dtype the rows were computed in.
        stored: layer -> (len(words), d_model), as read back.
        prefix: token ids before every word.
        suffix: token ids after every word.
        words: token ids of each word; run one at a time, the prefix not cached.
        dtype: of the forward passes.
        rounding: how far a stored row may be from what it was before it was stored.

    Raises:
        CheckFailed: a layer is off by more than `CONTEXT_TOLERANCE` of the dtype, and `rounding`.
    """
    plain = LastTokenStream(model, prefix, list(stored), suffix, cached=False)
    own = np.concatenate([plain.run([word]) for word in words], axis=1).astype(np.float64)
    errors = {
        context_space(layer): relative_error(rows, own[i])
        for i, (layer, rows) in enumerate(stored.items())
    }
    return _within(errors, CONTEXT_TOLERANCE[dtype] + rounding)


def check_firing(
    model: Model,
    grid: NeuronGrid,
    prefix: Sequence[int],
    suffix: Sequence[int],
    words: Sequence[Sequence[int]],
    recorded: Mapping[int, Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]]],
    moments: Moments,
    dtype: str,
    depth: int,
    signs: NDArray[np.int8] | None,
) -> dict[str, float]:
    """Each word's recorded activations against a plain forward pass, and whether any is missing.

    Args:
        model: in the dtype the activations were computed in.
        grid: which neuron is which row.
        prefix: token ids before every word.
        suffix: token ids after every word.
        words: token ids of each word; run one at a time, the prefix not cached.
        recorded: by end, 1 or -1, of each word its neurons and their activations, strongest first.
        moments: of every neuron.
        dtype: of the forward passes.
        depth: how many neurons are kept of a word, at either end.
        signs: (len(words), neurons), the recorded sign of every activation; None where not kept.

    Raises:
        CheckFailed: they are off by more than `CONTEXT_TOLERANCE` of the dtype.
    """
    whole = Whole(grid)
    layers = [entry.layer for entry in grid.layers]
    plain = LastTokenStream(model, prefix, [], suffix, cached=False, hear=whole.hear, heard=layers)
    activations, levels, every = [], [], []
    for at, word in enumerate(words):
        plain.run([word])
        own = whole.batch()[0]
        every.append(own)
        there = np.flatnonzero(own).astype(np.int32)
        for end, lists in recorded.items():
            neurons, values = lists[at]
            near, _ = strongest(there, end * own[there], moments.turned(end), depth)
            activations.append((values, own[neurons]))
            levels.append((moments.z(values, neurons), moments.z(own[near], near)))
    errors = []
    for pairs in (activations, levels):
        found, expected = (np.concatenate(part) for part in zip(*pairs, strict=True))
        # A list that is too short or too long lacks a neuron or has one that does not fire.
        errors.append(relative_error(found, expected) if len(found) == len(expected) else np.inf)
    if signs is not None:
        # An activation about 0 may have either sign: its size is what a wrong one is off by.
        own = np.stack(every)
        errors.append(relative_error(signs * np.abs(own), own))
    return _within({"firing": float(max(errors))}, CONTEXT_TOLERANCE[dtype])


def _within(errors: dict[str, float], tolerance: float) -> dict[str, float]:
    # NaN is the worst of all; no comparison would find it.
    worst = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
    if not errors[worst] <= tolerance:
        raise CheckFailed(
            f"self-check failed at {worst}: relative error {errors[worst]:.2e}, at most "
            f"{tolerance:.0e} is allowed; nothing was sealed"
        )
    return errors
