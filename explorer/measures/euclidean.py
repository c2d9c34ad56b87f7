"""The distance of two vectors: |x - y| = sqrt(|x|^2 - 2 |y| u.x + |y|^2)."""

from __future__ import annotations

import numpy as np

from explorer.measures.measure import HALF_ULP, Int64, Measure, Pairs, sums_error
from explorer.products import Float64, row_squares
from indexer.store.rows import scan_error

NEARLY_EQUAL = 1e-4
"""Below this share of |x|^2 + |y|^2, float32 inner products leave a squared distance few digits."""


class Euclidean(Measure):
    """Distances; items are added up at their own lengths, and a sum of zero has them too."""

    name = "euclidean"
    distance = True

    def between(self, first: Float64, second: Float64) -> float:
        """The distance of two queries."""
        return float(np.linalg.norm(first - second))

    def pairwise(self, first: Float64, second: Float64) -> Float64:
        """Every distance of some vectors to others.

        (..., n, width) and (..., m, width) -> (..., n, m) float64.
        """
        products = super().pairwise(first, second)
        squares = np.vecdot(first, first)[..., :, None] + np.vecdot(second, second)[..., None, :]
        distances: Float64 = np.sqrt(np.maximum(squares - 2 * products, 0))
        return distances

    def from_products(
        self, products: Float64, query: Float64, facing: tuple[float, Float64]
    ) -> Float64:
        """Distances, of items that all but cancel computed from the vectors themselves."""
        size, lengths = facing[0], self.space.lengths
        products *= lengths
        products *= size
        whole = lengths**2 + size**2
        squares = whole - 2 * products
        for at in np.flatnonzero(squares < NEARLY_EQUAL * whole):
            squares[at] = np.sum((self.space.vector(int(at)) - query) ** 2)
        return np.sqrt(squares, out=squares)

    def exactly(self, rows: Float64, positions: Int64, query: Float64) -> Float64:
        """Lengths of differences."""
        rows *= self.space.lengths[positions, None]
        rows -= query
        return np.sqrt(row_squares(rows))

    def off_by(self, values: Float64, query: Float64) -> Float64 | float:
        """What the square may be off by over the distance, and no more than its root.

        Of the square that is 2 e |x| |y| + 4 u |y|^2 + c (|x| + |y|)^2, u half a unit of float32.
        """
        width, lengths = self.space.entry.width, self.space.lengths
        size = float(np.linalg.norm(query))
        squares = 2 * scan_error(width) * size * lengths
        # A unit row's length is rounded, and what the scan takes for |y|^2 with it.
        squares += 4 * HALF_ULP * lengths**2 + sums_error(width) * (lengths + size) ** 2
        # What a square is off by, over the root; near 0 the root is off by no more than its root.
        return squares / np.maximum(np.maximum(values, np.sqrt(squares)), 1e-300)

    def of_pairs(self, pairs: Pairs) -> Float64:
        """Distances of items from items."""
        first, second = pairs.whole
        distances: Float64 = np.linalg.norm(first - second, axis=1)
        return distances
