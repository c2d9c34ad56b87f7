"""How `layers` looks: the target's z by space."""

from __future__ import annotations

from explorer.pictures.shapes import Lines, Picture
from explorer.results import Layers


def layers(result: Layers) -> tuple[Picture, ...]:
    """Where the target stands at each depth; nothing where none was named."""
    found = [(row.space, row.target) for row in result.rows if row.target is not None]
    if not found:
        return ()
    nothing = (None,) * len(found)
    return (
        Lines(
            title=f"{result.query.target} under {result.query.expression}",
            x="space",
            y="z, deviations above the query's mean",
            labels=tuple(space for space, _ in found),
            values=tuple(target.z for _, target in found),
            low=nothing,
            high=nothing,
        ),
    )
