"""Neighbors: what is nearest to an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import alone
from explorer.views.view import Choice, View, chosen, fixed, measure, rows, space

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Neighbors

SPACE, MEASURE, K = space(), measure(), rows()
FORMS = Choice("forms", fixed("folded", "all"))


def _ask(ix: Explorer, place: Place, _: Progress) -> Neighbors:
    return ix.neighbors(
        alone(place.text),
        chosen(place, ix, SPACE),
        measure=chosen(place, ix, MEASURE) or None,
        k=int(chosen(place, ix, K)),
        distinct=chosen(place, ix, FORMS) == "folded",
    )


VIEW = View(
    name="neighbors",
    title="Neighbors",
    about="What is nearest to a word, a neuron, or a sum of them?",
    example="king - man + woman",
    options=(SPACE, MEASURE, FORMS, K),
    ask=_ask,
)
