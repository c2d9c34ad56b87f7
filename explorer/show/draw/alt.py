"""Pictures in words, for who cannot see them: what is drawn, of how much, and what stands out."""

from __future__ import annotations

from typing import assert_never

from explorer.show.shapes import Bars, Distribution, Grid, Histogram, Lines, Picture

_NAMED = 10


def described(picture: Picture) -> str:
    """A picture in a sentence or two."""
    if isinstance(picture, Distribution):
        ends = f"{picture.edges[0]:g} to {picture.edges[-1]:g}"
        marks = list(zip(picture.names, picture.places, strict=True))
        shown = ", ".join(f"{name} at {place:z.2f}" for name, place in marks[:_NAMED])
        more = f" and {len(marks) - _NAMED} more" if len(marks) > _NAMED else ""
        said = f" Marked: {shown}{more}." if marks else ""
        return f"{picture.title}. {picture.of}, by {picture.x} from {ends}.{said}"
    if isinstance(picture, Histogram):
        both = f"{picture.scores.name} beside {picture.baseline.name}"
        ends = f"{picture.edges[0]:.4g} to {picture.edges[-1]:.4g}"
        return f"{picture.title}. {both}, by {picture.x} from {ends}."
    if isinstance(picture, Lines):
        pick, end = (min, "best") if picture.ranks else (max, "highest")
        at = pick(range(len(picture.values)), key=lambda one: picture.values[one])
        top = f"{end} at {picture.labels[at]}, {picture.values[at]:.4g}"
        spread = f"{picture.labels[0]} to {picture.labels[-1]}"
        return f"{picture.title}. {picture.y}, by {picture.x} from {spread}: {top}."
    if isinstance(picture, Bars):
        each = list(zip(picture.labels, picture.values, strict=True))
        shown = ", ".join(f"{label} {value:.4g}" for label, value in each[:_NAMED])
        more = f" and {len(each) - _NAMED} more" if len(each) > _NAMED else ""
        return f"{picture.title}. {picture.x}: {shown}{more}."
    if isinstance(picture, Grid):
        cells = [
            (value, picture.rows[down], picture.columns[across])
            for down, row in enumerate(picture.values)
            for across, value in enumerate(row)
            if value is not None
        ]
        size = f"{len(picture.rows)} rows by {len(picture.columns)} columns"
        far = max(cells, key=lambda cell: abs(cell[0] - (picture.middle or 0)), default=None)
        top = "" if far is None else f": farthest out {far[0]:.4g} at {far[1]}, {far[2]}"
        return f"{picture.title}. {picture.unit} by {picture.y} and {picture.x}, {size}{top}."
    assert_never(picture)
