"""What `layers` answers, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.questions.analogy import Target, row_notes, target_columns, target_pictures
from explorer.questions.answer import Meta, Result
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.show.layout import Column, Layout
from explorer.show.numbers import percent
from explorer.show.shapes import Picture


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
class LayersQuery:
    """What was asked of `layers`.

    Attributes:
        expression: as written, blanks tidied.
        target: the word whose standing was asked for, or None.
        spaces: the spaces that were asked, in order of depth.
        measure: the measure; None where each space had its own.
        k: how many nearest items.
        distinct: whether forms that differ only in case or leading space were folded.
    """

    expression: str
    target: str | None
    spaces: tuple[str, ...]
    measure: str | None
    k: int
    distinct: bool


@dataclass(frozen=True)
class Layers(Result):
    """An expression in every space of tokens and words, in order of depth."""

    query: LayersQuery
    rows: tuple[LayerRow, ...]
    meta: Meta

    def named_columns(self) -> dict[str, list[str]]:
        """The target's standing without each item of the query."""
        return {"target.components": [one.asked for one in self.meta.resolved]}

    def layout(self) -> Layout:
        """Where the target stands at each depth, what changes there, and what is near."""
        return _layers_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """The target's z and its rank by space; nothing where none was named."""
        return target_pictures(self.query.target, self.query.expression, self.rows)


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
