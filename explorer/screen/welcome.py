"""The first screen: an index is opened, chosen or built, and opened anew where another replaced it.

Whatever comes of it is told in `Opened`. Knows no question; what takes its time is done in threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.containers import Container
from textual.message import Message

from explorer.screen.asking import refused
from explorer.screen.demo import Demo
from explorer.screen.messages import (
    Building,
    Built,
    IndexesListed,
    Looked,
    Looking,
    NotBuilt,
    NotOpened,
    Opened,
    Said,
)
from explorer.screen.opening import Opening, kept_findings, look, warm
from indexer.store.errors import SemanticError

if TYPE_CHECKING:
    from pathlib import Path

    from textual.widget import Widget

    from explorer.screen.panes.start import Start
    from explorer.views.indexes import Found

LOOK_AGAIN = 2.0
"""Seconds between two looks at whether the index was built anew."""

LAST = 0.8
"""Seconds that leaving waits at most for a build, or for a look at an index, to end."""


class Welcome(Container):
    """Stands before everything else until an index is open, and whenever another is to be chosen.

    It has the class `-start` put on the screen while it does.

    Args:
        opening: opens.
    """

    DEFAULT_CSS = "Welcome { height: 1fr; display: none; }"

    def __init__(self, opening: Opening) -> None:
        super().__init__(id="welcome")
        self.opening = opening
        self.demo = Demo(self.post_message)
        self._before: Widget | None = None
        self._under_way = False
        self._missed = 0
        self._said = ""
        self._left = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def start(self) -> Start:
        """The pane; there is one as soon as it was shown."""
        from explorer.screen.panes.start import Start

        return self.query_one(Start)

    @property
    def shown(self) -> bool:
        """Whether it stands before everything else."""
        return self.display

    def on_mount(self) -> None:
        """The first screen stands before anything is opened."""
        self.call_after_refresh(self.open)
        self.set_interval(LOOK_AGAIN, self.look_again)

    def on_unmount(self) -> None:
        """What is being built is given up; it goes on from there the next time."""
        self._left.set()
        self.demo.stop(LAST)
        if self._thread is not None:  # a thread at work in a library ends with no good grace
            self._thread.join(LAST)

    def open(self, name: str | Path | None = None, again: bool = False) -> None:
        """Open an index; the one that is open, or was asked for, unless named."""
        self._under_way = True
        self._left.clear()

        def opened() -> None:
            try:
                ix = self.opening.open(name)
            except BaseException as err:
                found = self._found()
                self.post_message(NotOpened(self.opening.why(err), found, again))
                return
            self.post_message(Opened(ix, again))

            def far(what: str, done: int, total: int) -> None:
                self.post_message(Looking(ix, what, done, total))

            findings = kept_findings(ix)
            if findings is not None:
                self.post_message(Looked(ix, findings))
            with suppress(SemanticError):  # the first question says what is wrong
                warm(ix)
            if findings is None:
                try:
                    self.post_message(Looked(ix, look(ix, self._left, far)))
                except BaseException as err:
                    self.post_message(Said(refused(0, err).line, "bad"))

        self._thread = threading.Thread(target=opened, daemon=True)
        self._thread.start()

    def looked_enough(self) -> None:
        """Look no further what there is to see."""
        self._left.set()

    def choose(self) -> None:
        """Show which indexes there are."""
        self._post_from_thread(lambda: IndexesListed(self._found()))

    def look_again(self) -> None:
        """See whether what is open still lies where it was opened."""
        if self.opening.folder is None or self._under_way:
            return
        if self.opening.changed():
            self.open(self.opening.folder, again=True)
        self._missed = self._missed + 1 if self.opening.gone() else 0
        if self._missed == 2:  # at one look it may have been gone for a moment, being replaced
            line = f"{self.opening.folder} is gone; what was opened goes on answering"
            self.post_message(Said(line, "bad"))

    def _found(self) -> Found:
        """The indexes there are."""
        from explorer.views.indexes import find

        return find(self.opening.root)

    def _post_from_thread(self, tell: Callable[[], Message]) -> None:
        threading.Thread(target=lambda: self.post_message(tell()), daemon=True).start()

    # -- what came of it ----------------------------------------------------------------------

    async def on_opened(self, _: Opened) -> None:
        """Make room."""
        self._under_way, self._said, self._missed = False, "", 0
        await self._set_shown(False)

    async def on_not_opened(self, message: NotOpened) -> None:
        """Why not; what is open stays open."""
        self._under_way = False
        if not message.again:
            await self._set_shown(True)
            self.start.show(message.found, message.line, self.opening.folder)
        elif message.line != self._said:
            self._said = message.line
            line = f"built anew, but {message.line}; what was opened goes on answering"
            self.post_message(Said(line, "bad"))

    async def on_indexes_listed(self, message: IndexesListed) -> None:
        """A list to choose from."""
        if not self.demo.busy:
            await self._set_shown(True)
            self.start.show(message.found, at=self.opening.folder)

    def on_building(self, message: Building) -> None:
        """How far it is."""
        if self.demo.busy:
            self.start.building(message.what, message.done, message.total)

    def on_built(self, message: Built) -> None:
        """Open it."""
        self.open(message.folder)

    def on_not_built(self, message: NotBuilt) -> None:
        """Say why, and start over."""
        stays = "the build was stopped; what is finished stays, and the next one goes on from there"
        line = stays if message.given_up else message.line
        self._post_from_thread(lambda: NotOpened(line, self._found()))

    # -- what a person does -------------------------------------------------------------------

    def on_start_chosen(self, event: Start.Chosen) -> None:
        """Open another one."""
        self.open(event.folder)

    def on_start_again(self, _: Start.Again) -> None:
        """What was asked for may be there by now."""
        self.open()

    def on_start_build(self, event: Start.Build) -> None:
        """Build the demo index."""
        found = self._found()
        self.start.building("starting", 0, 0)
        self.demo.build(found.root, event.words)

    async def on_start_left(self, _: Start.Left) -> None:
        """Stop what is being built; else go back to what is open, if anything is."""
        if self.demo.busy:
            self.demo.stop()
        elif self.opening.folder is not None:
            await self._set_shown(False)

    async def _set_shown(self, shown: bool) -> None:
        """Before everything else, or out of the way; the focus goes where it was."""
        if shown == self.shown:
            return
        if shown:
            await self._mount_start()
            self._before = self.screen.focused
            self.post_message(Said(""))
        self.display = shown
        self.screen.set_class(shown, "-start")
        if not shown and self._before is not None:
            self.screen.set_focus(self._before)
            self._before = None

    async def _mount_start(self) -> None:
        """The pane is made when it is first needed: the first screen needs none."""
        from explorer.screen.panes.start import Start

        if not self.query(Start):
            await self.mount(Start())
