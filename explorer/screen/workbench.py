"""The workbench: one place after another asked of an open index. It owns where one is.

Panes tell it what a person does, workers what came of it; it draws nothing itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Input, Tab, Tabs

from explorer.screen.messages import (
    Answered,
    Detailed,
    Explored,
    Pictured,
    Refused,
    Said,
)
from explorer.screen.panes.answer import Answer
from explorer.screen.panes.detail import DetailPane
from explorer.screen.panes.options import Options
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.query import QueryBar
from explorer.tables import lay_out
from explorer.views import VIEWS
from explorer.views.completion import completions
from explorer.views.links import follow, links
from explorer.views.place import Place, Trail

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.screen.asking import Asking
    from explorer.screen.door import Door

TYPING, LOOKING = 0.03, 0.08
"""Seconds without a key before a question is asked; without a move before a row is told of."""


class Workbench(Vertical):
    """Tabs, the bar, its pickers, the answer, and what stands beside it.

    Args:
        trail: the places one came through.
        asking: asks, and tells this workbench.
        door: opened for texts that a person wants the model to be run on.
    """

    DEFAULT_CSS = """
    Workbench Tabs { height: 2; }
    Workbench Tab { padding: 0 1; }
    Workbench #options { height: 1; }
    Workbench #body { height: 1fr; }
    Workbench #side { width: 1fr; height: 1fr; }
    .-narrow Workbench #body { layout: vertical; }
    .-narrow Workbench #answer { width: 1fr; height: 2fr; }
    .-narrow Workbench #side { width: 1fr; height: 1fr; layout: horizontal; }
    Workbench.-drawn #answer, Workbench.-drawn #detail { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "nothing", "explore", show=False),
        Binding("slash", "focus_query", "query"),
        Binding("escape", "give_up", "give up", show=False),
        Binding("ctrl+g", "draw", "picture"),
        Binding("ctrl+r", "run_model", "run the model", show=False),
    ]

    def __init__(self, trail: Trail, asking: Asking, door: Door) -> None:
        super().__init__(id="workbench")
        self.trail, self.asking, self.door = trail, asking, door
        self.ix: Explorer | None = None
        self._offered: tuple[str, ...] = ()
        self._entered_last = False

    def compose(self) -> ComposeResult:
        """From above to below."""
        yield Tabs(*(Tab(view.title, id=name) for name, view in VIEWS.items()), id="views")
        yield QueryBar(self._completions)
        yield Container(id="options")
        with Horizontal(id="body"):
            yield Answer()
            with Vertical(id="side"):
                yield DetailPane()
                yield PicturePane()

    def on_mount(self) -> None:
        """It stands where one was before anything is opened."""
        self.show_place()
        self.bar.focus()

    @property
    def bar(self) -> QueryBar:
        """The query bar."""
        return self.query_one(QueryBar)

    @property
    def answer(self) -> Answer:
        """The table."""
        return self.query_one(Answer)

    @property
    def place(self) -> Place:
        """Where one is."""
        return self.trail.here

    def open(self, ix: Explorer, again: bool = False) -> None:
        """Ask this index from now on, what stands there first; what was asked already, `again`."""
        self.ix = ix
        self.query_one("#options").remove_children()
        self.show_place()
        self.ask(entered=self._entered_last if again else self.place.view != "congruence")

    def _completions(self, text: str) -> tuple[str, ...]:
        return completions(self.ix, text) if self.ix is not None else ()

    # -- where one is -------------------------------------------------------------------------

    def go(self, place: Place) -> None:
        """Step on to a place, and ask there."""
        self.trail.step(place)
        self.arrive()

    def arrive(self) -> None:
        """Ask where the trail stands."""
        self.show_place()
        self.ask(entered=VIEWS[self.place.view].live)

    def show_place(self) -> None:
        """Have tabs, bar and pickers say where one is."""
        place, view = self.place, VIEWS[self.place.view]
        with self.prevent(Tabs.TabActivated, Input.Changed):
            self.query_one(Tabs).active = view.name
            if self.bar.value != place.text:
                self.bar.value = place.text
                self.bar.cursor_position = len(place.text)
        self.bar.placeholder = view.example
        self.bar.mark(None)
        if self.ix is None:
            return
        shown = None
        for options in self.query(Options):
            options.display = options.name == view.name
            shown = options if options.display else shown
        if shown is None:
            self.query_one("#options").mount(Options(view, self.ix, place))
        else:
            shown.show(place)

    @on(Tabs.TabActivated)
    def _view_chosen(self, event: Tabs.TabActivated) -> None:
        if event.tab.id and event.tab.id != self.place.view:
            self.go(replace(self.place, view=event.tab.id))

    @on(Options.Chosen)
    def _option_chosen(self, event: Options.Chosen) -> None:
        self.trail.amend(self.place.choosing(event.name, event.value, event.default))
        self.ask()

    # -- asking -------------------------------------------------------------------------------

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        self.trail.amend(replace(self.place, text=event.value))
        self.ask(TYPING)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.ask(entered=True)

    def ask(self, delay: float = 0.0, entered: bool = False) -> None:
        """Ask what stands there; a view that takes its time is asked when told to."""
        if self.ix is None:
            return
        view, place, ix = VIEWS[self.place.view], self.place, self.ix
        self._offered = ()
        self._entered_last = entered
        self.answer.fade()
        if view.live or entered:
            self.asking.ask(ix, view, place, delay)
        else:
            self.asking.check(lambda: view.check(ix, place) if view.check else None, delay)

    def action_give_up(self) -> None:
        """Give up a question under way; else go back to the bar."""
        if self.asking.give_up():
            self.post_message(Said("given up"))
        self.bar.focus()

    def action_run_model(self) -> None:
        """Run the model on what is not indexed, and ask again."""
        if self._offered:
            self.door.allow(self._offered)
            self.ask(entered=True)

    def on_answered(self, message: Answered) -> None:
        """A table, or that there would be one."""
        if message.number != self.asking.number:
            return
        self.bar.mark(None)
        if message.answer is None:
            self.post_message(Said("enter asks: it may take a few seconds"))
            return
        view = VIEWS[self.place.view]
        self.answer.show(message.answer, (view.lay_out or lay_out)(message.answer))
        self.post_message(Said(""))

    def on_refused(self, message: Refused) -> None:
        """Why not, and where."""
        if message.number != self.asking.number:
            return
        self._offered = message.texts
        if message.texts:
            self.post_message(Said(f"{message.line}; ctrl+r runs the model on it", "offer"))
        elif not self.place.text.strip() and not message.broken:
            self.post_message(Said(VIEWS[self.place.view].about))
            self.bar.mark(None)
        else:
            self.bar.mark(message.line)
            self.post_message(Said(message.line, "bad"))

    def on_pictured(self, message: Pictured) -> None:
        """What is drawn beside the table."""
        if message.number == self.asking.number:
            self.query_one(PicturePane).show(message.pictures)

    def on_detailed(self, message: Detailed) -> None:
        """The row under the cursor."""
        if message.number == self.asking.number:
            self.query_one(DetailPane).show(message.detail)

    # -- what is on the screen ----------------------------------------------------------------

    @on(Answer.Marked)
    def _marked(self, event: Answer.Marked) -> None:
        if self.ix is not None:
            self.asking.detail(self.ix, event.answer, event.layout, event.row, LOOKING)

    @on(Answer.Chosen)
    def _chosen(self, event: Answer.Chosen) -> None:
        if found := links(event.answer, event.row):
            self.go(follow(found[0], self.place))

    @on(DetailPane.Followed)
    @on(Explored)
    def _followed(self, event: DetailPane.Followed | Explored) -> None:
        self.go(follow(event.link, self.place))

    @on(QueryBar.Left)
    def _left(self) -> None:
        self.answer.table.focus()

    def action_focus_query(self) -> None:
        """Go to the bar."""
        self.bar.focus()

    def action_draw(self) -> None:
        """Give the whole middle to the picture, or take it back."""
        if self.query_one(PicturePane).pictures:
            self.toggle_class("-drawn")
        else:
            self.post_message(Said("there is no picture of this answer"))
