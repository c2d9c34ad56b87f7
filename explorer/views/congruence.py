"""Congruence: of words typed or of a group; with an anchor in one space, a row a word."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from explorer.progress import Progress
from explorer.questions import AnchoredQuery, CongruenceQuery
from explorer.views.place import Place
from explorer.views.terms import only_words
from explorer.views.view import Choice, Option, check_words, chosen, view_of

if TYPE_CHECKING:
    from explorer.api import Explorer

_BY_SPACE = view_of(CongruenceQuery)
_NOTHING_CHOSEN = {"group": "words typed", "space": "every space"}


def _named(option: Option) -> Option:
    nothing = _NOTHING_CHOSEN.get(option.name)
    if nothing is None or not isinstance(option, Choice):
        return option
    return dataclasses.replace(option, shown=lambda value: value or nothing)


_OPTIONS = {one.name: _named(one) for one in _BY_SPACE.options}


def _words(ix: Explorer, place: Place, least: int = 1) -> tuple[str, ...]:
    """What is typed, unless a group was chosen."""
    return () if chosen(place, ix, _OPTIONS["group"]) else only_words(place.text, least)


def _ask(ix: Explorer, place: Place, progress: Progress) -> Any:
    given: dict[str, Any] = {
        name: value
        for name, option in _OPTIONS.items()
        if (value := chosen(place, ix, option).strip())
    }
    words = _words(ix, place, 1 if "anchor" in given else 2)
    if "anchor" in given and "space" in given:
        return ix.ask(AnchoredQuery(words, **given), progress)
    return ix.ask(CongruenceQuery(words, **given), progress)


def _check(ix: Explorer, place: Place) -> None:
    check_words(ix, [*_words(ix, place), *filter(None, [place.get("anchor").strip()])])


VIEW = dataclasses.replace(
    _BY_SPACE, options=tuple(_OPTIONS.values()), ask=_ask, check=_check, instead="group"
)
