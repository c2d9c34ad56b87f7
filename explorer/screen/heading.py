"""Where one is, as a person sees and changes it: the tab of the view, the query bar, its pickers.

Knows places and views; asks nothing but how a word may go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Input, Tab, Tabs

from explorer.screen.panes.options import Options
from explorer.screen.panes.query import QueryBar
from explorer.views import VIEWS
from explorer.views.completion import completions

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

    def compose(self) -> ComposeResult:
        """From above to below."""
        tabs = (Tab(view.title, id=name) for name, view in VIEWS.items())
        yield Tabs(*tabs, active=self._first, id="views")
        yield QueryBar(self._completions)
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
        bar.mark(None)
        self.set_class(not view.example, "-barless")
        room = self.query_one("#options", Container)
        room.display = bool(view.options)
        if ix is not self._ix:
            self._ix = ix
            room.remove_children()
        if ix is None:
            return
        shown = None
        for options in room.query(Options):
            options.display = options.name == view.name
            shown = options if options.display else shown
        if shown is None or shown.ix is not ix:
            room.mount(Options(view, ix, place))
        else:
            shown.show(place)

    def _completions(self, text: str) -> tuple[str, ...]:
        return completions(self._ix, text) if self._ix is not None else ()
