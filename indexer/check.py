"""Does what was extracted reproduce the model? An index that fails is not sealed.

Knows the arithmetic of an MLP block and compares with what the model itself computed on a real
forward pass; reads the rows back from the files that are about to be sealed, so the whole way from
weight to disk is under the check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.architectures import Norm
from indexer.errors import CheckFailed
from indexer.extract.context import LastTokenStream
from indexer.model import Model

Float64 = NDArray[np.float64]
Rows = Callable[[str, int, int], Float64]
"""(space, first row, count) -> the vectors as stored, (count, d_model) float64."""

MLP_TOLERANCE = 1e-4
EMBED_TOLERANCE = 1e-6
CONTEXT_TOLERANCE = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
"""Greatest relative errors; context rows are compared in the dtype they were computed in."""


@dataclass(frozen=True)
class Probe:
    """What the model did at one layer: the stream before the norm, the norm's and MLP's output."""

    stream: Float64
    normed: Float64
    output: Float64


def relative_error(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """|found - expected| / |expected|, in the Frobenius norm."""
    size = float(np.linalg.norm(expected))
    return float(np.linalg.norm(found - expected)) / (size if size else 1.0)


def check_embedding(model: Model, rows: Rows, spaces: Sequence[str]) -> dict[str, float]:
    """Stored token rows against the model's own matrices, every row.

    Raises:
        CheckFailed: a space is off by more than `EMBED_TOLERANCE`.
    """
    errors = {}
    for space in spaces:
        matrix = model.embedding if space == "embed" else model.unembedding
        assert matrix is not None
        worst = 0.0
        for first in range(0, matrix.shape[0], 8192):
            own = matrix[first : first + 8192].detach().double().cpu().numpy()
            worst = max(worst, relative_error(rows(space, first, len(own)), own))
        errors[space] = worst
    return _within(errors, EMBED_TOLERANCE)


def check_mlp(
    model: Model, rows: Rows, layers: Sequence[int], folded: bool, ids: Sequence[Sequence[int]]
) -> dict[str, float]:
    """Every layer's MLP output recomputed from stored rows, against the model's own.

    Args:
        model: in float32.
        rows: reads the neuron spaces back.
        layers: the blocks indexed, in the order of the neuron spaces.
        folded: whether the reading side holds the norm's gain.
        ids: token ids of sequences of one length, run for the purpose.

    Raises:
        CheckFailed: a layer is off by more than `MLP_TOLERANCE`.
    """
    probes = _probe(model, layers, ids)
    d_mlp = model.d_mlp
    errors = {}
    for at, layer in enumerate(layers):
        sides = {s: rows(f"neuron.{s}", at * d_mlp, d_mlp) for s in model.family.sides}
        found = mlp_output(model, layer, sides, probes[layer], folded)
        errors[f"mlp.{layer}"] = relative_error(found, probes[layer].output)
    return _within(errors, MLP_TOLERANCE)


def mlp_output(
    model: Model, layer: int, sides: dict[str, Float64], probe: Probe, folded: bool
) -> Float64:
    """What the MLP writes, from extracted rows alone and the biases beside them.

    Returns:
        (positions, d_model) float64: act(read) [* up] @ out + bias.
    """
    import torch
    from transformers.activations import ACT2FN

    family = model.family
    norm = model.part(layer, family.norm)
    stream = plain_norm(probe.stream, family.norm_kind, getattr(norm, family.norm_epsilon))
    shift = getattr(norm, "bias", None) if folded else None

    def read(side: str, path: str) -> Float64:
        raw = model.matrix(layer, side).double().numpy()
        constant = _bias(model.part(layer, path), raw.shape[0])
        if shift is not None:
            constant = constant + raw @ shift.detach().double().cpu().numpy()
        result: Float64 = (stream if folded else probe.normed) @ sides[side].T + constant
        return result

    activation = ACT2FN[getattr(model.config, family.activation)]
    hidden = activation(torch.from_numpy(read("in", family.reading))).numpy()
    if family.up is not None:
        hidden = hidden * read("up", family.up)
    written: Float64 = hidden @ sides["out"]
    return written + _bias(model.part(layer, family.writing), written.shape[1])


def plain_norm(stream: Float64, kind: Norm, epsilon: float) -> Float64:
    """The norm without gain or shift: (positions, d_model) -> the same shape."""
    if kind is Norm.LAYER:
        stream = stream - stream.mean(axis=1, keepdims=True)
    result: Float64 = stream / np.sqrt((stream**2).mean(axis=1, keepdims=True) + epsilon)
    return result


def check_context(
    model: Model,
    stored: dict[int, Float64],
    prefix: Sequence[int],
    words: Sequence[Sequence[int]],
    dtype: str,
) -> dict[str, float]:
    """Stored context rows of some words against plain forward passes of prefix and word.

    Args:
        model: in the dtype the rows were computed in.
        stored: layer -> (len(words), d_model), as read back.
        prefix: token ids before every word.
        words: token ids of each word; run one at a time, the prefix not cached.
        dtype: of the forward passes.

    Raises:
        CheckFailed: a layer is off by more than `CONTEXT_TOLERANCE` of the dtype.
    """
    plain = LastTokenStream(model, prefix, list(stored), cached=False)
    own = np.concatenate([plain.run([word]) for word in words], axis=1).astype(np.float64)
    errors = {
        f"context.{layer}": relative_error(rows, own[i])
        for i, (layer, rows) in enumerate(stored.items())
    }
    return _within(errors, CONTEXT_TOLERANCE[dtype])


def _probe(model: Model, layers: Sequence[int], ids: Sequence[Sequence[int]]) -> dict[int, Probe]:
    import torch

    caught: dict[int, dict[str, Float64]] = {layer: {} for layer in layers}

    def flat(tensor: Any) -> Float64:
        array: Float64 = tensor.detach().double().cpu().numpy().reshape(-1, tensor.shape[-1])
        return array

    handles = []
    for layer in layers:

        def around_norm(_: Any, args: Any, output: Any, layer: int = layer) -> None:
            caught[layer] |= {"stream": flat(args[0]), "normed": flat(output)}

        def after_mlp(_: Any, __: Any, output: Any, layer: int = layer) -> None:
            caught[layer]["output"] = flat(output[0] if isinstance(output, tuple) else output)

        handles.append(model.part(layer, model.family.norm).register_forward_hook(around_norm))
        handles.append(model.part(layer, model.family.mlp).register_forward_hook(after_mlp))
    try:
        with torch.inference_mode():
            device = model.embedding.device
            model.base(
                input_ids=torch.tensor([list(i) for i in ids], device=device), use_cache=False
            )
    finally:
        for handle in handles:
            handle.remove()
    return {layer: Probe(**parts) for layer, parts in caught.items()}


def _bias(module: Any, size: int) -> Float64:
    bias = getattr(module, "bias", None)
    if bias is None:
        return np.zeros(size)
    array: Float64 = bias.detach().double().cpu().numpy()
    return array


def _within(errors: dict[str, float], tolerance: float) -> dict[str, float]:
    # NaN is the worst of all; no comparison would find it.
    worst = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
    if not errors[worst] <= tolerance:
        raise CheckFailed(
            f"self-check failed at {worst}: relative error {errors[worst]:.2e}, at most "
            f"{tolerance:.0e} is allowed; nothing was sealed"
        )
    return errors
