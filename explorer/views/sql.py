"""SQL: one SELECT over the catalog, a page of its rows at a time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from explorer.errors import Cancelled
from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.view import View

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import SqlRows
    from explorer.show.layout import Layout

STATEMENT = "statement"
"""What a place's statement is called among what was chosen there."""

EXAMPLE = """\
SELECT n.rank, n.item, n.score, w.zipf
FROM neighbors('large', k := 50) n LEFT JOIN word w ON w.text = trim(n.text)
ORDER BY n.rank"""
PAGE = 500
"""Rows that are shown at once."""

MINUTES = 10
"""That a statement may take: whoever looks on can give it up sooner."""

_LOOK = 0.05
"""Seconds between two looks at whether it was."""


def _ask(ix: Explorer, place: Place, progress: Progress) -> SqlRows:
    cancelled, over = threading.Event(), threading.Event()
    begun = time.monotonic()

    def look() -> None:
        while not over.wait(_LOOK):
            try:
                progress(f"running for {time.monotonic() - begun:.1f} s", 0, 0)
            except Cancelled:
                cancelled.set()
                return

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        statement = place.get(STATEMENT)
        return ix.sql(statement, timeout=60 * MINUTES, cancelled=cancelled)
    finally:
        over.set()
        watch.join()


def page_of(answer: SqlRows, at: int) -> Layout:
    """One page of an answer, counted from 0."""
    from explorer.questions.sql import page

    return page(answer, at * PAGE, PAGE)


def pages(answer: SqlRows) -> int:
    """How many pages an answer has: at least one."""
    return max(1, -(-len(answer) // PAGE))


VIEW = View(
    name="sql",
    title="SQL",
    about="What does one SELECT over the catalog and the questions answer?",
    example="",
    options=(),
    ask=_ask,
    live=False,
    lay_out=lambda answer: page_of(answer, 0),
    letter="s",
)
