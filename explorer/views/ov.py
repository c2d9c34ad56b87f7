"""OV: what attention heads write for a word that they attend to fully."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.terms import several
from explorer.views.view import Choice, Field, View, chosen, layer, rows

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import OvReport

LAYER, K = layer(), rows()
HEAD = Choice(
    "head",
    lambda ix: ("", *map(str, range(ix.manifest.model.n_heads))),
    shown=lambda v: v or "all",
)
TO = Field("to", "carried to another word")


def _ask(ix: Explorer, place: Place, _: Progress) -> OvReport:
    layer = chosen(place, ix, LAYER)
    head = chosen(place, ix, HEAD) if layer else ""
    return _written(
        ix,
        place,
        layer=int(layer) if layer else None,
        head=int(head) if head else None,
        k=None if head else int(chosen(place, ix, K)),
    )


def _picture(ix: Explorer, place: Place) -> OvReport | None:
    """Every head of every layer."""
    if chosen(place, ix, LAYER):
        return None
    return _written(ix, place, k=len(ix.manifest.layers) * ix.manifest.model.n_heads)


def _written(ix: Explorer, place: Place, **how: int | None) -> OvReport:
    word = several(place.text).words[0]
    return ix.ov(word, to=place.get("to").strip() or None, **how)


VIEW = View(
    name="ov",
    title="OV",
    about="What does each attention head write for a word, and which heads carry it to another?",
    example="large",
    options=(TO, LAYER, HEAD, K),
    ask=_ask,
    picture=_picture,
)
