"""The demo index as the screen has it built: in a thread, told of, and given up.

Knows how a build is started and ended; owns no widget. See `explorer.building`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from explorer.progress import throttled
from explorer.screen.asking import SOON, refused
from explorer.screen.messages import Building, Built, NotBuilt


class Demo:
    """Builds; one at a time.

    Args:
        post: takes messages from any thread.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a build is under way."""
        return self._thread is not None and self._thread.is_alive()

    def build(self, root: Path, words: int) -> None:
        """Begin; nothing where one is under way."""
        from explorer.building import build_demo
        from explorer.errors import Cancelled

        if self.busy:
            return
        stop = self._stop = threading.Event()
        progress = throttled(lambda *step: self._post(Building(*step)), SOON)

        def run() -> None:
            try:
                self._post(Built(build_demo(root, progress, stop, words)))
            except BaseException as err:
                self._post(NotBuilt(refused(0, err).line, isinstance(err, Cancelled)))

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self, wait: float = 0.0) -> None:
        """Give it up, and wait for at most so many seconds until all that it started has ended."""
        self._stop.set()
        if wait and self._thread is not None:
            self._thread.join(wait)
