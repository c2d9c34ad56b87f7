"""Pictures in the terminal, in one ink: the only module that knows plotext.

Knows characters and widths; knows no answer. Glyphs tell what is what, so nothing is lost without
colour: `░` is the baseline or an interval, `●` what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from explorer.pictures.shapes import Bars, Histogram, Lines, Picture

HEIGHT = 16
NARROWEST, WIDEST = 40, 120
_BASELINE, _ASKED, _BAR = "░", "●", "█"


def drawn(picture: Picture, width: int) -> str:
    """A picture as lines of text no wider than `width`, ending with a newline."""
    import plotext

    width = min(max(width, NARROWEST), WIDEST)
    # plotext keeps one figure a process, and asks the terminal for a size that it must not have.
    plotext.clear_figure()
    plotext.limit_size(False, False)
    if isinstance(picture, Histogram):
        legend = _histogram(plotext, picture)
    elif isinstance(picture, Lines):
        legend = _lines(plotext, picture, width)
    else:
        legend = _bars(plotext, picture)
    height = HEIGHT if not isinstance(picture, Bars) else len(picture.labels) + 3
    plotext.plotsize(width, height)
    text = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    said = [line for text in (picture.title, *legend) for line in wrap(text, width)]
    lines = [*said, *text.splitlines()]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _histogram(plot: Any, picture: Histogram) -> Sequence[str]:
    middles = [(a + b) / 2 for a, b in zip(picture.edges, picture.edges[1:], strict=False)]
    # An empty bin would be drawn a line high.
    full = [(x, y) for x, y in zip(middles, picture.baseline.shares, strict=True) if y > 0]
    bins = (picture.edges[-1] - picture.edges[0]) / len(middles)
    for x, y in full:
        edges = [x - bins / 2, x + bins / 2]
        plot.plot(edges, [y, y], marker=_BASELINE, fillx=True)
    for along, up in _stairs(picture.edges, picture.scores.shares):
        plot.plot(along, up, marker=_ASKED)
    plot.xlim(picture.edges[0], picture.edges[-1])
    ticks = picture.edges[:: max(1, len(middles) // 5)]
    plot.xticks(ticks, [_figure(x) for x in ticks])
    plot.ylim(0, None)
    plot.xlabel(picture.x)
    return [
        f"{_BASELINE} {picture.baseline.name}",
        f"{_ASKED} {picture.scores.name}, as shares of each",
    ]


def _stairs(
    edges: Sequence[float], shares: Sequence[float]
) -> Iterator[tuple[list[float], list[float]]]:
    """The outline of each run of bins that hold something: it rises from 0 and falls to 0."""
    bins = zip(edges, edges[1:], shares, strict=False)
    for holds, run in groupby(bins, key=lambda one: one[2] > 0):
        if holds:
            steps = list(run)
            x = [end for low, high, _ in steps for end in (low, high)]
            y = [share for *_, share in steps for _ in range(2)]
            yield [x[0], *x, x[-1]], [0.0, *y, 0.0]


def _figure(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _lines(plot: Any, picture: Lines, width: int) -> Sequence[str]:
    places = range(len(picture.labels))
    for at, low, high in zip(places, picture.low, picture.high, strict=True):
        if low is not None and high is not None:
            plot.plot([at, at], [low, high], marker=_BASELINE)
    plot.scatter(list(places), picture.values, marker=_ASKED)
    ends = [end for end in (*picture.low, *picture.high, *picture.values) if end is not None]
    plot.ylim(min(0, *ends), max(0, *ends))
    longest = max(map(len, picture.labels)) + 2
    step = max(1, -(-len(picture.labels) * longest // (width - 10)))
    shown = list(places)[::step]
    plot.xticks(shown, [picture.labels[at] for at in shown])
    band = [f"{_BASELINE} {picture.band}"] if picture.band else []
    return [f"{_ASKED} {picture.y}", *band]


def _bars(plot: Any, picture: Bars) -> Sequence[str]:
    # The first stands on top.
    plot.bar(
        picture.labels[::-1], picture.values[::-1], orientation="horizontal", width=0.3, marker=_BAR
    )
    return [f"{_BAR} {picture.x}"]
