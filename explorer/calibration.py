"""What a score is read against: mean and standard deviation of a query's scores over a space.

Knows scores; knows no measure, and not what a query is.
"""

from __future__ import annotations

import math

import numpy as np

from explorer.products import Float64
from explorer.questions import Calibration
from indexer.store.errors import DamagedIndex, EmptyPopulation

_CONSTANT = 1e-12
"""Scores that deviate by less than this share of their mean do so by rounding alone."""


def calibrate(values: Float64, population: str) -> Calibration:
    """Mean and standard deviation of a query's scores over all items of a space.

    Raises:
        DamagedIndex: a score is not a finite number, which a sound index never gives.
        EmptyPopulation: every item scores the same, so that no score stands out.
    """
    mean = float(values.mean())
    above = values - mean
    std = math.sqrt(float(np.square(above, out=above).mean()))
    return calibrated(mean, std, len(values), population)


def calibrated(mean: float, std: float, n: int, population: str) -> Calibration:
    """The same of a mean and standard deviation that are known; raises as `calibrate` does."""
    if not math.isfinite(std):
        raise DamagedIndex(
            f"scores of {population} are not finite numbers: `indexer verify` names the file"
        )
    if std <= _CONSTANT * abs(mean):
        raise EmptyPopulation(
            f"{population} score the same, {mean:z.4f} (n = {n:,}): no z can be had "
            "where nothing varies"
        )
    return Calibration(mean, std, n, population)


def z(score: float, calibration: Calibration) -> float:
    """Deviations above the mean."""
    return (score - calibration.mean) / calibration.std
