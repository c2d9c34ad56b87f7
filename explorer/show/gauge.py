"""How far a row's score lies from what is ordinary, as plain data: a band, and a value a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DEVIATIONS = 2.0
"""Within so many of the mean a score is ordinary."""


@dataclass(frozen=True)
class Gauge:
    """How far a row's score lies from what is ordinary.

    Attributes:
        column: the column of the table that the bar stands after.
        value: of a row, the greater the nearer; None where it has none.
        low: the lower end of what is ordinary.
        high: its upper end.
        ordinary: what is ordinary, as a part of a sentence.
    """

    column: str
    value: Callable[[Any], float | None]
    low: float
    high: float
    ordinary: str

    @property
    def middle(self) -> float:
        """What is most ordinary; where bars begin."""
        return (self.low + self.high) / 2


def standardised(name: str, column: str, what: str) -> Gauge:
    """The gauge of scores that are counted in standard deviations.

    Args:
        name: of the row's field, or of a record's in it, `target.z`.
        column: of the table.
        what: what they are counted from: `of the query's mean`.
    """
    about = f"within {DEVIATIONS:g} standard deviations {what}"
    return Gauge(column, lambda row: value_of(row, name), -DEVIATIONS, DEVIATIONS, about)


def value_of(row: Any, name: str) -> float | None:
    """A field of a row, or of a record in it."""
    for part in name.split("."):
        row = getattr(row, part, None)
    return None if row is None else float(row)
