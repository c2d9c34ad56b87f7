"""An app that goes on after an error of its own: each is said in a line, and the next key is heard.

Textual ends an app at the first exception of a handler, and the widget whose handler raised stops
listening. Here it is one boundary that every message passes, of our widgets and of Textual's own;
keys pass it one at a time. Knows how Textual hands out messages; knows nothing of what they mean.
"""

from __future__ import annotations

import time
import traceback
from collections import deque

from textual import events
from textual._context import active_message_pump
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed

from explorer.screen.asking import refused
from explorer.screen.key_queue import KeyQueue
from explorer.screen.messages import Said

MOST = 20
"""Faults that are kept at length."""

_QUIET = 0.1
"""Seconds in which the same fault is not said again: saying it may be what raises it."""


class ResilientApp(App[None]):
    """An app that no handler, timer, worker or drawing ends; only what keeps it from starting does.

    Attributes:
        tracebacks: of each fault so far, the newest last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tracebacks: deque[str] = deque(maxlen=MOST)
        self._last = ("", 0.0)
        self._began = False
        self.hearing = 0
        """Messages that a widget is hearing at this moment."""
        self.keys = KeyQueue(self.post_message, self._is_quiet)

    def _is_quiet(self) -> bool:
        """Whether no widget hears a message, or has one to hear."""
        pumps: list[MessagePump] = [self, *self.screen_stack]
        pumps += [node for screen in self.screen_stack for node in screen.walk_children()]
        return not self.hearing and all(pump._message_queue.empty() for pump in pumps)

    async def on_event(self, event: events.Event) -> None:
        """A key waits until the one before it has taken effect."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            if self.keys.begin(event):
                focused = self.focused or self.screen
                await super().on_event(event)
                self.keys.handed(event, focused if event.is_forwarded else None)
            return
        await super().on_event(event)

    def on_ready(self) -> None:
        """From now on nothing ends it."""
        self._began = True

    def report(self, error: BaseException) -> None:
        """Say what happened, once; not what comes of widgets that are gone as the app ends."""
        if self._exit or (self._began and not self.is_running):
            return
        if isinstance(error, WorkerFailed):
            error = error.error
        refusal = refused(0, error)
        if refusal.broken:
            self.tracebacks.append("".join(traceback.format_exception(error)))
        before, when = self._last
        self._last = refusal.line, time.monotonic()
        if refusal.line != before or time.monotonic() - when > _QUIET:
            self.post_message(Said(refusal.line, "bad"))

    def _handle_exception(self, error: Exception) -> None:
        if active_message_pump.get(self) is self and not self.is_running:
            super()._handle_exception(error)
        else:
            self.report(error)


_dispatch = MessagePump._dispatch_message


async def _dispatched(pump: MessagePump, message: Message) -> None:
    """Every message of every widget: an exception of its handler ends neither of them."""
    came = isinstance(message, (events.Key, events.Paste)) and message.is_forwarded
    ours = pump.app if isinstance(pump.app, ResilientApp) else None
    if ours is not None:
        ours.hearing += 1
    try:
        await _dispatch(pump, message)
    except Exception as err:
        app = pump.app
        starting = pump is app and isinstance(message, (events.Compose, events.Mount))
        if starting or not isinstance(app, ResilientApp):
            raise
        app.report(err)
    finally:
        if ours is not None:
            ours.hearing -= 1
            if came:
                ours.keys.heard(message, pump)


MessagePump._dispatch_message = _dispatched  # type: ignore[assignment,method-assign]
