"""Attention heads as rows: what each dimension of a head reads off a position, and writes."""

from __future__ import annotations

import numpy as np

from indexer.extract.norms import Float32, fold_reading, fold_writing
from indexer.model import Model
from indexer.store.spaces import HeadSide


def head_rows(model: Model, layer: int, side: HeadSide, folded: bool) -> Float32:
    """One layer's rows of one side of its heads under the convention.

    A head that attends fully to a position writes the sum over its dimensions i of
    (x . value_i) output_i, x being the stream there, normed; biases aside.

    Returns:
        (heads x head width, d_model) float32, by head, then dimension; heads that share a
        key-value head share its value rows.
    """
    attention = model.family.attention
    rows: Float32 = model.head_rows(layer, side).numpy()
    if folded and side == "value":
        rows = fold_reading(model, layer, attention.norm, rows)
    elif folded:
        rows = fold_writing(model, layer, attention.norm_after, rows)
    return np.ascontiguousarray(rows)
