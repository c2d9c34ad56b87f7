"""Test sets that have a name: small ones of our own, and gensim's where that is installed.

Knows where their files lie; reads none, and imports nothing of gensim.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["analogies", "similarity"]
"""What is asked of a test set."""

_OURS = Path(__file__).parent / "sets"


@dataclass(frozen=True)
class NamedSet:
    """A test set.

    Attributes:
        name: what it is asked by.
        kind: what is asked of it.
        path: where it lies.
    """

    name: str
    kind: Kind
    path: Path


@cache
def named_sets() -> tuple[NamedSet, ...]:
    """Those that are there: ours first, then gensim's."""
    ours = (
        NamedSet("everyday-analogies", "analogies", _OURS / "everyday-analogies.txt"),
        NamedSet("everyday-pairs", "similarity", _OURS / "everyday-pairs.tsv"),
    )
    found = importlib.util.find_spec("gensim")
    places = (found.submodule_search_locations or ()) if found is not None else ()
    theirs = tuple(
        NamedSet(name, kind, Path(place, "test", "test_data", file))
        for place in places
        for name, kind, file in _OF_GENSIM
    )
    return (*ours, *(one for one in theirs if one.path.is_file()))


_OF_GENSIM: tuple[tuple[str, Kind, str], ...] = (
    ("questions-words", "analogies", "questions-words.txt"),
    ("wordsim353", "similarity", "wordsim353.tsv"),
    ("simlex999", "similarity", "simlex999.txt"),
)


def names(kind: Kind) -> tuple[str, ...]:
    """What the test sets of a kind are asked by."""
    return tuple(one.name for one in named_sets() if one.kind == kind)


def path_of(asked: str, kind: Kind) -> str | None:
    """Where a test set lies that is asked by name; None where no set has that name.

    A file that is called so goes before.
    """
    if os.path.exists(asked):
        return None
    return next((str(o.path) for o in named_sets() if (o.name, o.kind) == (asked, kind)), None)
