"""The rows that may be among the best of many queries, found in one walk over all rows.

What a block of rows scores with every query is looked at while it lies in the processor's cache,
and only what may be among the best of a query is kept, so that products of all rows are never held.
Knows rows and products; knows no measure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.products import Float64
from indexer.store.rows import Float32
from indexer.store.space import Space

Int64 = NDArray[np.int64]

QUERIES_AT_ONCE = 512
"""Queries that walk over the rows together."""

_RUN = 64
"""Products of which the greatest is found first."""


def near_of_each(space: Space, directions: Float64, k: int, by: float) -> list[Int64]:
    """Of each of some queries the rows whose products are not below the k-th highest by some more.

    Args:
        space: whose rows.
        directions: the queries, (m, width) float64, about as many as `QUERIES_AT_ONCE`.
        k: how many of the best.
        by: how far below the k-th highest product.

    Returns:
        For each, positions, (n,) int64, ascending; k or more where there are as many rows.
    """
    highest = np.full((len(directions), k), -np.inf, np.float32)
    queries, rows, products = [], [], []
    for first, block in space.walk(directions):
        runs = _in_runs(block, k)
        maxima = runs.max(axis=1)
        # Each is a product of another row, so that the k-th highest product is no lower.
        highest = np.partition(np.concatenate([highest, maxima.T], axis=1), -k, axis=1)[:, -k:]
        floors = _below(highest, by)
        run, query = np.nonzero(maxima >= floors)
        found = runs[run, :, query]
        at, place = np.nonzero(found >= floors[query, None])
        queries.append(query[at])
        rows.append(first + run[at] * runs.shape[1] + place)
        products.append(found[at, place])
    query, row = np.concatenate(queries), np.concatenate(rows)
    kept = np.concatenate(products) >= _below(highest, by)[query]
    query, row = query[kept], row[kept]
    order = np.lexsort((row, query))
    ends = np.searchsorted(query[order], np.arange(1, len(directions)))
    return np.split(row[order], ends)


def _in_runs(block: Float32, k: int) -> Float32:
    """Products of rows with some queries, in runs of rows: (n, m) -> (runs, rows of each, m).

    There are more than k runs where there are rows enough. A view where the rows can be parted so;
    else minus infinity stands where there is no row.
    """
    count, queries = block.shape
    run = min(_RUN, max(1, count // (2 * k)))
    runs = -(-count // run)
    if runs * run != count:
        block = np.pad(block, ((0, runs * run - count), (0, 0)), constant_values=-np.inf)
    return block.reshape(runs, run, queries)


def _below(highest: Float32, by: float) -> Float32:
    """The least of each query's highest products, less some more: (m, k) -> (m,) float32.

    No less than the least number: minus infinity stands for no row.
    """
    wide = highest.min(axis=1).astype(np.float64) - by
    floors: Float32 = wide.astype(np.float32)
    floors = np.where(floors > wide, np.nextafter(floors, np.float32(-np.inf)), floors)
    return np.maximum(floors, np.finfo(np.float32).min)
