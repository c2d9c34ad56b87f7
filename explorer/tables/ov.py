"""How `ov` looks as a table."""

from __future__ import annotations

from explorer.results import OvReport
from explorer.tables.layout import Column, Layout, foot_lines, resolved_lines


def ov(result: OvReport) -> Layout:
    """Heads with what they write and suppress."""
    query = result.query
    carried = f"carry {query.word} to {query.to}" if query.to else f"copy {query.word}"
    head = [f"heads that {carried} when they attend to it fully, by z"]
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("head", lambda r: str(r.head)),
        Column("z", lambda r: f"{r.score:.2f}", right=True),
        *([Column("copying", lambda r: f"{r.copying:.2f}", right=True)] if query.to else []),
        Column("norm", lambda r: f"{r.norm:.2f}", right=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
        Column("suppresses", lambda r: " ".join(r.suppresses), folds=True),
    ]
    return Layout(head + resolved_lines(result.meta), columns, foot_lines(result.meta))
