"""How `analogy` looks as a table, in one space and across layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.results import Analogy, AnalogyLayers, Target
from explorer.tables.layout import (
    Column,
    Layout,
    foot_lines,
    near_columns,
    resolved_lines,
    row_notes,
    standing_columns,
)


def analogy(result: Analogy) -> Layout:
    """What is near the expression, and below it where the target stands."""
    query = result.query
    how = "" if query.method == "add" else " (3CosMul)"
    head = [f"{query.expression}  in {query.spaces[0]} by {query.measure}{how}"]
    target = _target_lines(result.meta.target, query.expression) if result.meta.target else []
    return Layout(
        head + resolved_lines(result.meta), near_columns(), target + foot_lines(result.meta)
    )


def analogy_layers(result: AnalogyLayers) -> Layout:
    """Where the target stands at each depth, and what is near."""
    query = result.query
    head = [f"{query.expression}  across layers"]
    if query.target:
        head[0] += f", target {query.target}"
    if query.against:
        head[0] += f", against {query.against}"
    columns = [Column("space", lambda r: str(r.space))]
    if query.target:
        columns += standing_columns()
        components = (
            result.rows[0].target.components if result.rows and result.rows[0].target else ()
        )
        columns += [
            Column(f"gain on {c.item}", _gain_of(i), right=True) for i, c in enumerate(components)
        ]
    if query.against:
        columns += [
            Column("other rank", lambda r: f"{r.target.against.rank:,}", right=True),
            Column("score diff", lambda r: f"{r.target.against.score_difference:+.4f}", right=True),
            Column("z diff", lambda r: f"{r.target.against.z_difference:+.2f}", right=True),
        ]
    columns.append(Column("nearest", lambda r: ", ".join(r.nearest), folds=True))
    foot = []
    if query.target:
        n = [row.target.n for row in result.rows if row.target]
        words = f" and {n[-1]:,} words in context.*" if len(n) > 1 else ""
        what = "tokens" if any(item.tokens for item in result.meta.resolved) else "items"
        foot.append(f"rank: of {n[0]:,} {what} in embed{words}")
    if query.against:
        foot.append(f"other, diff: {query.expression} less {query.against}")
    foot.append("z: deviations above the query's mean over all items of the space")
    return Layout(
        head + resolved_lines(result.meta),
        columns,
        foot + row_notes(result) + foot_lines(result.meta),
    )


def _gain_of(at: int) -> Callable[[Any], str]:
    return lambda row: f"{row.target.components[at].gain:+.4f}"


def _target_lines(target: Target, expression: str) -> list[str]:
    lines = [
        f"{target.item}: rank {target.rank:,} of {target.n:,}, score {target.score:.4f}, "
        f"z {target.z:.2f}"
    ]
    for c in target.components:
        lines.append(
            f"  {c.item} alone: rank {c.rank:,}, score {c.score:.4f}, z {c.z:.2f}; "
            f"the expression gains {c.gain:+.4f}"
        )
    if target.against:
        o = target.against
        lines.append(
            f"  {o.expression}: rank {o.rank:,}, score {o.score:.4f}, z {o.z:.2f}; "
            f"{expression} is {o.score_difference:+.4f} in score, {o.z_difference:+.2f} in z"
        )
    return [*lines, ""]
