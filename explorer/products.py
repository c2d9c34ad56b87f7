"""Inner products of rows in float64, each found by itself.

Equal rows have equal products, to the last bit, whatever stands beside them and whatever processor
they are found on: a matrix product, which sums its last columns in another order, does not promise
that. Knows rows and vectors; knows no measure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.store.space import Space

Float64 = NDArray[np.float64]

ROWS_AT_ONCE = 4096
"""Rows held in float64 at once: 19 MB of them at a width of 576."""


def row_products(rows: Float64, vector: Float64) -> Float64:
    """Inner products of some rows with a vector: (n, width), (width,) -> (n,) float64."""
    products: Float64 = np.multiply(rows, vector).sum(axis=1)
    return products


def row_squares(rows: Float64) -> Float64:
    """The squared length of each row: (n, width) -> (n,) float64."""
    squares: Float64 = np.square(rows).sum(axis=1)
    return squares


def unit_products(space: Space, positions: NDArray[np.int64], vector: Float64) -> Float64:
    """Inner products of some unit rows of a space with a vector, in float64: (n,) float64."""
    return products_of_each(space, positions, [vector])[0]


def products_of_each(
    space: Space, positions: NDArray[np.int64], vectors: Sequence[Float64]
) -> list[Float64]:
    """The same with several vectors: (n,) float64 each."""
    found = [np.empty(len(positions)) for _ in vectors]
    for first in range(0, len(positions), ROWS_AT_ONCE):
        here = slice(first, first + ROWS_AT_ONCE)
        rows = space.rows.take(positions[here]).astype(np.float64)
        for products, vector in zip(found, vectors, strict=True):
            products[here] = row_products(rows, vector)
    return found
