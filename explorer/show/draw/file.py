"""Pictures as matplotlib figures and as files: it and `shown` alone know matplotlib.

Knows inks and files; knows no answer. Drawn in black and grey, told apart by fill and hatching; a
grid in colours, with figures or signs in its cells that say the same. The same pictures give the
same bytes of SVG.
"""

from __future__ import annotations

import importlib.util
import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.errors import QueryError
from explorer.outfile import write_bytes
from explorer.show.draw.alt import described
from explorer.show.draw.room import folded
from explorer.show.draw.scale import scale_of, worst_of
from explorer.show.shapes import Bars, Distribution, Grid, Histogram, Lines, Picture
from indexer.store.errors import unknown

KINDS = ("svg", "png")
_SETTINGS = {"svg.hashsalt": "semantic-explorer", "svg.fonttype": "none"}
_GREY = "0.75"
_TITLE = 76
"""Characters of a title that stand in a line of a figure 8 inches wide."""

_NAMES = 90
"""Characters of names of columns that stand beside each other there."""

_APART = 0.02
"""How near names may stand, as a share of the axis."""

_WRITTEN = 12
"""Columns of a grid up to which figures stand in its cells."""


def figure(pictures: Sequence[Picture]) -> Any:
    """One matplotlib Figure with the pictures below each other, bound to no window.

    Raises:
        QueryError: there is nothing to draw, or matplotlib is not installed.
    """
    if not pictures:
        raise QueryError("this answer has no picture; its table says all there is")
    require_matplotlib()
    from matplotlib import rc_context

    from explorer.show.draw.shown import PLAIN

    with rc_context(PLAIN):
        return _drawn(pictures)


def _drawn(pictures: Sequence[Picture]) -> Any:
    from explorer.show.draw.shown import ShownFigure

    heights = [_height(picture) for picture in pictures]
    made = ShownFigure(figsize=(8, sum(heights)), layout="constrained")
    made.described = " ".join(map(described, pictures))
    axes = made.subplots(len(pictures), 1, squeeze=False, height_ratios=heights)[:, 0]
    for picture, one in zip(pictures, axes, strict=True):
        title = "\n".join(folded(picture.title.split(), _TITLE))
        one.set_title(title, loc="left")
        one.spines[["top", "right"]].set_visible(False)
        if isinstance(picture, Histogram):
            _histogram(one, picture)
        elif isinstance(picture, Distribution):
            _distribution(one, picture)
        elif isinstance(picture, Lines):
            _lines(one, picture)
        elif isinstance(picture, Grid):
            _grid(one, picture)
        else:
            _bars(one, picture)
    return made


def require_matplotlib() -> None:
    """Raise `QueryError`, saying what to install, unless matplotlib is there."""
    if importlib.util.find_spec("matplotlib") is None:
        raise QueryError(
            'a picture needs matplotlib, which is not here: pip install "semantic-explorer[plot]"'
        )


def check_file(path: str) -> None:
    """Raise `QueryError` unless a picture can be written under that name."""
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise QueryError(f"--plot {path!r}: {unknown('kind of picture', kind, KINDS)}")


def save(made: Any, path: str) -> None:
    """Write a figure whole or not at all, without a date in it.

    Raises:
        QueryError: the name ends in neither `.svg` nor `.png`.
        MachineError: it cannot be written.
    """
    check_file(path)
    write_bytes(path, as_bytes(made, Path(path).suffix.removeprefix(".").lower()))


def as_bytes(made: Any, kind: str) -> bytes:
    """A figure as a file of a kind, `svg` or `png`, without a date in it."""
    from matplotlib import rc_context

    from explorer.show.draw.shown import PLAIN

    out = io.BytesIO()
    with rc_context(PLAIN | _SETTINGS), warnings.catch_warnings():
        if kind == "svg":  # its text stays text: what shows it finds the font
            warnings.filterwarnings("ignore", "Glyph .* missing")
        said = {"Description": getattr(made, "described", "")}
        without_date = said | ({"Date": None} if kind == "svg" else {})
        made.savefig(out, format=kind, dpi=150, metadata=without_date)
    return out.getvalue()


def _height(picture: Picture) -> float:
    if isinstance(picture, Grid):
        return 1.2 + 0.2 * len(picture.rows)
    return 1 + 0.25 * len(picture.labels) if isinstance(picture, Bars) else 3.6


def _histogram(axes: Any, picture: Histogram) -> None:
    axes.stairs(
        picture.baseline.shares,
        picture.edges,
        fill=True,
        color=_GREY,
        label=picture.baseline.name,
    )
    axes.stairs(
        picture.scores.shares, picture.edges, color="black", lw=1.5, label=picture.scores.name
    )
    axes.set_xlabel(picture.x)
    axes.set_ylabel("share of each")
    _legend(axes)


def _distribution(axes: Any, picture: Distribution) -> None:
    """A grey hill; what is marked stands on the axis, and as many as have room are named."""
    axes.stairs(picture.counts, picture.edges, fill=True, color=_GREY, label=picture.of)
    axes.plot(picture.places, [0.0] * len(picture.places), "o", color="black", ms=4, clip_on=False)
    width, taken = picture.edges[-1] - picture.edges[0], list[float]()
    for name, place in zip(picture.names, picture.places, strict=True):
        if all(abs(place - other) >= _APART * width for other in taken):
            taken.append(place)
            axes.annotate(
                f"{name} {place:z.2f}", (place, 0), (0, 8), textcoords="offset points",
                rotation=90, fontsize=7, ha="center", va="bottom",
            )  # fmt: skip
    axes.set_xlabel(picture.x)
    axes.set_ylabel("how many")
    _legend(axes)


def _lines(axes: Any, picture: Lines) -> None:
    places = list(range(len(picture.labels)))
    ends = [(a, low, high) for a, low, high in zip(places, picture.low, picture.high, strict=True)]
    spans = [(a, low, high) for a, low, high in ends if low is not None and high is not None]
    if spans:
        at, low, high = zip(*spans, strict=True)
        axes.vlines(at, low, high, color=_GREY, lw=4, label=picture.band)
    axes.plot(places, picture.values, color="black", marker="o", ms=4, lw=0.8, label=picture.y)
    if picture.ranks:
        _rank_axis(axes, picture)
    else:
        axes.axhline(0, color="black", lw=0.5, ls=":")
    axes.set_xticks(places, picture.labels, rotation=90 if len(places) > 8 else 0, fontsize=8)
    axes.set_ylabel(picture.y)
    if picture.band:
        _legend(axes)


def _rank_axis(axes: Any, picture: Lines) -> None:
    """Logarithmic, 1 on top."""
    ends = [end for end in (*picture.low, *picture.high, *picture.values) if end is not None]
    worst = worst_of(ends)
    # No smaller ticks, which would be named in powers where the axis is short.
    axes.set_yscale("log", subs=[])
    named = [10**power for power in range(len(str(worst)))]
    ticks = named if len(named) > 2 else [k * p for p in named for k in (1, 2, 5) if k * p <= worst]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_ylim(worst, 0.8)


def _grid(axes: Any, picture: Grid) -> None:
    """Colours from below the middle to above it, the middle white; what is missing is hatched."""
    from matplotlib.colors import CenteredNorm

    values = [[math.nan if value is None else value for value in row] for row in picture.values]
    middle = picture.middle
    if middle is None:
        image = axes.imshow(values, cmap="Greys", aspect="auto")
    else:
        norm = CenteredNorm(middle)
        image = axes.imshow(values, cmap="RdBu_r", norm=norm, aspect="auto")
    axes.patch.set(facecolor="white", edgecolor=_GREY, hatch="////")
    upright = sum(len(name) + 2 for name in picture.columns) > _NAMES
    across = range(len(picture.columns))
    axes.set_xticks(across, picture.columns, rotation=90 if upright else 0, fontsize=8)
    axes.set_yticks(range(len(picture.rows)), picture.rows, fontsize=8)
    axes.set_xlabel(picture.x)
    axes.set_ylabel(picture.y)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    unit = picture.unit
    if len(picture.columns) <= _WRITTEN:
        _figures(axes, image, picture)
    elif middle is not None:
        # Without colours shades tell how far, and these which way.
        scale = scale_of(picture)
        cells = [(at, down) for down, row in enumerate(values) for at in range(len(row))]
        below = [(at, down) for at, down in cells if values[down][at] <= middle - scale.step]
        if below:
            axes.scatter(*zip(*below, strict=True), marker="_", s=12, color="black", lw=0.6)
            unit += f" (\u2013: {scale.end(-1)} or less)"
    axes.figure.colorbar(image, ax=axes, label=unit, pad=0.02)


def _figures(axes: Any, image: Any, picture: Grid) -> None:
    """Each cell's figure, in the ink that can be read on its colour."""
    decimals = scale_of(picture).decimals
    for down, row in enumerate(picture.values):
        for across, value in enumerate(row):
            if value is None:
                continue
            *colours, _ = image.cmap(image.norm(value))
            ink = "white" if sum(colours) < 1.3 else "black"
            axes.text(across, down, f"{value:.{decimals}f}", color=ink, fontsize=6.5,
                      ha="center", va="center")  # fmt: skip


def _bars(axes: Any, picture: Bars) -> None:
    axes.barh(picture.labels[::-1], picture.values[::-1], color=_GREY, edgecolor="black")
    axes.set_xlabel(picture.x)


def _legend(axes: Any) -> None:
    # Above the axes, where it covers nothing.
    axes.legend(
        frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2
    )
