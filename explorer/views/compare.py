"""Compare: how alike the profiles of words over neurons are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import only_words
from explorer.views.view import Choice, View, chosen, fixed, layer, side

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Comparison

SIDE, LAYER = side(), layer()
CONTROL = Choice("control", fixed("matched", "random"))
NEURONS = Choice(
    "neurons", fixed("", "1000", "100", "10"), shown=lambda n: (n and f"top {n}") or "all"
)
PAIRS = Choice("pairs", fixed("1000", "100", "0"), label="control pairs")


def _ask(ix: Explorer, place: Place, progress: Progress) -> Comparison:
    top = chosen(place, ix, NEURONS)
    return ix.compare(
        *only_words(place.text, 2),
        side=chosen(place, ix, SIDE),
        layers=chosen(place, ix, LAYER) or None,
        top_neurons=int(top) if top else None,
        control=chosen(place, ix, CONTROL),
        pairs=int(chosen(place, ix, PAIRS)),
        progress=progress,
    )


def _check(ix: Explorer, place: Place) -> None:
    ix.vectors(ix.manifest.embed.name, only_words(place.text))


VIEW = View(
    name="compare",
    title="Compare",
    about="How alike are the profiles of words over all neurons, by several measures?",
    example="large, tall",
    options=(SIDE, LAYER, NEURONS, CONTROL, PAIRS),
    ask=_ask,
    live=False,
    check=_check,
)
