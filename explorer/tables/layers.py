"""How `layers` looks as a table."""

from __future__ import annotations

from explorer.results import Layers
from explorer.tables.layout import (
    Column,
    Layout,
    foot_lines,
    percent,
    resolved_lines,
    row_notes,
    standing_columns,
)


def layers(result: Layers) -> Layout:
    """Where the target stands at each depth, what changes there, and what is near."""
    query = result.query
    head = [f"{query.expression}  layer by layer"]
    columns = [Column("space", lambda r: str(r.space))]
    if query.target:
        head[0] += f", target {query.target}"
        columns += standing_columns()
    columns += [
        Column("change", lambda r: percent(r.change), right=True),
        Column("sinks", lambda r: percent(r.sinks), right=True),
        Column("nearest", lambda r: ", ".join(r.nearest), folds=True),
    ]
    return Layout(
        head + resolved_lines(result.meta), columns, row_notes(result) + foot_lines(result.meta)
    )
