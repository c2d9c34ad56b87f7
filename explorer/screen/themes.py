"""The colours of the screen: a dark theme and a light one, in which everything can be read.

Every text has a contrast of 4.5 at least against what is behind it, every mark of 3 (WCAG 2.2,
1.4.3 and 1.4.11); a test measures what is drawn. Textual's own themes, and the two of the
terminal's palette, are in its list beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

DARK, LIGHT = "explorer-dark", "explorer-light"

_THEMES = (
    Theme(
        DARK,
        primary="#3b9cec",
        secondary="#7fb4de",
        warning="#ffb454",
        error="#f0708a",
        success="#5fcf80",
        accent="#ffb454",
        foreground="#e6e6e6",
        background="#121212",
        surface="#1e1e1e",
        panel="#242f38",
        variables={
            "rule": "#767676",
            "text-muted": "#a8a8a8",
            "text-disabled": "#989898",
            "text-error": "#ff98ab",
            "text-warning": "#ffc473",
            "block-cursor-background": "#004a80",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-blurred-background": "#2c3e4c",
            "scrollbar": "#767676",
            "scrollbar-hover": "#999999",
            "scrollbar-active": "#bbbbbb",
            "scrollbar-background": "#121212",
            "scrollbar-background-hover": "#121212",
            "scrollbar-background-active": "#121212",
            "scrollbar-corner-color": "#121212",
            "input-selection-background": "#2f5f8a",
            "input-selection-foreground": "#ffffff",
            "footer-key-foreground": "#ffc473",
            "markdown-h2-color": "#7fb4de",
        },
    ),
    Theme(
        LIGHT,
        primary="#0a5a9c",
        secondary="#004578",
        warning="#8a4b00",
        error="#b3261e",
        success="#1b6e34",
        accent="#a04d00",
        foreground="#1c1c1c",
        background="#fafafa",
        surface="#f0f0f0",
        panel="#e4e8eb",
        dark=False,
        variables={
            "rule": "#808080",
            "text-muted": "#595959",
            "text-disabled": "#636363",
            "text-error": "#a1160f",
            "text-warning": "#7a4200",
            "block-cursor-background": "#bcdcf5",
            "block-cursor-foreground": "#101010",
            "block-cursor-blurred-background": "#dde7ee",
            "scrollbar": "#808080",
            "scrollbar-hover": "#5f5f5f",
            "scrollbar-active": "#404040",
            "scrollbar-background": "#fafafa",
            "scrollbar-background-hover": "#fafafa",
            "scrollbar-background-active": "#fafafa",
            "scrollbar-corner-color": "#fafafa",
            "input-selection-background": "#a9d0f0",
            "input-selection-foreground": "#101010",
            "footer-key-foreground": "#004578",
            "markdown-h2-color": "#004578",
        },
    ),
)

RULES = {"rule": "#808080"}
"""What our own styles need beyond a theme of Textual's."""

_Colour = tuple[int, int, int]


def _named(background: _Colour, foreground: _Colour, *colours: str) -> TerminalTheme:
    """Black, red, green, yellow, blue, magenta, cyan and white by name; the bright ones alike."""
    eight = [(int(c[1:3], 16), int(c[3:5], 16), int(c[5:7], 16)) for c in colours]
    return TerminalTheme(background, foreground, eight, eight)


_ON_DARK = _named(
    *((18, 18, 18), (230, 230, 230)),
    *("#121212", "#ff8a9c", "#7fd88f", "#ffc473", "#6cb6f5", "#e0a0ff", "#66d0e8", "#e6e6e6"),
)
_ON_LIGHT = _named(
    *((250, 250, 250), (28, 28, 28)),
    *("#1c1c1c", "#a1160f", "#1b5e2c", "#6f4400", "#0a4f8f", "#7a1f99", "#005b6b", "#f0f0f0"),
)


def register(app: App[None]) -> None:
    """Have an app know them, and what colours with a name look like in each."""
    for theme in _THEMES:
        app.register_theme(theme)
    app.ansi_theme_dark, app.ansi_theme_light = _ON_DARK, _ON_LIGHT
