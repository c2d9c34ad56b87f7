"""A bar over what is ordinary for every row of an answer.

The band is the answer's own, such as the scores within two standard deviations of the mean that
`z` is read against. Knows gauges and characters; knows no screen, no colour and no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.show.gauge import Gauge

BEYOND, WITHIN, BAND, EMPTY = "▆", "▂", "·", " "
"""Filled outside the band and within it; the band where it is not filled; nothing."""


@dataclass(frozen=True)
class GaugeRange:
    """The gauge of an answer with the range that its bars span."""

    gauge: Gauge
    least: float
    most: float

    @property
    def about(self) -> str:
        """What is ordinary, in a line."""
        return f"{WITHIN} ordinary: {self.gauge.ordinary}"

    def bar(self, row: Any, width: int) -> str:
        """A row's bar from the middle of the band to its value, `width` characters.

        Blank where the row has no value.
        """
        value = self.gauge.value(row)
        if value is None or width < 1:
            return EMPTY * width
        low, high = sorted((self.gauge.middle, value))
        step = (self.most - self.least) / width
        cells = []
        for at in range(width):
            here = self.least + (at + 0.5) * step
            ordinary = self.gauge.low <= here <= self.gauge.high
            if low <= here <= high:
                cells.append(WITHIN if ordinary else BEYOND)
            else:
                cells.append(BAND if ordinary else EMPTY)
        return "".join(cells)


def range_of(answer: Any, rows: Sequence[Any]) -> GaugeRange | None:
    """What the bars of an answer's rows are drawn on; None where scores have no baseline."""
    gauge = answer.gauge() if hasattr(answer, "gauge") else None
    if gauge is None:
        return None
    values = [value for row in rows if (value := gauge.value(row)) is not None]
    if not values:
        return None
    # Of values on one side alone, the other side of the band would say nothing.
    least = gauge.middle if min(values) >= gauge.middle else min(gauge.low, *values)
    most = gauge.middle if max(values) <= gauge.middle else max(gauge.high, *values)
    return GaugeRange(gauge, least, most) if most > least else None
