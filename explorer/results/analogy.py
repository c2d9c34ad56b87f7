"""What `analogy` answers, in one space or across layers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Resolved, Result
from explorer.results.neighbors import Neighbor


@dataclass(frozen=True)
class Component:
    """One item of an expression, asked alone: the target's score, and what the sum adds to it.

    Attributes:
        item: the item, as resolved.
        score: the target's score with the item alone.
        z: the same, calibrated over that query's scores.
        rank: the target's rank, the item left out.
        gain: the target's score with the whole expression, less `score`.
    """

    item: str
    score: float
    z: float
    rank: int
    gain: float


@dataclass(frozen=True)
class Other:
    """The target under the other expression; differences are this expression's less that one's.

    Attributes:
        expression: the other expression.
        score: the target's score with it.
        z: the same, calibrated over that query's scores.
        rank: the target's rank, that query's items left out.
        score_difference: in score.
        z_difference: in z.
        rank_difference: in rank; negative where this expression ranks the target better.
    """

    expression: str
    score: float
    z: float
    rank: int
    score_difference: float
    z_difference: float
    rank_difference: int


@dataclass(frozen=True)
class Target:
    """Where a target word stands under an expression.

    Attributes:
        item: the target, as resolved; it need not be an item of the space.
        score: its score with the expression.
        z: the same, calibrated over the query's scores.
        rank: 1 + the number of items that score better in float64, the query's own items left out;
            items that score the same share it.
        n: how many items are left to be ranked among.
        components: each item of the expression asked alone; empty where there is only one.
        against: the same target under the other expression, where one was given.
    """

    item: str
    score: float
    z: float
    rank: int
    n: int
    components: tuple[Component, ...]
    against: Other | None = None


@dataclass(frozen=True)
class AnalogyQuery:
    """What was asked of `analogy`.

    Attributes:
        expression: as written, blanks tidied.
        target: the word whose standing was asked for, or None.
        against: the other expression, or None.
        spaces: the spaces that were asked, in order of depth.
        measure: the measure; None where each space had its own.
        method: `add` (3CosAdd) or `mul` (3CosMul).
        k: how many items at most.
        include_inputs: whether the query's own items were kept in.
        distinct: whether forms that differ only in case or leading space were folded.
    """

    expression: str
    target: str | None
    against: str | None
    spaces: tuple[str, ...]
    measure: str | None
    method: str
    k: int
    include_inputs: bool
    distinct: bool


@dataclass(frozen=True)
class AnalogyMeta(Meta):
    """Meta of an analogy, with the target's standing where one was named.

    Attributes:
        target: its standing; with `--all-layers` it is in the rows instead.
        resolved_target: what the target was taken to be.
        resolved_against: what the items of the other expression were taken to be.
    """

    target: Target | None = None
    resolved_target: Resolved | None = None
    resolved_against: tuple[Resolved, ...] = ()


@dataclass(frozen=True)
class Analogy(Result):
    """The items an expression leads to in one space, best first."""

    query: AnalogyQuery
    rows: tuple[Neighbor, ...]
    meta: AnalogyMeta


@dataclass(frozen=True)
class AnalogyLayer:
    """An analogy in one space: its nearest items, and the target's standing.

    Attributes:
        space: `embed`, or a context space.
        measure: how vectors were scored there.
        nearest: the nearest items, best first.
        target: the target's standing, where one was named.
        notes: what a reader should know of an item in this space.
    """

    space: str
    measure: str
    nearest: tuple[str, ...]
    target: Target | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalogyLayers(Result):
    """An analogy in every space of tokens and words, in order of depth."""

    query: AnalogyQuery
    rows: tuple[AnalogyLayer, ...]
    meta: AnalogyMeta
