"""The panel of the SQL view: a statement above, and below it what the workbench has for any answer.

Owns what is written, which page is shown, and the answers that were had. It asks nothing itself:
it tells the workbench when to.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from explorer.screen.messages import Said
from explorer.screen.results import Results
from explorer.views.history import AnswerCache, History
from explorer.views.place import Place, RowMark
from explorer.views.sql import STATEMENT, page_of, pages

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import SqlRows
    from explorer.screen.sql.editor import Editor
    from explorer.screen.sql.statement import StatementPane


class SqlPanel(Vertical):
    """The middle of the screen; in other views only what stands below the statement.

    Args:
        statements: those that ran; one that runs is added.
    """

    DEFAULT_CSS = """
    SqlPanel { height: 1fr; }
    SqlPanel.-folded SchemaPane { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+enter,ctrl+j", "run", "run"),
        Binding("n", "turn(1)", "next page"),
        Binding("p", "turn(-1)", "page before"),
        Binding("f4", "schema", "schema"),
        Binding("escape", "leave", "leave", show=False),
    ]

    @dataclass
    class Written(Message):
        """The statement was changed."""

        statement: str

    class Entered(Message):
        """The statement is to run."""

    def __init__(self, statements: list[str]) -> None:
        self.history = History(statements)
        super().__init__(id="sql-panel")
        self.answer: SqlRows | None = None
        self.page = 0
        self.active = False
        self.running = ""
        self._begun = 0.0
        self._ix: Explorer | None = None
        self._upper: StatementPane | None = None
        self._mounting = asyncio.Lock()
        self._answers = AnswerCache()
        self._pages: dict[str, int] = {}
        self._statement = ""

    @property
    def editor(self) -> Editor:
        """Where the statement is written; there is one as soon as the view was shown."""
        assert self._upper is not None
        return self._upper.editor

    @property
    def results(self) -> Results:
        """What stands below it."""
        return self.query_one(Results)

    @property
    def written(self) -> bool:
        """Whether the keys go to the statement or to what it can name."""
        focused = self.screen.focused
        return focused is not None and self._upper in focused.ancestors_with_self

    @property
    def written_in(self) -> Editor | None:
        """The editor; None where it is still being made, and then takes the focus itself."""
        return self._upper.editor if self._upper is not None else None

    def open(self, ix: Explorer) -> None:
        """Name what this index has; answers of another are forgotten."""
        self._ix = ix
        self._answers.clear()
        if self._upper is not None and self.active:
            self._upper.describe(ix)

    def show(self, place: Place) -> None:
        """Have a place's statement stand there, or step aside for another view."""
        came, self.active = place.view == "sql" and not self.active, place.view == "sql"
        self.running = ""
        if self.active:
            self._statement = place.get(STATEMENT)
        if self._upper is not None:
            self._show_statement(self._upper, came)
        elif self.active:
            self.call_later(self.mount_panes)

    async def mount_panes(self) -> None:
        """What stands above is made when it is first shown: the first screen needs none of it."""
        from explorer.screen.sql.statement import StatementPane

        async with self._mounting:
            if self._upper is not None:
                return
            upper = StatementPane(self.history)
            await self.mount(upper, before=0)
            self._upper = upper
        self._show_statement(upper, came=True)
        if self.active:
            self.screen.set_focus(self.editor)

    def _show_statement(self, upper: StatementPane, came: bool) -> None:
        """Show the statement, or nothing where another view is shown."""
        upper.display = self.active
        if not self.active:
            return
        if came:
            self.set_class(self.screen.has_class("-narrow"), "-folded")
            self.editor.colour()
            if self._ix is not None:
                upper.describe(self._ix)
        if self.editor.text != self._statement:
            self.editor.write(self._statement)
            self.editor.mark(None)
        self.refresh_bindings()

    # -- writing ------------------------------------------------------------------------------

    def on_text_area_changed(self, event: Editor.Changed) -> None:
        """A key was written into the statement."""
        event.stop()
        if self.editor.text != self._statement:
            self._statement = self.editor.text
            self.editor.mark(None)
            self.post_message(self.Written(self._statement))

    # -- running ------------------------------------------------------------------------------

    def on_run_clicked(self) -> None:
        """Run it."""
        self.action_run()

    def action_run(self) -> None:
        """Run what is written."""
        if not self._statement.strip():
            self.post_message(Said("write a statement first"))
            return
        self.editor.mark(None)
        self.editor.clear_suggestion()
        self.running, self._begun = self._statement, time.monotonic()
        self.post_message(self.Entered())

    def answered(self, answer: SqlRows | None, mark: RowMark | None = None) -> None:
        """A statement has its answer; None where one only came here, and nothing was asked.

        `mark` is the row one stood on, where one has come back.
        """
        self.running = ""
        if answer is None:
            self._recall(mark)
            return
        self.history.add(answer.query.sql)
        self._answers.keep(answer)
        self._show(answer)
        took = time.monotonic() - self._begun
        self.post_message(Said(f"{len(answer):,} row{'s' * (len(answer) != 1)} in {took:.2f} s"))

    def refused(self, line: str) -> None:
        """A statement has none: why, and where."""
        from explorer.views.statements import misplaced

        ran, self.running = self.running, ""
        self.post_message(Said(line, "bad"))
        if ran and self.editor.text == ran and (wrong := misplaced(line, ran)) is not None:
            self.editor.mark(wrong)
            self.screen.set_focus(self.editor)

    def _recall(self, mark: RowMark | None) -> None:
        """Show what the statement answered when it ran; nothing runs because one comes here."""
        found = self._answers.get(self._statement)
        if found is not None:
            self._show(found, self._pages.get(self._statement, 0), mark)
            self.post_message(Said(""))
            return
        self.answer = None
        self.results.clear()
        self.refresh_bindings()
        self.post_message(Said("f5 runs the statement" if self._statement.strip() else ""))

    # -- pages --------------------------------------------------------------------------------

    def _show(self, answer: SqlRows, page: int = 0, mark: RowMark | None = None) -> None:
        self.answer, self.page = answer, page
        self._pages[answer.query.sql] = page
        layout = page_of(answer, page)
        if (count := pages(answer)) > 1:
            head = f"{layout.head[0]}; page {page + 1:,} of {count:,} (n next, p before)"
            layout = replace(layout, head=[head])
        self.results.show(answer, layout, mark)
        if mark is None:
            self.results.answer.table.scroll_home(animate=False)
        self.refresh_bindings()

    def action_turn(self, by: int) -> None:
        """The next page, or the one before."""
        if self.answer is not None and 0 <= self.page + by < pages(self.answer):
            self._show(self.answer, self.page + by)

    # -- getting about ------------------------------------------------------------------------

    def action_schema(self) -> None:
        """Go to what can be named; from there, hide it."""
        assert self._upper is not None
        names = self._upper.names
        folded = self.screen.focused is names
        self.set_class(folded, "-folded")
        self.screen.set_focus(self.editor if folded else names)

    def action_leave(self) -> None:
        """From the editor to the rows, from elsewhere to the editor; what runs is given up."""
        if self.running:
            raise SkipAction
        writing = self.screen.focused is self.editor
        self.screen.set_focus(self.results.answer.table if writing else self.editor)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In other views nothing is done here; pages are turned where there are several."""
        if action == "turn":
            by: Any = parameters[0]
            more = self.answer is not None and 0 <= self.page + by < pages(self.answer)
            return self.active and more
        if action in ("run", "schema", "leave"):
            return self.active and self._upper is not None
        return True
