"""A table for people, as plain data: what stands above it, its columns, rows, what stands below.

Whatever stands in one may be shown, wherever it comes from: see `indexer.store.shown`. Knows no
question and no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from indexer.store.shown import one_line


@dataclass(frozen=True)
class Layout:
    """A table.

    Attributes:
        head: the lines above it, the first of which is its title.
        columns: from left to right.
        rows: whatever the columns' cells are made of, one a line.
        foot: the lines below it.
        sections: the same rows as a card, where they are of several kinds; empty where one table
            says it best.
    """

    head: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Any]
    foot: Sequence[str]
    sections: Sequence[Section] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", [one_line(line) for line in self.head])
        object.__setattr__(self, "foot", [one_line(line) for line in self.foot])


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: what stands above it.
        cell: what of a row stands in it.
        right: whether it stands to the right, as numbers do.
        folds: whether a cell that is too wide is folded into lines, and not cut.
        stays: whether it is shown even where nothing stands in it.
        explained: whether it goes with what a folded column says, wherever that is shown at length.
    """

    name: str
    cell: Callable[[Any], str]
    right: bool = False
    folds: bool = False
    stays: bool = False
    explained: bool = False

    @property
    def in_detail(self) -> bool:
        """Whether it is said of a row that is shown at length, whose other cells are plain."""
        return self.folds or self.explained

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", one_line(self.name))
        if not isinstance(self.cell, _Shown):
            object.__setattr__(self, "cell", _Shown(self.cell))


def filled(columns: Sequence[Column], rows: Sequence[Any]) -> list[Column]:
    """The columns that are shown: of rows, those that say something of one, and those that stay."""
    return [one for one in columns if one.stays or not rows or any(map(one.cell, rows))]


@dataclass(frozen=True)
class Listing:
    """One list of a section.

    Attributes:
        columns: from left to right; the name of the first says what is listed.
        rows: from top to bottom.
    """

    columns: Sequence[Column]
    rows: Sequence[Any]


@dataclass(frozen=True)
class Section:
    """A part of a card: lists that stand side by side under one title.

    Attributes:
        title: what they have in common.
        lists: from left to right.
    """

    title: str
    lists: Sequence[Listing]

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", one_line(self.title))

    @property
    def columns(self) -> list[Column]:
        """Of all its lists, as one table: see `rows`."""
        return [_of_list(at, one) for at, each in enumerate(self.lists) for one in each.columns]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """A row of each list, None where a list is over."""
        return list(zip_longest(*(each.rows for each in self.lists)))


def _of_list(at: int, column: Column) -> Column:
    cell = column.cell
    return replace(column, cell=lambda row: "" if row[at] is None else cell(row[at]))


@dataclass(frozen=True)
class _Shown:
    """What stands in a cell, as it may be shown."""

    cell: Callable[[Any], str]

    def __call__(self, row: Any) -> str:
        return one_line(self.cell(row))
