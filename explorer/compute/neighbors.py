"""Which items of a space are nearest to an expression?

`ranked` is the one place where a query's own items are left out and forms are folded; the analogy
query stands on it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from explorer.calibration import z
from explorer.compute.rowcount import fewer_near, rows_of_space
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.measures.measure import Measure
from explorer.measures.registry import checked_measure
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import Calibration, Meta, Neighbor, Neighbors, NeighborsQuery
from explorer.questions.answer import Scoring
from explorer.resolve import Item, Resolver, folded
from explorer.scan import Scan, scan, scans_of_each
from indexer.store.errors import option_named
from indexer.store.items import ITEMS
from indexer.store.read import Index
from indexer.store.space import Space

Int64 = NDArray[np.int64]

NAMED_TOGETHER = 256
"""Answers whose items' names are looked up at once."""


def answer(work: Workspace, query: NeighborsQuery, progress: Progress) -> Neighbors:
    """The k items of a space that score best with an expression, by an exhaustive scan."""
    (found,) = answer_each(work, [query])
    assert found is not None, "what names nothing is an error"
    return found


def answer_each(
    work: Workspace, queries: Sequence[NeighborsQuery], skip: bool = False
) -> Iterator[Neighbors | None]:
    """The answers of several, in order, equal to those one by one and several times as fast.

    Expressions asked alike walk over the rows together. None for one that names nothing, where
    `skip` says so; else an error names the expression.
    """
    if len(queries) == 1:
        yield from _of_alike(work.resolver, queries, skip)
        return
    alike: dict[NeighborsQuery, list[int]] = {}
    for at, query in enumerate(queries):
        alike.setdefault(replace(query, expression=""), []).append(at)
    if len(alike) == 1:  # as they come: none has to be held
        yield from _of_alike(work.resolver, queries, skip)
        return
    found: dict[int, Neighbors | None] = {}
    for those in alike.values():
        run = [queries[at] for at in those]
        found |= dict(zip(those, _of_alike(work.resolver, run, skip), strict=True))
    yield from (found[at] for at in range(len(queries)))


def _of_alike(
    resolver: Resolver, queries: Sequence[NeighborsQuery], skip: bool
) -> Iterator[Neighbors | None]:
    """The answers of queries that differ in their expressions alone."""
    how = queries[0]
    space = resolver.index.space(how.space)
    measure = checked_measure(how.measure, resolver.index, space, resolver.announce)
    k = rows_of_space(how, space)
    asked = resolver.items_of_each([one.expression for one in queries], space, skip)
    known = [one for one in asked if one is not None]
    found = answers(
        resolver.index,
        [expression.text for expression, _ in known],
        [items for _, items in known],
        measure,
        [measure.compose([item.weighted for item in items]) for _, items in known],
        replace(how, space=space.name, measure=measure.name, k=k),
        k,
    )
    for one in asked:
        yield None if one is None else next(found)


def answers(
    index: Index,
    texts: Sequence[str],
    items: Sequence[Sequence[Item]],
    measure: Measure,
    queries: Sequence[Float64] | Float64,
    how: NeighborsQuery,
    k: int,
) -> Iterator[Neighbors]:
    """The k nearest to each of some composed queries, asked as `how` says, text aside."""
    space = measure.space
    reaches = [_reach(k, own, space, how.include_inputs, how.distinct) for own in items]
    scans = scans_of_each(measure, queries, max(reaches, default=0))
    each = zip(texts, items, queries, reaches, scans, strict=True)
    while part := list(islice(each, NAMED_TOGETHER)):
        read = []
        for text, own, query, reach, scanned in part:
            nearest = Nearest(measure, query, scanned)
            nearest.look(reach)
            read.append((text, own, nearest, scanned.calibration(population(space))))
            nearest.forget()
        # Their names are looked up at once, and kept for what follows.
        index.names(space, [at for _, _, near, _ in read for at in near.positions])
        for text, own, nearest, calibration in read:
            rows = ranked(
                index,
                space,
                nearest.look,
                k,
                own,
                calibration,
                how.include_inputs,
                how.distinct,
            )
            meta = meta_of(
                index,
                space,
                measure.name,
                own,
                calibration,
                measure.notes,
                fewer_near(k, rows, how.include_inputs),
                nearest.tally.scoring(),
            )
            yield Neighbors(replace(how, expression=text), rows, meta)


class Nearest:
    """The best items of a space for one query; keeps the most that it was asked for."""

    def __init__(self, measure: Measure, query: Float64, scanned: Scan) -> None:
        self._measure, self._query = measure, query
        self._scanned: Scan | None = scanned
        self.tally = scanned.tally
        self._found: tuple[Int64, Float64] = (np.empty(0, np.int64), np.empty(0))

    @property
    def positions(self) -> list[int]:
        """Positions of what was found."""
        found: list[int] = self._found[0].tolist()
        return found

    def look(self, count: int) -> tuple[Int64, Float64]:
        """Positions and scores of so many of the best items."""
        if count > len(self._found[0]):
            if self._scanned is None:
                self._scanned = scan(self._measure, self._query, self.tally)
            self._found = self._scanned.best(count)
        return self._found[0][:count], self._found[1][:count]

    def forget(self) -> None:
        """Let go of the scores of all items; what was found stays."""
        self._scanned = None


def _reach(
    k: int, items: Sequence[Item], space: Space, include_inputs: bool, distinct: bool
) -> int:
    """How many of the best items to look at first, for k of them to be left."""
    own = 0 if include_inputs else len(excluded(items, space))
    return min(k + own + (4 * k + 16 if distinct else 0), space.entry.rows)


def ranked(
    index: Index,
    space: Space,
    nearest: Callable[[int], tuple[Int64, Float64]],
    k: int,
    items: Sequence[Item],
    calibration: Calibration,
    include_inputs: bool,
    distinct: bool,
) -> tuple[Neighbor, ...]:
    """The k best items, the query's own left out unless asked for.

    `nearest` gives positions and scores of as many of the best items as it is asked for. With
    `distinct`, forms that differ only in case or leading space become one row, named after
    the best of them, and so are the query's own forms left out.
    """
    kind = index.kind_of(space.entry)
    own = frozenset[int]() if include_inputs else excluded(items, space)
    own_forms = (
        frozenset(text for item in items for text in item.texts)
        if distinct and not include_inputs and kind.is_text
        else frozenset[str]()
    )
    reach = _reach(k, items, space, include_inputs, distinct)
    while True:
        found, values = nearest(reach)
        kept = [at for at, position in enumerate(found.tolist()) if position not in own]
        positions, scored = found[kept].tolist(), values[kept].tolist()
        texts = index.names(space, positions)
        groups: dict[str, list[int]] = {}
        for at, text in enumerate(texts):
            key = folded(text) if distinct and kind.is_text else str(at)
            if key not in own_forms:
                groups.setdefault(key, []).append(at)
        if len(groups) >= k or reach >= space.entry.rows:
            break
        reach = min(4 * reach, space.entry.rows)
    rows = []
    for rank, members in enumerate(list(groups.values())[:k], start=1):
        first = members[0]
        rows.append(
            Neighbor(
                rank,
                kind.shown(texts[first]),
                scored[first],
                z(scored[first], calibration),
                texts[first],
                tuple(kind.shown(texts[at]) for at in members[1:]),
            )
        )
    return tuple(rows)


def excluded(items: Sequence[Item], space: Space) -> frozenset[int]:
    """Positions of a query's own items in a space."""
    return frozenset(position for item in items for position in item.positions(space))


def population(space: Space) -> str:
    """Whose scores a query is read against: all items of the space."""
    return f"all {items_of(space)} of {space.name}"


def items_of(space: Space) -> str:
    """What a space holds, as people say it."""
    return ITEMS[space.entry.item].plural


def span_of(names: Sequence[str]) -> str:
    """Which spaces an answer is of, in a few words."""
    return ", ".join(names) if len(names) < 3 else f"{names[0]}, {names[1]} to {names[-1]}"


def check_seed(seed: int) -> None:
    """Raise `QueryError` unless a draw can be seeded so."""
    if seed < 0:
        raise QueryError(f"{option_named('seed', seed)}: a seed is 0 or more")


def meta_of(
    index: Index,
    space: Space,
    measure: str,
    items: Sequence[Item],
    calibration: Calibration | None = None,
    notes: tuple[str, ...] = (),
    fewer: tuple[str, ...] = (),
    scoring: Scoring | None = None,
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
        notes=notes,
        fewer=fewer,
        scoring=scoring,
    )
