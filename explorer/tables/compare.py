"""How `compare` looks as a table: a line a measure of few pairs, a line a pair of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.results import Comparison
from explorer.tables.layout import Column, Layout, figure, foot_lines, resolved_lines

FEW, SHOWN = 3, 1000
"""Rows that have a line a measure; rows of a table at all: other formats have them all."""


def compare(result: Comparison) -> Layout:
    """Pairs with each measure's score, and where it stands among control pairs."""
    query, meta = result.query, result.meta
    few = query.words if len(query.words) <= 6 else (*query.words[:5], "...")
    head = [f"profiles of {', '.join(few)} over neurons, {query.side} side"]
    head += resolved_lines(meta)
    columns = [] if len(query.words) == 2 else [
        Column("word", lambda r: str(r.first)),
        Column("word", lambda r: str(r.second)),
    ]  # fmt: skip
    if query.per_layer:
        columns.append(Column("layer", lambda r: str(r.layer), right=True))
    if len(result.rows) <= FEW:
        return _measure_by_measure(result, head, columns)
    # A cell that is too wide is folded between the two, never cut.
    columns += [Column(m, _standing_of(m), right=True, folds=True) for m in query.measures]
    foot = ["after each score its %"] if query.pairs else []
    if query.pairs and not query.per_layer:
        means = (f"{r.measure} {figure(r.mean)} ± {figure(r.deviation)}" for r in meta.random)
        n = meta.random[0].n
        foot.append(f"control pairs score, mean ± deviation (n = {n:,}): {', '.join(means)}")
    if len(result.rows) > SHOWN:
        foot.append(
            f"the first {SHOWN:,} of {len(result.rows):,} rows; --format csv or json has them all"
        )
    return Layout(head, columns, foot + foot_lines(meta), rows=result.rows[:SHOWN])


def _measure_by_measure(result: Comparison, head: list[str], columns: list[Column]) -> Layout:
    random = {(one.layer, one.measure): one for one in result.meta.random}
    shown = [_of_row(column) for column in columns]
    shown += [
        Column("measure", lambda at: str(at[1])),
        Column("score", lambda at: figure(at[0].scores[at[1]]), right=True),
    ]
    foot = []
    if random:
        shown += [
            Column("%", lambda at: f"{at[0].percentiles[at[1]]:.1f}", right=True),
            Column("control mean", lambda at: figure(random[at[0].layer, at[1]].mean), right=True),
            Column(
                "deviation", lambda at: figure(random[at[0].layer, at[1]].deviation), right=True
            ),
        ]
        if len(result.rows) > 1:
            n = result.meta.random[0].n
            foot = [f"control mean, deviation: of {n:,} control pairs, of all pairs together"]
    rows = [(row, measure) for row in result.rows for measure in result.query.measures]
    return Layout(head, shown, foot + foot_lines(result.meta), rows=rows)


def _of_row(column: Column) -> Column:
    return Column(column.name, lambda at: column.cell(at[0]), column.right)


def _standing_of(measure: str) -> Callable[[Any], str]:
    def cell(row: Any) -> str:
        score = row.scores[measure]
        said = f"{score:.3f}" if abs(score) < 10 else f"{score:,.1f}"
        return f"{said} {row.percentiles[measure]:.1f}" if row.percentiles else said

    return cell
