"""NumPy alone: a product with all rows, and the ten best of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.peers.libraries.library import Found, K
from benchmarks.peers.libraries.of_array import OfArray

ROWS = 32_768
"""Rows whose products with many queries are held at once."""


class Product(OfArray):
    """`rows @ query` and `argpartition`, float32, on all threads; its file is that of the rows."""

    title = "NumPy, product and `argpartition`"
    package = "numpy"
    many = True
    largest = 4_000_000

    def near(self, word: str) -> Found:
        """All scores, then a part of them sorted."""
        scores = self._vectors @ self._vectors[self.numbers[word]]
        best = np.argpartition(scores, -K - 1)[-K - 1 :]
        best = best[np.argsort(-scores[best])]
        return self.named(word, best.tolist(), scores[best].tolist())

    def near_each(self, words: Sequence[str]) -> list[Found]:
        """Block by block, the best so far kept."""
        queries = self._vectors[[self.numbers[word] for word in words]]
        found, kept = [], []
        for first in range(0, len(self._vectors), ROWS):
            scores = queries @ self._vectors[first : first + ROWS].T
            best = np.argpartition(scores, -K - 1, axis=1)[:, -K - 1 :]
            kept.append(np.take_along_axis(scores, best, axis=1))
            found.append(best + first)
        every, positions = np.hstack(kept), np.hstack(found)
        order = np.argsort(-every, axis=1)[:, : K + 1]
        each = zip(
            words,
            np.take_along_axis(positions, order, axis=1).tolist(),
            np.take_along_axis(every, order, axis=1).tolist(),
            strict=True,
        )
        return [self.named(*one) for one in each]
