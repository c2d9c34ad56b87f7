"""Which index is open, and whether what lies there is still what was opened.

Knows files and `explorer.api`; knows no widget. What it does may take its time: it is called from
threads.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.screen.asking import refused
from explorer.screen.permission import ModelPermission

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.progress import Progress
    from explorer.questions import Finding
    from indexer.store.places import Print


class Opening:
    """Opens an index, and says when another lies in its place.

    Args:
        name: of the index, or its path; `EXPLORER_INDEX`, or the one that was open last, or the
            only one there, where not given.
        root: the folder of indexes; the usual places, where not given.
        permission: runs the model on text that is not indexed.
        last: the one that was open last.
    """

    def __init__(
        self, name: str | None, root: str | Path | None, permission: ModelPermission, last: str = ""
    ) -> None:
        self.name, self.root, self.permission, self.last = name, root, permission, last
        self.folder: Path | None = None
        self._print: Print | None = None
        self._lock = threading.Lock()

    def open(self, name: str | Path | None = None) -> Explorer:
        """An index, whole as far as sizes of files say; the one that is open, anew, unless named.

        Args:
            name: of the index, or its path.

        What is open stays what it is where this fails.

        Raises:
            SemanticError: there is none, or several, or it is damaged.
        """
        from explorer.api import Explorer
        from explorer.views.indexes import check
        from indexer.store.places import find_index, name_of, print_of
        from indexer.store.read import Index

        with self._lock:
            folder = find_index(name or self.folder or self._asked(), self.root).absolute()
            found = print_of(folder)
            check(folder)
            index = Index(folder)
            try:
                index.sql("SELECT 1")  # a catalog that cannot be read is found now
                ix = Explorer(index, encode=self.permission)
            except BaseException:
                index.close()
                raise
            self.name = name_of(folder)
            self.folder, self._print = folder.with_name(self.name), found
            return ix

    def why(self, err: BaseException) -> str:
        """A line for what `open` raised; empty where no index was asked for and none is the one."""
        from indexer.store.errors import IndexNotFound, SemanticError

        try:
            unasked = isinstance(err, IndexNotFound) and self._asked() is None
        except SemanticError:  # indexes are looked for in what is no folder
            unasked = False
        return "" if unasked else refused(0, err).line

    def _asked(self) -> str | None:
        """What is to be opened: what was said, or the one that was open last if it is there."""
        from indexer.store.places import lying

        if asked := self.name or os.environ.get("EXPLORER_INDEX"):
            return asked
        return self.last if self.last in {one.name for one in lying(self.root)} else None

    @property
    def remembered(self) -> str:
        """The name that finds what is open the next time; empty where that finds another."""
        from indexer.store.places import lying

        found = {one.folder.absolute() for one in lying(self.root) if not one.hidden}
        return self.folder.name if self.folder is not None and self.folder in found else ""

    def changed(self) -> bool:
        """Whether another index lies where this one was opened; not where none does."""
        found = self._now()
        return found is not None and found != self._print

    def gone(self) -> bool:
        """Whether nothing lies where this one was opened; so it is for a moment as one is built."""
        return self.folder is not None and self._now() is None

    def _now(self) -> Print | None:
        """The print of what lies there now."""
        from indexer.store.places import print_of

        return print_of(self.folder) if self.folder is not None else None


PATIENCE = 20.0
"""Seconds that are spent at most on what there is to see in an index that nobody looked at."""


def kept_findings(ix: Explorer) -> tuple[Finding, ...] | None:
    """What there is to see in an index, where that lies beside it."""
    from explorer.findings.kept import kept

    return kept(ix.index.folder, ix.manifest)


def look(ix: Explorer, left: threading.Event, tell: Progress) -> tuple[Finding, ...]:
    """The same of an index that nobody looked at: what can be told at once, until patience ends.

    Args:
        ix: asks it.
        left: set once nobody wants to know any more.
        tell: told of each question that is asked.
    """
    from explorer.errors import Cancelled
    from explorer.findings.declared import look

    end = time.monotonic() + PATIENCE

    def in_time(*_: object) -> None:
        if time.monotonic() > end or ix.index.closed or left.is_set():
            raise Cancelled("given up")

    def far(what: str, done: int, total: int) -> None:
        in_time()
        tell(what, done, total)

    found: list[Finding] = []
    with suppress(Cancelled):
        # What was found by then stays.
        found.extend(look(lambda one: ix.ask(one, in_time), ix.index, True, far))
    return tuple(found)


def warm(ix: Explorer) -> None:
    """Ask what the first letter will need, so that it need not wait for it."""
    import explorer.views.detail  # noqa: F401  # imported here, not when the first row is shown

    ix.beginning("a", k=1)
    ix.search(ix.manifest.embed.name, [1.0] * ix.manifest.model.d_model, distinct=True)
