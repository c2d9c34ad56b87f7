"""What is drawn beside a table: which further question has the picture of an answer, or of a row.

Knows answers and what may be asked of them; computes nothing.
"""

from __future__ import annotations

from typing import Any

from explorer.questions import (
    Analogy,
    Middlemen,
    Neighbors,
    NeuronLogits,
    NeuronNear,
    NeuronReport,
    WordReport,
)
from explorer.questions.beside import DepthsQuery, EffectsQuery, NeuronScoresQuery, ScoresQuery
from explorer.questions.choices import Method
from explorer.questions.query import Query
from explorer.views.neuron import LOGITS
from explorer.views.terms import item
from indexer.store.items import ITEMS
from indexer.store.layout import Manifest

MARKED = 20
"""Rows that are marked in the spread of an answer's scores."""


def of_answer(answer: Any) -> Query[Any] | None:
    """What is asked for the picture of the whole answer; None where it has its own, or none."""
    if isinstance(answer, Neighbors | Analogy):
        query = answer.query
        return ScoresQuery(
            query.expression,
            query.space,
            query.measure,
            _method(answer),
            {row.item: row.score for row in answer.rows[:MARKED]},
        )
    if isinstance(answer, NeuronLogits):
        ranked = sorted(answer.rows, key=lambda row: (row.rank, -row.sign))
        return EffectsQuery(answer.query.neuron, {row.token: row.z for row in ranked[:MARKED]})
    return None


def of_row(answer: Any, row: Any, manifest: Manifest) -> tuple[Query[Any], ...]:
    """What is asked for the pictures of a row, a picture each; empty where there is none."""
    if isinstance(answer, Neighbors | Analogy):
        return _depths(answer, row, manifest)
    if isinstance(answer, Middlemen):
        words = (*answer.query.words, *answer.query.avoid)
        return (NeuronScoresQuery(row.neuron, answer.query.side, words),)
    if isinstance(answer, WordReport):
        word = (item(answer.query.word),)
        return tuple(NeuronScoresQuery(row.neuron, side, word) for side in (None, "out"))
    if isinstance(answer, NeuronReport):
        return (_of_neuron(answer, row),)
    if isinstance(answer, NeuronLogits):  # a line holds a token of either end
        tokens = tuple(item(one.token, "token") for one in row if one is not None)
        return (NeuronScoresQuery(answer.query.neuron, None, tokens),)
    return ()


def _depths(answer: Neighbors | Analogy, row: Any, manifest: Manifest) -> tuple[Query[Any], ...]:
    """Where the word of a row stands at every depth: as a word, which every depth may hold."""
    query, entry = answer.query, manifest.space(answer.query.space)
    if entry is None or not ITEMS[entry.item].is_text or len(manifest.depths) < 2:
        return ()
    own = entry.measure == query.measure
    word = item(row.text.strip() or row.text)
    measure = None if own else query.measure
    return (DepthsQuery(query.expression, word, measure, _method(answer)),)


def _method(answer: Neighbors | Analogy) -> Method:
    return answer.query.method if isinstance(answer, Analogy) else "add"


def _of_neuron(answer: NeuronReport, row: NeuronNear) -> Query[Any]:
    """The side that a row is about: the tokens of its list, the row's first; or its neurons."""
    name = answer.query.neuron
    if row.kind == "word":
        return NeuronScoresQuery(name, None, (item(row.item),))
    alike = [r for r in answer.rows if (r.side, r.kind) == (row.side, row.kind)]
    marks = {r.item: r.score for r in [row, *alike]}
    if row.side == LOGITS:
        return EffectsQuery(name, marks)
    if row.kind == "neuron":
        return ScoresQuery(f"{name}.{row.side}", f"neuron.{row.side}", "cosine", "add", marks)
    return NeuronScoresQuery(name, row.side, (), marks)
