"""What is offered where a question is refused: what the same question answers in its place.

Knows errors, and how a word goes on; asks by what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.views.completion import completed
from indexer.store.errors import SemanticError

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.views.place import Place

MOST_WRONG = 3
"""Texts of one place that are mended together."""


def offer(ix: Explorer, error: SemanticError, place: Place, ask: Callable[[Place], object]) -> None:
    """Have an error offer, of what it names, what is answered; nothing where nothing is.

    Args:
        ix: the index that is asked.
        error: why a place was refused; it then offers a whole line of the place.
        place: where it was asked.
        ask: asks the same at another place; raises where that is refused too.
    """
    mended = _mended(ix, error, place, ask, MOST_WRONG)
    lines = () if mended is None else zip(place.lines, mended.lines, strict=True)
    changed = [(old.strip(), new.strip()) for (_, old), (_, new) in lines if old != new]
    asked, instead = changed[0] if changed else (error.asked, "")
    error.offering(asked, [instead] if instead else [])


def _mended(
    ix: Explorer, error: SemanticError, place: Place, ask: Callable[[Place], object], most: int
) -> Place | None:
    """The first place that is answered, with as many texts replaced at most."""
    for there in _instead(ix, error, place) if most else ():
        try:
            ask(there)
        except SemanticError as err:
            if (further := _mended(ix, err, there, ask, most - 1)) is not None:
                return further
        else:
            return there
    return None


def _instead(ix: Explorer, error: SemanticError, place: Place) -> Iterator[Place]:
    """The places that an error names; half a word is no mistake, and goes on first."""
    last = bool(error.instead and error.asked) and place.text.rstrip().endswith(error.asked)
    if last and (whole := completed(ix, place.text)) is not None:
        yield replace(place, text=whole)
    for one in error.instead:
        if (there := place.writing(error.asked, one)) is not None:
            yield there
