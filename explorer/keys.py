"""`["king", ("woman", 0.5)]`: items with weights, as gensim's `most_similar` takes them.

Knows how they become an expression; whether an item exists is for `explorer.resolve` to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TypeAlias

from explorer.errors import QueryError
from explorer.expressions import parse

Key: TypeAlias = str | tuple[str, float]
"""An item, or an item with its weight."""

Keys: TypeAlias = Key | Iterable[Key]
"""One or several of them."""


def expression_of(positive: Keys | None, negative: Keys | None) -> str:
    """The sum of what is given: each item with weight 1, or -1, unless it has its own.

    Raises:
        QueryError: nothing is given, or what is no item with its weight; the message names it.
        BadExpression: an item cannot be read.
    """
    weighted = [*_weighted(positive, 1.0), *_weighted(negative, -1.0)]
    if not weighted:
        raise QueryError("most_similar needs an item: name one in positive or in negative")
    terms = [_term(item, weight, first=at == 0) for at, (item, weight) in enumerate(weighted)]
    return " ".join(terms)


def _weighted(keys: Keys | None, usual: float) -> Sequence[tuple[str, float]]:
    if keys is None:
        return []
    listed = [keys] if isinstance(keys, str) or _is_pair(keys) else keys
    if not isinstance(listed, Iterable):
        raise QueryError(f"{listed!r} is no item; write 'king', or ('king', 0.5) with a weight")
    return [_one(key, usual) for key in listed]


def _is_pair(key: object) -> bool:
    if not isinstance(key, tuple) or len(key) != 2:
        return False
    return isinstance(key[0], str) and isinstance(key[1], Real)


def _one(key: object, usual: float) -> tuple[str, float]:
    if isinstance(key, str):
        return key, usual
    if isinstance(key, tuple) and _is_pair(key):
        return key[0], float(key[1])
    raise QueryError(f"{key!r} is no item; write 'king', or ('king', 0.5) with a weight")


def _term(item: str, weight: float, first: bool) -> str:
    """An item as it stands in an expression, behind its sign."""
    if parse(item).single is None:
        raise QueryError(f"{item!r} is no single item; ix.neighbors({item!r}) takes expressions")
    sign = "- " if weight < 0 else "" if first else "+ "
    size = abs(weight)
    return f"{sign}{item.strip()}" if size == 1 else f"{sign}{size!r}*{item.strip()}"
