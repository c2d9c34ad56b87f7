"""How many rows an answer has: as many as were asked for, or, unless said, as many as is usual.

What nobody asked for is no error: where fewer exist than is usual, there are as many as exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.errors import QueryError, TooFewRows
from explorer.questions.query import Query, usual_rows
from indexer.store.errors import option_named
from indexer.store.grid import span
from indexer.store.items import ITEMS
from indexer.store.space import Space


def row_count(query: Query[Any], there: int, which: str) -> int:
    """How many rows a query's answer has.

    Args:
        query: with a field `k`.
        there: how many there are to be had.
        which: what says so of them, such as `space 'embed' has 8 words`.

    Raises:
        QueryError: less than one is asked for.
        TooFewRows: more are asked for than there are.
    """
    asked = query.k  # type: ignore[attr-defined]  # who calls has one
    return checked_count(asked, usual_rows(type(query)), there, which)


def checked_count(asked: int | None, usual: int, there: int, which: str) -> int:
    """The same of a number that no query holds."""
    if asked is None:
        return min(usual, there)
    if asked < 1:
        raise QueryError(f"{option_named('k', asked)}: ask for 1 row or more")
    if asked > there:
        raise TooFewRows(f"{option_named('k', asked)}: {which}", there)
    return asked


def rows_of_space(query: Query[Any], space: Space) -> int:
    """How many rows a query's answer has, of a space's items; raises as `row_count` does."""
    return row_count(query, space.entry.rows, holds(space))


def fewer(count: int, found: int, why: str, what: str = "rows") -> tuple[str, ...]:
    """What is said where there are fewer rows than were to be had; nothing where there are not.

    Args:
        count: how many there were to be.
        found: how many there are.
        why: why they are no more, as a part of a sentence.
        what: what is counted.
    """
    return () if found >= count else (f"{found:,} {what}, not {count:,}: {why}",)


def fewer_near(count: int, rows: Sequence[Any], include_inputs: bool) -> tuple[str, ...]:
    """The same of items near a query, each with the `forms` of it that are folded in."""
    return fewer(count, len(rows), _left_out(include_inputs, any(row.forms for row in rows)))


def _left_out(include_inputs: bool, folded: bool) -> str:
    """Why fewer are found than a space has, as a part of a sentence."""
    own = [] if include_inputs else ["the query's own items are left out"]
    return ", and ".join([*own, *(["forms of one word are one row"] if folded else [])])


def fewer_anywhere(
    counts: Sequence[int], rows: Sequence[Any], include_inputs: bool, distinct: bool
) -> tuple[str, ...]:
    """The same of rows of one space each, with what is `nearest` there: of the first such space."""
    for count, row in zip(counts, rows, strict=True):
        why, what = _left_out(include_inputs, distinct), f"items in {row.space}"
        if short := fewer(count, len(row.nearest), why, what):
            return short
    return ()


def layers_have(layers: Sequence[int]) -> str:
    """Some layers and their verb, as the beginning of a sentence on how many neurons they have."""
    return f"layers {span(layers)} have" if len(layers) > 1 else f"layer {layers[0]} has"


def of_all(counts: Sequence[int]) -> int | None:
    """The number of rows that holds for the whole of an answer, or None where parts differ."""
    return counts[0] if len(set(counts)) == 1 else None


def holds(space: Space) -> str:
    """How many items a space has, as a part of a sentence."""
    return f"space {space.name!r} has {space.entry.rows:,} {ITEMS[space.entry.item].plural}"
