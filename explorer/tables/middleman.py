"""How `middleman` looks as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.results import Acts, MiddleMan, Middlemen
from explorer.tables.layout import Column, Layout, foot_lines, resolved_lines


def middleman(result: Middlemen) -> Layout:
    """Neurons with each word's score, and what they read and write."""
    query, labels = result.query, list(result.rows[0].scores) if result.rows else []
    avoided = list(result.rows[0].avoided) if result.rows else []
    acts = any(row.acts for row in result.rows)
    not_ = f" and not {', '.join(query.avoid)}" if query.avoid else ""
    words = ", ".join(query.words)
    answers = "that fire at" if query.side is None else f"whose {query.side} side answers to"
    least = "least" if query.combine == "min" else "mean"
    head = [f"neurons {answers} {words}{not_}, by the {least} {query.score}"]
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("neuron", lambda r: str(r.neuron)),
        Column("score", lambda r: f"{r.score:.2f}", right=True),
        *(Column(n, _score_of("scores", n), right=True) for n in labels),
        *(Column(f"not {n}", _score_of("avoided", n), right=True) for n in avoided),
        *([Column("acts", _acts, explained=True)] if acts else []),
        Column("reads", lambda r: " ".join(r.reads), folds=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
    ]
    return Layout(head + resolved_lines(result.meta), columns, foot_lines(result.meta))


def _score_of(field: str, label: str) -> Callable[[Any], str]:
    return lambda row: f"{getattr(row, field)[label]:.2f}"


def _acts(row: MiddleMan) -> str:
    return " ".join(map(_sign, row.acts.values()))


def _sign(acts: Acts) -> str:
    return ("~" if acts.source == "weights" else "") + {1: "+", 0: "0", -1: "-"}[acts.sign]
