"""Pictures as plain data: what is drawn, and nothing of how.

Knows numbers and their names; knows no plotting library and no question. Names may be shown,
wherever they come from: see `indexer.store.shown`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from indexer.store.shown import one_line


class _Shown:
    """Whose texts may be shown."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # each of them is a dataclass
            value = getattr(self, field.name)
            if isinstance(value, str):
                object.__setattr__(self, field.name, one_line(value))
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                object.__setattr__(self, field.name, tuple(map(one_line, value)))


@dataclass(frozen=True)
class Shares(_Shown):
    """One list of scores as shares of the bins of a histogram.

    Attributes:
        name: whose they are, and how many.
        shares: of the scores, a bin each; they add up to 1.
    """

    name: str
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Histogram(_Shown):
    """Some scores beside the baseline they are read against, in the same bins.

    Attributes:
        title: what is drawn.
        x: what the bins are of.
        edges: of the bins, ascending, one more than there are bins.
        baseline: what chance gives.
        scores: what was asked.
    """

    title: str
    x: str
    edges: tuple[float, ...]
    baseline: Shares
    scores: Shares


@dataclass(frozen=True)
class Distribution(_Shown):
    """How many scores there are of which size, and where a few of them stand.

    Attributes:
        title: what is drawn.
        x: what the bins are of.
        edges: of the bins, ascending, one more than there are bins.
        counts: of the scores, a bin each.
        of: whose scores they are, and how many.
        names: of those that are marked, what matters most first.
        places: where they stand, one a name.
    """

    title: str
    x: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    of: str
    names: tuple[str, ...] = ()
    places: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lines(_Shown):
    """One number in each space, with an interval where there is one.

    Ranks run from 1, which stands on top, over orders of magnitude: their axis is logarithmic.

    Attributes:
        title: what is drawn.
        x: what the labels are.
        y: what the values are.
        labels: along the axis, in order.
        values: one a label.
        low: lower ends; None where there is none.
        high: upper ends.
        band: what the interval is; empty where there is none.
        ranks: whether the values are ranks.
    """

    title: str
    x: str
    y: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    band: str = ""
    ranks: bool = False


@dataclass(frozen=True)
class Bars(_Shown):
    """One number of each of a few things, in order.

    Attributes:
        title: what is drawn.
        x: what the values are.
        labels: the things, first to last.
        values: one a label.
    """

    title: str
    x: str
    labels: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Grid(_Shown):
    """One number, or none, of each of some rows in each of some columns.

    Attributes:
        title: what is drawn.
        x: what a column is.
        y: what a row is.
        columns: their names, left to right.
        rows: their names, top to bottom.
        values: a row each, in it a number a column; None where there is none.
        unit: what the values are.
        middle: the value that speaks neither for nor against; None where no value does.
    """

    title: str
    x: str
    y: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    unit: str
    middle: float | None = None


Picture = Histogram | Distribution | Lines | Bars | Grid
