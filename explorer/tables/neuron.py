"""How `neuron` looks as a table."""

from __future__ import annotations

from explorer.results import NeuronReport
from explorer.tables.layout import Column, Layout, foot_lines


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
    columns = [
        Column("side", lambda r: str(r.side)),
        Column("near", lambda r: f"{'farthest ' if r.rank < 0 else 'nearest '}{r.kind}"),
        Column("rank", lambda r: str(abs(r.rank)), right=True),
        Column("item", lambda r: str(r.item)),
        Column("score", lambda r: f"{r.score:.4f}", right=True),
    ]
    return Layout(head, columns, foot_lines(meta))
