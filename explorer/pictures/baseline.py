"""How `baseline` looks: what unrelated items score by space, and how widely."""

from __future__ import annotations

from explorer.pictures.shapes import Lines, Picture
from explorer.results import Baseline

LOW, HIGH = "0.05", "0.95"


def baseline(result: Baseline) -> tuple[Picture, ...]:
    """Means with the middle 90 % of scores; nothing of one space, whose measures have no scale."""
    spaces = [row.space for row in result.rows]
    if len(spaces) < 2 or len(set(spaces)) < len(spaces):
        return ()
    how = result.query.measure or "each space's own measure"
    return (
        Lines(
            title="what two unrelated items score",
            x="space",
            y=f"mean score by {how}",
            labels=tuple(spaces),
            values=tuple(row.mean for row in result.rows),
            low=tuple(row.quantiles[LOW] for row in result.rows),
            high=tuple(row.quantiles[HIGH] for row in result.rows),
            band="5 % to 95 % of pairs",
        ),
    )
