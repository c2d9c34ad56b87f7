"""The cosine of two vectors less the mean of their space's population.

(|y| u.x - mu.x) / |y - mu||x|, x centred already. An item from another space is less that space's
mean; from a sum of items none is taken again.
"""

from __future__ import annotations

import numpy as np

from explorer.measures.measure import HALF_ULP, Cosines, Int64, Pairs, over, split, sums_error
from explorer.products import Float64, row_products, row_squares
from indexer.store.rows import scan_error
from indexer.store.space import Space


class Centered(Cosines):
    """Cosines of vectors less the mean."""

    name = "centered"

    def moved(self, vectors: Float64, home: Space) -> Float64:
        """Vectors less the mean of the space that they are from."""
        return vectors - home.mean

    def from_products(
        self, products: Float64, query: Float64, facing: tuple[float, Float64]
    ) -> Float64:
        """(|y| u.x - mu.x) / |y - mu| with x unit."""
        size = facing[0]
        products *= self.space.lengths
        products -= float(self.space.mean @ query) / size if size else 0.0
        products *= self.space.over_centered
        return products

    def exactly(self, rows: Float64, positions: Int64, query: Float64) -> Float64:
        """The same of single rows."""
        _, direction = split(query)
        rows *= self.space.norms[positions, None]
        rows -= self.space.mean
        lengths = np.sqrt(row_squares(rows))
        # An item that the index has as the mean itself has no direction, though rounding leaves
        # one.
        lengths[self.space.centered_norms[positions] == 0] = 0
        return over(row_products(rows, direction), lengths)

    def off_by(self, values: Float64, query: Float64) -> Float64 | float:
        """(e |y| + c (|y| + |mu|)) / |y - mu|, and the rounding of |y - mu| to float32."""
        space, sums = self.space, sums_error(self.space.entry.width)
        error = scan_error(space.entry.width)
        beyond = sums * float(np.linalg.norm(space.mean))
        return ((error + sums) * space.lengths + beyond) * space.over_centered + 2 * HALF_ULP

    def of_pairs(self, pairs: Pairs) -> Float64:
        """Cosines of items with items."""
        away = [rows - self.space.mean for rows in pairs.whole]
        product, size = np.vecdot(*away), np.ones(len(away[0]))
        for rows, at in zip(away, pairs.positions, strict=True):
            size *= np.where(self.space.centered_norms[at] > 0, np.linalg.norm(rows, axis=1), 0)
        return over(product, size)
