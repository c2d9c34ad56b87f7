"""Which items of a space are nearest to an expression?

`ranked` is the one place where a query's own items are left out and forms are folded; the analogy
query stands on it too.
"""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import QueryError
from explorer.expressions import parse
from explorer.measures import (
    Float64,
    best,
    better_first,
    calibrate,
    checked_measure,
    compose,
    scores,
    z,
)
from explorer.resolve import Item, Resolver, folded, shown
from explorer.results import Calibration, Meta, Neighbor, Neighbors, NeighborsQuery
from indexer.store.read import Index
from indexer.store.space import Space

TEXTS = ("token", "word")
"""Items that are texts, whose forms can be folded."""


def neighbors(
    resolver: Resolver,
    text: str,
    space_name: str,
    measure: str | None,
    k: int,
    include_inputs: bool,
    distinct: bool,
) -> Neighbors:
    """The k items of a space that score best with an expression, by an exhaustive scan."""
    index = resolver.index
    expression = parse(text)
    space = index.space(space_name)
    measure = checked_measure(measure, space)
    check_k(k, space)
    items = resolver.items(expression, space)
    values = scores(space, compose([item.weighted for item in items], measure), measure)
    calibration = calibrate(values, population(space))
    rows = ranked(
        index, space, values, better_first(measure), k, items, calibration, include_inputs, distinct
    )
    query = NeighborsQuery(expression.text, space.name, measure, k, include_inputs, distinct)
    return Neighbors(query, rows, meta_of(index, space, measure, items, calibration))


def ranked(
    index: Index,
    space: Space,
    values: Float64,
    sign: int,
    k: int,
    items: Sequence[Item],
    calibration: Calibration,
    include_inputs: bool,
    distinct: bool,
) -> tuple[Neighbor, ...]:
    """The k best items by `sign * values`, the query's own left out unless asked for.

    With `distinct`, forms that differ only in case or leading space become one row, named after
    the best of them, and so are the query's own forms left out.
    """
    kind = space.entry.item
    own = frozenset[int]() if include_inputs else excluded(items, space)
    own_forms = (
        frozenset(text for item in items for text in item.texts)
        if distinct and not include_inputs and kind in TEXTS
        else frozenset[str]()
    )
    keys = sign * values
    reach = k + len(own) + (4 * k + 16 if distinct else 0)
    while True:
        positions = [int(p) for p in best(keys, reach) if int(p) not in own]
        texts = texts_of(index, space, positions)
        groups: dict[str, list[int]] = {}
        for at, text in enumerate(texts):
            key = folded(text) if distinct and kind in TEXTS else str(at)
            if key not in own_forms:
                groups.setdefault(key, []).append(at)
        if len(groups) >= k or reach >= len(keys):
            break
        reach = min(4 * reach, len(keys))
    rows = []
    for rank, members in enumerate(list(groups.values())[:k], start=1):
        first = members[0]
        score = float(values[positions[first]])
        rows.append(
            Neighbor(
                rank,
                shown(texts[first], kind),
                score,
                z(score, calibration),
                texts[first],
                tuple(shown(texts[at], kind) for at in members[1:]),
            )
        )
    return tuple(rows)


def excluded(items: Sequence[Item], space: Space) -> frozenset[int]:
    """Positions of a query's own items in a space."""
    return frozenset(position for item in items for position in item.positions(space))


def texts_of(index: Index, space: Space, positions: Sequence[int]) -> list[str]:
    """Texts of tokens or words, names of neurons, head dimensions or labels, by position."""
    kind = space.entry.item
    if kind == "token":
        return [token.text for token in index.tokens(positions)]
    if kind == "word":
        return [word.text for word in index.words(positions)]
    if kind == "label":
        return index.labels(space.name, positions)
    if kind == "head":
        return [index.head_grid.name(row) for row in positions]
    return [index.neuron_grid.place(row).name for row in positions]


def population(space: Space) -> str:
    """Whose scores a query is read against: all items of the space."""
    return f"all {items_of(space)} of {space.name}"


def items_of(space: Space) -> str:
    """What a space holds, as people say it."""
    return "head dimensions" if space.entry.item == "head" else f"{space.entry.item}s"


def span_of(names: Sequence[str]) -> str:
    """Which spaces an answer is of, in a few words."""
    return ", ".join(names) if len(names) < 3 else f"{names[0]}, {names[1]} to {names[-1]}"


def check_seed(seed: int) -> None:
    """Raise `QueryError` unless a draw can be seeded so."""
    if seed < 0:
        raise QueryError(f"--seed {seed}: a seed is 0 or more")


def check_k(k: int, space: Space) -> None:
    """Raise `QueryError` unless there are k items to be had."""
    if k < 1:
        raise QueryError(f"-k {k}: ask for 1 row or more")
    if k > space.entry.rows:
        raise QueryError(f"-k {k}: space {space.name!r} has {space.entry.rows:,} {items_of(space)}")


def meta_of(
    index: Index,
    space: Space,
    measure: str,
    items: Sequence[Item],
    calibration: Calibration | None = None,
) -> Meta:
    """What an answer rests on."""
    return Meta(
        index=index.name,
        model=index.manifest.model.source,
        space=space.name,
        measure=measure,
        convention=space.entry.convention,
        resolved=tuple(item.resolved for item in items),
        calibration=calibration,
    )
