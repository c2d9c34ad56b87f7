"""Congruence: are some words closer to each other than words like them are?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import only_words
from explorer.views.view import Choice, Field, View, chosen, depths, fixed, measure

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import AnchoredWords, Congruence

EVERY = "every space"
SPACE, MEASURE = depths(EVERY, EVERY), measure()
CONTROL = Choice("control", fixed("matched", "random", "both"))
GROUP = Choice("group", lambda ix: ("", *ix.groups), shown=lambda v: v or "words typed")
ANCHOR = Field("anchor", "anchor: each against one word")


def _ask(ix: Explorer, place: Place, progress: Progress) -> Congruence | AnchoredWords:
    group = chosen(place, ix, GROUP) or None
    anchor = place.get("anchor").strip() or None
    words = () if group else only_words(place.text, 1 if anchor else 2)
    space, measure = chosen(place, ix, SPACE), chosen(place, ix, MEASURE) or None
    control = chosen(place, ix, CONTROL)
    if anchor and space != EVERY:
        return ix.anchored(
            *words, group=group, anchor=anchor, space=space, measure=measure, control=control
        )
    return ix.congruence(
        *words,
        group=group,
        anchor=anchor,
        space=None if space == EVERY else space,
        measure=measure,
        control=control,
        progress=progress,
    )


def _check(ix: Explorer, place: Place) -> None:
    words = () if chosen(place, ix, GROUP) else only_words(place.text)
    asked = [*words, *filter(None, [place.get("anchor").strip()])]
    ix.vectors(ix.manifest.embed.name, asked)


VIEW = View(
    name="congruence",
    title="Congruence",
    about="Are these words closer to each other than words like them are, and where?",
    example="large, tall, huge, tiny",
    options=(GROUP, ANCHOR, SPACE, MEASURE, CONTROL),
    ask=_ask,
    live=False,
    check=_check,
)
