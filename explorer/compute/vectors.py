"""The vectors of named items, and of whole spaces, as arrays.

Plain words are looked up all at once; everything else that an expression may be goes through the
resolver, whose answer a plain word's must equal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.errors import QueryError
from explorer.expressions import Expression, Kind, parse
from explorer.measures.measure import Measure
from explorer.measures.registry import checked_measure
from explorer.resolve import Resolver
from explorer.words import Words
from indexer.store.errors import SemanticError
from indexer.store.read import Index
from indexer.store.space import Space

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

_ROWS_AT_ONCE = 4096


def items_of(index: Index, space_name: str) -> tuple[str, ...]:
    """The name of every row of a space, as answers have it in `item`."""
    space = index.space(space_name)
    kind = index.kind_of(space.entry)
    return tuple(map(kind.shown, index.names(space, range(space.entry.rows))))


def vectors(
    resolver: Resolver,
    words: Words,
    space_name: str,
    items: Iterable[str] | None,
    measure_name: str,
) -> Float32:
    """Vectors of some expressions, or of every item of a space: (n, d_model) float32."""
    space = resolver.index.space(space_name)
    measure = checked_measure(measure_name, resolver.index, space, resolver.announce)
    if items is None:
        return _rows(measure, np.arange(space.entry.rows))
    if isinstance(items, (str, bytes)):
        raise QueryError(f"{items!r} is one text; name the items in a list")
    texts = list(items)
    expressions = [_read(at, text) for at, text in enumerate(texts)]
    positions = _plain(resolver.index, words, space, expressions)
    found = np.empty((len(texts), space.entry.width), np.float32)
    known = np.flatnonzero(positions >= 0)
    found[known] = _rows(measure, positions[known])
    if measure.cosine:
        for at in known[~found[known].any(axis=1)]:
            raise QueryError(f"items[{at}], {texts[at]!r}: a zero vector has no direction")
    others = np.flatnonzero(positions < 0)
    # What needs the model is run through it once; where that fails, the item at fault says so.
    with contextlib.suppress(SemanticError):
        resolver.prepare([term for at in others for term in expressions[at].terms], space)
    for at in others:
        try:
            parts = resolver.items(expressions[at], space)
            found[at] = measure.compose([part.weighted for part in parts])
        except SemanticError as err:
            raise _of_item(err, int(at), texts[at]) from None
    return found


def _read(at: int, text: str) -> Expression:
    try:
        return parse(text)
    except SemanticError as err:
        raise _of_item(err, at, text) from None


def _of_item(error: SemanticError, at: int, text: object) -> SemanticError:
    """The same error, saying which of many items it is about."""
    told = type(error)(f"items[{at}], {text!r}: {error}")
    return told.offering(error.asked, error.instead)


def _plain(index: Index, words: Words, space: Space, expressions: Sequence[Expression]) -> Int64:
    """The positions of the expressions that are one bare word with a row of its own: (n,) int64.

    -1 for all others.
    """
    texts = [_bare(expression) for expression in expressions]
    asked = sorted({text for text in texts if text is not None})
    rows: dict[str, int] = {}
    kind = index.kind_of(space.entry)
    if asked and kind is index.words:  # of them all is known already, other spellings too
        rows = {text: words.ids[text] for text in asked if text in words.ids}
    elif asked and kind.named_by_text:
        # A later entry replaces an earlier one: best is the leading space, then the lowest id.
        ids = kind.first_ids(space.entry, [*asked, *(f" {text}" for text in asked)])
        rows = {text: ids[text] for text in asked if text in ids}
        rows |= {text: ids[f" {text}"] for text in asked if f" {text}" in ids}
    return np.array([-1 if text is None else rows.get(text, -1) for text in texts], np.int64)


def _bare(expression: Expression) -> str | None:
    """The word that an expression is, where it is one, taken from the space that is asked."""
    term = expression.single
    if term is None or term.kind not in (Kind.WORD, Kind.TEXT) or term.space is not None:
        return None
    return term.text


def _rows(measure: Measure, positions: Int64) -> Float32:
    """Rows of a space as a measure norms them, a block at a time: (len(positions), d_model)."""
    space = measure.space
    found = np.empty((len(positions), space.entry.width), np.float32)
    for first in range(0, len(positions), _ROWS_AT_ONCE):
        part = positions[first : first + _ROWS_AT_ONCE]
        rows = space.rows.take(part).astype(np.float64) * space.norms[part, None]
        found[first : first + len(part)] = measure.normed_rows(rows)
    return found
