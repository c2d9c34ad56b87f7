"""The upper half of the SQL view: the editor, how what is written may go on, and what can be named.

Knows where names are written; neither runs a statement nor keeps one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from explorer.screen.sql.editor import Editor
from explorer.screen.sql.schema import SchemaPane, SchemaTree, written
from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Described
    from explorer.views.history import History

HINT = "f5 runs · tab completes · alt+↑ what ran before · f4 names"


class Run(Static):
    """A word that runs the statement when it is clicked."""

    class Clicked(Message):
        """It was."""

    def __init__(self) -> None:
        super().__init__("▶ run", id="run")

    def on_click(self) -> None:
        """Tell."""
        self.post_message(self.Clicked())


class StatementPane(Horizontal):
    """The editor, a line below it, and the schema beside them.

    Args:
        history: the statements that ran.
    """

    DEFAULT_CSS = """
    StatementPane { display: none; height: 40%; min-height: 6; max-height: 16; }
    StatementPane #writing { width: 2fr; }
    StatementPane #below { height: 1; padding: 0 1; }
    StatementPane #continued { width: 1fr; height: 1; color: $text-muted; }
    StatementPane #run { width: auto; color: $accent; }
    StatementPane #run:hover { text-style: reverse; }
    """

    @dataclass
    class Read(Message):
        """What can be named in an index."""

        ix: Explorer
        rows: Sequence[Described]

    def __init__(self, history: History) -> None:
        super().__init__(id="statement")
        self._history = history
        self._ix: Explorer | None = None

    @property
    def editor(self) -> Editor:
        """Where it is written."""
        return self.query_one(Editor)

    @property
    def names(self) -> SchemaTree:
        """What can be named."""
        return self.query_one(SchemaTree)

    def compose(self) -> ComposeResult:
        """From left to right."""
        with Vertical(id="writing"):
            yield Editor(self._history)
            with Horizontal(id="below"):
                yield Static(HINT, id="continued")
                yield Run()
        yield SchemaPane()

    def describe(self, ix: Explorer) -> None:
        """Read what can be named in an index, away from the screen's own thread."""
        if ix is self._ix:
            return
        self._ix = ix
        self.editor.schema = ()

        def read() -> None:
            try:
                self.post_message(self.Read(ix, ix.schema().rows))
            except Exception as err:  # closed meanwhile, or damaged: what is asked next says so
                self.log.warning(err)

        threading.Thread(target=read, daemon=True).start()

    def on_statement_pane_read(self, message: Read) -> None:
        """Show it."""
        if message.ix is self._ix:
            self.editor.schema = message.rows
            self.names.fill(message.rows)

    @on(Editor.Continued)
    def _continued(self, event: Editor.Continued) -> None:
        event.stop()
        names = [one_line(name) for name in event.names]
        line = Text("  ".join(names) or HINT)
        if names:
            line.stylize("bold", 0, len(names[0]))
        line.no_wrap, line.overflow = True, "ellipsis"
        self.query_one("#continued", Static).update(line)

    @on(SchemaPane.Named)
    def _named(self, event: SchemaPane.Named) -> None:
        event.stop()
        editor = self.editor
        schema = editor.schema
        of = (row.name for row in schema if row.kind == "function" and row.of == event.row.of)
        text, back = written(event.row, next(of, ""))
        editor.replace(text, *editor.selection)
        editor.clear_suggestion()
        editor.move_cursor_relative(columns=-back)
        self.screen.set_focus(editor)
