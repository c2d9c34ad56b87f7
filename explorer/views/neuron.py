"""Neuron: what one reads, writes and fires at; of a word, the neurons that fire at it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from explorer.errors import BadExpression
from explorer.expressions import Kind, neuron_of, of_weights
from explorer.progress import Progress
from explorer.questions import NeuronQuery, WordQuery
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


VIEW = dataclasses.replace(
    _OF_NEURON,
    about="What does a neuron read, write and fire at? Of a word: which neurons fire at it?",
    ask=_ask,
)
