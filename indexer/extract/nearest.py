"""The tokens nearest to neurons: those at both ends of their inner products, exactly.

Knows float64 scores; what scores in limited precision leave open is `indexer.extract.product`'s to
know.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from indexer.extract.norms import Float32, Float64
from indexer.extract.product import Centred, Int64, Product, narrow_is_faster

DEPTH = 10
"""How many of the highest and of the lowest tokens are kept for each neuron and side."""

FEW = 1024
"""Tokens that 16 bits may leave open of a row before it is multiplied anew in float32."""

OFTEN = 0.25
"""Of some rows, what share is multiplied anew before all that follow are taken in float32."""

_PAIRS_AT_ONCE = 256
"""Scored in float64 at once, so that they stay in the processor's cache."""


@dataclass(frozen=True)
class Extremes:
    """Per neuron the highest and lowest tokens: both (n, DEPTH), best first from each end.

    Scores are float64; of equal ones the lower token comes first.
    """

    high: Int64
    high_scores: Float64
    low: Int64
    low_scores: Float64


class NearestTokens:
    """Finds, for many neurons, the tokens at both ends of their inner products, exactly.

    One product of limited precision serves both ends. How far each of its scores may be off is
    known, and every token that may be among the ten is scored anew in float64, so that the answer
    is that of a sort of all scores in float64. In 16 bits about 24 tokens of SmolLM2 are left open
    at either end of a neuron, in float32 hardly more than the ten.

    Several threads may ask at once.

    Args:
        tokens: (m, d_model) float32, finite.
        at_once: the most rows `extremes` will be given; each thread keeps a buffer of as many
            scores of every token.
        narrow: whether 16 bits are tried first; None takes what is faster on this processor.
    """

    def __init__(self, tokens: Float32, at_once: int, narrow: bool | None = None) -> None:
        self._tokens, self._at_once = tokens, at_once
        self._depth = min(DEPTH, len(tokens))
        self._centred = Centred(tokens)
        if narrow is None:
            narrow = narrow_is_faster(tokens)
        self._first = Product(self._centred, at_once, narrow)
        self._second = None if narrow else self._first
        self._making = threading.Lock()

    def extremes(self, rows: Float32) -> Extremes:
        """For each of (n, d_model) float32 rows the DEPTH tokens at either end.

        A row of zeros scores 0 with every token. So does here one that is not finite: the space it
        belongs to is refused.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            wide = rows.astype(np.float64)
            lengths = np.sqrt(np.vecdot(wide, wide))
        shape = (2, len(rows), self._depth)
        found = np.broadcast_to(np.arange(self._depth), shape).copy()
        scores = np.zeros(shape)
        some = np.flatnonzero((lengths > 0) & np.isfinite(lengths))
        if len(some) and self._depth:
            # A power of two rounds nothing, and no score is then too great or too small a number.
            scaled = np.ldexp(wide[some], -np.frexp(lengths[some])[1][:, None])
            for end, (at, near) in enumerate(self._open(scaled)):
                sign = 1 - 2 * end
                exact = self._exact(wide, some[at], near)
                order = np.lexsort((near, -sign * exact, at))
                starts = np.searchsorted(at, np.arange(len(some)))
                best = order[starts[:, None] + np.arange(self._depth)]
                found[end, some], scores[end, some] = near[best], exact[best]
        return Extremes(found[0], scores[0], found[1], scores[1])

    def _open(self, scaled: Float64) -> list[tuple[Int64, Int64]]:
        """At either end, rows and the tokens that may be among theirs, in pairs, by row."""
        first = self._first
        opened = first.open(scaled, self._depth)
        many = np.zeros(len(scaled), bool)
        if first.narrow:
            for at, _ in opened:
                many |= np.bincount(at, minlength=len(scaled)) > FEW
        if not many.any():
            return opened
        which = np.flatnonzero(many)
        again = self._in_float32().open(scaled[which], self._depth)
        if len(which) > OFTEN * len(scaled):
            self._first = self._in_float32()
        merged = []
        for (at, near), (at_again, near_again) in zip(opened, again, strict=True):
            few = ~many[at]
            rows = np.concatenate([at[few], which[at_again]])
            order = np.argsort(rows, kind="stable")
            merged.append((rows[order], np.concatenate([near[few], near_again])[order]))
        return merged

    def _in_float32(self) -> Product:
        with self._making:
            if self._second is None:
                self._second = Product(self._centred, self._at_once, narrow=False)
            return self._second

    def _exact(self, wide: Float64, at: Int64, near: Int64) -> Float64:
        """Float64 scores of pairs of a row and a token."""
        scores = np.empty(len(at))
        for start in range(0, len(at), _PAIRS_AT_ONCE):
            # Each by itself: equal tokens have equal products, on whatever processor.
            here = slice(start, start + _PAIRS_AT_ONCE)
            products = wide[at[here]]
            products *= self._tokens[near[here]]
            scores[here] = products.sum(axis=1)
        return scores
