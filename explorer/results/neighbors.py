"""What `neighbors` answers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Result


@dataclass(frozen=True)
class Neighbor:
    """One item near the query.

    Attributes:
        rank: from 1, by score in float64; of items that score the same, the lower row first.
        item: its name: a token with spaces visible, a word, a neuron.
        score: in the measure; for `euclidean` a distance, smaller is nearer.
        z: deviations above the mean of this query's scores over the space's items.
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
