"""The row under the cursor at length, and everything in it that can be explored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.views.detail import Detail
    from explorer.views.links import Link


class Links(OptionList):
    """What can be explored; where one comes to it, one stands on the first."""

    def on_focus(self) -> None:
        """Stand on one: `enter` follows it."""
        if self.highlighted is None and self.option_count:
            self.highlighted = 0


class DetailPane(VerticalScroll):
    """One row: what is known of it above, where it leads below."""

    DEFAULT_CSS = """
    DetailPane { height: auto; padding: 0 1; border-left: vkey $rule; }
    DetailPane #known { height: auto; }
    DetailPane OptionList {
        height: auto; max-height: 1000; border: none; padding: 0; background: transparent;
        margin-top: 1;
    }
    DetailPane OptionList:focus { border: none; }
    """

    @dataclass
    class Followed(Message):
        """Something in the row is to be explored."""

        link: Link

    def __init__(self) -> None:
        super().__init__(id="detail", can_focus=False)
        self._links: list[Link] = []

    def compose(self) -> ComposeResult:
        """What is known, and a list of what can be explored."""
        yield Static(id="known")
        yield Links(id="links", compact=True)

    def show(self, detail: Detail | None) -> None:
        """Show a row; nothing where there is none."""
        links = self.query_one("#links", OptionList)
        at = links.highlighted
        known = Text()
        if detail is not None:
            known.append(one_line(detail.title) + "\n", "bold")
            end = "   " if self.screen.has_class("-narrow") else "\n"
            for line in detail.lines:
                known.append(f"{one_line(line.name)} ", "dim")
                known.append(one_line(line.value) + end)
            known.rstrip()
        self.query_one("#known", Static).update(known)
        found = detail.links if detail is not None else ()
        self._links = [link for _, link in found]
        links.clear_options()
        links.add_options(
            Option(Text.assemble("→ ", one_line(link.label), (f"  {what}" if what else "", "dim")))
            for what, link in found
        )
        links.display = bool(found)
        if self.screen.focused is links and (at := at or 0) < len(self._links):
            links.highlighted = at

    @on(OptionList.OptionSelected)
    def _follow(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Followed(self._links[event.option_index]))
