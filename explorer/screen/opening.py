"""Which index is open, and whether what lies there is still what was opened.

Knows files and `explorer.api`; knows no widget. What it does may take its time: it is called from
threads.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.screen.door import Door

if TYPE_CHECKING:
    from explorer.api import Explorer

_Print = tuple[int, int, int]


class Opening:
    """Opens an index, and says when another lies in its place.

    Args:
        name: of the index; the only one there, or `EXPLORER_INDEX`, where not given.
        root: the folder of indexes; `EXPLORER_INDEXES`, or `indexes/`, where not given.
        door: runs the model on text that is not indexed.
    """

    def __init__(self, name: str | None, root: str | Path | None, door: Door) -> None:
        self.name, self.root, self.door = name, root, door
        self.folder: Path | None = None
        self._print: _Print | None = None
        self._lock = threading.Lock()

    def open(self) -> Explorer:
        """The index of that name, opened anew.

        Raises:
            SemanticError: there is none, or several, or it is damaged.
        """
        from explorer.api import Explorer
        from indexer.store.layout import find_index
        from indexer.store.read import open_index

        with self._lock:
            folder = find_index(self.name, self.root)
            found = _print_of(folder)
            ix = Explorer(open_index(self.name, self.root), encode=self.door)
            self.folder, self._print = folder, found
            return ix

    def names(self) -> list[str]:
        """The indexes there are."""
        from indexer.store.layout import index_names, index_root

        return index_names(index_root(self.root))

    def changed(self) -> bool:
        """Whether another index lies where this one was opened; not where none does."""
        found = _print_of(self.folder) if self.folder is not None else None
        return found is not None and found != self._print


def warm(ix: Explorer) -> None:
    """Ask what the first letter will need, so that it need not wait for it."""
    import explorer.tables
    import explorer.views.detail  # noqa: F401  # imported here, not when the first row is shown

    ix.beginning("a", 1)
    if "embed" in ix.spaces:
        ix.search("embed", [1.0] * ix.manifest.model.d_model, distinct=True)


def _print_of(folder: Path) -> _Print | None:
    """What tells one manifest from another that takes its place."""
    try:
        found = (folder / "manifest.json").stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
