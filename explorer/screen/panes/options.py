"""The pickers beside the query bar: one row of them a view, made when the view is first shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import HorizontalScroll
from textual.message import Message
from textual.widgets import Input, Label, Select

from explorer.views.view import TextField, View, chosen, default_of
from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.views.place import Place


ARROW = 4
"""Cells that a picker needs beside the value it shows."""


class Options(HorizontalScroll):
    """What can be chosen in one view."""

    DEFAULT_CSS = """
    Options { height: 1; scrollbar-size-horizontal: 0; padding: 0 1; }
    Options Label { color: $text-muted; padding: 0 1 0 0; }
    Options Select { margin: 0 1 0 0; }
    Options SelectOverlay { width: auto; min-width: 16; max-height: 14; }
    Options Input { width: 28; margin: 0 2 0 0; }
    Options Input.-bad { background: $error 30%; text-style: underline; }
    """

    @dataclass
    class Chosen(Message):
        """Something was chosen: a name, a value, and what that name stands at unless chosen."""

        name: str
        value: str
        default: str

    def __init__(self, view: View, ix: Explorer, place: Place) -> None:
        super().__init__(name=view.name)
        self.ix = ix
        self._view, self._place = view, place
        self.can_focus = False

    def compose(self) -> ComposeResult:
        """A label and a picker an option; a line of text for what is typed."""
        for option in self._view.options:
            value = chosen(self._place, self.ix, option)
            if isinstance(option, TextField):
                yield Input(value, option.placeholder, name=option.name, compact=True)
                continue
            named = [(one_line(option.shown(one)), one) for one in option.values(self.ix)]
            yield Label(option.label or option.name)
            prompts = [(Text(name), one) for name, one in named]
            select = Select(prompts, value=value, allow_blank=False, compact=True, name=option.name)
            select.styles.width = max(len(name) for name, _ in named) + ARROW
            yield select

    def show(self, place: Place) -> None:
        """Stand as a place has it, and tell nobody."""
        self._place = place
        stands = {option.name: chosen(place, self.ix, option) for option in self._view.options}
        fields: list[Input | Select[str]] = [*self.query(Input), *self.query(Select)]
        for widget in fields:
            value = stands.get(widget.name or "")
            if value is not None and widget.value != value:
                with widget.prevent(Input.Changed, Select.Changed):
                    widget.value = value

    @property
    def lines(self) -> tuple[Input, ...]:
        """Where something is typed."""
        return tuple(self.query(Input))

    @on(Select.Changed)
    @on(Input.Changed)
    def _changed(self, event: Select.Changed | Input.Changed) -> None:
        event.stop()
        widget = event.select if isinstance(event, Select.Changed) else event.input
        option = next((one for one in self._view.options if one.name == widget.name), None)
        value = str(event.value)
        if option is None or value == chosen(self._place, self.ix, option):
            return
        self._place = self._place.choosing(option.name, value, default_of(option, self.ix))
        self.post_message(self.Chosen(option.name, value, default_of(option, self.ix)))
