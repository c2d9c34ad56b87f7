"""How `layers` and `analogy --all-layers` look: the target's z and its rank by space."""

from __future__ import annotations

from explorer.pictures.shapes import Lines, Picture
from explorer.results import AnalogyLayers, Layers


def layers(result: Layers | AnalogyLayers) -> tuple[Picture, ...]:
    """Where the target stands at each depth; nothing where none was named."""
    found = [(row.space, row.target) for row in result.rows if row.target is not None]
    if not found:
        return ()
    standing = f"{result.query.target} under {result.query.expression}"
    spaces = tuple(space for space, _ in found)
    nothing = (None,) * len(found)
    return (
        Lines(
            title=standing,
            x="space",
            y="z, deviations above the query's mean",
            labels=spaces,
            values=tuple(target.z for _, target in found),
            low=nothing,
            high=nothing,
        ),
        Lines(
            title=f"{standing}: rank",
            x="space",
            y="rank among the items of the space",
            labels=spaces,
            values=tuple(target.rank for _, target in found),
            low=nothing,
            high=nothing,
            ranks=True,
        ),
    )
