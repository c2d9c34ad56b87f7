"""A question goes in, a result comes out.

    import explorer
    with explorer.open("smollm2") as ix:
        print(ix.neighbors("king - man + woman"))

Needs an index that `indexer build` or `indexer import` made; imports neither torch nor
transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from explorer import errors as errors
    from explorer.api import Explorer as Explorer

__all__ = ["Explorer", "errors", "open"]


def open(name: str | Path | None = None, indexes: str | Path | None = None) -> Explorer:
    """Open an index by name or path; `EXPLORER_INDEX`, or the only one, where none is given.

    Args:
        name: of an index, or the path of its folder; text is a path where it holds a separator.
        indexes: the folder of indexes to look in; that of `EXPLORER_INDEXES`, or `indexes/` here,
            and then the user's own, where not given.

    Raises:
        SemanticError: there is no such index, or it is damaged; the message is one line.
    """
    from explorer.api import Explorer
    from indexer.store.read import open_index

    return Explorer(open_index(name, indexes))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    if name == "Explorer":
        from explorer.api import Explorer

        return Explorer
    if name == "errors":
        return import_module("explorer.errors")
    raise AttributeError(f"module 'explorer' has no attribute {name!r}")
