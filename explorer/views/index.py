"""Index: what is in this index; and what unrelated items of each of its spaces score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.progress import Progress
from explorer.questions import BaselineQuery
from explorer.views.place import Place
from explorer.views.view import Choice, View, chosen, fixed

if TYPE_CHECKING:
    from explorer.api import Explorer

SHOW = Choice("show", fixed("spaces", "baseline"))
SPACE = Choice("space", lambda ix: ("", *ix.spaces), shown=lambda name: name or "every depth")
"""Of a baseline: one alone is told by every measure."""


def _ask(ix: Explorer, place: Place, progress: Progress) -> Any:
    if chosen(place, ix, SHOW) != "baseline":
        return ix.manifest
    return ix.ask(BaselineQuery(chosen(place, ix, SPACE) or None), progress)


def _lay_out(answer: Any) -> Any:
    from explorer.about import index
    from explorer.questions import Result

    return answer.layout() if isinstance(answer, Result) else index(answer)


VIEW = View(
    name="index",
    title="Index",
    about="What is in this index: its model, spaces, conventions and sizes.",
    example="",
    options=(SHOW, SPACE),
    ask=_ask,
    lay_out=_lay_out,
    letter="i",
)
