"""What the keys do: the app's own first, then the views, then those of what has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Markdown, Static

if TYPE_CHECKING:
    from textual.binding import ActiveBinding, Binding


class HelpPane(VerticalScroll, can_focus=False):
    """Keys at the right, while one goes on; escape closes it."""

    DEFAULT_CSS = """
    HelpPane {
        split: right; width: 38%; min-width: 34; max-width: 60; height: 100%; padding: 0 1;
        border-left: vkey $rule; scrollbar-size-vertical: 1;
    }
    HelpPane Static { height: auto; }
    HelpPane Markdown { height: auto; padding: 0; margin: 0; background: transparent; }
    HelpPane Markdown MarkdownH2 { margin: 1 0 0 0; padding: 0; }
    """

    def compose(self) -> ComposeResult:
        """Keys, and how what stands here is written."""
        yield Static(id="keys")
        yield Markdown(id="written")

    def on_mount(self) -> None:
        """What may be done changes with the focus and with what is shown."""
        self.watch(self.screen, "focused", self._tell)
        self.screen.bindings_updated_signal.subscribe(self, self._tell)

    def _tell(self, _: object = None) -> None:
        if not self.app.app_focus or not self.screen.is_active:
            return
        self.query_one("#keys", Static).update(_table(self.screen))
        focused = self.screen.focused
        chain = focused.ancestors_with_self if focused is not None else ()
        helps = (node.HELP for node in chain if isinstance(node, Widget) and node.HELP)
        written = "\n".join(line.strip() for line in next(helps, "").strip().splitlines())
        self.query_one("#written", Markdown).update(written)


def _table(screen: Screen[object]) -> Table:
    """A key and what it does a line, in three groups."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    active = [one for one in screen.active_bindings.values() if one.binding.description]
    everywhere = [one for one in active if not isinstance(one.node, Widget) or _is_ours(one.node)]
    views = [one for one in everywhere if one.binding.action.startswith("view(")]
    everywhere = [one for one in everywhere if one not in views]
    everywhere.sort(key=lambda one: not one.binding.show)  # what the footer says, first
    here = [one for one in active if one not in views and one not in everywhere]
    for title, group in (("Everywhere", everywhere), ("Views", views), ("Here", here)):
        if group:
            table.add_row(Text(title, "bold"), Text())
        for keys, what in _lines(group, screen):
            table.add_row(Text(f" {keys}", "bold cyan"), Text(what))
        table.add_row()
    return table


def _is_ours(node: Widget) -> bool:
    return node.id == "workbench" or isinstance(node, Screen)


def _lines(group: Iterable[ActiveBinding], screen: Screen[object]) -> Iterator[tuple[str, str]]:
    """The keys of each action, and what it does."""
    actions: dict[str, list[Binding]] = {}
    for one in group:
        if not one.binding.system:
            actions.setdefault(one.binding.action, []).append(one.binding)
    for bindings in actions.values():
        shown = dict.fromkeys(screen.app.get_key_display(binding) for binding in bindings)
        yield " ".join(shown), bindings[0].description.lower()
