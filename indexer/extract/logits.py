"""From the last block to the logits: what a model has on that way, and what it makes of a stream.

Knows hooks. The vectors of the way are taken as they are; the logits are the model's own, of a
forward pass through its head, in float32 whatever the model's precision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from indexer.architectures import Norm
from indexer.extract.norms import Float64, epsilon
from indexer.extract.probe import flat, in_float32
from indexer.model import Model
from indexer.store.layout import NormKind, UnembeddingEntry

_ROWS_AT_ONCE = 8192

_KINDS: dict[Norm, NormKind] = {Norm.RMS: "rms", Norm.RMS_ONE_PLUS: "rms", Norm.LAYER: "layer"}


@dataclass(frozen=True)
class Extracted:
    """What stands between a model's last block and its logits, but for the rows of tokens.

    Attributes:
        entry: what the manifest is to say.
        arrays: `gain` and `shift` (d_model,) float64, `bias` (vocabulary,) float32; those there
            are.
    """

    entry: UnembeddingEntry
    arrays: dict[str, NDArray[Any]]


def unembedding(model: Model) -> Extracted | None:
    """What makes logits of a stream; None of an encoder, which is loaded without a head.

    Raises:
        CheckFailed: it is not where, or not what, the family's entry says.
    """
    if not model.family.unembedding:
        return None
    norm, arrays = model.final_norm, {}
    if norm is not None:
        for name, vector in (("gain", model.gain(norm)), ("shift", model.shift(norm))):
            if vector is not None:
                arrays[name] = vector.numpy()
    bias = model.unembedding_bias
    if bias is not None:
        arrays["bias"] = bias.numpy()
    entry = UnembeddingEntry(
        norm="none" if norm is None else _KINDS[model.family.norm],
        epsilon=0.0 if norm is None else epsilon(norm),
        gain="gain" in arrays,
        shift="shift" in arrays,
        bias="bias" in arrays,
        scale=model.logit_scale,
        softcap=model.logit_softcap,
    )
    return Extracted(entry, arrays)


@dataclass(frozen=True)
class Predicted:
    """What a model itself made of a text.

    Attributes:
        stream: (positions, d_model) float64, as it left the last block.
        logits: (positions, vocabulary) float64.
    """

    stream: Float64
    logits: Float64


def predicted(model: Model, ids: Sequence[int]) -> Predicted:
    """Run one text through the model and its head.

    Args:
        model: one with an unembedding.
        ids: its tokens; all of their logits are held at once.
    """
    import torch

    caught: dict[str, Float64] = {}

    def leaving(_: Any, __: Any, output: Any) -> None:
        caught["stream"] = flat(output[0] if isinstance(output, tuple) else output)

    handle = model.blocks[-1].register_forward_hook(leaving)
    try:
        with torch.inference_mode(), _head_in_float32(model):
            tensor = torch.tensor([list(ids)], device=model.device)
            logits = flat(model.module(input_ids=tensor, use_cache=False).logits)
    finally:
        handle.remove()
    return Predicted(caught["stream"], logits)


@contextlib.contextmanager
def _head_in_float32(model: Model) -> Iterator[None]:
    """Have all that follows the last block compute in float32.

    The unembedding is widened a block of rows at a time: whole it may be gigabytes, and where it is
    tied the embedding would be widened with it.
    """
    import torch

    head = model.unembedding
    own = head.weight.dtype
    if own == torch.float32:
        yield
        return

    def widened(stream: Any) -> Any:
        parts = []
        for first in range(0, len(head.weight), _ROWS_AT_ONCE):
            here = slice(first, first + _ROWS_AT_ONCE)
            bias = None if head.bias is None else head.bias[here].float()
            parts.append(
                torch.nn.functional.linear(stream.float(), head.weight[here].float(), bias)
            )
        return torch.cat(parts, dim=-1)

    around = [module for module in (model.final_norm, model.project_out) if module is not None]
    handles = [h for module in around for h in in_float32(module, list, own, back=False)]
    before = head.__dict__.get("forward")
    head.forward = widened
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        del head.forward
        if before is not None:
            head.forward = before
