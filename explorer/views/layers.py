"""Layers: an expression at every depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import alone
from explorer.views.view import Field, View, chosen, measure

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Layers

MEASURE, TARGET = measure(), Field("target", "target, such as queen")


def _ask(ix: Explorer, place: Place, _: Progress) -> Layers:
    return ix.layers(
        alone(place.text),
        place.get("target").strip() or None,
        measure=chosen(place, ix, MEASURE) or None,
        distinct=True,
    )


VIEW = View(
    name="layers",
    title="Layers",
    about="What is near at every depth, where does a target stand, and what changes where?",
    example="king - man + woman",
    options=(TARGET, MEASURE),
    ask=_ask,
)
