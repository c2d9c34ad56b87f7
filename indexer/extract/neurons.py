"""Neuron weight vectors, a layer or an expert at a time."""

from __future__ import annotations

import numpy as np

from indexer.extract.norms import reading, writing
from indexer.model import Model
from indexer.store.sixteen import Raw


def neuron_rows(
    model: Model, layer: int, side: str, folded: bool, expert: int | None = None
) -> Raw:
    """One side of one layer's neurons, of one expert where it has experts, under the convention.

    Returns:
        (units, d_model) float32, as the model has it, and what is folded in.
    """
    rows = np.ascontiguousarray(model.matrix(layer, side, expert).numpy())
    mlp = model.mlp(layer)
    if not folded:
        return Raw(rows)
    if side == "out":
        return writing(model, layer, mlp.norm_after, rows)
    return reading(model, layer, mlp.norm, rows)
