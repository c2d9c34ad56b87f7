"""What `neighbors` answers, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.questions.answer import Mention, Meta, Result
from explorer.questions.choices import MeasureName
from explorer.questions.fields import forms_option, inputs_option, measure_option, rows_option
from explorer.questions.lines import calibrated, foot_lines, resolved_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge
from explorer.show.layout import Column, Layout


@dataclass(frozen=True)
class Neighbor:
    """One item near the query.

    Attributes:
        rank: from 1, by score in float64; of items that score the same, the lower row first.
        item: its name: a token with spaces visible, a word, a neuron.
        score: in the measure; for `euclidean` a distance, smaller is nearer.
        z: standard deviations above the mean of this query's scores over the space's items.
        text: what the token or word says, spaces as they are; a neuron's name.
        forms: with `distinct`, further items folded into this row, best first.
    """

    rank: int
    item: str
    score: float
    z: float
    text: str
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeighborsQuery(Query["Neighbors"]):
    """Which items of a space are nearest to an expression?"""

    question = "neighbors"
    letter = "n"
    title = "Neighbors"
    example = "king - man + woman"
    examples = (
        'explorer neighbors "king - man + woman" -k 5',
        "explorer neighbors dog --space context.12 --format json",
    )
    explains = "Spaces: tokens in embed, words after 12 blocks in context.12, neuron.out, ..."

    expression: str = argument("`king - man + woman`, a word, `L29N112.out`, `#1507`", "expression")
    space: str = option("embed", "where to look: `embed`, `context.12`, `neuron.out`, ...", "space")
    measure: MeasureName | None = measure_option()
    k: int | None = rows_option()
    include_inputs: bool = inputs_option()
    distinct: bool = forms_option()


@dataclass(frozen=True)
class Neighbors(Result[Neighbor]):
    """The items nearest to an expression, best first.

    A row is an item, with the forms that are folded into it.
    """

    query: NeighborsQuery
    rows: tuple[Neighbor, ...]
    meta: Meta

    def gauge(self) -> Gauge | None:
        """Scores within what is ordinary for this query over the space's items."""
        return calibrated(self.meta)

    def mentions(self, row: Neighbor) -> Iterator[Mention]:
        """The item, and forms folded into it: what they say is read off how they are shown."""
        return near_mentions(self.meta, row)

    def layout(self) -> Layout:
        """What is near, best first."""
        return _neighbors_table(self)


def _neighbors_table(result: Neighbors) -> Layout:
    query = result.query
    head = [f"{query.expression}  in {query.space} by {query.measure}"]
    head += resolved_lines(result.meta)
    return Layout(head, near_columns(), result.rows, foot_lines(result.meta))


def near_mentions(meta: Meta, row: Neighbor) -> Iterator[Mention]:
    """An item that is near, and forms folded into it: of these the row has no text."""
    yield Mention("item", row.item, row.text, meta.space)
    for form in row.forms:
        yield Mention("item", form, None, meta.space, "other form")


def near_columns() -> list[Column]:
    """Rank, item, score and z of what is near."""
    return [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("item", lambda r: str(r.item)),
        Column("score", lambda r: f"{r.score:z.4f}", right=True),
        Column("z", lambda r: f"{r.z:z.2f}", right=True),
        Column("other forms", lambda r: " ".join(r.forms), folds=True),
    ]
