"""The results: the answer, the row under the cursor at length, and the pictures, side by side.

Knows what of it leads where; asks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from explorer.screen.messages import Explored
from explorer.screen.panes.answer import AnswerPane
from explorer.screen.panes.detail import DetailPane
from explorer.screen.panes.findings import FindingsPane
from explorer.screen.panes.picture import PicturePane

if TYPE_CHECKING:
    from explorer.questions import Finding
    from explorer.show.shapes import Picture
    from explorer.views.detail import Detail
    from indexer.store.layout import Manifest


class Results(Horizontal):
    """An answer, and what stands beside it.

    `manifest` is that of the index whose answers these are, once one is open.
    """

    manifest: Manifest | None = None

    DEFAULT_CSS = """
    Results { height: 1fr; }
    Results #side { width: 1fr; height: 1fr; }
    Results FindingsPane { display: none; }
    Results.-findings FindingsPane { display: block; }
    Results.-findings #answer, Results.-findings #side { display: none; }
    """

    def compose(self) -> ComposeResult:
        """The table at the left."""
        yield AnswerPane()
        with Vertical(id="side"):
            yield DetailPane()
            yield PicturePane()

    @property
    def answer(self) -> AnswerPane:
        """The table."""
        return self.query_one(AnswerPane)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What is drawn."""
        return self.query_one(PicturePane).pictures

    @property
    def subject(self) -> str:
        """What the row under the cursor is about; empty where there is none."""
        from explorer.views.links import links

        row = self.answer.row
        found = links(self.answer.answer, row, self.manifest) if row is not None else ()
        return found[0].label if found else ""

    def clear(self, line: str = "") -> None:
        """Show nothing but a line."""
        self.answer.clear(line)
        self.show_detail(None)
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

    def show_detail(self, detail: Detail | None) -> None:
        """Show a row at length."""
        self.query_one(DetailPane).show(detail)

    def show_pictures(self, pictures: tuple[Picture, ...]) -> None:
        """Draw pictures."""
        self.query_one(PicturePane).show(pictures)

    @on(AnswerPane.Chosen)
    def _chosen(self, event: AnswerPane.Chosen) -> None:
        from explorer.views.links import links

        event.stop()
        if found := links(event.answer, event.row, self.manifest):
            self.post_message(Explored(found[0]))

    @on(DetailPane.Followed)
    def _followed(self, event: DetailPane.Followed) -> None:
        event.stop()
        self.post_message(Explored(event.link))
