"""How `ov` looks: heads by how strongly they carry or copy."""

from __future__ import annotations

from explorer.pictures.shapes import Bars, Picture
from explorer.results import OvReport


def ov(result: OvReport) -> tuple[Picture, ...]:
    """The heads of the answer, the strongest first; nothing of a head alone."""
    if len(result.rows) < 2:
        return ()
    query = result.query
    carried = f"carry {query.word} to {query.to}" if query.to else f"copy {query.word}"
    return (
        Bars(
            title=f"heads that {carried}",
            x="z",
            labels=tuple(row.head for row in result.rows),
            values=tuple(row.score for row in result.rows),
        ),
    )
