"""Mean and covariance of many rows, found in one walk over them.

Knows numbers; knows no file, and not what a row is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_IN_CACHE = 256  # rows whose float64 copies stay in the processor's cache


@dataclass(frozen=True)
class Part:
    """What is kept of some rows.

    Attributes:
        count: how many they are.
        mean: (width,) float64.
        scatter: (width, width), the products of the rows less the mean, added up.
    """

    count: int
    mean: Float64
    scatter: NDArray[np.floating[Any]]

    @classmethod
    def of(cls, rows: Float64, dtype: type[np.floating[Any]] = np.float32) -> Part:
        """What is kept of some rows, (n, width) float64; they are not written over.

        Args:
            rows: the rows.
            dtype: in which products are added up, of which float32 leaves seven digits.
        """
        mean = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
        centered = np.empty(rows.shape, dtype)
        for at in range(0, len(rows), _IN_CACHE):
            here = slice(at, at + _IN_CACHE)
            np.subtract(rows[here], mean, out=centered[here], casting="same_kind")
        return cls(len(rows), mean, centered.T @ centered)

    @classmethod
    def of_mean(cls, rows: Float64, lengths: NDArray[np.float32]) -> Part:
        """What is kept of some rows, each times a length, where the mean alone is wanted.

        Args:
            rows: (n, width) float64.
            lengths: (n,) float32.
        """
        return cls(len(rows), lengths.astype(np.float64) @ rows / len(rows), np.zeros(()))


class Moments:
    """Mean and covariance of rows that come in parts, each about its own mean.

    So a mean far from zero costs no digits (Chan, Golub, LeVeque 1979).

    Args:
        width: of the rows.
    """

    def __init__(self, width: int) -> None:
        self._scatter = np.zeros((width, width))
        self._counts: list[int] = []
        self._means: list[Float64] = []

    def add(self, part: Part) -> None:
        """Take some more rows in."""
        if part.count:
            self._scatter += part.scatter
            self._counts.append(part.count)
            self._means.append(part.mean)

    def found(self) -> tuple[Float64, Float64]:
        """Mean (width,) and covariance (width, width) of all rows so far, both float64.

        The covariance is divided by n: the rows are the population. Of no rows both are zero.
        """
        if not self._counts:
            return np.zeros(len(self._scatter)), np.zeros_like(self._scatter)
        counts, means = np.array(self._counts, np.float64), np.array(self._means)
        mean = counts @ means / counts.sum()
        apart = (means - mean) * np.sqrt(counts)[:, None]
        return mean, (self._scatter + apart.T @ apart) / counts.sum()
