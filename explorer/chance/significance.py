"""Could chance have done this? Permutation p, corrected over many looks, and intervals.

Knows arrays of numbers; knows no words and no measure. Everywhere, larger is more.

- p = (1 + #{null >= observed}) / (1 + N): the observed counts as one of its own chances
  (Phipson and Smyth 2010), so that no p is 0 and a test is never too bold.
- Over several looks at the same draws, p is corrected by the greatest standardised statistic of
  each draw (single-step max-T, Westfall and Young 1993): the chance that any look goes so far.
- Intervals are bootstrapped over the units, not over pairs of them; a pair that resampling makes of
  a unit and itself does not count. Their ends are expanded percentiles (Hesterberg 2015), since
  plain percentiles of few units are too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explorer.measures import Float64

RESAMPLES = 10_000
FEWEST = 6
"""Units from which an interval is given; `docs/decisions.md` says how often one of fewer covers."""


@dataclass(frozen=True)
class Against:
    """Some observed statistics against chance: each (looks,) float64.

    Attributes:
        mean: of the null.
        deviation: of the null, divided by N.
        effect: (observed - mean) / deviation; 0 where the null does not vary.
        p: one-sided, that chance reaches what was observed.
        corrected: the same for the greatest effect over all looks.
    """

    mean: Float64
    deviation: Float64
    effect: Float64
    p: Float64
    corrected: Float64


def against(observed: Float64, null: Float64) -> Against:
    """Observed statistics, (looks,), against those of N draws, (N, looks).

    Draw n is the same draw for every look, so that the looks' dependence is in the null.
    """
    mean, deviation = null.mean(axis=0), null.std(axis=0)
    effect = standardised(observed, mean, deviation)
    greatest = standardised(null, mean, deviation).max(axis=1)
    return Against(
        mean=mean,
        deviation=deviation,
        effect=effect,
        p=_share(null, observed),
        corrected=_share(greatest[:, None], effect),
    )


def standardised(values: Float64, mean: Float64, deviation: Float64) -> Float64:
    """Deviations above the mean, 0 where there is no deviation."""
    # A statistic that is the same for every draw varies by rounding alone.
    varies = deviation > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    above = values - mean
    result: Float64 = np.divide(
        above, deviation, out=np.zeros_like(above), where=np.broadcast_to(varies, above.shape)
    )
    return result


def _share(null: Float64, observed: Float64) -> Float64:
    result: Float64 = (1 + (null >= observed).sum(axis=0)) / (1 + len(null))
    return result


def resamples(units: int, rng: np.random.Generator) -> Float64:
    """How often each unit is in each resample, resamples of a single unit left out.

    Returns:
        (about `RESAMPLES`, units) float64.
    """
    counts = rng.multinomial(units, np.full(units, 1 / units), RESAMPLES).astype(np.float64)
    several: Float64 = counts[(counts > 0).sum(axis=1) > 1]
    return several


def interval(values: Float64, units: int) -> tuple[float, float]:
    """The 95 % interval that a statistic's resampled values, (resamples,), give.

    Ends are the quantiles at Phi(+-sqrt(n / (n - 1)) t), t that of n - 1 degrees of freedom
    (Hesterberg 2015, "What Teachers Should Know About the Bootstrap").
    """
    from scipy.special import ndtr, stdtrit

    low = float(ndtr(math.sqrt(units / (units - 1)) * stdtrit(units - 1, 0.025)))
    ends = np.quantile(values, [low, 1 - low])
    return float(ends[0]), float(ends[1])


def mean_over_pairs(counts: Float64, scores: Float64) -> Float64:
    """Mean score over the pairs of different units of each resample: (resamples,) float64.

    Args:
        counts: (resamples, units), how often each unit is in it.
        scores: (units, units), symmetric; the diagonal is not looked at.
    """
    off = scores - np.diag(np.diag(scores))
    pairs = counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)
    result: Float64 = np.vecdot(counts @ off, counts) / pairs
    return result
