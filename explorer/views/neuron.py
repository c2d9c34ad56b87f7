"""Neuron: what one neuron reads, writes and fires at; of a word, the neurons that fire at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import BadExpression
from explorer.expressions import neuron_of
from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import parts_of, several
from explorer.views.view import View, chosen, rows

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import NeuronReport, WordReport

K = rows("10")


def _ask(ix: Explorer, place: Place, _: Progress) -> NeuronReport | WordReport:
    k = int(chosen(place, ix, K))
    first = (parts_of(place.text) or [""])[0]
    try:
        neuron_of(first)
    except BadExpression:
        return ix.word(several(place.text).words[0], k=k)
    return ix.neuron(first, k=k)


VIEW = View(
    name="neuron",
    title="Neuron",
    about="What does a neuron read, write and fire at? Of a word: which neurons fire at it?",
    example="L29N112",
    options=(K,),
    ask=_ask,
)
