"""3CosMul (Levy and Goldberg 2014): cosines, shifted to [0, 1], multiplied and divided.

Knows cosines; knows no words, and not what they are cosines of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.products import Float64

COSMUL_EPSILON = 1e-6
"""Kept out of the denominator, as gensim has it."""


def cosmul(positive: Sequence[Float64], negative: Sequence[Float64]) -> Float64:
    """What the cosines of added and of taken away items give together."""
    above = np.prod([(1 + c) / 2 for c in positive], axis=0)
    below = np.prod([(1 + c) / 2 for c in negative], axis=0) if negative else 0.0
    result: Float64 = above / (below + COSMUL_EPSILON) if negative else above
    return result
