"""A table for people: what stands above it, its columns, what stands below.

Whatever stands in one may be shown, wherever it comes from: see `indexer.store.shown`.
Knows what tables of several questions share: what items were taken to be, what z is read against,
how a figure is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.results import AnalogyLayers, AnalogyMeta, Layers, Meta, Resolved
from indexer.store.shown import one_line

MOST_ITEMS, FEW_ITEMS = 40, 10
"""Of more items than a person would read, how many are shown."""


@dataclass(frozen=True)
class Layout:
    """An answer as a table: lines above it, its columns, lines below.

    `rows` are those that are shown; all of the answer's unless given.
    """

    head: Sequence[str]
    columns: Sequence[Column]
    foot: Sequence[str]
    rows: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", [one_line(line) for line in self.head])
        object.__setattr__(self, "foot", [one_line(line) for line in self.foot])


@dataclass(frozen=True)
class Column:
    """A column: its name, and what of a row stands in it, cut to fit or folded into lines.

    One that `stays` is shown even where nothing stands in it. One that is `explained` goes with
    what a folded column says, wherever that is shown at length.
    """

    name: str
    cell: Callable[[Any], str]
    right: bool = False
    folds: bool = False
    stays: bool = False
    explained: bool = False

    @property
    def told(self) -> bool:
        """Whether it is said of a row that is shown at length, whose other cells are plain."""
        return self.folds or self.explained

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", one_line(self.name))
        if not isinstance(self.cell, _Shown):
            object.__setattr__(self, "cell", _Shown(self.cell))


@dataclass(frozen=True)
class _Shown:
    """What stands in a cell, as it may be shown."""

    cell: Callable[[Any], str]

    def __call__(self, row: Any) -> str:
        return one_line(self.cell(row))


def resolved_items(meta: Meta) -> list[Resolved]:
    """What each item of the query, a target and another expression too, was taken to be; once."""
    items = list(meta.resolved)
    if isinstance(meta, AnalogyMeta):
        items += [meta.resolved_target] if meta.resolved_target else []
        items += [item for item in meta.resolved_against if item not in items]
    return items


def resolved_lines(meta: Meta) -> list[str]:
    """What each item of the query was taken to be, a line each, and the convention."""
    items = resolved_items(meta)
    shown = items if len(items) <= MOST_ITEMS else items[:FEW_ITEMS]
    lines = [f"  {_resolved(item)}" for item in shown]
    if len(items) > len(shown):
        lines.append(f"  and {len(items) - len(shown):,} more")
    if meta.convention:
        lines.append(f"  {meta.space}: {meta.convention}")
    return lines


def _resolved(item: Resolved) -> str:
    tokens = " ".join(f"{t} #{i}" for t, i in zip(item.tokens, item.token_ids, strict=True))
    weight = "" if item.weight == 1 else f"{item.weight:+g} "
    note = f"  ({item.note})" if item.note else ""
    return f"{weight}{item.asked} = {tokens or item.item} from {item.space}{note}"


def near_columns() -> list[Column]:
    """Rank, item, score and z of what is near."""
    return [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("item", lambda r: str(r.item)),
        Column("score", lambda r: f"{r.score:.4f}", right=True),
        Column("z", lambda r: f"{r.z:.2f}", right=True),
        Column("other forms", lambda r: " ".join(r.forms), folds=True),
    ]


def standing_columns() -> list[Column]:
    """Where a row's target stands."""
    return [
        Column("rank", lambda r: f"{r.target.rank:,}", right=True),
        Column("score", lambda r: f"{r.target.score:.4f}", right=True),
        Column("z", lambda r: f"{r.target.z:.2f}", right=True),
    ]


def row_notes(result: AnalogyLayers | Layers) -> list[str]:
    """The first few notes on items in single spaces."""
    return sorted({f"{note} (in {row.space})" for row in result.rows for note in row.notes})[:4]


def foot_lines(meta: Meta) -> list[str]:
    """What z is read against, the notes, and what was asked."""
    lines = []
    if meta.calibration:
        c = meta.calibration
        lines.append(
            f"z: deviations above this query's mean over {c.population} "
            f"(n = {c.n:,}, mean {c.mean:.4f}, deviation {c.deviation:.4f})"
        )
    lines += meta.notes
    return [*lines, f"index {meta.index}, model {meta.model}"]


def percent(share: float | None) -> str:
    """A share in whole percents; nothing where there is none."""
    return "" if share is None else f"{share:.0%}"


def figure(value: float) -> str:
    """Four decimals of a cosine, fewer of a number that is large."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"
