"""The workbench: one place after another asked of an open index. It owns where one is.

Panes tell it what a person does, workers what came of it; it draws nothing itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Tabs

from explorer.screen.findings import Findings
from explorer.screen.heading import Heading
from explorer.screen.messages import (
    Answered,
    Detailed,
    Explored,
    Pictured,
    Refused,
    Said,
)
from explorer.screen.panes.answer import Answer
from explorer.screen.panes.options import Options
from explorer.screen.panes.query import QueryBar
from explorer.screen.sql.room import SqlRoom
from explorer.views import VIEWS
from explorer.views.place import Place, Trail

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.screen.asking import Asking
    from explorer.screen.door import Door

TYPING, LOOKING, SLOW = 0.01, 0.06, 0.2
"""Seconds without a key before a question is asked; without a move before a row is told of; and
after which what is shown fades, since it answers what was asked before."""


class Workbench(Vertical):
    """Tabs, the bar, its pickers, the answer, and what stands beside it.

    Args:
        trail: the places one came through.
        asking: asks, and tells this workbench.
        door: opened for texts that a person wants the model to be run on.
        statements: of SQL, those that ran; one that runs is added.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "nothing", "explore", show=False),
        Binding("slash", "focus_query", "query"),
        Binding("escape", "give_up", "give up", show=False),
        Binding("ctrl+g", "draw", "picture"),
        Binding("f5", "enter", "ask", show=False),
        Binding("ctrl+r", "run_model", "run the model", show=False),
    ]

    def __init__(self, trail: Trail, asking: Asking, door: Door, statements: list[str]) -> None:
        super().__init__(id="workbench")
        self.room = SqlRoom(statements)
        self.trail, self.asking, self.door = trail, asking, door
        self.ix: Explorer | None = None
        self._offered: tuple[str, ...] = ()
        self._entered_last = False
        self._arrived = True
        self._answered = 0

    def compose(self) -> ComposeResult:
        """From above to below."""
        yield Heading(self.place)
        with self.room:
            yield Findings()

    def on_mount(self) -> None:
        """It stands where one was before anything is opened."""
        self.show_place()
        self.action_focus_query()
        self.watch(self.screen, "focused", self._unfocused, init=False)

    def _unfocused(self, focused: object) -> None:
        """What was focused is hidden: keys must go somewhere, or nothing here hears them."""
        if focused is None:
            self.call_after_refresh(self._refocus)

    def _refocus(self) -> None:
        if self.screen.focused is not None or not self.display or not self.app.app_focus:
            return
        if self.has_class("-drawn"):
            self.findings.query_one("#picture").focus()
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
    def findings(self) -> Findings:
        """The answer, and what stands beside it."""
        return self.query_one(Findings)

    @property
    def answer(self) -> Answer:
        """The table."""
        return self.findings.answer

    @property
    def place(self) -> Place:
        """Where one is."""
        return self.trail.here

    def open(self, ix: Explorer, again: bool = False) -> None:
        """Ask this index from now on, what stands there first; what was asked already, `again`."""
        self.ix = ix
        self.room.open(ix)
        self.show_place()
        if again and self._entered_last:
            self.action_enter()
        else:
            self.ask(entered=not again and VIEWS[self.place.view].live)

    # -- where one is -------------------------------------------------------------------------

    def go(self, place: Place) -> None:
        """Step on to a place, and ask there."""
        self.trail.step(place)
        self.arrive()

    def arrive(self) -> None:
        """Ask where the trail stands."""
        self._arrived = True
        self.show_place()
        self.ask(entered=VIEWS[self.place.view].live)

    def show_place(self) -> None:
        """Have the heading say where one is, and the statement."""
        written = self.bar.has_focus or self.room.written
        self.heading.show(self.place, self.ix)
        self.room.show(self.place)
        if written:
            self.call_after_refresh(self.action_focus_query)

    @on(Tabs.TabActivated)
    def _view_chosen(self, event: Tabs.TabActivated) -> None:
        # An older one than the tab that stands there now says nothing any more.
        if event.tab.id == event.tabs.active and event.tab.id in VIEWS.keys() - {self.place.view}:
            self.go(replace(self.place, view=event.tab.id))

    @on(Options.Chosen)
    def _option_chosen(self, event: Options.Chosen) -> None:
        self.trail.amend(self.place.choosing(event.name, event.value, event.default))
        self.ask()

    # -- asking -------------------------------------------------------------------------------

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        self._write(replace(self.place, text=event.value))
        self.ask(TYPING)

    @on(SqlRoom.Written)
    def _written(self, event: SqlRoom.Written) -> None:
        self._write(self.place.choosing("statement", event.statement))

    def _write(self, there: Place) -> None:
        # A letter is no step; the first one after a place that was chosen or entered is.
        (self.trail.step if self._arrived else self.trail.amend)(there)
        self._arrived = False

    @on(SqlRoom.Entered)
    @on(Input.Submitted)
    def _entered(self) -> None:
        self._arrived = True
        self.ask(entered=True)

    def ask(self, delay: float = 0.0, entered: bool = False) -> None:
        """Ask what stands there; a view that takes its time is asked when told to."""
        if self.ix is None:
            return
        view, place, ix = VIEWS[self.place.view], self.place, self.ix
        self._offered = ()
        self._entered_last = entered
        self.set_timer(SLOW, self._fade)
        if view.live or entered:
            self.asking.ask(ix, view, place, delay)
        else:
            self.asking.check(lambda: view.check(ix, place) if view.check else None, delay)

    def _fade(self) -> None:
        if self._answered < self.asking.number:
            self.answer.fade()

    def action_give_up(self) -> None:
        """Give up a question under way; else go back to the bar."""
        if self.asking.give_up():
            self.room.running = ""
            self.post_message(Said("given up"))
        self.action_focus_query()

    def action_run_model(self) -> None:
        """Run the model on what is not indexed, and ask again."""
        if self._offered:
            self.door.allow(self._offered)
            self.ask(entered=True)

    def on_answered(self, message: Answered) -> None:
        """A table, or that there would be one."""
        if message.number != self.asking.number:
            return
        self._answered = message.number
        self.bar.mark(None)
        if self.room.active:
            # In the room's own turn: what it tells in ours would not come up here.
            self.room.call_later(self.room.answered, message.answer)
            return
        if message.answer is None:
            self.post_message(Said("enter asks: it may take a few seconds"))
            return
        from explorer.tables import lay_out

        view = VIEWS[self.place.view]
        self.answer.show(message.answer, (view.lay_out or lay_out)(message.answer))
        self.post_message(Said(""))

    def on_refused(self, message: Refused) -> None:
        """Why not, and where."""
        if message.number != self.asking.number:
            return
        self._answered = message.number
        self._offered = message.texts
        if self.room.active:
            self.room.call_later(self.room.refused, message.line)
        elif message.texts:
            self.answer.fade()
            self.bar.mark(None, unfinished=True)
            what = message.line.split(";")[0]
            self.post_message(Said(f"ctrl+r runs the model: {what}", "offer"))
        elif not self.place.text.strip() and not message.broken:
            self.findings.clear(VIEWS[self.place.view].about)
            self.bar.mark(None)
            self.post_message(Said(""))
        else:
            self.answer.fade()
            self.bar.mark(message.line)
            self.post_message(Said(message.line, "bad"))

    def on_pictured(self, message: Pictured) -> None:
        """What is drawn beside the table."""
        if message.number == self.asking.number:
            self.findings.drawn(message.pictures)

    def on_detailed(self, message: Detailed) -> None:
        """The row under the cursor."""
        if message.number == self.asking.number:
            self.findings.told(message.detail)

    # -- what is on the screen ----------------------------------------------------------------

    @on(Answer.Marked)
    def _marked(self, event: Answer.Marked) -> None:
        if self.ix is not None:
            self.asking.detail(self.ix, event.answer, event.layout, event.row, LOOKING)

    def on_explored(self, message: Explored) -> None:
        """Something on the screen is asked about."""
        from explorer.views.links import follow

        self.go(follow(message.link, self.place))

    @on(QueryBar.Left)
    def _left(self) -> None:
        self.answer.table.focus()

    def action_focus_query(self) -> None:
        """Go to the bar, or to the statement; to the rows where nothing is asked in words."""
        if self.room.active:
            self.room.editor.focus()
        else:
            (self.bar if self.bar.display else self.answer.table).focus()

    def action_enter(self) -> None:
        """Ask what stands there, however long it takes."""
        if self.room.active:
            self.room.call_later(self.room.action_run)
        else:
            self._entered()

    def action_draw(self) -> None:
        """Give the whole middle to the picture, or take it back."""
        if self.findings.pictures:
            self.toggle_class("-drawn")
        else:
            self.post_message(Said("there is no picture of this answer"))
