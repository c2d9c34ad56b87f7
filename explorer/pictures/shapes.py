"""Pictures as plain data: what is drawn, and nothing of how.

Knows numbers and their names; knows no plotting library and no question.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shares:
    """One list of scores as shares of the bins of a histogram.

    Attributes:
        name: whose they are, and how many.
        shares: of the scores, a bin each; they add up to 1.
    """

    name: str
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Histogram:
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
class Lines:
    """One number in each space, with an interval where there is one.

    Attributes:
        title: what is drawn.
        x: what the labels are.
        y: what the values are.
        labels: along the axis, in order.
        values: one a label.
        low: lower ends; None where there is none.
        high: upper ends.
        band: what the interval is; empty where there is none.
    """

    title: str
    x: str
    y: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    band: str = ""


@dataclass(frozen=True)
class Bars:
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


Picture = Histogram | Lines | Bars
