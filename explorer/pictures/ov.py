"""How `ov` looks: heads by how strongly they carry or copy, in order or by layer."""

from __future__ import annotations

from collections import Counter

from explorer.pictures.shapes import Bars, Grid, Picture
from explorer.results import OvReport


def ov(result: OvReport) -> tuple[Picture, ...]:
    """A grid where the heads of the answer fill one; else the strongest first; nothing of one."""
    rows, query = result.rows, result.query
    if len(rows) < 2:
        return ()
    carried = f"carry {query.word} to {query.to}" if query.to else f"copy {query.word}"
    title = f"heads that {carried}"
    scores = {(row.layer, row.number): row.score for row in rows}
    layers = range(min(row.layer for row in rows), max(row.layer for row in rows) + 1)
    heads = range(max(row.number for row in rows) + 1)
    several = [layer for layer, n in Counter(layer for layer, _ in scores).items() if n > 1]
    if len(several) > 1 and 2 * len(scores) >= len(layers) * len(heads):
        return (
            Grid(
                title=title,
                x="head",
                y="layer",
                columns=tuple(f"H{head}" for head in heads),
                rows=tuple(f"L{layer}" for layer in layers),
                values=tuple(
                    tuple(scores.get((layer, head)) for head in heads) for layer in layers
                ),
                unit="z",
                middle=0,
            ),
        )
    return (
        Bars(
            title=title,
            x="z",
            labels=tuple(row.head for row in rows),
            values=tuple(row.score for row in rows),
        ),
    )
