"""Middle man: the neurons that answer to every one of some words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import several
from explorer.views.view import Choice, View, chosen, fixed, layer, rows, side

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Middlemen

SIDE, LAYER, K = side(), layer(), rows()
BY = Choice("by", fixed("weights", "activations"))
SCORE = Choice("score", fixed("z", "dot", "cosine"))
COMBINE = Choice("combine", fixed("min", "mean"))


def _ask(ix: Explorer, place: Place, _: Progress) -> Middlemen:
    return _middlemen(ix, place, k=int(chosen(place, ix, K)))


def _picture(ix: Explorer, place: Place) -> Middlemen | None:
    """The best neuron of every layer."""
    if chosen(place, ix, LAYER):
        return None
    return _middlemen(ix, place, per_layer=1, k=len(ix.manifest.layers))


def _middlemen(ix: Explorer, place: Place, **how: Any) -> Middlemen:
    asked = several(place.text)
    if chosen(place, ix, BY) == "weights":
        how |= {"side": chosen(place, ix, SIDE), "score": chosen(place, ix, SCORE)}
    return ix.middleman(
        *asked.words,
        avoid=asked.avoid,
        by=chosen(place, ix, BY),
        combine=chosen(place, ix, COMBINE),
        layers=chosen(place, ix, LAYER) or None,
        **how,
    )


VIEW = View(
    name="middleman",
    title="Middle man",
    about="Which neurons answer to all of these words (and not to what is taken away)?",
    example="large, tall - red",
    options=(SIDE, LAYER, SCORE, COMBINE, BY, K),
    ask=_ask,
    picture=_picture,
)
