"""Neuron: what one reads, writes and fires at; of a word, the neurons that fire at it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from explorer.errors import BadExpression, NoLogits, QueryError
from explorer.expressions import Kind, neuron_of, of_weights
from explorer.progress import Progress
from explorer.questions import LogitsQuery, NeuronNear, NeuronQuery, NeuronReport, WordQuery
from explorer.show.layout import Column, Layout, Listing, Section
from explorer.views.place import Place
from explorer.views.terms import alone
from explorer.views.view import view_of

if TYPE_CHECKING:
    from explorer.api import Explorer

_OF_NEURON, _OF_WORD = view_of(NeuronQuery, rows="10"), view_of(WordQuery, rows="10")


def _ask(ix: Explorer, place: Place, progress: Progress) -> Any:
    text = alone(place.text)
    try:
        neuron_of(text)
    except BadExpression:
        if of_weights(text) is Kind.NEURON:
            raise
        return _OF_WORD.ask(ix, place, progress)
    return _OF_NEURON.ask(ix, place, progress)


LOGITS = "logits"
"""The side of a row that tells of a token which the neuron raises directly."""

MOST_RAISED = 10
"""Tokens of each end, as many as the nearest of a side."""


def _further(ix: Explorer, answer: Any, progress: Progress) -> Layout | None:
    """The card with what the neuron raises in the logits, and how its effect is spread."""
    if not isinstance(answer, NeuronReport):
        return None
    most = min(answer.query.k or MOST_RAISED, MOST_RAISED)
    try:
        found = ix.ask(LogitsQuery(answer.query.neuron, most), progress)
    except (NoLogits, QueryError):
        return None
    lists, rows = [], []
    for sign in (1, -1):
        raised = [
            NeuronNear(LOGITS, "token", sign * row.rank, str(row.token), row.z)
            for row in found.rows
            if row.sign == sign
        ]
        rows += raised
        name = f"where it acts {'+' if sign > 0 else '-'}"
        columns = [Column(name, lambda r: r.item), Column("z", lambda r: f"{r.score:z.2f}", True)]
        lists.append(Listing(columns, raised))
    kurtosis = next(one for one in found.meta.shape if one.name == "kurtosis")
    title = f"raises; kurtosis {kurtosis.value:.3g}, by chance {kurtosis.median:.3g}"
    about = (
        f"raises: z of its direct effect on the logits of {found.meta.tokens:,} tokens; kurtosis "
        "by chance: the median of random directions of its layer"
    )
    card = answer.layout()
    return dataclasses.replace(
        card,
        rows=[*card.rows, *rows],
        sections=[*card.sections, Section(title, lists)],
        foot=[*card.foot, about],
    )


VIEW = dataclasses.replace(
    _OF_NEURON,
    further=_further,
    about="What does a neuron read, write and fire at? Of a word: which neurons fire at it?",
    ask=_ask,
)
