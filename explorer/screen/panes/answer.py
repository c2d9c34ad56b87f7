"""An answer: what its words were taken to be, its table with a bar for each score, its notes.

Knows layouts and gauges; knows no question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import DataTable, Static

from explorer.screen.card import Card
from explorer.screen.plain import plain
from explorer.show.layout import filled

if TYPE_CHECKING:
    from explorer.show.layout import Layout
    from explorer.views.gauge import GaugeRange

NARROW_CELL, WIDE_CELL, WIDEST_CELL = 10, 20, 48
LEAST_BAR, BAR = 8, 24
PAGE = 500
BESIDE = 76
"""Columns of the pane from which on two sections of a card stand side by side."""


class AnswerPane(Vertical):
    """The middle of the screen."""

    DEFAULT_CSS = """
    AnswerPane { width: 1fr; height: 1fr; }
    AnswerPane #head { height: auto; max-height: 6; padding: 0 1; color: $text-muted; }
    AnswerPane #foot { height: auto; max-height: 5; padding: 0 1; color: $text-muted; }
    AnswerPane #table { height: 1fr; }
    AnswerPane.-old DataTable { opacity: 60%; }
    AnswerPane.-card #table { display: none; }
    AnswerPane.-card Card { display: block; }
    AnswerPane.-card #foot { max-height: 3; }
    """

    HELP = """
    ## An answer

    - `▂` ordinary, `▆` beyond it
    - `enter` asks about the row
    - `tab` goes to what else it names
    - `y` copies it, `Y` the table
    - `/` goes back to the query
    """

    @dataclass
    class Marked(Message):
        """The cursor stands on a row."""

        answer: Any
        layout: Layout
        row: Any

    @dataclass
    class Chosen(Message):
        """A row is to be explored."""

        answer: Any
        row: Any

    @dataclass
    class Arranged(Message):
        """How much room its rows take may have changed."""

    def __init__(self) -> None:
        super().__init__(id="answer")
        self.answer: Any = None
        self.layout_shown: Layout | None = None
        self.rows: Sequence[Any] = ()
        self._span: GaugeRange | None = None
        self._said: dict[str, Text] = {}

    def compose(self) -> ComposeResult:
        """Head, table, foot."""
        yield Static(id="head")
        yield DataTable(id="table", cursor_type="row", zebra_stripes=True)
        yield Card()
        yield Static(id="foot")

    @property
    def card(self) -> Card:
        """What stands in place of the table where an answer has sections."""
        return self.query_one(Card)

    @property
    def table(self) -> DataTable[Any]:
        """The table, or the list of the card that has the cursor."""
        if self.has_class("-card") and self.card.active is not None:
            return self.card.active
        return self.query_one("#table", DataTable)

    def show(self, answer: Any, layout: Layout) -> None:
        """Show an answer, the cursor on its first row."""
        self.answer, self.layout_shown = answer, layout
        self.rows = list(layout.rows if layout.rows is not None else answer.rows)[:PAGE]
        from explorer.views.gauge import range_of

        span = self._span = range_of(answer, self.rows)
        had_focus = self.screen.focused is self.table
        self.set_class(bool(layout.sections), "-card")
        self.remove_class("-old")
        self._fill(layout, span)
        if had_focus and self.screen.focused is not self.table:
            self.screen.set_focus(self.table)
        foot = [line for line in layout.foot if line]
        if span is not None:  # where there is room for one line, it is what is told of the answer
            foot.insert(1, span.about)
        self._say("#head", _head(answer, layout))
        self._say("#foot", plain("\n".join(foot)))
        self._tell()
        self.call_after_refresh(self.post_message, self.Arranged())

    @property
    def spare(self) -> int:
        """Lines below its rows that nothing stands in."""
        if self.has_class("-card"):
            return self.card.size.height - self.card.lines
        return self.table.size.height - self.table.row_count - 1

    def _say(self, where: str, text: Text) -> None:
        """Lines above or below; laying the screen out anew is dear, so only where they differ."""
        if self._said.get(where) != text:
            self._said[where] = text
            self.query_one(where, Static).update(text)

    def _fill(self, layout: Layout, span: GaugeRange | None) -> None:
        """The table: a bar stands after its figure; long texts share what room is left."""
        if layout.sections:
            self._fill_card(layout, span)
            return
        columns = filled(layout.columns, self.rows)
        cells = {column: [column.cell(row) for row in self.rows] for column in columns}
        figures = [c for c in cells if c.right and c.name != "rank"]
        measured = next((c for c in figures if span and c.name == span.gauge.column), None)
        after = measured or next(iter(figures), None)
        bars = span if after is not None else None
        widths = {c: max([len(c.name), *map(cell_len, texts)]) for c, texts in cells.items()}
        long = [c for c in cells if c.folds]
        # A cell has a blank on both sides; the scroll bar takes one more.
        room = self.size.width - 1 - 2 * (len(cells) + (bars is not None))
        room -= sum(width for c, width in widths.items() if not c.folds)
        bar = 0 if bars is None else min(max(room - WIDE_CELL * len(long), LEAST_BAR), BAR)
        most = max(NARROW_CELL, (room - bar) // max(1, len(long)))
        table = self.table
        table.clear(columns=True)
        for column in cells:
            justify: Any = "right" if column.right else "left"
            width = min(widths[column], most if column.folds else WIDEST_CELL)
            table.add_column(Text(column.name, justify=justify), width=width)
            if bars is not None and column is after:
                table.add_column("", width=bar)
        for at, row in enumerate(self.rows):
            shown: list[Text] = []
            for column, texts in cells.items():
                justify = "right" if column.right else "left"
                shown.append(Text(texts[at], justify=justify, overflow="ellipsis", no_wrap=True))
                if bars is not None and column is after:
                    shown.append(_bar(bars, row, bar))
            table.add_row(*shown)

    def _fill_card(self, layout: Layout, span: GaugeRange | None) -> None:
        """The sections, two side by side where there is room."""
        two = not self.screen.has_class("-narrow") and self.size.width >= BESIDE
        bar = None if span is None else lambda row, width: _bar(span, row, width)
        self.card.show(layout.sections, self.size.width, 2 if two else 1, bar)

    def on_resize(self) -> None:
        """Share the room anew."""
        if self.layout_shown is not None:
            at = self.table.cursor_row
            self._fill(self.layout_shown, self._span)
            self.table.move_cursor(row=at)

    def clear(self, line: str = "") -> None:
        """Show nothing but a line."""
        self.answer, self.layout_shown, self.rows = None, None, ()
        had_focus = self.screen.focused is self.table
        self.remove_class("-card", "-old")
        if had_focus:
            self.screen.set_focus(self.table)
        self.table.clear(columns=True)
        self._say("#head", plain(line))
        self._say("#foot", plain(""))

    def tell(self, title: str, line: str) -> None:
        """Lines where no answer stands yet."""
        self._say("#head", plain(title, "bold").append(f"\n{plain(line).plain}", "not bold"))

    def fade(self) -> None:
        """What is shown answers what was asked before."""
        self.set_class(bool(self.rows), "-old")

    @property
    def row(self) -> Any:
        """The row under the cursor, or None."""
        if self.has_class("-card"):
            return self.card.row
        at = self.table.cursor_row
        return self.rows[at] if 0 <= at < len(self.rows) else None

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        if event.data_table is self.table:
            if self.has_class("-card"):
                self.card.reveal()
            self._tell()

    @property
    def position(self) -> tuple[int, int]:
        """Of a card, which list has the cursor, and 0 of a table; and on which of its rows."""
        tables = list(self.card.tables) if self.has_class("-card") else []
        at = tables.index(self.card.active) if self.card.active in tables else 0
        return at, self.table.cursor_row

    def listed(self, listing: int) -> Sequence[Any]:
        """The rows of the table, or of a list of the card; of none that is not there."""
        if not self.has_class("-card"):
            return self.rows
        return next((one.listed for one in islice(self.card.tables, listing, None)), ())

    def go_to(self, listing: int, at: int) -> None:
        """Put the cursor on a row of such a list, and show it; where there is none, on no other."""
        if not 0 <= at < len(self.listed(listing)):
            return
        if self.has_class("-card"):
            self.card.go_to(listing, at)
        else:
            self.table.move_cursor(row=at)
        self._tell()

    def _tell(self) -> None:
        if self.layout_shown is not None and (row := self.row) is not None:
            self.post_message(self.Marked(self.answer, self.layout_shown, row))

    @on(DataTable.RowSelected)
    def _choose(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if (row := self.row) is not None:
            self.post_message(self.Chosen(self.answer, row))


def _bar(span: GaugeRange, row: Any, width: int) -> Text:
    from explorer.views.gauge import BEYOND

    text = Text(span.bar(row, width), "dim")
    text.highlight_regex(f"{BEYOND}+", "not dim bold cyan")
    return text


def _head(answer: Any, layout: Layout) -> Text:
    """The lines above the table; a word that isn't quite what was asked stands out."""
    from explorer.questions import Meta
    from indexer.store.shown import one_line

    meta = getattr(answer, "meta", None)
    items = meta.every_resolved if isinstance(meta, Meta) else ()
    warned = {one_line(item.note) for item in items if item.note}
    title, *lines = layout.head or [""]
    warns = [any(f"({note})" in line for note in warned) for line in lines]
    text = plain(title, "bold")
    for line, stands_out in sorted(zip(lines, warns, strict=True), key=lambda one: not one[1]):
        text.append(f"\n{line}", "not bold yellow" if stands_out else "not bold")
    return text
