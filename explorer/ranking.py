"""The best of many values, found without sorting them all.

Knows values; knows no query, and not what a value is of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def best(values: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Positions of the k highest values, highest first, the lower position first among equals.

    Equals a full sort. The k highest lie at or above the k-th highest of the maxima of runs of
    64, which is cheap to find and leaves little to sort.
    """
    k = min(k, len(values))
    runs = len(values) // 64
    if runs >= 2 * k:
        maxima = values[: runs * 64].reshape(runs, 64).max(axis=1)
        floor = np.partition(maxima, runs - k)[runs - k]
        near = np.flatnonzero(values >= floor)
    else:
        near = np.arange(len(values))
    order = np.lexsort((near, -values[near]))[:k]
    chosen: NDArray[np.int64] = near[order]
    return chosen
