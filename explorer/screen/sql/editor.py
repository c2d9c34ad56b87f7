"""Where a statement is written: in colour where tree-sitter is installed, with how it may go on.

Knows a schema and a history; runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import LanguageDoesNotExist, TextAreaTheme

from explorer.views.sql import EXAMPLE
from explorer.views.statements import Misplaced, begun, completions, whole

if TYPE_CHECKING:
    from explorer.questions import Described
    from explorer.views.history import History

_WRONG = "reverse"

_COLOURS = TextAreaTheme(
    "explorer",
    syntax_styles={
        "string": Style(color="green"),
        "comment": Style(color="cyan", italic=True),
        "keyword": Style(color="magenta"),
        "keyword.operator": Style(color="magenta"),
        "conditional": Style(color="magenta"),
        "number": Style(color="yellow"),
        "float": Style(color="yellow"),
        "boolean": Style(color="yellow"),
        "constant.builtin": Style(color="yellow"),
        "function": Style(color="blue"),
        "function.call": Style(color="blue"),
        "type": Style(color="cyan"),
        "type.builtin": Style(color="cyan"),
    },
)
"""By name, as everywhere else: a theme says what they look like."""


class Editor(TextArea):
    """A statement."""

    DEFAULT_CSS = """
    Editor { height: 1fr; border: tall $rule; padding: 0; }
    Editor:focus { border: tall $accent; }
    Editor.-bad { border: tall $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "take", "complete", show=False),
        Binding("alt+up", "older", "statement before", show=False, key_display="alt+↑"),
        Binding("alt+down", "newer", "statement after", show=False, key_display="alt+↓"),
    ]

    @dataclass
    class Continued(Message):
        """How what is being written may go on, the ghost text first; nothing where it may not."""

        names: tuple[str, ...]

    def __init__(self, history: History) -> None:
        self.schema: Sequence[Described] = ()
        self.wrong: Misplaced | None = None
        self.statements = history
        self._names: tuple[str, ...] = ()
        super().__init__(id="editor", show_line_numbers=True, placeholder=EXAMPLE)
        self.indent_width = 2
        self.register_theme(_COLOURS)
        self.theme = _COLOURS.name

    def colour(self) -> None:
        """Colour what is SQL, where that can be read; from the first time one comes here."""
        if self.language is None:
            try:
                self.language = "sql"
            except LanguageDoesNotExist:  # tree-sitter without SQL
                self.language = None

    def write(self, statement: str) -> None:
        """Have another statement stand there, which one may take back."""
        self.replace(statement, (0, 0), self.document.end)
        self.move_cursor(self.document.end)
        self.clear_suggestion()

    def mark(self, wrong: Misplaced | None) -> None:
        """Mark what is wrong, the cursor on it; nothing where it is None."""
        self.wrong = wrong
        self.set_class(wrong is not None, "-bad")
        if wrong is not None:
            self.move_cursor((wrong.row, wrong.column))
        self.notify_style_update()
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown."""
        line = super().get_line(line_index)
        if self.wrong is not None and self.wrong.row == line_index:
            line.stylize(_WRONG, self.wrong.column, self.wrong.column + max(1, self.wrong.length))
        return line

    def update_suggestion(self) -> None:
        """Show how the name before the cursor may go on."""
        row, column = self.cursor_location
        before = self.get_text_range((0, 0), (row, column))
        after = self.get_text_range((row, column), self.document.end)
        names = completions(self.schema, before, after) if self.selection.is_empty else ()
        self._tell(names)
        name = begun(before).name
        # What follows on the line would be pushed aside by ghost text, and a whole name is meant.
        follows = after.split("\n")[0].strip(" );,")
        fits = names and not follows and not whole(self.schema, name)
        self.suggestion = names[0][len(name) :] if fits else ""

    def clear_suggestion(self) -> None:
        """Show none."""
        self.suggestion = ""
        self._tell(())

    def _tell(self, names: tuple[str, ...]) -> None:
        if names != self._names:
            self._names = names
            self.post_message(self.Continued(names))

    def on_text_area_selection_changed(self) -> None:
        """A cursor that moves away from what was being written completes it no longer."""
        if not self._names:
            return
        before = self.get_text_range((0, 0), self.cursor_location)
        if not self._names[0].lower().startswith(begun(before).name.lower()):
            self.clear_suggestion()

    def action_take(self) -> None:
        """Take the ghost text; where there is none, go on to what stands beside."""
        if self.suggestion:
            self.insert(self.suggestion)
        else:
            self.screen.focus_next()

    def action_older(self) -> None:
        """The statement that ran before."""
        if (statement := self.statements.older(self.text)) is not None:
            self.write(statement)

    def action_newer(self) -> None:
        """The one that ran after it, or what was being written."""
        if (statement := self.statements.newer(self.text)) is not None:
            self.write(statement)
