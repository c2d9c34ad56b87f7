"""What a statement can name, as a tree: tables and functions, and what each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static, Tree

from explorer.screen.plain import plain
from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.questions import Described


class SchemaTree(Tree["Described"]):
    """Tables and functions; `enter` or a click writes a name, `space` or the arrow opens a node."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "write"),
        Binding("right", "open(True)", "open", show=False),
        Binding("left", "open(False)", "close", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("schema", id="schema")
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False

    def fill(self, schema: Sequence[Described]) -> None:
        """Show a schema."""
        self.clear()
        node = self.root
        for row in schema:
            if row.kind in ("table", "function"):
                node = self.root.add(_label(row), row)
            else:
                node.add_leaf(_label(row), row)
        self.call_after_refresh(self.move_cursor_to_line, 0)

    def action_open(self, wide: bool) -> None:
        """Open or close the node under the cursor; from what it has, go up to it."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand:
            (node.expand if wide else node.collapse)()
        elif not wide and node.parent is not None:
            self.move_cursor(node.parent)

    def watch_hover_line(self, previous_hover_line: int, hover_line: int) -> None:
        """Say of what the mouse is over what it is."""
        super().watch_hover_line(previous_hover_line, hover_line)
        node = self.get_node_at_line(hover_line)
        self.tooltip = None if node is None or node.data is None else plain(_about(node.data))


class SchemaPane(Vertical):
    """The tree, and what the node under the cursor is."""

    DEFAULT_CSS = """
    SchemaPane { width: 1fr; height: 1fr; }
    SchemaPane SchemaTree {
        height: 1fr; border: tall $rule; padding: 0; scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0; background: transparent;
    }
    SchemaPane SchemaTree:focus { border: tall $accent; }
    SchemaPane #about { height: 2; padding: 0 1; color: $text-muted; }
    """

    @dataclass
    class Named(Message):
        """A name is to be written."""

        row: Described

    def compose(self) -> ComposeResult:
        """A tree, and a line or two."""
        yield SchemaTree()
        yield Static(id="about")

    @on(Tree.NodeSelected)
    def _named(self, event: Tree.NodeSelected[Described]) -> None:
        event.stop()
        if event.node.data is not None:
            self.post_message(self.Named(event.node.data))

    @on(Tree.NodeHighlighted)
    def _tell(self, event: Tree.NodeHighlighted[Described]) -> None:
        event.stop()
        row = event.node.data
        self.query_one("#about", Static).update(plain("" if row is None else _about(row)))


def written(row: Described, signature: str) -> tuple[str, int]:
    """What a name writes into a statement, and how far before its end the cursor then stands.

    Args:
        row: what is named.
        signature: of the function that a parameter is of; its own or empty elsewhere.
    """
    if row.kind == "table":
        return row.of, 0
    if row.kind == "function":
        return f"{row.of}()", 1
    if row.kind == "parameter" and f"{row.name} :=" in signature:
        return f"{row.name} := ", 0
    return row.name, 0


def _label(row: Described) -> Text:
    if row.kind == "table":
        return plain(row.of)
    if row.kind == "function":
        return Text.assemble(one_line(row.of), ("()", "dim"))
    arrow = "→ " if row.kind == "gives" else ""
    return Text.assemble((arrow, "dim"), one_line(row.name), (one_line(f" {row.type}"), "dim"))


def _about(row: Described) -> str:
    if row.kind == "function":
        return f"{row.about}: {row.name}"
    return f"{row.about} ({row.type})" if row.type else row.about
