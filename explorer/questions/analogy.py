"""What `analogy` answers, in one space or across layers, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError
from explorer.questions.answer import Mention, Meta, Resolved, Result
from explorer.questions.choices import MeasureName, Method
from explorer.questions.fields import (
    against_option,
    forms_option,
    inputs_option,
    measure_option,
    method_option,
    rows_option,
    target_option,
)
from explorer.questions.lines import calibrated, foot_lines, resolved_lines
from explorer.questions.neighbors import Neighbor, near_columns, near_mentions
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge, standardised
from explorer.show.layout import Column, Layout
from explorer.show.shapes import Lines, Picture
from indexer.store.errors import option_named


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
class AnalogyQuery(Query["Analogy"]):
    """What does an expression lead to, and how close does a target come?"""

    question = "analogy"
    letter = "a"
    title = "Analogy"
    example = "dog + small"
    examples = (
        'explorer analogy "dog + small" --target Chihuahua',
        'explorer analogy "dog + small" --target Chihuahua --all-layers --format csv',
    )

    expression: str = argument("`dog + small`", "expression")
    target: str | None = target_option()
    space: str = option("embed", "where to look", "depth")
    measure: MeasureName | None = measure_option()
    method: Method = method_option()
    k: int | None = rows_option()
    include_inputs: bool = inputs_option()
    distinct: bool = forms_option(shown=False)
    against: str | None = against_option()

    def check(self) -> None:
        """Raise `QueryError` where there is nothing to compare with, or the target is empty."""
        check_target(self.target, self.against)


@dataclass(frozen=True)
class AnalogyLayersQuery(Query["AnalogyLayers"]):
    """What does an expression lead to in `embed` and every context space, a row each?"""

    question = "analogy_layers"
    part_of = ("analogy", "--all-layers")
    example = "dog + small"
    pictured = True

    expression: str = argument("`dog + small`", "expression")
    target: str | None = target_option()
    measure: MeasureName | None = measure_option()
    method: Method = method_option()
    k: int | None = rows_option("how many nearest items of each space", 3)
    include_inputs: bool = inputs_option()
    distinct: bool = forms_option(shown=False)
    against: str | None = against_option()

    def check(self) -> None:
        """Raise `QueryError` where there is nothing to compare with, or the target is empty."""
        check_target(self.target, self.against)


def check_target(target: str | None, against: str | None) -> None:
    """Raise `QueryError` where there is nothing to compare with, or the target is empty."""
    if against is not None and target is None:
        raise QueryError(
            f"{option_named('against')} compares how two expressions reach a target: name "
            f"{option_named('target')}"
        )
    if target is not None and not target.strip():
        raise QueryError(f"{option_named('target')} is empty; name one word")


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

    @property
    def every_resolved(self) -> tuple[Resolved, ...]:
        """What the items of the query, the target and the other expression were taken to be."""
        target = (self.resolved_target,) if self.resolved_target else ()
        items = (*self.resolved, *target)
        return (*items, *(item for item in self.resolved_against if item not in items))


@dataclass(frozen=True)
class Analogy(Result[Neighbor]):
    """The items an expression leads to in one space, best first.

    A row is an item; how the target does stands in `meta.target`.
    """

    query: AnalogyQuery
    rows: tuple[Neighbor, ...]
    meta: AnalogyMeta

    def gauge(self) -> Gauge | None:
        """Scores within what is ordinary for this query over the space's items."""
        return calibrated(self.meta)

    def mentions(self, row: Neighbor) -> Iterator[Mention]:
        """The item, and forms folded into it."""
        return near_mentions(self.meta, row)

    def layout(self) -> Layout:
        """What is near the expression, and below it where the target stands."""
        return _analogy_table(self)


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
class AnalogyLayers(Result[AnalogyLayer]):
    """An analogy in every space of tokens and words, in order of depth.

    A row is a space, with what is nearest there and how the target does.
    """

    query: AnalogyLayersQuery
    rows: tuple[AnalogyLayer, ...]
    meta: AnalogyMeta

    def named_columns(self) -> dict[str, list[str]]:
        """The target's standing without each item of the query."""
        return {"target.components": [one.asked for one in self.meta.resolved]}

    def gauge(self) -> Gauge:
        """The target's z."""
        return standardised("target.z", "z", "of the query's mean")

    def mentions(self, row: AnalogyLayer) -> Iterator[Mention]:
        """The space, and what is near there."""
        return depth_mentions(row)

    def layout(self) -> Layout:
        """Where the target stands at each depth, and what is near."""
        return _analogy_layers_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """The target's z and its rank by space; nothing where none was named."""
        return target_pictures(self.query.target, self.query.expression, self.rows)


def _analogy_table(result: Analogy) -> Layout:
    query = result.query
    how = "" if query.method == "add" else " (3CosMul)"
    head = [f"{query.expression}  in {query.space} by {query.measure}{how}"]
    target = _target_lines(result.meta.target, query.expression) if result.meta.target else []
    head += resolved_lines(result.meta)
    return Layout(head, near_columns(), result.rows, target + foot_lines(result.meta))


def _analogy_layers_table(result: AnalogyLayers) -> Layout:
    query = result.query
    head = [f"{query.expression}  across layers"]
    if query.target:
        head[0] += f", target {query.target}"
    if query.against:
        head[0] += f", against {query.against}"
    columns = [Column("space", lambda r: str(r.space))]
    if query.target:
        columns += target_columns()
        components = (
            result.rows[0].target.components if result.rows and result.rows[0].target else ()
        )
        columns += [
            Column(f"gain on {c.item}", _gain_of(i), right=True) for i, c in enumerate(components)
        ]
    if query.against:
        columns += [
            Column("other rank", lambda r: f"{r.target.against.rank:,}", right=True),
            Column(
                "score diff", lambda r: f"{r.target.against.score_difference:+z.4f}", right=True
            ),
            Column("z diff", lambda r: f"{r.target.against.z_difference:+z.2f}", right=True),
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
    foot.append("z: standard deviations above the query's mean over all items of the space")
    foot += row_notes(result.rows) + foot_lines(result.meta)
    return Layout(head + resolved_lines(result.meta), columns, result.rows, foot)


def _gain_of(at: int) -> Callable[[Any], str]:
    return lambda row: f"{row.target.components[at].gain:+z.4f}"


def _target_lines(target: Target, expression: str) -> list[str]:
    lines = [
        f"{target.item}: rank {target.rank:,} of {target.n:,}, score {target.score:z.4f}, "
        f"z {target.z:z.2f}"
    ]
    for c in target.components:
        lines.append(
            f"  {c.item} alone: rank {c.rank:,}, score {c.score:z.4f}, z {c.z:z.2f}; "
            f"the expression gains {c.gain:+z.4f}"
        )
    if target.against:
        o = target.against
        lines.append(
            f"  {o.expression}: rank {o.rank:,}, score {o.score:z.4f}, z {o.z:z.2f}; "
            f"{expression} is {o.score_difference:+z.4f} in score, {o.z_difference:+z.2f} in z"
        )
    return [*lines, ""]


def target_columns() -> list[Column]:
    """Where a row's target stands."""
    return [
        Column("rank", lambda r: f"{r.target.rank:,}", right=True),
        Column("score", lambda r: f"{r.target.score:z.4f}", right=True),
        Column("z", lambda r: f"{r.target.z:z.2f}", right=True),
    ]


def depth_mentions(row: Any) -> Iterator[Mention]:
    """A row's space, and what is near there."""
    yield Mention("space", row.space)
    for name in row.nearest:
        yield Mention("item", name, None, row.space, "nearest")


def row_notes(rows: Iterable[Any]) -> list[str]:
    """The first few notes on items in single spaces, each a row."""
    return sorted({f"{note} (in {row.space})" for row in rows for note in row.notes})[:4]


def target_pictures(
    target: str | None, expression: str, rows: Iterable[Any]
) -> tuple[Picture, ...]:
    """The target's z and its rank by space, each a row; nothing where none was named."""
    found = [(row.space, row.target) for row in rows if row.target is not None]
    if not found:
        return ()
    standing = f"{target} under {expression}"
    spaces = tuple(space for space, _ in found)
    nothing = (None,) * len(found)
    return (
        Lines(
            title=standing,
            x="space",
            y="z, standard deviations above the query's mean",
            labels=spaces,
            values=tuple(at.z for _, at in found),
            low=nothing,
            high=nothing,
        ),
        Lines(
            title=f"{standing}: rank",
            x="space",
            y="rank among the items of the space",
            labels=spaces,
            values=tuple(at.rank for _, at in found),
            low=nothing,
            high=nothing,
            ranks=True,
        ),
    )
