"""SQL: one SELECT over the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.view import View

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.results import SqlRows


def _ask(ix: Explorer, place: Place, _: Progress) -> SqlRows:
    return ix.sql(place.get("statement"))


VIEW = View(
    name="sql",
    title="SQL",
    about="What does one SELECT over the catalog and the questions answer?",
    example="",
    options=(),
    ask=_ask,
    live=False,
)
