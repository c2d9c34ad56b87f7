"""The terminal UI driven by key presses, in this process, on a real index."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from explorer.screen.app import ExplorerApp
from explorer.screen.panes.answer import AnswerPane
from explorer.screen.panes.detail import DetailPane
from explorer.screen.panes.status import Status
from processes import PATIENCE

NAMES = {
    " ": "space", ",": "comma", "-": "minus", "+": "plus", "*": "asterisk", '"': "quotation_mark",
    "@": "at", ".": "full_stop", "/": "slash", "?": "question_mark", "_": "underscore",
    "(": "left_parenthesis", ")": "right_parenthesis", "'": "apostrophe", "=": "equals_sign",
    ":": "colon", "#": "number_sign", ";": "semicolon",
}  # fmt: skip


class Driven:
    """An app that runs, and what a person sees of it."""

    def __init__(self, app: ExplorerApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Keys by name, and wait until what they led to stands on the screen."""
        await self.pilot.press(*keys)
        await self.settled()

    async def type(self, text: str) -> None:
        """A text, letter by letter, faster than anybody types: all of them at once."""
        for char in text:
            self.app.post_message(events.Key(NAMES.get(char, char), char))
        await self.pilot.pause()
        await self.settled()

    async def paste(self, text: str) -> None:
        """A text at once, into what has the focus."""
        await self.paste_only(text)
        await self.settled()

    async def paste_only(self, text: str) -> None:
        """The same, and wait for nothing."""
        assert self.app.focused is not None
        self.app.focused.post_message(events.Paste(text))

    async def settled(self) -> None:
        """Nothing is under way, and everything that was told is shown."""
        asking = self.app.workbench.asking
        await self.until(lambda: self.app.ix is not None and self.app.keys.idle)
        await self.until(lambda: not asking.busy)
        await self.pilot.pause()
        await self.until(lambda: self.app.keys.idle and not (asking.busy or asking.looking))
        await self.pilot.pause()
        await self.pilot.pause()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; an error where it never is."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, "it never came"
            await self.pilot.pause(0.02)

    @property
    def answer(self) -> AnswerPane:
        return self.app.workbench.answer

    @property
    def rows(self) -> list[list[str]]:
        """The table as it stands there, without bars."""
        table = self.answer.table
        return [[str(cell) for cell in table.get_row_at(at)] for at in range(table.row_count)]

    @property
    def head(self) -> str:
        return text_of(self.answer.query_one("#head", Static))

    @property
    def foot(self) -> str:
        return text_of(self.answer.query_one("#foot", Static))

    @property
    def said(self) -> str:
        return text_of(self.app.query_one(Status).query_one("#said", Static))

    @property
    def detail(self) -> str:
        return text_of(self.app.query_one(DetailPane).query_one("#known", Static))

    @property
    def place(self) -> Any:
        return self.app.workbench.place


def text_of(widget: Static) -> str:
    return str(widget.content)


def drive(
    root: Path,
    do: Callable[[Driven], Awaitable[None]],
    size: tuple[int, int] = (120, 36),
    index: str | None = "smollm2",
    settle: bool = True,
    faulty: bool = False,
) -> ExplorerApp:
    """Run the app on an index of a folder, do something, and quit.

    A fault of the program, which the app outlives, fails the test unless it is there to raise one.
    """
    app = ExplorerApp(index, root)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            driven = Driven(app, pilot)
            if settle:
                await driven.settled()
            await do(driven)

    asyncio.run(run())
    assert not app.tracebacks or faulty, "\n".join(app.tracebacks)
    return app
