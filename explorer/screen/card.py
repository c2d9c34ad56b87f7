"""A card: sections beside or below each other, each of lists that the cursor walks through.

Knows sections; knows no question. One list has the cursor, and is the only one that takes the
focus: `tab` leaves the card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import DataTable, Static

from explorer.screen.plain import plain

if TYPE_CHECKING:
    from explorer.show.layout import Listing, Section

LEAST_BAR, BAR = 4, 16
LEAST_NAME = 10
"""Columns of a name, with blanks, below which its last figures give way."""

Bar = Callable[[Any, int], Text]
"""A row's bar, so many characters wide."""


class ListTable(DataTable[Any]):
    """One list of a card; at its ends the cursor goes on to the lists around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "beside(-1)", "list before", show=False),
        Binding("right", "beside(1)", "next list", show=False),
    ]

    def __init__(self, card: Card) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True, show_cursor=False)
        self.can_focus = False
        self._card = card
        self.listed: Sequence[Any] = ()

    def focus(self, scroll_visible: bool = True) -> ListTable:
        """Take the keys; the card scrolls to the row under the cursor, not to the list."""
        super().focus(scroll_visible=False)
        return self

    def action_cursor_up(self) -> None:
        """To the row above, or the last of the list above."""
        if self.cursor_row > 0:
            super().action_cursor_up()
        else:
            self._card.move(self, -1, 0)

    def action_cursor_down(self) -> None:
        """To the row below, or the first of the list below."""
        if self.cursor_row < self.row_count - 1:
            super().action_cursor_down()
        else:
            self._card.move(self, 1, 0)

    def action_beside(self, by: int) -> None:
        """To the list at the left or right."""
        self._card.move(self, 0, by)

    def on_mouse_down(self, _: events.MouseDown) -> None:
        """The list that is clicked has the cursor before it hears of the click."""
        self._card.activate(self)
        self.screen.set_focus(self)


class Card(VerticalScroll, can_focus=False):
    """Sections of an answer."""

    DEFAULT_CSS = """
    Card { height: 1fr; display: none; }
    Card .sections { height: auto; }
    Card .section { width: 1fr; height: auto; margin-bottom: 1; }
    Card .section Static { padding: 0 1; text-style: bold; color: $text-accent; }
    Card .lists { height: auto; }
    Card ListTable { width: 1fr; height: auto; max-height: 9999; overflow: hidden; }
    """

    def __init__(self) -> None:
        super().__init__(id="card")
        self.active: ListTable | None = None
        self._beside = 1
        self._rows: list[Horizontal] = []
        self._blocks: list[Vertical] = []
        self._titles: list[Static] = []
        self._lists: list[list[ListTable]] = []

    @property
    def tables(self) -> Iterator[ListTable]:
        """Every list, in the order of the sections."""
        return (table for lists in self._lists for table in lists)

    @property
    def _grid(self) -> list[list[ListTable]]:
        """The lists that stand side by side, from top to bottom."""
        firsts = range(0, len(self._lists), self._beside)
        lines = (self._lists[at : at + self._beside] for at in firsts)
        return [[table for lists in line for table in lists] for line in lines]

    @property
    def row(self) -> Any:
        """The row under the cursor, or None."""
        table = self.active
        if table is None or not 0 <= table.cursor_row < len(table.listed):
            return None
        return table.listed[table.cursor_row]

    @property
    def lines(self) -> int:
        """Lines that its sections take: a title, names of columns and a blank, beside the rows."""
        return sum(3 + max(table.row_count for table in line) for line in self._grid)

    def show(self, sections: Sequence[Section], width: int, beside: int, bar: Bar | None) -> None:
        """Show sections, the cursor on the first row of the first list.

        Args:
            sections: from top to bottom.
            width: columns that there are.
            beside: how many sections stand side by side.
            bar: what stands after the first figure of a row, where there is room.
        """
        self._mount([len(one.lists) for one in sections], beside)
        for title, section in zip(self._titles, sections, strict=True):
            title.update(plain(section.title))
        for at, (section, tables) in enumerate(zip(sections, self._lists, strict=True)):
            in_line = min(beside, len(sections) - at // beside * beside)
            # The scroll bar takes a column.
            room = (width - 1) // in_line // len(tables)
            for listing, table in zip(section.lists, tables, strict=True):
                _fill(table, listing, room, bar)
        if self.active is not None:
            self.scroll_home(animate=False)

    def _mount(self, counts: Sequence[int], beside: int) -> None:
        """Sections of so many lists each; the first of them stay, as far as they are as before."""
        focused = self.active is not None and self.screen.focused is self.active
        before = [len(lists) for lists in self._lists]
        alike = takewhile(lambda two: two[0] == two[1], zip(before, counts, strict=False))
        kept = len(list(alike)) if beside == self._beside else 0
        rows = -(-kept // beside)
        for one in (*self._blocks[kept:], *self._rows[rows:]):
            one.remove()
        del self._blocks[kept:], self._titles[kept:], self._lists[kept:], self._rows[rows:]
        self._beside = beside
        for at in range(kept, len(counts)):
            if at // beside == len(self._rows):
                self._rows.append(Horizontal(classes="sections"))
                self.mount(self._rows[-1])
            self._rows[-1].mount(self._block(counts[at]))
        if self.active not in [*self.tables]:
            self.active = None
            for first in islice(self.tables, 1):
                self.activate(first)
                if focused:
                    self.call_after_refresh(self._focus)

    def _block(self, count: int) -> Vertical:
        """A section of so many lists."""
        tables = [ListTable(self) for _ in range(count)]
        title = Static()
        block = Vertical(title, Horizontal(*tables, classes="lists"), classes="section")
        self._blocks.append(block)
        self._titles.append(title)
        self._lists.append(tables)
        return block

    def _focus(self) -> None:
        """Have the keys go to the list that has the cursor by then."""
        if self.active is not None:
            self.active.focus()

    def activate(self, table: ListTable) -> None:
        """Give a list the cursor."""
        before, self.active = self.active, table
        if before is not None and before is not table:
            before.show_cursor = before.can_focus = False
        table.show_cursor = table.can_focus = True

    def move(self, table: ListTable, down: int, across: int) -> None:
        """Go on from a list to the one below, above, or beside it; nowhere at the edge."""
        at = next(at for at, line in enumerate(self._grid) if table in line)
        place = self._grid[at].index(table)
        if across:
            order = list(self.tables)
            to = order.index(table) + across
            if not 0 <= to < len(order):
                return
            new = order[to]
            row = min(table.cursor_row, new.row_count - 1)
        else:
            if not 0 <= at + down < len(self._grid):
                return
            line = self._grid[at + down]
            new = line[place * len(line) // len(self._grid[at])]
            row = 0 if down > 0 else new.row_count - 1
        self.activate(new)
        self.screen.set_focus(new)
        new.move_cursor(row=row)
        self.post_message(DataTable.RowHighlighted(new, row, new.ordered_rows[row].key))

    def go_to(self, listing: int, at: int) -> None:
        """Give a list the cursor, on one of its rows."""
        table = list(self.tables)[listing]
        focused = self.active is not None and self.screen.focused is self.active
        self.activate(table)
        table.move_cursor(row=at)
        if focused:
            self.screen.set_focus(table)
        self.call_after_refresh(self.reveal)

    def reveal(self) -> None:
        """Scroll to the row under the cursor, with the title above it where it is the first."""
        table = self.active
        if table is None:
            return
        y, height = table.cursor_row + 1, 1  # below the names of columns
        if table.cursor_row == 0:
            y, height = y - 2, 3
        inside = takewhile(lambda one: one is not self, table.ancestors_with_self)
        y += sum(one.virtual_region.y for one in inside if isinstance(one, Widget))
        self.scroll_to_region(Region(0, max(y, 0), 1, height), animate=False, force=True)


def _fill(table: ListTable, listing: Listing, room: int, bar: Bar | None) -> None:
    """A list in so many columns: figures whole, a bar where there is room, the name the rest."""
    table.listed = listing.rows
    table.clear(columns=True)
    columns = list(listing.columns)
    cells = [[column.cell(row) for row in listing.rows] for column in columns]
    # A cell has a blank on both sides.
    widths = [max([*map(cell_len, texts), 1]) + 2 for texts in cells]
    while len(columns) > 2 and room - sum(widths[1:]) < LEAST_NAME:
        columns.pop(), widths.pop()
    figures = sum(widths[1:])
    wanted = max(widths[0], cell_len(columns[0].name) + 2)
    name = max(min(wanted, room - figures), 3)
    left = room - figures - name - 2
    drawn = min(left, BAR) if bar is not None and left >= LEAST_BAR else 0
    for at, (column, width) in enumerate(zip(columns, widths, strict=True)):
        justify: Any = "right" if column.right else "left"
        label = Text(column.name, justify=justify, overflow="ellipsis", no_wrap=True)
        table.add_column(label, width=(name if at == 0 else width) - 2)
        if at == 1 and drawn:
            table.add_column("", width=drawn)
    for at, row in enumerate(listing.rows):
        shown: list[Text] = []
        for place, column in enumerate(columns):
            justify = "right" if column.right else "left"
            text = cells[place][at]
            shown.append(Text(text, justify=justify, overflow="ellipsis", no_wrap=True))
            if place == 1 and drawn and bar is not None:
                shown.append(bar(row, drawn))
        table.add_row(*shown)
