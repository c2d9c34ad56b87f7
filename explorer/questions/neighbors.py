"""What `neighbors` answers, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.questions.answer import Meta, Result
from explorer.questions.lines import foot_lines, resolved_lines
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
class NeighborsQuery:
    """What was asked of `neighbors`, or of `search`.

    Attributes:
        expression: as written, blanks tidied; `vector`, or `vectors[3]`, where a vector was
            brought.
        space: the space that was searched.
        measure: how vectors were scored.
        k: how many at most.
        include_inputs: whether the query's own items were kept in.
        distinct: whether forms that differ only in case or leading space were folded.
    """

    expression: str
    space: str
    measure: str
    k: int
    include_inputs: bool
    distinct: bool


@dataclass(frozen=True)
class Neighbors(Result):
    """The items nearest to an expression, best first."""

    query: NeighborsQuery
    rows: tuple[Neighbor, ...]
    meta: Meta

    def layout(self) -> Layout:
        """What is near, best first."""
        return _neighbors_table(self)


def _neighbors_table(result: Neighbors) -> Layout:
    query = result.query
    head = [f"{query.expression}  in {query.space} by {query.measure}"]
    head += resolved_lines(result.meta)
    return Layout(head, near_columns(), result.rows, foot_lines(result.meta))


def near_columns() -> list[Column]:
    """Rank, item, score and z of what is near."""
    return [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("item", lambda r: str(r.item)),
        Column("score", lambda r: f"{r.score:.4f}", right=True),
        Column("z", lambda r: f"{r.z:.2f}", right=True),
        Column("other forms", lambda r: " ".join(r.forms), folds=True),
    ]
