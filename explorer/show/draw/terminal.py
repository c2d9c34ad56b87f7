"""Pictures in the terminal, in one ink: the only module that knows plotext.

Knows characters and widths; knows no answer. Glyphs tell what is what, so nothing is lost without
colour: `░` is the baseline or an interval, `●` what was asked.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from explorer.show.draw import distribution
from explorer.show.draw.grid import lines_of
from explorer.show.draw.room import cut, fitted
from explorer.show.draw.scale import worst_of
from explorer.show.shapes import Bars, Distribution, Grid, Histogram, Lines, Picture

HEIGHT = 16
"""Lines of a plot, title and legend aside, where no height is asked for."""

NARROWEST, WIDEST, SHORTEST = 24, 120, 8
_BASELINE, _ASKED, _BAR = "░", "●", "█"
_FRAME = 3
"""Lines that plotext takes for a frame and the ticks below it."""

_LEAST = _FRAME + 2
_drawing = threading.Lock()


def drawn(picture: Picture, width: int, height: int | None = None) -> str:
    """A picture as lines of text, ending with a newline.

    Args:
        picture: what to draw.
        width: columns, of which none is passed; fewer than 24 count as 24, and 120 are enough.
        height: lines, title and legend among them, of which none is passed; fewer than 8 count
            as 8. A histogram and lines fill it, bars and grids leave out what has no room and say
            so. Unless given, each takes what it needs.
    """
    width = min(max(width, NARROWEST), WIDEST)
    height = None if height is None else max(height, SHORTEST)
    if isinstance(picture, Grid):
        lines = lines_of(picture, width, height)
    elif isinstance(picture, Distribution):
        lines = distribution.lines_of(picture, width, height)
    else:
        lines = _plotted(picture, width, height)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _plotted(picture: Histogram | Lines | Bars, width: int, height: int | None) -> list[str]:
    """Title and legend, and below them what plotext draws."""
    said = fitted(
        [picture.title, *_legend(picture)], width, None if height is None else height - _LEAST
    )
    canvas = HEIGHT if height is None else height - len(said)
    if isinstance(picture, Bars):
        needed = len(picture.labels) + _FRAME
        if height is not None and canvas < needed:
            title, legend = picture.title, *_legend(picture)
            shown = height - 2 - _FRAME
            said = [
                cut(title, width),
                cut(f"{legend}, the first {shown} of {needed - _FRAME}", width),
            ]
            picture = Bars(title, picture.x, picture.labels[:shown], picture.values[:shown])
        canvas = len(picture.labels) + _FRAME
    import plotext

    with _drawing:
        # plotext keeps one figure a process, and asks the terminal for a size that it must not
        # have.
        plotext.clear_figure()
        plotext.limit_size(False, False)
        if isinstance(picture, Histogram):
            _histogram(plotext, picture, width, canvas)
        elif isinstance(picture, Lines):
            _lines(plotext, picture, width, canvas)
        else:
            _bars(plotext, picture)
        plotext.plotsize(width, canvas)
        text = plotext.uncolorize(plotext.build())
        plotext.clear_figure()
    return [*said, *text.splitlines()]


def _legend(picture: Histogram | Lines | Bars) -> list[str]:
    """What each glyph is, a text each."""
    if isinstance(picture, Histogram):
        asked = f"{_ASKED} {picture.scores.name}, as shares of each"
        return [f"{_BASELINE} {picture.baseline.name}", asked]
    if isinstance(picture, Lines):
        band = [f"{_BASELINE} {picture.band}"] if picture.band else []
        return [f"{_ASKED} {picture.y}", *band]
    return [f"{_BAR} {picture.x}"]


def _histogram(plot: Any, picture: Histogram, width: int, height: int) -> None:
    edges = picture.edges
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    # An empty bin would be drawn a line high.
    full = [(x, y) for x, y in zip(middles, picture.baseline.shares, strict=True) if y > 0]
    bins = (edges[-1] - edges[0]) / len(middles)
    for x, y in full:
        plot.plot([x - bins / 2, x + bins / 2], [y, y], marker=_BASELINE, fillx=True)
    for along, up in _stairs(edges, picture.scores.shares):
        plot.plot(along, up, marker=_ASKED)
    plot.xlim(edges[0], edges[-1])
    most = min(
        5, (width - 4) // 8
    )  # with less room plotext moves them, as the order of a set has it
    ticks = edges[:: max(1, len(middles) // most)]
    plot.xticks(ticks, [_figure(x) for x in ticks])
    plot.ylim(0, None)
    if height > _LEAST + 1:
        plot.xlabel(picture.x)


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
    return f"{value:z.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _lines(plot: Any, picture: Lines, width: int, height: int) -> None:
    places = range(len(picture.labels))
    scaled = _depth if picture.ranks else float
    for at, low, high in zip(places, picture.low, picture.high, strict=True):
        if low is not None and high is not None:
            plot.plot([at, at], [scaled(low), scaled(high)], marker=_BASELINE)
    plot.scatter(list(places), [scaled(value) for value in picture.values], marker=_ASKED)
    ends = [end for end in (*picture.low, *picture.high, *picture.values) if end is not None]
    if picture.ranks:
        worst = worst_of(ends)
        ticks = _rank_ticks(worst, height - _FRAME)
        plot.yticks([_depth(tick) for tick in ticks], [f"{tick:,}" for tick in ticks])
        plot.ylim(_depth(worst), 0)
    else:
        plot.ylim(min(0, *ends), max(0, *ends))
    shown = _named(picture.labels, width - 10)
    plot.xticks(shown, [picture.labels[at] for at in shown])


def _named(labels: Sequence[str], width: int) -> list[int]:
    """The places of an axis so wide that are named: the first, the last, and steps between them."""
    longest, last = max(map(len, labels)) + 2, len(labels) - 1
    least = max(1, -(-len(labels) * longest // width))
    # The last name ends where the axis does, and so reaches further than half its length.
    room = 1.5 * longest / width * last
    for step in range(least, last):
        places = [at for at in range(0, last, step) if at == 0 or last - at >= room]
        if last - places[-1] < 1.5 * step:  # as if the last were a step further
            return [*places, last]
    return [0, last] if last else [0]


def _depth(rank: float) -> float:
    """How far down a rank stands: 0 of the first, -1 of the tenth."""
    return -math.log10(rank)


def _rank_ticks(worst: int, lines: int) -> list[int]:
    """Ranks to name on an axis of so many lines that ends at a round rank."""
    powers = [10**power for power in range(len(str(worst)))]
    named = [first * power for power in powers for first in (1, 2, 5) if first * power <= worst]
    if lines >= 2 * len(named):
        return named
    return powers[:: -(-len(powers) * 2 // max(lines, 2))]


def _bars(plot: Any, picture: Bars) -> None:
    # The first stands on top.
    plot.bar(
        picture.labels[::-1], picture.values[::-1], orientation="horizontal", width=0.3, marker=_BAR
    )
