"""What `whitened` is, written out in float64 and slowly, as another would who reads its formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

FEW = 2000
"""Rows up to which each is looked at by itself."""


def spread(away: Float64) -> float:
    """Mean of |x x' - Sigma|^2 over rows less their mean; multiplied out where they are many."""
    sample = away.T @ away / len(away)
    if len(away) <= FEW:
        return float(np.mean([((np.outer(x, x) - sample) ** 2).sum() for x in away]))
    return float((np.vecdot(away, away) ** 2).mean() - (sample**2).sum())


def shrinkage(sample: Float64, spread: float, n: int) -> float:
    """Ledoit and Wolf (2004), lemmas 3.2 to 3.4; their norms are divided by the width."""
    m = np.trace(sample) / len(sample)
    d2 = ((sample - m * np.eye(len(sample))) ** 2).sum()
    return float(min(spread / n, d2) / d2)


def shrunk(sample: Float64, a: float) -> Float64:
    """S: (width, width)."""
    return (1 - a) * sample + a * np.trace(sample) / len(sample) * np.eye(len(sample))


def shrunk_of(population: Float64) -> Float64:
    """The same of rows: (n, width) -> (width, width)."""
    away = population - population.mean(axis=0)
    sample = away.T @ away / len(away)
    return shrunk(sample, shrinkage(sample, spread(away), len(away)))


def inverse_root(matrix: Float64) -> Float64:
    """L with L L' = S^-1; not the symmetric one, and the cosines of x L with y L are the same."""
    return np.linalg.solve(np.linalg.cholesky(matrix), np.eye(len(matrix))).T


def whitener_by(sample: Float64, lengths: Float64) -> Float64:
    """The same by a covariance that is stored, and the lengths of the rows less their mean."""
    lengths = lengths.astype(np.float64)
    varies = float((lengths**4).mean() - (sample**2).sum())
    return inverse_root(shrunk(sample, shrinkage(sample, varies, len(lengths))))


def whitener(population: Float64) -> Float64:
    """What rows less their mean are multiplied with."""
    return inverse_root(shrunk_of(population))
