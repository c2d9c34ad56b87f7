"""Analogy: what a sum leads to, and where a target stands under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import alone
from explorer.views.view import Choice, Field, View, chosen, depths, fixed, measure, rows

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Analogy, AnalogyLayers

EVERY = "every layer"
SPACE, MEASURE, K = depths(EVERY, "embed"), measure(), rows()
METHOD = Choice("method", fixed("add", "mul"))
TARGET = Field("target", "target, such as Chihuahua")
AGAINST = Field("against", "against another expression")


def _ask(ix: Explorer, place: Place, _: Progress) -> Analogy | AnalogyLayers:
    space = chosen(place, ix, SPACE)
    if space == EVERY:
        return _layers(ix, place)
    return ix.analogy(
        alone(place.text),
        place.get("target").strip() or None,
        against=place.get("against").strip() or None,
        space=space,
        measure=chosen(place, ix, MEASURE) or None,
        method=chosen(place, ix, METHOD),
        k=int(chosen(place, ix, K)),
        distinct=True,
    )


def _picture(ix: Explorer, place: Place) -> AnalogyLayers | None:
    """Where the target stands at each depth."""
    unasked = not place.get("target").strip() or chosen(place, ix, SPACE) == EVERY
    return None if unasked else _layers(ix, place)


def _layers(ix: Explorer, place: Place) -> AnalogyLayers:
    return ix.analogy_layers(
        alone(place.text),
        place.get("target").strip() or None,
        against=place.get("against").strip() or None,
        measure=chosen(place, ix, MEASURE) or None,
        method=chosen(place, ix, METHOD),
        distinct=True,
    )


VIEW = View(
    name="analogy",
    title="Analogy",
    about="What does a sum of words lead to, and where does a target stand?",
    example="dog + small",
    options=(TARGET, SPACE, MEASURE, METHOD, AGAINST, K),
    ask=_ask,
    picture=_picture,
)
