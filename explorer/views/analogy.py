"""Analogy: in one space, or a row for each; beside one space where the target stands in each."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from explorer.progress import Progress
from explorer.questions import AnalogyLayersQuery, AnalogyQuery
from explorer.questions.query import parameters
from explorer.views.place import Place
from explorer.views.view import Choice, ask_as_many, chosen, option_of, typed, view_of

if TYPE_CHECKING:
    from explorer.api import Explorer

EVERY = "every layer"
_IN_ONE = view_of(AnalogyQuery)
_SPACE = Choice("space", lambda ix: (EVERY, *(entry.name for entry in ix.manifest.depths)), "embed")


def _everywhere(ix: Explorer, place: Place) -> AnalogyLayersQuery:
    bar, *others = parameters(AnalogyLayersQuery)
    given: dict[str, Any] = typed(bar, place.text)
    for one in others:
        option = option_of(one)
        if option is not None and one.name not in ("k", "distinct"):
            given[one.name] = chosen(place, ix, option).strip() or one.default
    if place.get("k"):  # else a row names as few as fit in it
        given["k"] = int(place.get("k"))
    return AnalogyLayersQuery(**given, distinct=True)


def _ask(ix: Explorer, place: Place, progress: Progress) -> Any:
    if chosen(place, ix, _SPACE) == EVERY:
        return ask_as_many(ix, _everywhere(ix, place), place, progress)
    return _IN_ONE.ask(ix, place, progress)


def _picture(ix: Explorer, place: Place) -> Any:
    """Where the target stands at each depth."""
    unasked = not place.get("target").strip() or chosen(place, ix, _SPACE) == EVERY
    return None if unasked else ix.ask(_everywhere(ix, place))


VIEW = dataclasses.replace(
    _IN_ONE,
    options=tuple(_SPACE if one.name == "space" else one for one in _IN_ONE.options),
    ask=_ask,
    picture=_picture,
)
