"""The pictures of an answer, drawn to the size of the pane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import events
from textual.containers import VerticalScroll
from textual.widgets import Static

from explorer.screen.plain import plain

if TYPE_CHECKING:
    from explorer.show.draw.coloured import Run
    from explorer.show.shapes import Picture

LEAST_WIDTH, LEAST_HEIGHT = 20, 10
"""Columns and lines below which a picture says little."""

LEAST_BELOW = 8
"""Lines below a table from which on a picture stands there, as wide as the table."""

_INKS = {"[●█▓▒]+": "cyan", "░+": "dim", "(?<![=≡#-])([=≡#-])\\1+": "magenta"}
_HILL = {"●": "bold cyan", "[▁▂▃▄▅▆▇█]+": "dim"}


class Pictures(VerticalScroll):
    """Pictures, one below the other."""

    DEFAULT_CSS = """
    Pictures { scrollbar-gutter: stable; padding: 0 1; }
    Pictures.-empty { display: none; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(id=name, classes="-empty")
        self.pictures: tuple[Picture, ...] = ()
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> Any:
        """One text."""
        yield Static(classes="drawn", id="drawn")

    def show(self, pictures: tuple[Picture, ...]) -> None:
        """Draw some pictures; none leaves the room to others."""
        self.pictures = pictures
        self.set_class(not pictures, "-empty")
        self.call_after_refresh(self._draw)

    def on_mount(self) -> None:
        """Draw anew in other colours when the theme changes."""
        self.watch(self.app, "theme", self._draw, init=False)

    def on_resize(self, _: events.Resize) -> None:
        """Draw anew."""
        self._draw()

    def _draw(self) -> None:
        if not self.pictures and self._drawn:  # what is gone is not to be seen in the middle
            self._drawn = ()
            self.query_one(".drawn", Static).update("")
        width, height = self.size.width - 2, self.size.height
        if width < LEAST_WIDTH or not self.pictures:
            return
        dark = self.app.current_theme.dark
        drawn = (self.pictures, width, height, dark)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        heights = shares(self.pictures, height)
        pairs = zip(self.pictures, heights, strict=True)
        texts = [_text(picture, width, lines, dark) for picture, lines in pairs]
        self.query_one(".drawn", Static).update(Text("\n").join(texts))


class PicturePane(Pictures):
    """What stands at the side."""

    DEFAULT_CSS = """
    PicturePane { height: 1fr; border-left: vkey $rule; }
    """

    def __init__(self) -> None:
        super().__init__("picture")


class BelowPane(Pictures):
    """What has room below the table."""

    DEFAULT_CSS = """
    BelowPane { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__("below")


def shares(pictures: Sequence[Picture], height: int) -> list[int]:
    """Lines of each picture: as many as there is room for share it, the others by scrolling.

    A grid beside others takes what they can do without, since it leaves out rows.
    """
    from explorer.show.draw.terminal import SHORTEST
    from explorer.show.shapes import Grid

    fit = max(1, min(len(pictures), height // LEAST_HEIGHT))
    each = max(height // fit, SHORTEST)
    grids = sum(isinstance(one, Grid) for one in pictures[:fit])
    if not 0 < grids < fit:
        return [each] * len(pictures)
    rest = (height - LEAST_HEIGHT * (fit - grids)) // grids
    return [rest if isinstance(one, Grid) else LEAST_HEIGHT for one in pictures]


def _text(picture: Picture, width: int, height: int, dark: bool) -> Text:
    """A picture in the colours of the screen."""
    from explorer.show.draw import coloured
    from explorer.show.draw.terminal import drawn
    from explorer.show.shapes import Distribution, Grid

    if isinstance(picture, Grid) and coloured.figures_fit(picture, width) is not None:
        lines = coloured.lines_of(picture, width, height, dark)
        return Text("\n").join(map(_line, lines))
    text = plain(drawn(picture, width, height).rstrip())
    for glyphs, style in (_HILL if isinstance(picture, Distribution) else _INKS).items():
        text.highlight_regex(glyphs, style)
    return text


def _line(runs: Sequence[Run]) -> Text:
    text = Text(no_wrap=True)
    for run in runs:
        style = f"{run.ink} on {run.ground}" if run.ground else ""
        text.append_text(plain(run.text, style))
    return text
