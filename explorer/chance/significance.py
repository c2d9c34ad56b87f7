"""Could chance have done this? Permutation p, corrected over many looks, and intervals.

Knows arrays of numbers; knows no words and no measure. Everywhere, larger is more.

- p = (1 + #{null >= observed}) / (1 + N): the observed counts as one of its own chances
  (Phipson and Smyth 2010), so that no p is 0 and a test is never too bold.
- Over several looks at the same draws, p is corrected by the greatest standardised statistic of
  each draw (single-step max-T, Westfall and Young 1993): the chance that any look goes so far. The
  observed is one of the draws there too: standardised by the others alone, it would stand out in
  some of many looks.
- Intervals are bootstrapped over the units, not over pairs of them; a pair that resampling makes of
  a unit and itself does not count. Their ends are expanded percentiles (Hesterberg 2015), since
  plain percentiles of few units are too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.products import Float64

RESAMPLES = 10_000
SAME = 1e-9
"""Statistics that differ by less than this share of their size, or of their deviation, are one:
the same number, found in another way, differs in its last bits."""

FEWEST = 6
"""Units from which an interval is given; `docs/decisions.md` says how often one of fewer covers."""


@dataclass(frozen=True)
class Against:
    """Some observed statistics against chance: each (looks,) float64.

    Attributes:
        mean: of the null.
        std: of the null, divided by N.
        varies: whether the null does, by more than rounding.
        effect: (observed - mean) / std; 0 where the null does not vary.
        p: one-sided, that chance reaches what was observed.
        corrected: the same for the greatest effect over all looks.
    """

    mean: Float64
    std: Float64
    varies: NDArray[np.bool_]
    effect: Float64
    p: Float64
    corrected: Float64


def against(observed: Float64, null: Float64, chances: int | None = None) -> Against:
    """Observed statistics, (looks,), against those of N draws, (N, looks).

    Draw n is the same draw for every look, so that the looks' dependence is in the null.

    Args:
        observed: (looks,) float64.
        null: (N, looks) float64.
        chances: where what was observed could not be drawn, how many draws differ: p knows no
            more than these. N unless given.
    """
    mean, std = null.mean(axis=0), null.std(axis=0)
    count = len(null) if chances is None else chances
    # What was observed may be drawn, and then its statistic differs by rounding alone.
    null = np.where(same(null, observed, std), observed, null)
    every = np.concatenate([observed[None], null])
    each = standardised(every, every.mean(axis=0), every.std(axis=0))
    return Against(
        mean=mean,
        std=std,
        varies=_varies(mean, std),
        effect=standardised(observed, mean, std),
        p=_share(null, observed, count),
        corrected=_share(each[1:].max(axis=1)[:, None], each[0], count),
    )


def same(values: Float64, observed: Float64, std: Float64 | float = 0.0) -> NDArray[np.bool_]:
    """Which values are what was observed, but for rounding.

    Args:
        values: (..., looks) float64.
        observed: (looks,) float64.
        std: of the values, where it is known.
    """
    close = SAME * np.maximum(np.abs(observed), std)
    found: NDArray[np.bool_] = np.abs(values - observed) <= close
    return found


def standardised(values: Float64, mean: Float64, std: Float64) -> Float64:
    """Standard deviations above the mean, 0 where there is no deviation."""
    above = values - mean
    where = np.broadcast_to(_varies(mean, std), above.shape)
    result: Float64 = np.divide(above, std, out=np.zeros_like(above), where=where)
    return result


def _varies(mean: Float64, std: Float64) -> NDArray[np.bool_]:
    """Whether a statistic varies; what is the same for every draw does by rounding alone."""
    found: NDArray[np.bool_] = std > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    return found


def _share(null: Float64, observed: Float64, count: int) -> Float64:
    result: Float64 = (1 + (null >= observed).sum(axis=0) * (count / len(null))) / (1 + count)
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
