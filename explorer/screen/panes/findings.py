"""What there is to see in the index, where nothing is asked yet: a list, of which one is opened.

Knows findings and how they look; asks nothing.
"""

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
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from explorer.screen.plain import plain

if TYPE_CHECKING:
    from explorer.questions import Finding

HOW = "What there is to see in this index; ↑ ↓ choose, enter asks."


class FindingsList(OptionList):
    """The list."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("up", "up", "up", show=False)]

    class Left(Message):
        """Back to the bar."""

    def action_up(self) -> None:
        """A line up; from the first to the bar."""
        if not self.highlighted:
            self.post_message(self.Left())
        else:
            self.action_cursor_up()


class FindingsPane(Vertical):
    """A line of what the view asks, a line of what the list is, and the list."""

    DEFAULT_CSS = """
    FindingsPane { width: 1fr; height: 1fr; }
    FindingsPane Static { height: auto; padding: 0 1; color: $text-muted; }
    FindingsPane OptionList {
        height: 1fr; margin-top: 1; border: none; padding: 0; background: transparent;
    }
    FindingsPane OptionList:focus { border: none; background-tint: transparent; }
    .-low FindingsPane #asks { max-height: 1; }
    .-narrow FindingsPane OptionList, .-low FindingsPane OptionList { margin-top: 0; }
    """

    HELP = """
    ## What the index shows

    - `enter`, or a click, asks the question again: the line is a part of its answer
    - the second line says what the figures are read against, and where it was seen: `geometry` is
      what the weights say, `activity` what happens at words, `effect` what changes in the
      predictions
    - `alt+h`, or `f2`, comes back here
    """

    @dataclass
    class Chosen(Message):
        """A finding is to be asked."""

        finding: Finding

    def __init__(self) -> None:
        super().__init__(id="findings")
        self._findings: tuple[Finding, ...] = ()

    def compose(self) -> ComposeResult:
        """From above to below."""
        yield Static(id="asks")
        yield Static(HOW, id="how", markup=False)
        yield FindingsList()

    @property
    def list(self) -> FindingsList:
        """The list."""
        return self.query_one(FindingsList)

    def show(
        self, findings: Sequence[Finding], about: str, explains: str = "", first: int = 0
    ) -> None:
        """Show findings, one of them chosen, below what the view asks and what a word means."""
        said = plain(about, "bold")
        if explains:
            said.append(f"\n{explains}", "not bold")
        self.query_one("#asks", Static).update(said)
        if tuple(findings) != self._findings:
            self._findings = tuple(findings)
            self.list.set_options([Option(_shown(one)) for one in findings])
        self.list.highlighted = first if findings else None

    @property
    def chosen(self) -> Finding | None:
        """The one under the cursor."""
        at = self.list.highlighted
        return self._findings[at] if at is not None and at < len(self._findings) else None

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._findings[event.option_index]))


def _shown(finding: Finding) -> Text:
    """A finding in two lines."""
    text = plain(finding.line)
    text.append(f"\n  {plain(finding.against).plain}", "dim")
    text.append(f" · {', '.join(finding.seen)}", "dim italic")
    return text
