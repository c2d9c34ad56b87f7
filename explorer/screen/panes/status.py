"""One line at the bottom: what is open, what is wrong, how far a long question has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from explorer.screen.plain import plain

if TYPE_CHECKING:
    from textual.widgets import ProgressBar


class Status(Horizontal):
    """What there is to say."""

    DEFAULT_CSS = """
    Status { height: auto; max-height: 3; padding: 0 1; }
    Status #said { width: 1fr; height: auto; max-height: 3; }
    Status #said.-bad { color: $text-error; }
    Status #said.-offer { color: $text-warning; }
    Status ProgressBar { width: auto; height: 1; display: none; }
    Status.-busy ProgressBar { display: block; }
    Status Bar { width: 16; }
    Status #open { width: auto; color: $text-muted; }
    .-narrow Status #open { display: none; }
    """

    def __init__(self) -> None:
        super().__init__(id="status")
        self._said = ("", "")
        self._bar: ProgressBar | None = None

    def compose(self) -> ComposeResult:
        """What is said, and what is open; the bar is made when something is first waited for."""
        yield Static(id="said")
        yield Static(id="open")

    def say(self, line: str, kind: str = "") -> None:
        """A line: `bad`, an `offer`, or nothing in particular."""
        if (line, kind) == self._said and not self.has_class("-busy"):
            return
        self._said = (line, kind)
        said = self.query_one("#said", Static)
        said.set_classes(f"-{kind}" if kind else "")
        said.update(plain(line))
        self.remove_class("-busy")

    def opened(self, line: str) -> None:
        """What is open."""
        self.query_one("#open", Static).update(plain(line))

    def progress(self, what: str, done: int, total: int) -> None:
        """How far something has come."""
        self.say(f"{what}  (escape gives it up)")
        self.add_class("-busy")
        if self._bar is None:
            from textual.widgets import ProgressBar

            self._bar = ProgressBar(id="bar", show_eta=False)
            self.mount(self._bar, after="#said")
        self._bar.update(total=total or None, progress=done)
