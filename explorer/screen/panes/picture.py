"""The pictures of an answer, drawn to the size of the pane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events
from textual.containers import VerticalScroll
from textual.widgets import Static

from explorer.screen.plain import plain

if TYPE_CHECKING:
    from explorer.show.shapes import Picture

LEAST_WIDTH, LEAST_HEIGHT = 20, 14
_INKS = {"[●█▓▒]+": "cyan", "░+": "dim", "(?<![=≡#-])([=≡#-])\\1+": "magenta"}


class PicturePane(VerticalScroll):
    """Pictures, one below the other."""

    DEFAULT_CSS = """
    PicturePane { scrollbar-gutter: stable; height: 2fr; padding: 0 1; border-left: vkey $rule; }
    PicturePane.-empty { display: none; }
    """

    def __init__(self) -> None:
        super().__init__(id="picture", classes="-empty")
        self.pictures: tuple[Picture, ...] = ()

    def compose(self) -> Any:
        """One text."""
        yield Static(id="drawn")

    def show(self, pictures: tuple[Picture, ...]) -> None:
        """Draw some pictures; none leaves the room to others."""
        self.pictures = pictures
        self.set_class(not pictures, "-empty")
        self.call_after_refresh(self._draw)

    def on_resize(self, _: events.Resize) -> None:
        """Draw anew."""
        self._draw()

    def _draw(self) -> None:
        from explorer.show.draw.terminal import SHORTEST, drawn

        width, height = self.size.width - 2, self.size.height
        if width < LEAST_WIDTH or not self.pictures:
            return
        # As many as there is room for, the first ones; the others by scrolling.
        each = max(height // max(1, min(len(self.pictures), height // LEAST_HEIGHT)), SHORTEST)
        text = plain("\n".join(drawn(one, width, each).rstrip() for one in self.pictures))
        for glyphs, style in _INKS.items():
            text.highlight_regex(glyphs, style)
        self.query_one("#drawn", Static).update(text)
