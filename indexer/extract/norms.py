"""Which norm's gain belongs to which rows, and how it is folded into them.

A matrix that reads the residual stream reads it normed, and the norm's gain acts on its rows as
much as on the stream: folded, a row says which direction of the plain-normed stream is read. Where
a family norms what is written before it is added, that norm's gain acts on the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.architectures import Attention, Mlp, Norm
from indexer.model import Model
from indexer.store.sixteen import Raw

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


def convention(model: Model, part: Mlp | Attention, writing: bool, folded: bool) -> str:
    """One line on what was done to the rows of an MLP or an attention."""
    if writing:
        if folded and part.norm_after:
            return "columns of the output matrix, the gain of the norm after it folded in"
        return "raw columns of the output matrix"
    if not part.norm:
        return "raw rows: nothing norms before them"
    if not folded:
        return "raw rows"
    centred = ", centred" if model.family.norm is Norm.LAYER else ""
    return f"norm gain folded in{centred}"


def reading(model: Model, layer: int, names: tuple[str, ...], rows: Float32) -> Raw:
    """`row * gain` of the norm before; for a LayerNorm less its own mean as well.

    A LayerNorm subtracts the mean of the stream, so a constant part of a row reads nothing.
    """
    norm = model.norm(layer, names)
    if norm is None:
        return Raw(rows)
    return Raw(rows, _gain(model, norm), model.family.norm is Norm.LAYER)


def writing(model: Model, layer: int, name: str | None, rows: Float32) -> Raw:
    """`row * gain` of the norm between what is written and the stream, where there is one."""
    norm = model.norm(layer, (name,) if name else ())
    return Raw(rows) if norm is None else Raw(rows, _gain(model, norm))


def _gain(model: Model, norm: Any) -> Float64 | None:
    gain = model.gain(norm)
    return None if gain is None else gain.numpy()


def plain_norm(model: Model, norm: Any, stream: Float64) -> Float64:
    """A norm without gain or shift: (positions, d_model) float64 -> the same shape."""
    if model.family.norm is Norm.LAYER:
        stream = stream - stream.mean(axis=1, keepdims=True)
    result: Float64 = stream / root_mean_square(norm, stream)
    return result


def root_mean_square(norm: Any, stream: Float64) -> Float64:
    """What a norm divides by, (positions, 1) float64, its epsilon within."""
    result: Float64 = np.sqrt((stream**2).mean(axis=1, keepdims=True) + epsilon(norm))
    return result


def epsilon(norm: Any) -> float:
    """What a norm adds to the mean square before it takes the root."""
    own = getattr(norm, "eps", None)
    return float(norm.variance_epsilon if own is None else own)
