"""What `layers` answers, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.questions.analogy import (
    Target,
    check_target,
    depth_mentions,
    row_notes,
    target_columns,
    target_pictures,
)
from explorer.questions.answer import Mention, Meta, Result
from explorer.questions.choices import MeasureName
from explorer.questions.fields import forms_option, measure_option, rows_option
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge, standardised
from explorer.show.layout import Column, Layout
from explorer.show.numbers import percent
from explorer.show.shapes import Lines, Picture


@dataclass(frozen=True)
class LayerRow:
    """An expression at one depth.

    Attributes:
        space: `embed`, or a context space.
        measure: how vectors were scored there.
        nearest: the nearest items, best first.
        target: the target's standing, where one was named.
        sinks: share of indexed words that are attention sinks there; None in `embed`.
        change: share of the 50 nearest that were not among those of the layer before; None where
            there is none before.
        notes: what a reader should know of an item in this space.
    """

    space: str
    measure: str
    nearest: tuple[str, ...]
    target: Target | None
    sinks: float | None
    change: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayersQuery(Query["Layers"]):
    """What is near an expression at every layer, and where does a target stand?

    Beside them: what share of the neighbourhood changes where.
    """

    question = "layers"
    letter = "l"
    title = "Layers"
    example = "king - man + woman"
    pictured = True
    examples = (
        'explorer layers "king - man + woman" --target queen',
        "explorer layers dog --measure cosine -k 3",
    )

    expression: str = argument("`dog + small`", "expression")
    target: str | None = option(
        None,
        "a word whose rank, score and z are given at each depth",
        "word",
        placeholder="target, such as queen",
    )
    measure: MeasureName | None = measure_option()
    k: int | None = rows_option("how many nearest items a row", 5, shown=False)
    distinct: bool = forms_option(shown=False)

    def check(self) -> None:
        """Raise `QueryError` where the target is empty."""
        check_target(self.target, None)


@dataclass(frozen=True)
class Layers(Result[LayerRow]):
    """An expression in every space of tokens and words, in order of depth.

    A row is a space, with what is nearest there and how the target does.
    """

    query: LayersQuery
    rows: tuple[LayerRow, ...]
    meta: Meta

    def named_columns(self) -> dict[str, list[str]]:
        """The target's standing without each item of the query."""
        return {"target.components": [one.asked for one in self.meta.resolved]}

    def gauge(self) -> Gauge:
        """The target's z."""
        return standardised("target.z", "z", "of the query's mean")

    def mentions(self, row: LayerRow) -> Iterator[Mention]:
        """The space, and what is near there."""
        return depth_mentions(row)

    def layout(self) -> Layout:
        """Where the target stands at each depth, what changes there, and what is near."""
        return _layers_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """The target's z and its rank by space; where none was named, what changes where."""
        found = target_pictures(self.query.target, self.query.expression, self.rows)
        return found or _change_pictures(self)


def _change_pictures(result: Layers) -> tuple[Picture, ...]:
    """How much of the neighbourhood each space changes; nothing of fewer than two that do."""
    found = [(row.space, row.change) for row in result.rows if row.change is not None]
    if len(found) < 2:
        return ()
    nothing = (None,) * len(found)
    return (
        Lines(
            title=f"{result.query.expression}: what changes where",
            x="space",
            y="share of the nearest that were not among those of the layer before",
            labels=tuple(space for space, _ in found),
            values=tuple(change for _, change in found),
            low=nothing,
            high=nothing,
        ),
    )


def _layers_table(result: Layers) -> Layout:
    query = result.query
    head = [f"{query.expression}  layer by layer"]
    columns = [Column("space", lambda r: str(r.space))]
    if query.target:
        head[0] += f", target {query.target}"
        columns += target_columns()
    columns += [
        Column("change", lambda r: percent(r.change), right=True),
        Column("sinks", lambda r: percent(r.sinks), right=True),
        Column("nearest", lambda r: ", ".join(r.nearest), folds=True),
    ]
    foot = row_notes(result.rows) + foot_lines(result.meta)
    return Layout(head + resolved_lines(result.meta), columns, result.rows, foot)
