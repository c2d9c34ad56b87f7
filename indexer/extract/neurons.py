"""Neuron weight vectors, a layer or an expert at a time, and the tokens nearest to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.extract.norms import Float32, fold_reading, fold_writing
from indexer.model import Model
from indexer.store.rows import scan_error

if TYPE_CHECKING:
    import torch

DEPTH = 10
"""How many of the highest and of the lowest tokens are kept for each neuron and side."""

_TILE = 64

_SPARE = 6
"""How many more are scored anew: enough for float32 to leave hardly anything open."""

_EXACT_AT_ONCE = 64
"""Neurons whose candidates are scored in float64 at once."""


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
    """Per neuron the highest and lowest tokens: both (n, DEPTH), best first from each end.

    Scores are float64; of equal ones the lower token comes first.
    """

    high: NDArray[np.int64]
    high_scores: NDArray[np.float64]
    low: NDArray[np.int64]
    low_scores: NDArray[np.float64]


class NearestTokens:
    """Finds, for many neurons, the tokens at both ends of their inner products, exactly.

    Every one of the highest lies in one of as many tiles with the highest maxima, and a tile's
    maximum is cheap; what is left to sort is a fiftieth of the tokens. That is done in float32, for
    some more than are asked for; these are scored anew in float64, and where float32 leaves open
    whether another belongs among them, all that may.

    Args:
        tokens: (m, d_model) float32.
        at_once: the most rows `extremes` will be given; one buffer of (at_once, m) is kept.
    """

    def __init__(self, tokens: NDArray[np.float32], at_once: int) -> None:
        import torch

        self._depth = min(DEPTH, len(tokens))
        self._kept = min(DEPTH + _SPARE, len(tokens))
        self._plain = tokens
        self._tokens = torch.from_numpy(tokens).T.contiguous()
        self._scores = torch.empty(at_once, len(tokens))
        wide = tokens.astype(np.float64)
        self._off = 2 * scan_error(tokens.shape[1]) * np.sqrt(np.vecdot(wide, wide).max(initial=0))

    def extremes(self, rows: NDArray[np.float32]) -> Extremes:
        """For each of (n, d_model) float32 rows the DEPTH tokens at either end."""
        import torch

        scores = torch.mm(torch.from_numpy(rows), self._tokens, out=self._scores[: len(rows)])
        high, high_scores = self._end(scores, rows, 1)
        low, low_scores = self._end(scores, rows, -1)
        return Extremes(high, high_scores, low, low_scores)

    def _end(
        self, scores: torch.Tensor, rows: NDArray[np.float32], sign: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions and scores at one end, (n, DEPTH) each, the farthest out first."""
        if not self._depth:
            return np.empty((len(rows), 0), np.int64), np.empty((len(rows), 0))
        near, last = self._candidates(scores, sign > 0)
        found = np.empty((len(rows), self._depth), np.int64)
        exact = np.empty((len(rows), self._depth))
        for first in range(0, len(rows), _EXACT_AT_ONCE):
            here = slice(first, first + _EXACT_AT_ONCE)
            # Each by itself: equal tokens have equal products, on whatever processor.
            wide = self._plain[near[here]].astype(np.float64)
            products = (wide * rows[here, None]).sum(axis=2)
            order = np.lexsort((near[here], -sign * products), axis=1)[:, : self._depth]
            found[here] = np.take_along_axis(near[here], order, axis=1)
            exact[here] = np.take_along_axis(products, order, axis=1)
        if self._kept < len(self._plain):
            wide = rows.astype(np.float64)
            off = self._off * np.sqrt(np.vecdot(wide, wide))
            # Nothing that was not kept scores better than the last that was, but for rounding.
            unsure = sign * exact[:, -1] <= sign * last + off
            for at in np.flatnonzero(unsure).tolist():
                found[at], exact[at] = self._one(
                    scores[at].numpy(), wide[at], float(exact[at, -1]), off[at], sign
                )
        return found, exact

    def _one(
        self,
        scores: NDArray[np.float32],
        row: NDArray[np.float64],
        floor: float,
        off: float,
        sign: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The same of one row, among all tokens that may reach some exact score."""
        near = np.flatnonzero(sign * scores.astype(np.float64) >= sign * floor - off)
        products = (self._plain[near].astype(np.float64) * row).sum(axis=1)
        order = np.lexsort((near, -sign * products))[: self._depth]
        return near[order], products[order]

    def _candidates(
        self, scores: torch.Tensor, largest: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions of the tokens farthest out in float32, (n, kept), and the last one's score."""
        import torch

        count = scores.shape[1]
        tiles = count // _TILE
        if tiles < self._kept:
            values, near = scores.topk(self._kept, dim=1, largest=largest)
            return near.numpy(), values[:, -1].double().numpy()
        tiled = scores[:, : tiles * _TILE].view(len(scores), tiles, _TILE)
        extreme = tiled.amax(dim=2) if largest else tiled.amin(dim=2)
        chosen = extreme.topk(self._kept, dim=1, largest=largest).indices
        near = (chosen[:, :, None] * _TILE + torch.arange(_TILE)).flatten(1)
        rest = torch.arange(tiles * _TILE, count).expand(len(scores), -1)
        near = torch.cat([near, rest], dim=1)
        values, at = scores.gather(1, near).topk(self._kept, dim=1, largest=largest)
        return near.gather(1, at).numpy(), values[:, -1].double().numpy()
