"""The cosine of two vectors: x.y / |x||y| = u.x / |x|."""

from __future__ import annotations

import numpy as np

from explorer.measures.measure import Cosines, Int64, Pairs, over, split
from explorer.products import Float64, row_products, row_squares
from indexer.store.rows import scan_error


class Cosine(Cosines):
    """Cosines of vectors as they are."""

    name = "cosine"
    as_scanned = True

    def from_products(
        self, products: Float64, query: Float64, facing: tuple[float, Float64]
    ) -> Float64:
        """The products themselves."""
        return products

    def exactly(self, rows: Float64, positions: Int64, query: Float64) -> Float64:
        """The same of single rows: a unit row's length is rounded, and so is not quite 1."""
        _, direction = split(query)
        lengths = np.sqrt(row_squares(rows))
        return over(row_products(rows, direction), lengths)

    def off_by(self, values: Float64, query: Float64) -> Float64 | float:
        """What a scan of unit rows is off by: e."""
        return scan_error(self.space.entry.width)

    def of_pairs(self, pairs: Pairs) -> Float64:
        """Cosines of items with items."""
        return np.vecdot(*(self.normed_rows(rows) for rows in pairs.unit))

    def items(self, positions: Int64) -> Float64:
        """Rows made unit, of which the length is nothing: (n, width) float64."""
        return self.normed_rows(self.space.rows.take(positions).astype(np.float64))
