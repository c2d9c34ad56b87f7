"""Neuron weight vectors, a layer at a time, and the tokens nearest to each.

Knows which gain belongs to which side. The residual stream that a neuron reads has been normed,
and the norm's gain acts on the neuron's row as much as on the stream: folded, a row says what
direction of the plain-normed stream the neuron reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.architectures import Norm
from indexer.model import Model

if TYPE_CHECKING:
    import torch

DEPTH = 10
"""How many of the highest and of the lowest tokens are kept for each neuron and side."""

_TILE = 64


def convention(model: Model, side: str, folded: bool) -> str:
    """One line on what was done to a side's rows."""
    if side == "out":
        return "raw columns of the output matrix"
    if not folded:
        return "raw rows"
    if model.family.norm_kind is Norm.LAYER:
        return "norm gain folded in, centred"
    return "norm gain folded in"


def neuron_rows(model: Model, layer: int, side: str, folded: bool) -> NDArray[np.float32]:
    """One side of one layer's neurons under the convention: (d_mlp, d_model) float32.

    Folded, the reading side is `row * gain`; for a LayerNorm less its own mean as well, since
    the norm subtracts the mean of the stream and a constant part of the row reads nothing.
    """
    rows: NDArray[np.float32] = model.matrix(layer, side).numpy()
    if side == "out" or not folded:
        return np.ascontiguousarray(rows)
    gain = model.part(layer, model.family.norm).weight.detach().double().cpu().numpy()
    wide = rows.astype(np.float64) * gain
    if model.family.norm_kind is Norm.LAYER:
        wide -= wide.mean(axis=1, keepdims=True)
    narrow: NDArray[np.float32] = wide.astype(np.float32)
    return narrow


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
