"""Mean and covariance of many rows, found in one walk over them.

Knows numbers; knows no file, and not what a row is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.errors import MachineError


def moments(
    source: Iterator[tuple[int, NDArray[np.float64]]],
    chosen: NDArray[np.bool_],
    width: int,
    label: str,
    dtype: type[np.floating[Any]] = np.float32,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (width,) and covariance (width, width) of the chosen rows, both float64.

    One pass with blocks merged pairwise (Chan, Golub, LeVeque 1979), so that a mean far from
    zero costs no digits. The covariance is divided by n: the rows are the population. Products of a
    block are added up in `dtype`, of which float32 leaves seven digits.
    """
    count, mean = 0, np.zeros(width)
    scatter = np.zeros((width, width))
    for first, block in source:
        if not np.isfinite(block).all():
            row = first + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise MachineError(f"space {label!r}: row {row} is not finite")
        part = block[chosen[first : first + len(block)]]
        if not len(part):
            continue
        part_mean = part.mean(axis=0)
        centered = (part - part_mean).astype(dtype, copy=False)
        gap, total = part_mean - mean, count + len(part)
        scatter += centered.T @ centered + np.outer(gap, gap) * (count * len(part) / total)
        mean, count = mean + gap * (len(part) / total), total
    return mean, scatter / max(count, 1)
