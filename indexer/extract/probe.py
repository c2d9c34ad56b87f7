"""What a model itself does around its MLPs and attentions, caught on a real forward pass.

Knows hooks. Each block is run in float32 whatever the model's precision, one block at a time, so
that the comparison is exact and costs no second copy of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from indexer.architectures import Attention, Matrix, Mlp
from indexer.extract.norms import Float64
from indexer.model import Model

if TYPE_CHECKING:
    import torch

ALONE = 8
"""Positions each expert is run on by itself."""


@dataclass(frozen=True)
class Experts:
    """What a block's experts did: (positions, k) which were chosen, and with what weight.

    `alone[e]` is what expert e gives for the first `ALONE` positions when it is chosen for all.
    """

    chosen: NDArray[np.int64]
    weights: Float64
    alone: list[Float64]


@dataclass(frozen=True)
class Probe:
    """What the model did at one layer, each (positions, d_model) float64.

    Attributes:
        stream: what entered the norm before, or was read where there is none.
        read: what the reading matrix was given.
        written: what the writing matrix gave.
        added: what the norm after made of that; the same where there is none.
        entered: what entered the block.
        left: what left it, or entered the norm of the sum where the family norms last.
        experts: of a block with experts.
    """

    stream: Float64
    read: Float64
    written: Float64
    added: Float64
    entered: Float64
    left: Float64
    experts: Experts | None = None


@dataclass
class _Caught:
    arrays: dict[str, Float64] = field(default_factory=dict)
    experts: Experts | None = None


def probe(
    model: Model,
    layers: Sequence[int],
    ids: Sequence[Sequence[int]],
    part: Literal["mlp", "attention"],
) -> dict[int, Probe]:
    """Run sequences of one length, and catch what went in and out of one part of each layer.

    Returns:
        By layer; positions are those of all sequences, one after another.
    """
    import torch

    caught = {layer: _Caught() for layer in layers}
    handles = []
    for layer in layers:
        built = model.mlp(layer) if part == "mlp" else model.family.attention
        block = model.blocks[layer]
        own = next(block.parameters()).dtype
        handles += in_float32(block, _around(model, layer, built, caught[layer]), own)
    try:
        with torch.inference_mode():
            tensor = torch.tensor([list(i) for i in ids], device=model.device)
            model.base(input_ids=tensor, **({} if model.family.encoder else {"use_cache": False}))
    finally:
        for handle in handles:
            handle.remove()
    probes = {}
    for layer, one in caught.items():
        arrays = one.arrays
        arrays.setdefault("stream", arrays["read"])
        arrays.setdefault("added", arrays["written"])
        probes[layer] = Probe(**arrays, experts=one.experts)
    return probes


def _around(
    model: Model, layer: int, built: Mlp | Attention, caught: _Caught
) -> Callable[[], list[Any]]:
    """What sets hooks on a block, and on the norms and matrices of one part of it."""
    arrays = caught.arrays

    def keep(name: str, of: Callable[[Any, Any], Any]) -> Any:
        def hook(_: Any, args: Any, output: Any) -> None:
            arrays[name] = flat(of(args, output))

        return hook

    def entering(args: Any, _: Any) -> Any:
        return args[0]

    def leaving(_: Any, output: Any) -> Any:
        return output[0] if isinstance(output, tuple) else output

    def enter_block(_: Any, args: Any, kwargs: Any) -> None:
        arrays["entered"] = flat(args[0] if args else kwargs["hidden_states"])

    def hooks() -> list[Any]:
        block = model.blocks[layer]
        before = model.norm(layer, built.norm)
        after = model.norm(layer, (built.norm_after,) if built.norm_after else ())
        last = built.norm_sum if isinstance(built, Mlp) else None
        handles = [block.register_forward_pre_hook(enter_block, with_kwargs=True)]
        if last:
            handles.append(model.part(layer, last).register_forward_hook(keep("left", entering)))
        else:
            handles.append(block.register_forward_hook(keep("left", leaving)))
        if before is not None:
            handles.append(before.register_forward_hook(keep("stream", entering)))
        if after is not None:
            handles.append(after.register_forward_hook(keep("added", leaving)))
        if isinstance(built, Mlp) and built.experts:
            module = model.part(layer, built.experts)
            handles.append(module.register_forward_hook(_expert_hook(caught), with_kwargs=True))
            return handles
        for name, matrix, of in zip(
            ("read", "written"), _ends(built), (entering, leaving), strict=True
        ):
            module = model.part(layer, matrix.path)
            handles.append(module.register_forward_hook(keep(name, of)))
        return handles

    return hooks


def _ends(built: Mlp | Attention) -> tuple[Matrix, Matrix]:
    if isinstance(built, Mlp):
        return built.reading, built.writing
    return built.value, built.output


def _expert_hook(caught: _Caught) -> Any:
    import torch

    def hook(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        given = dict(zip(("hidden_states", "top_k_index", "top_k_weights"), args, strict=False))
        given |= kwargs
        hidden, chosen = given["hidden_states"], given["top_k_index"]
        few = hidden[:ALONE]
        alone = []
        for expert in range(module.num_experts):
            index = torch.full((len(few), 1), expert, device=few.device)
            weight = torch.ones((len(few), 1), device=few.device, dtype=few.dtype)
            # Not through __call__, which would come back here.
            alone.append(flat(module.forward(few, index, weight)))
        caught.arrays |= {"read": flat(hidden), "written": flat(output)}
        caught.experts = Experts(
            chosen.cpu().numpy(), given["top_k_weights"].double().cpu().numpy(), alone
        )

    return hook


def in_float32(
    block: Any, hooks: Callable[[], list[Any]], own: torch.dtype, back: bool = True
) -> list[Any]:
    """Have a module compute in float32, and set hooks that see it do so.

    Args:
        block: the module.
        hooks: sets them.
        own: the precision that the module is kept in.
        back: whether what comes after it is given its output in that precision again.
    """
    import torch

    if own == torch.float32:
        return hooks()

    def cast(value: Any, dtype: torch.dtype) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(dtype) if value.is_floating_point() else value
        if isinstance(value, tuple):
            return tuple(cast(entry, dtype) for entry in value)
        return value

    def have(module: Any, dtype: torch.dtype) -> None:
        for parameter in module.parameters():  # not buffers: some are float32 of their own
            parameter.data = parameter.data.to(dtype)

    def widen(module: Any, args: Any, kwargs: Any) -> Any:
        have(module, torch.float32)
        wide = {name: cast(value, torch.float32) for name, value in kwargs.items()}
        return cast(args, torch.float32), wide

    def narrow(module: Any, _: Any, output: Any) -> Any:
        have(module, own)
        return cast(output, own) if back else output

    # Hooks run in the order they were set: between being widened and being narrowed.
    first = block.register_forward_pre_hook(widen, with_kwargs=True)
    return [first, *hooks(), block.register_forward_hook(narrow)]


def flat(tensor: Any) -> Float64:
    """(..., width) of any precision -> (positions, width) float64."""
    array: Float64 = tensor.detach().double().cpu().numpy().reshape(-1, tensor.shape[-1])
    return array
