"""Neuron weight vectors, a layer or an expert at a time."""

from __future__ import annotations

import numpy as np

from indexer.extract.norms import Float32, fold_reading, fold_writing
from indexer.model import Model


def neuron_rows(
    model: Model, layer: int, side: str, folded: bool, expert: int | None = None
) -> Float32:
    """One side of one layer's neurons, of one expert where it has experts, under the convention.

    Returns:
        (units, d_model) float32.
    """
    rows: Float32 = model.matrix(layer, side, expert).numpy()
    mlp = model.mlp(layer)
    if folded and side == "out":
        rows = fold_writing(model, layer, mlp.norm_after, rows)
    elif folded:
        rows = fold_reading(model, layer, mlp.norm, rows)
    return np.ascontiguousarray(rows)
