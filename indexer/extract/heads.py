"""Attention heads as rows: what each dimension of a head reads off a position, and writes."""

from __future__ import annotations

import numpy as np

from indexer.extract.norms import reading, writing
from indexer.model import Model
from indexer.store.sixteen import Raw
from indexer.store.spaces import HeadSide


def head_rows(model: Model, layer: int, side: HeadSide, folded: bool) -> Raw:
    """One layer's rows of one side of its heads under the convention.

    A head that attends fully to a position writes the sum over its dimensions i of
    (x . value_i) output_i, x being the stream there, normed; biases aside.

    Returns:
        (heads x head width, d_model) float32, by head, then dimension, as the model has it, and
        what is folded in; heads that share a key-value head share its value rows.
    """
    attention = model.family.attention
    rows = np.ascontiguousarray(model.head_rows(layer, side).numpy())
    if not folded:
        return Raw(rows)
    if side == "value":
        return reading(model, layer, attention.norm, rows)
    return writing(model, layer, attention.norm_after, rows)
