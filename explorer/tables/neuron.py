"""How `neuron` looks as a table."""

from __future__ import annotations

from explorer.results import NeuronNear, NeuronReport
from explorer.tables.layout import Column, Layout, foot_lines

_NEAR = {
    ("token", True): "nearest token",
    ("token", False): "farthest token",
    ("neuron", True): "nearest neuron",
    ("word", True): "highest word",
    ("word", False): "lowest word",
}


def neuron(result: NeuronReport) -> Layout:
    """Norms and cosines above, what is near each side below."""
    meta = result.meta
    norms = ", ".join(f"{side} {norm:.4f}" for side, norm in meta.norms.items())
    cosines = ", ".join(f"{pair} {cosine:+.4f}" for pair, cosine in meta.cosines.items())
    head = [
        result.query.neuron,
        f"  norms: {norms}",
        f"  cosines: {cosines}",
        f"  {meta.convention}",
    ]
    if meta.activation:
        mean, deviation = meta.activation["mean"], meta.activation["deviation"]
        head.insert(3, f"  activation: mean {mean:+.4f}, deviation {deviation:.4f}")
    columns = [
        Column("side", lambda r: str(r.side)),
        Column("near", lambda r: _NEAR[r.kind, r.rank > 0]),
        Column("rank", lambda r: str(abs(r.rank)), right=True),
        Column("item", lambda r: str(r.item)),
        Column("score", lambda r: f"{r.score:.4f}", right=True),
    ]
    if any(row.activation is not None for row in result.rows):
        columns.append(Column("activation", _activation, right=True))
    return Layout(head, columns, foot_lines(meta))


def _activation(row: NeuronNear) -> str:
    return "" if row.activation is None else f"{row.activation:+.3f}"
