"""Keys one after the other: each is heard where the focus is once the one before has taken effect.

Textual hands a key to the widget that has the focus when the key arrives, not when it is heard. Of
`tab`, `x` typed at once the `x` would still be written where the `tab` was pressed; and what a key
leads to, a message from one widget to the next, may come after the key that follows. Knows how
a key comes up through the widgets; knows nothing of what keys mean.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from textual import events
from textual.message import Message
from textual.message_pump import MessagePump

Typed = events.Key | events.Paste

LATER, MOST = 0.002, 0.4
"""Seconds between two looks at whether every message was heard, and after which the next key is
heard all the same: none is lost, and none waits for long."""


class KeyQueue:
    """Keys and pasted texts that wait for the one under way.

    Args:
        release: takes the next one, which is then under way.
        is_quiet: whether no message that a key led to waits to be heard.
    """

    def __init__(self, release: Callable[[Typed], object], is_quiet: Callable[[], bool]) -> None:
        self._release, self._is_quiet = release, is_quiet
        self._waiting: deque[Typed] = deque()
        self._under_way: Typed | None = None
        self._at: MessagePump | None = None
        self._settling: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether every key has taken effect."""
        return self._under_way is None and not self._waiting

    @property
    def writing_on(self) -> bool:
        """Whether the next key waits already and writes too: what stands there now is soon old."""
        following = self._waiting[0] if self._waiting else None
        if isinstance(following, events.Key):
            return following.is_printable or following.key == "backspace"
        return following is not None

    def begin(self, key: Typed) -> bool:
        """Whether a key is to be heard now; else it waits, and is released later."""
        if key is self._under_way:
            return True
        if self._under_way is None:
            self._under_way = key
            return True
        self._waiting.append(key)
        if self._settling is None and self._at is not None and _is_gone(self._at):
            self._finish()  # its widget was taken away before it heard it
        return False

    def handed(self, key: Typed, to: MessagePump | None) -> None:
        """Whoever hears the key next; None where a binding took it at once."""
        if key is self._under_way and self._settling is None:
            self._at = to
            if to is None:
                self._finish()

    def heard(self, message: Message, by: MessagePump) -> None:
        """A widget has done what it does with a message; a key goes on to what is around it."""
        if message is not self._under_way or self._settling is not None:
            return
        around = by._parent
        if message._stop_propagation or around is None or not by.is_attached:
            self._finish()
        else:
            self._at = around

    def _finish(self) -> None:
        self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        """Wait until what the key led to has happened, then go on."""
        begun = time.monotonic()
        try:
            await asyncio.sleep(0)
            while not self._is_quiet() and time.monotonic() - begun < MOST:
                await asyncio.sleep(LATER if time.monotonic() - begun > LATER else 0)
        finally:  # whatever happens, the next key is heard
            self._under_way = self._at = self._settling = None
            if self._waiting:
                self._under_way = self._waiting.popleft()
                self._release(self._under_way)


def _is_gone(pump: MessagePump) -> bool:
    return pump._closing or pump._closed or not pump.is_running
