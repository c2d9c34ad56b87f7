"""Index: what is in this index; and what unrelated items of each of its spaces score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.view import Choice, View, chosen, fixed

if TYPE_CHECKING:
    from explorer.api import Explorer

SHOW = Choice("show", fixed("spaces", "baseline"))


def _ask(ix: Explorer, place: Place, _: Progress) -> Any:
    return ix.baseline() if chosen(place, ix, SHOW) == "baseline" else ix.manifest


def _lay_out(answer: Any) -> Any:
    from explorer.about import index
    from explorer.questions import Result

    return answer.layout() if isinstance(answer, Result) else index(answer)


VIEW = View(
    name="index",
    title="Index",
    about="What is in this index: its model, spaces, conventions and sizes.",
    example="",
    options=(SHOW,),
    ask=_ask,
    lay_out=_lay_out,
    letter="i",
)
