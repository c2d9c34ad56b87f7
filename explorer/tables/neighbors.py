"""How `neighbors` looks as a table."""

from __future__ import annotations

from explorer.results import Neighbors
from explorer.tables.layout import Layout, foot_lines, near_columns, resolved_lines


def neighbors(result: Neighbors) -> Layout:
    """What is near, best first."""
    query = result.query
    head = [f"{query.expression}  in {query.space} by {query.measure}"]
    return Layout(head + resolved_lines(result.meta), near_columns(), foot_lines(result.meta))
