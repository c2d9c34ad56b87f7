"""How scores are spread: the exact scores of many items, counted in bins with round ends.

Knows scans; knows no question.
"""

from __future__ import annotations

import math

import numpy as np

from explorer.products import Float64
from explorer.questions.beside import Bin
from explorer.scan import Int64, Scan, combined

MOST_BINS = 96
_WIDTHS = (0.125, 0.25, 0.5, 1, 2, 5, 10)


def standardised(scanned: Scan, mean: float, std: float) -> Scan:
    """A scan of z: each score less a mean, in standard deviations, which are above 0."""
    return combined([scanned], [1], lambda each: (each[0] - mean) / std)


def bins(scanned: Scan, among: Int64 | None = None) -> tuple[Bin, ...]:
    """The exact scores of a scan in bins of one width, which are as narrow as 96 bins allow.

    Args:
        scanned: of z.
        among: (m,) int64, positions of the items that count, ascending, one or more; all unless
            given.
    """
    values = scanned.values if among is None else scanned.values[among]
    off = float(np.max(scanned.off_by))
    edges = edges_over(float(values.min()) - off, float(values.max()) + off)
    return bins_of(edges, scanned.counts(edges, among))


def edges_over(low: float, high: float) -> Float64:
    """Round ends of bins that hold every score from `low` to `high`: (n,) float64."""
    each = (_ends_over(low, high, width) for width in _WIDTHS)
    fits = (edges for edges in each if edges is not None)
    edges = next(fits, None)
    if edges is None:  # two bins for the ends, two for what a product rounds
        edges = _ends_over(low, high, (high - low) / (MOST_BINS - 4))
    assert edges is not None
    return edges


def _ends_over(low: float, high: float, width: float) -> Float64 | None:
    """Multiples of a width, the first not above `low`, the last above `high`; None of too many."""
    first, last = math.floor(low / width), math.floor(high / width) + 1
    first -= first * width > low
    last += last * width <= high
    if last - first > MOST_BINS:
        return None
    edges: Float64 = np.arange(first, last + 1, dtype=np.float64) * width
    return edges


def bins_of(edges: Float64, counts: Int64) -> tuple[Bin, ...]:
    """Bins of their ends and counts."""
    ends, found = edges.tolist(), counts.tolist()
    return tuple(map(Bin, ends, ends[1:], found))
