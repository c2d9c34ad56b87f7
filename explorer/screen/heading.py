"""Where one is, as a person sees and changes it: the tab of the view, the query bar, its pickers.

Knows places and views; asks nothing but how a word may go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import AwaitMount
from textual.widgets import Input, Tab, Tabs

from explorer.screen.panes.options import Options
from explorer.screen.panes.query import QueryBar
from explorer.views import VIEWS
from explorer.views.completion import completed, completions
from explorer.views.terms import named_span

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.views.place import Place


class Heading(Vertical):
    """Tabs, bar, pickers."""

    DEFAULT_CSS = """
    Heading { height: auto; }
    Heading Tabs { height: 2; }
    Heading Tab { padding: 0 1; }
    Heading #options { height: auto; max-height: 1; }
    Heading.-barless QueryBar { display: none; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._first = place.view
        self._ix: Explorer | None = None
        self._shown: Options | None = None
        self._mounting: AwaitMount | None = None

    def compose(self) -> ComposeResult:
        """From above to below."""
        tabs = (Tab(view.title, id=name) for name, view in VIEWS.items())
        yield Tabs(*tabs, active=self._first, id="views")
        yield QueryBar(self._completions, self._completed)
        yield Container(id="options")

    def show(self, place: Place, ix: Explorer | None) -> None:
        """Say where one is, and tell nobody; pickers stand as soon as an index is open."""
        view, bar = VIEWS[place.view], self.query_one(QueryBar)
        with self.prevent(Tabs.TabActivated, Input.Changed):
            self.query_one(Tabs).active = view.name
            if bar.value != place.text:
                bar.value = place.text
                bar.cursor_position = len(place.text)
        bar.placeholder = view.example
        self.set_class(not view.example, "-barless")
        room = self.query_one("#options", Container)
        room.display = bool(view.options)
        if ix is not self._ix:
            self._ix = ix
            room.remove_children()
        self._shown = None
        if ix is None:
            self.mark(None)
            return
        for options in room.query(Options):
            options.display = options.name == view.name and options.ix is ix
            self._shown = options if options.display else self._shown
        if self._shown is None:
            self._shown = Options(view, ix, place)
            self._mounting = room.mount(self._shown)
        else:
            self._shown.show(place)
        self.mark(None)

    async def mounted(self) -> None:
        """The pickers stand: what is pressed next may be for one of them."""
        if self._mounting is not None:
            await self._mounting

    @property
    def lines(self) -> tuple[Input, ...]:
        """Where something is typed in this view, the bar first."""
        bar = self.query_one(QueryBar)
        beside = self._shown.lines if self._shown is not None else ()
        return ((bar,) if bar.display else ()) + beside

    def mark(self, error: str | None) -> None:
        """Mark the line that an error names, the first where it names none."""
        bar = self.query_one(QueryBar)
        there = [line for line in self.lines if error and named_span(line.value, error)]
        if error and not there:
            there = list(self.lines[:1])
        bar.mark(error if bar in there[:1] else None)
        for line in self._shown.lines if self._shown is not None else ():
            line.set_class(line in there[:1], "-bad")

    def _completed(self, text: str) -> str | None:
        return completed(self._ix, text) if self._ix is not None else None

    def _completions(self, text: str) -> tuple[str, ...]:
        return completions(self._ix, text) if self._ix is not None else ()
