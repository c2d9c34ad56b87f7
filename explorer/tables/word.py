"""How `word` looks as a table."""

from __future__ import annotations

from explorer.results import WordReport
from explorer.tables.layout import Column, Layout, foot_lines, resolved_lines


def word(result: WordReport) -> Layout:
    """What the word is above, the neurons that fire at it below."""
    meta = result.meta
    head = [f"neurons that fire at {result.query.word}, by |z|", *resolved_lines(meta)]
    head.append(f"  zipf frequency {meta.zipf:.2f}")
    if meta.groups:
        head[-1] += f"; in the groups {', '.join(meta.groups)}"
    if meta.sinks:
        head.append(f"  an attention sink in {', '.join(meta.sinks)}")
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("neuron", lambda r: str(r.neuron)),
        Column("z", lambda r: f"{r.z:.2f}", right=True),
        Column("activation", lambda r: f"{r.activation:+.3f}", right=True, explained=True),
        Column("reads", lambda r: " ".join(r.reads), folds=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
    ]
    return Layout(head, columns, foot_lines(meta))
