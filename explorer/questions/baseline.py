"""What `baseline` answers, and how it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explorer.questions.answer import Meta, Result, SpaceName
from explorer.questions.choices import MeasureName
from explorer.questions.fields import seed_option
from explorer.questions.lines import foot_lines
from explorer.questions.query import Query, option
from explorer.show.layout import Column, Layout
from explorer.show.numbers import figure
from explorer.show.shapes import Lines, Picture


@dataclass(frozen=True)
class BaselineRow:
    """What unrelated items of a space score in one measure.

    Attributes:
        space: name of the space.
        measure: how they were scored.
        mean: over the pairs.
        std: standard deviation over the pairs, divided by n.
        quantiles: by share, `0.01` to `0.99`.
        n: how many pairs.
        population: whose pairs.
    """

    space: SpaceName
    measure: str
    mean: float
    std: float
    quantiles: dict[str, float]
    n: int
    population: str


@dataclass(frozen=True)
class BaselineQuery(Query["Baseline"]):
    """What do two unrelated words score, per space and measure?"""

    question = "baseline"
    pictured = True
    examples = (
        "explorer baseline --space embed",
        "explorer baseline --measure cosine --pairs 1000 --format csv",
    )

    space: str | None = option(
        None, "only this one, by every measure", "space", usual="embed and every context space"
    )
    measure: tuple[MeasureName, ...] | None = option(
        None,
        "how vectors are scored, or `all`; centered in context.*, cosine elsewhere, unless given",
    )
    pairs: int = option(
        50_000,
        "how many pairs of the space's reference population are drawn; all of them where there "
        "are no more",
    )
    seed: int = seed_option()


@dataclass(frozen=True)
class Baseline(Result[BaselineRow]):
    """What unrelated items score, per space and measure.

    A row is a space under one measure.
    """

    query: BaselineQuery
    rows: tuple[BaselineRow, ...]
    meta: Meta

    def layout(self) -> Layout:
        """Mean, standard deviation and quantiles per space and measure."""
        return _baseline_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """Means with the middle 90 % of scores; nothing of one space, whose scales differ."""
        return _baseline_pictures(self)


def _baseline_table(result: Baseline) -> Layout:
    columns = [
        Column("space", lambda r: str(r.space)),
        Column("measure", lambda r: str(r.measure)),
        Column("mean", lambda r: figure(r.mean), right=True),
        Column("std", lambda r: figure(r.std), right=True),
        *(
            Column(f"{float(q):.0%}", _quantile_of(q), right=True)
            for q in (result.rows[0].quantiles if result.rows else ())
        ),
        Column("pairs", lambda r: f"{r.n:,}", right=True),
        Column("of", lambda r: str(r.population), explained=True),
    ]
    head = ["what two unrelated items score"]
    return Layout(head, columns, result.rows, foot_lines(result.meta))


def _quantile_of(share: str) -> Callable[[Any], str]:
    return lambda row: figure(row.quantiles[share])


LOW, HIGH = "0.05", "0.95"


def _baseline_pictures(result: Baseline) -> tuple[Picture, ...]:
    spaces = [row.space for row in result.rows]
    if len(spaces) < 2 or len(set(spaces)) < len(spaces):
        return ()
    how = ", ".join(result.query.measure or ()) or "each space's own measure"
    return (
        Lines(
            title="what two unrelated items score",
            x="space",
            y=f"mean score by {how}",
            labels=tuple(spaces),
            values=tuple(row.mean for row in result.rows),
            low=tuple(row.quantiles[LOW] for row in result.rows),
            high=tuple(row.quantiles[HIGH] for row in result.rows),
            band="5 % to 95 % of pairs",
        ),
    )
