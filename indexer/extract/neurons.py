"""Neuron weight vectors, a layer or an expert at a time, and the tokens nearest to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.extract.norms import Float32, fold_reading, fold_writing
from indexer.model import Model

if TYPE_CHECKING:
    import torch

DEPTH = 10
"""How many of the highest and of the lowest tokens are kept for each neuron and side."""

_TILE = 64


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


@dataclass(frozen=True)
class Extremes:
    """Per neuron the highest and lowest tokens: both (n, DEPTH), best first from each end."""

    high: NDArray[np.int64]
    high_scores: NDArray[np.float32]
    low: NDArray[np.int64]
    low_scores: NDArray[np.float32]


class NearestTokens:
    """Finds, for many neurons, the tokens at both ends of their inner products, exactly.

    Every one of the DEPTH highest lies in one of the DEPTH tiles with the highest maxima, and a
    tile's maximum is cheap; what is left to sort is a fiftieth of the tokens.

    Args:
        tokens: (m, d_model) float32.
        at_once: the most rows `extremes` will be given; one buffer of (at_once, m) is kept.
    """

    def __init__(self, tokens: NDArray[np.float32], at_once: int) -> None:
        import torch

        self._depth = min(DEPTH, len(tokens))
        self._tokens = torch.from_numpy(tokens).T.contiguous()
        self._scores = torch.empty(at_once, len(tokens))

    def extremes(self, rows: NDArray[np.float32]) -> Extremes:
        """For each of (n, d_model) float32 rows the DEPTH tokens at either end."""
        import torch

        scores = torch.mm(torch.from_numpy(rows), self._tokens, out=self._scores[: len(rows)])
        high, high_scores = self._end(scores, largest=True)
        low, low_scores = self._end(scores, largest=False)
        return Extremes(high.numpy(), high_scores.numpy(), low.numpy(), low_scores.numpy())

    def _end(self, scores: torch.Tensor, largest: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions and scores at one end, (n, DEPTH) each, the farthest out first."""
        import torch

        count = scores.shape[1]
        tiles = count // _TILE
        if tiles < self._depth:
            values, near = scores.topk(self._depth, dim=1, largest=largest)
            return near, values
        tiled = scores[:, : tiles * _TILE].view(len(scores), tiles, _TILE)
        extreme = tiled.amax(dim=2) if largest else tiled.amin(dim=2)
        chosen = extreme.topk(self._depth, dim=1, largest=largest).indices
        near = (chosen[:, :, None] * _TILE + torch.arange(_TILE)).flatten(1)
        rest = torch.arange(tiles * _TILE, count).expand(len(scores), -1)
        near = torch.cat([near, rest], dim=1)
        values, at = scores.gather(1, near).topk(self._depth, dim=1, largest=largest)
        return near.gather(1, at), values
