"""The demo index as the screen has it built: in a thread, told of, and given up.

Knows how a build is started and ended; owns no widget. See `explorer.building`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from textual.message import Message

from explorer.progress import Progress, throttled
from explorer.screen.asking import SOON, refused
from explorer.screen.messages import Building, Built, NotBuilt
from indexer.store.errors import SemanticError


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
                folder = build_demo(root, progress, stop, words)
                _look(folder, progress, stop)
                self._post(Built(folder))
            except BaseException as err:
                self._post(NotBuilt(refused(0, err).line, isinstance(err, Cancelled)))

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self, wait: float = 0.0) -> None:
        """Give it up, and wait for at most so many seconds until all that it started has ended."""
        self._stop.set()
        if wait and self._thread is not None:
            self._thread.join(wait)


def _look(folder: Path, progress: Progress, stop: threading.Event) -> None:
    """Find what there is to see in an index that was just built, and keep it beside it."""
    from explorer.api import Explorer
    from explorer.errors import Cancelled
    from explorer.findings.kept import keep
    from indexer.store.read import Index

    def tell(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise Cancelled("given up")
        progress(f"what there is to see in it: {what}", done, total)

    # Without it the index is as whole.
    with suppress(SemanticError), Explorer(Index(folder)) as ix:
        keep(folder, ix.manifest, ix.findings(anew=True, progress=tell).rows)
