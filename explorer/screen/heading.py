"""Where one is, as a person sees and changes it: the tab of the view, the query bar, its pickers.

Knows places and views; asks nothing but how a word may go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widget import AwaitMount, Widget
from textual.widgets import Input, Static, Tab, Tabs

from explorer.screen.panes.options import Options
from explorer.screen.panes.query import QueryBar
from explorer.views import VIEWS
from explorer.views.completion import completed, completions
from explorer.views.terms import named_span

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.views.place import Place


class More(Static):
    """How many tabs lie beyond one end of the bar; a click goes there.

    Args:
        by: -1 at the left end, 1 at the right.
    """

    def __init__(self, by: int) -> None:
        super().__init__()
        self.by, self.count = by, 0

    def tell(self, count: int) -> None:
        """Say how many; nothing of none."""
        self.count = count
        said = f"‹ {count}" if self.by < 0 else f"{count} ›"
        self.update(said if count else "")

    def on_click(self) -> None:
        """Show those that lie there."""
        if self.count and isinstance(self.parent, TabBar):
            self.parent.turn(self.by)


class TabBar(Horizontal):
    """A tab for each view, and at either end how many more there are beyond it."""

    DEFAULT_CSS = """
    TabBar { height: auto; }
    TabBar Tabs { height: 2; width: 1fr; }
    TabBar Tab { padding: 0 1; }
    TabBar More { width: 5; height: 1; padding: 0 1; color: $text-accent; display: none; }
    TabBar.-more More { display: block; }
    """

    def __init__(self, first: str) -> None:
        super().__init__()
        self._first = first

    def compose(self) -> ComposeResult:
        """From left to right."""
        tabs = (Tab(view.title, id=name) for name, view in VIEWS.items())
        yield More(-1)
        yield Tabs(*tabs, active=self._first, id="views")
        yield More(1)

    def on_mount(self) -> None:
        """Count anew wherever the tabs are moved to."""
        self.watch(self._scroll, "scroll_x", self.count)

    def on_resize(self) -> None:
        """Give the ends room where not every tab has."""
        wide = sum(len(view.title) + 2 for view in VIEWS.values())
        self.set_class(wide > self.size.width, "-more")
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        """Keep the tab of the view on the screen, in the room that there is now."""
        tab = self.query_one(Tabs).active_tab
        if tab is not None:
            self._scroll.scroll_to_center(tab, animate=False, force=True)
        self.count()

    @property
    def _scroll(self) -> Widget:
        return self.query_one("#tabs-scroll")

    def count(self) -> None:
        """Tell how many tabs are not whole on the screen, at either end."""
        scroll = self._scroll
        left, right = scroll.scroll_x, scroll.scroll_x + scroll.size.width
        at = [tab.virtual_region for tab in self.query(Tab)]
        before, after = self.query(More)
        before.tell(sum(one.x < left for one in at))
        after.tell(sum(one.right > right for one in at))

    def turn(self, by: int) -> None:
        """Move the tabs by as many as there is room for."""
        self._scroll.scroll_relative(x=by * (self._scroll.size.width - 12), force=True)


class Heading(Vertical):
    """Tabs, bar, pickers."""

    DEFAULT_CSS = """
    Heading { height: auto; }
    Heading #options { height: auto; max-height: 1; }
    Heading.-barless QueryBar { display: none; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._first = place.view
        self._ix: Explorer | None = None
        self._shown: Options | None = None
        self._mounting: AwaitMount | None = None
        self._suggested: tuple[Input, str, str] | None = None

    def compose(self) -> ComposeResult:
        """From above to below."""
        yield TabBar(self._first)
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

    def show_choices(self, place: Place) -> None:
        """Have the pickers stand as a place has them."""
        if self._shown is not None:
            self._shown.show(place)

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

    def mark(self, error: str | None, asked: str = "", instead: str = "") -> None:
        """Mark the line that an error is about; the first where nothing says which.

        Args:
            error: in a line; None where nothing is wrong.
            asked: the text at fault, where that is known.
            instead: what to ask in its place: one key writes it.
        """
        bar = self.query_one(QueryBar)
        at_fault = self._line_of(error, asked) if error is not None else None
        bar.mark(error if bar is at_fault else None)
        for line in self._shown.lines if self._shown is not None else ():
            line.set_class(line is at_fault, "-bad")
        self.suggest(at_fault, asked, instead)

    def suggest(self, line: Input | None, asked: str, instead: str) -> None:
        """Have something in place of a text ready for one key; nothing where there is none."""
        self._suggested = None
        if line is not None and instead and asked in line.value:
            self._suggested = line, line.value, line.value.replace(asked, instead, 1)

    @property
    def suggestion(self) -> str | None:
        """What one key writes in place of what stands there."""
        if self._suggested is None:
            return None
        line, before, after = self._suggested
        return after if line.value == before else None

    def take_suggestion(self) -> bool:
        """Write it; whether there is one."""
        if self._suggested is None or (after := self.suggestion) is None:
            return False
        line = self._suggested[0]
        line.value, line.cursor_position = after, len(after)
        return True

    def _line_of(self, error: str, asked: str) -> Input | None:
        """The line that an error is about."""
        lines = self.lines
        exact = [line for line in lines if asked and line.value.strip() == asked]
        within = [line for line in lines if asked and asked in line.value]
        named = [line for line in lines if named_span(line.value, error)]
        return next(iter((*exact, *within, *named, *lines)), None)

    def _completed(self, text: str) -> str | None:
        """What tab writes: what was meant, or the rest of half a word."""
        if self._suggested is not None and self._suggested[1] == text:
            return self.suggestion
        return completed(self._ix, text) if self._ix is not None else None

    def _completions(self, text: str) -> tuple[str, ...]:
        return completions(self._ix, text) if self._ix is not None else ()
