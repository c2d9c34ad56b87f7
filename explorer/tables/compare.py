"""How `compare` looks as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.results import Comparison
from explorer.tables.layout import Column, Layout, figure, foot_lines, resolved_lines

SHOWN = 1000
"""Rows of a table; other formats have all."""


def compare(result: Comparison) -> Layout:
    """Pairs with each measure's score, and where it stands among control pairs."""
    query, meta = result.query, result.meta
    few = query.words if len(query.words) <= 6 else (*query.words[:5], "...")
    head = [f"profiles of {', '.join(few)} over neurons, {query.side} side, pair by pair"]
    columns = [
        Column("word", lambda r: str(r.first)),
        Column("word", lambda r: str(r.second)),
        *([Column("layer", lambda r: str(r.layer), right=True)] if query.per_layer else []),
    ]
    for measure in query.measures:
        columns.append(Column(measure, _score_of(measure), right=True))
        if query.pairs:
            columns.append(Column("%", _percentile_of(measure), right=True))
    foot = []
    if not query.per_layer and meta.random:
        n = meta.random[0].n
        means = ", ".join(
            f"{r.measure} {figure(r.mean)} ± {figure(r.deviation)}" for r in meta.random
        )
        foot.append(f"control pairs score, mean ± deviation (n = {n:,}): {means}")
    if len(result.rows) > SHOWN:
        foot.append(
            f"the first {SHOWN:,} of {len(result.rows):,} rows; --format csv or json has them all"
        )
    return Layout(
        head + resolved_lines(meta), columns, foot + foot_lines(meta), rows=result.rows[:SHOWN]
    )


def _score_of(measure: str) -> Callable[[Any], str]:
    return lambda row: figure(row.scores[measure])


def _percentile_of(measure: str) -> Callable[[Any], str]:
    return lambda row: f"{row.percentiles[measure]:.1f}"
