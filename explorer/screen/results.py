"""The results: the answer, the row under the cursor at length, and the pictures, side by side.

Knows what of it leads where; asks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from explorer.screen.messages import Explored
from explorer.screen.panes.answer import AnswerPane
from explorer.screen.panes.detail import DetailPane
from explorer.screen.panes.findings import FindingsPane
from explorer.screen.panes.picture import LEAST_BELOW, BelowPane, PicturePane
from explorer.show.shapes import Distribution, Grid
from explorer.views.place import RowMark

if TYPE_CHECKING:
    from explorer.questions import Finding
    from explorer.show.layout import Layout
    from explorer.show.shapes import Picture
    from explorer.views.detail import Detail
    from indexer.store.layout import Manifest

SLOW = 0.2
"""Seconds after which what is shown fades, where it is of what was asked before."""


class Results(Horizontal):
    """An answer, and what stands beside it.

    `manifest` is that of the index whose answers these are, once one is open.
    """

    manifest: Manifest | None = None
    stale = False
    """Whether what is shown answers what was asked before: nothing is done with it."""

    DEFAULT_CSS = """
    Results { height: 1fr; }
    Results #main { width: 2fr; height: 1fr; }
    Results #side { width: 1fr; height: 1fr; }
    Results DetailPane { height: 1fr; }
    Results.-drawing DetailPane { height: auto; max-height: 35%; }
    Results.-grid DetailPane { max-height: 20%; }
    Results DetailPane.-old, Results PicturePane.-old, Results BelowPane.-old { opacity: 60%; }
    Results FindingsPane { display: none; }
    Results.-findings FindingsPane { display: block; }
    Results.-findings #main, Results.-findings #side { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_answer: tuple[Picture, ...] = ()
        self._of_row: tuple[Picture, ...] = ()
        self._old: set[str] = set()
        self._missed: RowMark | None = None

    def compose(self) -> ComposeResult:
        """The table at the left."""
        with Vertical(id="main"):
            yield AnswerPane()
            yield BelowPane()
        with Vertical(id="side"):
            yield DetailPane()
            yield PicturePane()

    @property
    def answer(self) -> AnswerPane:
        """The table."""
        return self.query_one(AnswerPane)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What is drawn, of the row and of the whole answer; a spread of all scores comes last."""
        spread = isinstance(next(iter(self._of_answer), None), Distribution)
        both = (self._of_row, self._of_answer) if spread else (self._of_answer, self._of_row)
        return both[0] + both[1]

    @property
    def subject(self) -> str:
        """What the row under the cursor is about; empty where there is none."""
        row = None if self.stale else self.answer.row
        return self._label(row) if row is not None else ""

    def _label(self, row: Any) -> str:
        """What a row is about; empty where that can't be asked about."""
        from explorer.views.links import links

        found = links(self.answer.answer, row, self.manifest)
        return found[0].label if found else ""

    @property
    def mark(self) -> RowMark:
        """The row under the cursor, to be found again."""
        listing, at = self.answer.position
        return RowMark(self.subject, at, listing)

    def go_to(self, mark: RowMark) -> None:
        """Put the cursor back on a row; where there is no such list, once there is more to show."""
        labels = [self._label(row) for row in self.answer.listed(mark.listing)]
        self._missed = None if labels else mark
        self.answer.go_to(mark.listing, mark.found(labels))

    @property
    def shown(self) -> Any:
        """The answer to what stands above; None where there is none yet."""
        return None if self.stale else self.answer.answer

    def show(self, answer: Any, layout: Layout, mark: RowMark | None = None) -> None:
        """Show the answer to what stands above, the cursor on a row one stood on, or the first."""
        self.stale = False
        self._old = {"detail", "row", "answer"}
        self.answer.show(answer, layout)
        self.set_timer(SLOW, self._fade)
        self._missed = None
        if mark is not None:
            self.go_to(mark)
        if not self.answer.rows:
            self.show_detail(None)

    def extend(self, layout: Layout) -> None:
        """Show more of the same answer, the cursor where it stands."""
        mark = self._missed or self.mark
        self.answer.show(self.answer.answer, layout)
        self.go_to(mark)

    def leave_out_what_is_old(self) -> None:
        """Show nothing beside the table that is of an answer before it, and no newer will come."""
        if "detail" in self._old:
            self.show_detail(None)
        if self._old & {"row", "answer"}:
            self._of_row = self._of_row if "row" not in self._old else ()
            self.show_pictures(self._of_answer if "answer" not in self._old else ())

    def clear(self, line: str = "") -> None:
        """Show nothing but a line."""
        self.stale = False
        self.answer.clear(line)
        self.show_detail(None)
        self._of_row = ()
        self.show_pictures(())

    def show_findings(
        self, findings: tuple[Finding, ...], about: str, explains: str = "", first: int = 0
    ) -> None:
        """Show what there is to see, below what the view asks, where no answer stands."""
        if not self.query(FindingsPane):  # made when it is first needed
            self.mount(FindingsPane())
        self.set_class(bool(findings), "-findings")
        pane = self.query_one(FindingsPane)
        pane.call_after_refresh(pane.show, findings, about, explains, first)

    def hide_findings(self) -> None:
        """An answer stands there, or is about to."""
        self.remove_class("-findings")

    @property
    def findings(self) -> FindingsPane | None:
        """The list, where it is shown."""
        return self.query_one(FindingsPane) if self.has_class("-findings") else None

    def _fade(self) -> None:
        """What stands beside the table and is of an answer before it."""
        self.query_one(DetailPane).set_class("detail" in self._old, "-old")
        drawn = bool(self._old & {"row", "answer"})
        self.query_one(PicturePane).set_class(drawn, "-old")
        self.query_one(BelowPane).set_class(drawn, "-old")

    def _renewed(self, what: str) -> None:
        self._old.discard(what)
        self._fade()

    def show_detail(self, detail: Detail | None) -> None:
        """Show a row at length."""
        self._renewed("detail")
        self.query_one(DetailPane).show(detail)

    def show_pictures(self, pictures: tuple[Picture, ...]) -> None:
        """Draw the pictures of the answer."""
        self._renewed("answer")
        self._of_answer = pictures
        self._draw()

    def show_row_pictures(self, pictures: tuple[Picture, ...]) -> None:
        """Draw the pictures of the row under the cursor."""
        self._renewed("row")
        self._of_row = pictures
        self._draw()

    def _draw(self) -> None:
        """Pictures at the side, the last of them below the table where that leaves room."""
        if self.answer.row is None:
            self._of_row = ()
        pictures, below = self.pictures, self.query_one(BelowPane)
        room = self.answer.spare + (below.size.height if below.display else 0)
        wide = self.query_one("#side").region.y == self.answer.region.y
        last = pictures[1:][-1:] if wide and room >= LEAST_BELOW else ()
        if last:
            below.styles.height = room
        below.show(last)
        beside = pictures[: len(pictures) - len(last)]
        self.query_one(PicturePane).show(beside)
        self.set_class(bool(beside), "-drawing")
        self.set_class(isinstance(next(iter(pictures), None), Grid), "-grid")

    @on(AnswerPane.Arranged)
    def _arranged(self, event: AnswerPane.Arranged) -> None:
        event.stop()
        self._draw()

    @on(AnswerPane.Chosen)
    def _chosen(self, event: AnswerPane.Chosen) -> None:
        from explorer.views.links import links

        event.stop()
        if not self.stale and (found := links(event.answer, event.row, self.manifest)):
            self.post_message(Explored(found[0]))

    @on(DetailPane.Followed)
    def _followed(self, event: DetailPane.Followed) -> None:
        event.stop()
        if not self.stale:
            self.post_message(Explored(event.link))
