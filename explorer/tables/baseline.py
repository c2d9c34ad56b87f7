"""How `baseline` looks as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.results import Baseline
from explorer.tables.layout import Column, Layout, figure, foot_lines


def baseline(result: Baseline) -> Layout:
    """Mean, deviation and quantiles per space and measure."""
    columns = [
        Column("space", lambda r: str(r.space)),
        Column("measure", lambda r: str(r.measure)),
        Column("mean", lambda r: figure(r.mean), right=True),
        Column("deviation", lambda r: figure(r.deviation), right=True),
        *(
            Column(f"{float(q):.0%}", _quantile_of(q), right=True)
            for q in (result.rows[0].quantiles if result.rows else ())
        ),
        Column("pairs", lambda r: f"{r.n:,}", right=True),
        Column("of", lambda r: str(r.population)),
    ]
    return Layout(["what two unrelated items score"], columns, foot_lines(result.meta))


def _quantile_of(share: str) -> Callable[[Any], str]:
    return lambda row: figure(row.quantiles[share])
