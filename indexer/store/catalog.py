"""The catalog of a sealed index, opened when first asked: read-only SQL, a cursor a thread.

Knows the manifest, for what the catalog must hold and for what to say where something is lacking;
knows no table in particular, and no vector.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.store.catalog_file import ALIAS, damaged, opened_locked
from indexer.store.errors import ClosedIndex, UnknownSpace
from indexer.store.grid import HeadGrid, NeuronGrid
from indexer.store.layout import Manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Catalog:
    """What an index knows besides its vectors. Safe to use from several threads.

    Args:
        folder: where the index lies.
        manifest: what was sealed.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest, self.name = folder, manifest, manifest.name
        self._local = threading.local()
        self._opening = threading.Lock()
        self._connection: Any = None
        self._closed = False

    def open_ahead(self, opened: Callable[[], None]) -> None:
        """Begin to open it in a thread of its own; whoever asks waits until it is done.

        What is wrong with it is told to who asks, who opens it anew.

        Args:
            opened: called in that thread once it is.
        """
        import duckdb  # noqa: F401  # what is imported in two threads at once takes twice as long

        threading.Thread(target=self._open_unasked, args=(opened,), name="catalog").start()

    def _open_unasked(self, opened: Callable[[], None]) -> None:
        with self._opening, contextlib.suppress(Exception):
            if self._connection is None and not self._closed:
                self._connection = opened_locked(self.folder, self.manifest)
                opened()

    def close(self) -> None:
        """Close it; what is asked later is refused."""
        with self._opening:
            self._closed = True
            self._local = threading.local()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def require_open(self) -> None:
        """Raise `ClosedIndex` where the index was closed."""
        if self._closed:
            raise ClosedIndex(
                f"index {self.name!r} was closed; open it again to ask more of it: "
                f"explorer.open({self.name!r})"
            )

    def after_fork(self) -> tuple[Any, ...]:
        """In a forked process: be open no more here; returns what belongs to the parent.

        That is to be kept, unused: to close the connection would wait for threads that are not
        here.
        """
        left = self._connection, self._local
        self._connection, self._local = None, threading.local()
        self._opening = threading.Lock()
        return left

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a read-only query, on this thread's own cursor.

        Raises:
            DamagedIndex: the catalog cannot be read.
            ClosedIndex: the index was closed.
        """
        rows: list[tuple[Any, ...]] = self._run(query, parameters, "fetchall")
        return rows

    def columns(self, query: str, parameters: Sequence[Any] = ()) -> dict[str, NDArray[Any]]:
        """The same, a NumPy array a column; raises as `sql` does."""
        columns: dict[str, NDArray[Any]] = self._run(query, parameters, "fetchnumpy")
        return columns

    def _run(self, query: str, parameters: Sequence[Any], fetch: str) -> Any:
        cursor = self._cursor()
        import duckdb

        try:
            return getattr(cursor.execute(query, list(parameters)), fetch)()
        except duckdb.Error as err:
            self.require_open()  # or it was closed by another thread meanwhile
            if isinstance(err, duckdb.ProgrammingError):
                raise
            # Damage is found block by block, so here as much as at opening.
            raise damaged(self.folder, err) from None
        except RuntimeError as err:
            if "interrupted" in str(err):  # what DuckDB makes of ctrl+c while it runs a query
                raise KeyboardInterrupt from None
            raise

    def _cursor(self) -> Any:
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            with self._opening:
                self.require_open()
                if self._connection is None:
                    self._connection = opened_locked(self.folder, self.manifest)
                cursor = self._connection.cursor()
                cursor.execute(f"USE {ALIAS}").fetchall()
                self._local.cursor = cursor
        return cursor

    @cached_property
    def neuron_grid(self) -> NeuronGrid:
        """Which neuron is which row of the neuron spaces."""
        return self.manifest.neuron_grid

    @cached_property
    def head_grid(self) -> HeadGrid:
        """Which head dimension is which row of the head spaces."""
        return self.manifest.head_grid

    def lacks(self, what: str, spaces: str) -> UnknownSpace:
        """The error of an index that was made without something."""
        if not self.manifest.has_model:
            why = "its vectors were imported, and no model is behind them"
        else:
            why = f"build one with them: --spaces {spaces}"
        return UnknownSpace(f"index {self.name!r} holds no {what}; {why}")
