"""The inner product of two vectors as they are: x.y = |y| u.x."""

from __future__ import annotations

import numpy as np

from explorer.measures.measure import Int64, Measure, Pairs, split
from explorer.products import Float64, row_products
from indexer.store.rows import scan_error


class Dot(Measure):
    """Inner products; items are added up at their own lengths."""

    name = "dot"

    def between(self, first: Float64, second: Float64) -> float:
        """The inner product of two queries."""
        return float(first @ second)

    def from_products(
        self, products: Float64, query: Float64, facing: tuple[float, Float64]
    ) -> Float64:
        """|x| |y| times the product of unit vectors."""
        products *= self.space.lengths
        products *= facing[0]
        return products

    def exactly(self, rows: Float64, positions: Int64, query: Float64) -> Float64:
        """The same of single rows."""
        size, direction = split(query)
        return row_products(rows, direction) * self.space.lengths[positions] * size

    def off_by(self, values: Float64, query: Float64) -> Float64 | float:
        """E |x| |y|."""
        size = float(np.linalg.norm(query))
        return scan_error(self.space.entry.width) * size * self.space.lengths

    def of_pairs(self, pairs: Pairs) -> Float64:
        """Inner products of items with items."""
        products: Float64 = np.vecdot(*pairs.whole)
        return products
