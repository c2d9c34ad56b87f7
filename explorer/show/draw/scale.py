"""Round steps over the values of a grid, and round ends of ranks, for every way of drawing them.

Knows numbers; knows no ink.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from explorer.show.shapes import Grid

LEVELS = 5
"""Steps from the origin to the farthest value; the first is what is near the origin."""

_ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class Scale:
    """How many whole steps a value is from the origin.

    Attributes:
        origin: the middle, or where there is none the lower end.
        step: above 0.
    """

    origin: float
    step: float

    def level(self, value: float) -> int:
        """Whole steps, at most 4; negative below the origin."""
        steps = min(int(abs(value - self.origin) / self.step), LEVELS - 1)
        return steps if value >= self.origin else -steps

    def end(self, level: int) -> str:
        """Where a level begins, counted away from the origin."""
        return f"{self.origin + level * self.step:z.6g}"

    @property
    def decimals(self) -> int:
        """Of a figure, so that two digits or more of the farthest value are seen."""
        far = LEVELS * self.step
        return 0 if far >= 1000 else max(1, 1 - math.floor(math.log10(far)))


def scale_of(picture: Grid) -> Scale:
    """The scale that reaches a picture's farthest value."""
    values = [value for row in picture.values for value in row if value is not None] or [0.0]
    if picture.middle is not None:
        far = max(abs(value - picture.middle) for value in values)
        return Scale(picture.middle, _round_up(far / LEVELS))
    step = _round_up((max(values) - min(values)) / (LEVELS - 1))
    return Scale(math.floor(min(values) / step) * step, step)


def worst_of(ranks: Iterable[float]) -> int:
    """Where an axis of ranks ends: the first of 2, 5, 10, 20, 50, ... that none is worse than."""
    worst = max(ranks)
    ends = (first * int(10**power) for power in count() for first in (1, 2, 5))
    return next(end for end in ends if end >= max(worst, 2))


def _round_up(step: float) -> float:
    """The least round number that is no less; 1 of nothing."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * first for first in _ROUND if power * first >= step * (1 - 1e-9))
