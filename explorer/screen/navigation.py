"""Moving between places: the one that the heading shows, the steps to others, and the focus.

It owns the trail; whoever builds on it says what is asked at a place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Tabs
from textual.widgets._select import SelectOverlay

from explorer.screen.heading import Heading
from explorer.screen.messages import Explored
from explorer.screen.panes.answer import AnswerPane
from explorer.screen.panes.options import Options
from explorer.screen.panes.query import QueryBar
from explorer.screen.resilient import ResilientApp
from explorer.screen.results import Results
from explorer.screen.sql.panel import SqlPanel
from explorer.views import VIEWS
from explorer.views.place import Place, Trail
from explorer.views.sql import STATEMENT

if TYPE_CHECKING:
    from textual.widget import Widget

    from explorer.api import Explorer

TYPING, BEHIND = 0.01, 0.5
"""Seconds without a key before a question is asked, and where the next letter waits already."""


class Navigation(Vertical):
    """Tabs, the bar, its pickers, the answer, and what stands beside it.

    Args:
        trail: the places one came through.
        statements: of SQL, those that ran; one that runs is added.
    """

    def __init__(self, trail: Trail, statements: list[str]) -> None:
        super().__init__(id="workbench")
        self.trail, self.sql_panel = trail, SqlPanel(statements)
        self.ix: Explorer | None = None
        self._view_shown = ""
        self.come_back: Place | None = trail.here
        """The place that one has come back to: its row is to be found again."""

    def compose(self) -> ComposeResult:
        """From above to below."""
        yield Heading(self.place)
        with self.sql_panel:
            yield Results()

    async def on_mount(self) -> None:
        """The place of the last run is shown before anything is opened."""
        await self.mount_panes(self.place.view)
        self.show_place()
        self.action_focus_query()
        self.watch(self.screen, "focused", self._unfocused, init=False)

    def _unfocused(self, focused: object) -> None:
        """What was focused is hidden: keys must go somewhere, or nothing here hears them.

        At once: a key that was pressed meanwhile is not to be selected, and written over.
        """
        if focused is None:
            self._refocus()

    def _refocus(self) -> None:
        if self.screen.focused is not None or not self.display or not self.app.app_focus:
            return
        if self.has_class("-drawn"):
            self.screen.set_focus(self.results.query_one("#picture"))
        else:
            self.action_focus_query()

    @property
    def heading(self) -> Heading:
        """Tabs, bar and pickers."""
        return self.query_one(Heading)

    @property
    def bar(self) -> QueryBar:
        """The query bar."""
        return self.query_one(QueryBar)

    @property
    def results(self) -> Results:
        """The answer, and what stands beside it."""
        return self.query_one(Results)

    @property
    def answer(self) -> AnswerPane:
        """The table."""
        return self.results.answer

    @property
    def place(self) -> Place:
        """Where one is."""
        return self.trail.here

    def ask(self, delay: float = 0.0, entered: bool = False) -> None:
        """Ask what stands here, after some seconds without another; `entered` says to do it now."""
        raise NotImplementedError

    async def mount_panes(self, view: str) -> None:
        """Make the panes of a view that are not there yet; the keys pressed next are for them."""
        if view == "sql":
            await self.sql_panel.mount_panes()

    async def visit(self, view: str) -> None:
        """The same query in another view; the keys pressed next are for what stands there then."""
        await self.mount_panes(view)
        self.go(replace(self.place, view=view))
        await self.heading.mounted()
        self._focus_what_is_written()

    async def step(self, by: int) -> None:
        """Back along the trail, or forward again."""
        trail, before = self.trail, self.place.view
        if not (trail.back() if by < 0 else trail.forward()):
            return
        await self.mount_panes(self.place.view)
        self.come_back = self.place
        self.arrive()
        await self.heading.mounted()
        if self.place.view != before and self.screen.focused is not self.answer.table:
            self._focus_what_is_written()

    # -- ways -----------------------------------------------------------------------------------

    def go(self, place: Place) -> None:
        """Step on to a place, and ask there."""
        self.trail.step(place)
        self.arrive()

    def arrive(self) -> None:
        """Ask where the trail stands."""
        self.trail.arrive()
        self.show_place()
        self.ask(entered=VIEWS[self.place.view].live)

    def show_place(self) -> None:
        """Have the heading say where one is, and the statement; no other view's answer stands."""
        written = self.screen.focused is self.bar or self.sql_panel.written
        self.heading.show(self.place, self.ix)
        if self.place.view != self._view_shown:
            self._view_shown = self.place.view
            self.leave_picture()
            self.results.clear(VIEWS[self.place.view].about)
        self.sql_panel.show(self.place)
        if written:
            self.action_focus_query()

    def leave_picture(self) -> None:
        """Give the middle back to the table."""
        if self.has_class("-drawn"):
            self.remove_class("-drawn")
            self.refresh_bindings()

    @on(Tabs.TabActivated)
    async def _view_chosen(self, event: Tabs.TabActivated) -> None:
        # An older one than the tab that stands there now says nothing any more.
        if event.tab.id == event.tabs.active and event.tab.id in VIEWS.keys() - {self.place.view}:
            await self.visit(event.tab.id)

    @on(Options.Chosen)
    def _option_chosen(self, event: Options.Chosen) -> None:
        place = self.place.choosing(event.name, event.value, event.default)
        if event.name == VIEWS[place.view].instead and event.value:
            place = replace(place, text="")
        self.trail.amend(place)
        if place.text != self.bar.value:
            self.heading.show(place, self.ix)
        self.ask()

    def on_explored(self, message: Explored) -> None:
        """Something on the screen is asked about."""
        from explorer.views.links import follow

        self.go(follow(message.link, self.place))

    # -- writing --------------------------------------------------------------------------------

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        place, instead = self.place, VIEWS[self.place.view].instead
        if instead and event.value.strip() and place.get(instead):
            place = place.choosing(instead, "")
        self.trail.write(replace(place, text=event.value))
        if instead:
            self.heading.show_choices(self.place)
        keys = self.app.keys if isinstance(self.app, ResilientApp) else None
        self.ask(BEHIND if keys is not None and keys.writing_on else TYPING)

    @on(SqlPanel.Written)
    def _written(self, event: SqlPanel.Written) -> None:
        self.trail.write(self.place.choosing(STATEMENT, event.statement))

    @on(SqlPanel.Entered)
    @on(Input.Submitted)
    def _entered(self) -> None:
        self.trail.arrive()
        self.ask(entered=True)

    def take_what_is_written(self) -> None:
        """Be where the lines say: of what was just typed it may not have been told yet."""
        place, editor = self.place, self.sql_panel.written_in
        if self.sql_panel.active and editor is not None:
            place = place.choosing(STATEMENT, editor.text)
        elif self.bar.display:
            place = replace(place, text=self.bar.value)
        if place != self.place:
            self.trail.write(place)

    # -- focus ----------------------------------------------------------------------------------

    @on(QueryBar.Left)
    def _left(self) -> None:
        self.screen.set_focus(self.answer.table)

    def action_focus_query(self) -> None:
        """Go to where one writes: the bar, the statement, or the first line beside; else the rows.

        What stands there is selected, so that typing replaces it.
        """
        written = next(iter(self.heading.lines), self.answer.table)
        widget: Widget | None = self.sql_panel.written_in if self.sql_panel.active else written
        if widget is not None:
            self.screen.set_focus(widget)  # at once: a key that was pressed meanwhile is for it

    def _focus_what_is_written(self) -> None:
        """Stay in the line that one was in where this view has it too; else go where one writes."""
        focused, lines = self.screen.focused, self.heading.lines
        if focused in lines or self.sql_panel.written:
            return
        same = next((one for one in lines if focused and one.name == focused.name), None)
        if isinstance(focused, Input) and same is not None and not self.sql_panel.active:
            self.screen.set_focus(same)
        else:
            self.action_focus_query()

    def on_key(self, event: events.Key) -> None:
        """A letter that means nothing where the cursor is begins another query."""
        picking = isinstance(self.screen.focused, SelectOverlay)
        if event.is_printable and event.key not in self.screen.active_bindings and not picking:
            self._write(event, events.Key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """So does a text."""
        self._write(event, events.Paste(event.text))

    def _write(self, event: events.Event, again: events.Event) -> None:
        """Hand what was typed elsewhere to where one writes; it replaces what stands there."""
        lines = self.heading.lines
        if lines and not self.sql_panel.active and self.screen.focused not in lines:
            event.stop()
            self.screen.set_focus(lines[0])
            lines[0].post_message(again)  # after it has heard that it is focused
