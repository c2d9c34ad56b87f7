"""How a function of SQL is answered: columns of arguments become queries, answers lists of rows.

Knows how those of many rows are asked together; knows no connection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from explorer.compute.best_neurons import exact_neuron_scores
from explorer.compute.similarity import similarities
from explorer.engines.local import Local
from explorer.errors import BadExpression, QueryError, UnknownWord
from explorer.expressions import neuron_of, parse
from explorer.questions import AnalogyQuery, Meta, Resolved, Result
from explorer.questions.lines import rounding_notes, told_lines
from explorer.questions.query import parameters, usual_rows
from explorer.sql.functions import MISSING_WORDS, Function, SimilarityQuery, ZQuery
from indexer.store.errors import UnknownName, unknown
from indexer.store.read import Index

MOST_ROWS = 2_000_000
"""Rows that one call for a batch of arguments may give: some hundred megabytes."""

MOST_ITEMS, MOST_NOTES = 10_000, 10
"""Items of which something is kept for one statement, and lines that are told of it."""

_Row = TypeVar("_Row")


class Stopped(QueryError):
    """A query was told to end; nothing is wrong with what it asked."""


class Answers:
    """What answers the functions: an engine, and a word that ends the work between two questions.

    Questions of several threads are answered one after another, so that memory is that of one.
    """

    def __init__(self, engine: Local) -> None:
        self.engine = engine
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self._items: dict[Resolved, None] = {}
        self._fewer: dict[str, None] = {}

    def begin(self) -> None:
        """Forget what was told of the statement before."""
        self.stopped.clear()
        self._items.clear()
        self._fewer.clear()

    def tell(self, item: Resolved) -> None:
        """Keep what is to be known of an item."""
        if item.note and len(self._items) <= MOST_ITEMS:
            self._items.setdefault(item)

    def tell_of(self, answer: Result[Any]) -> None:
        """Keep what is to be known of an answer."""
        meta = answer.meta  # type: ignore[attr-defined]  # every result has meta
        if isinstance(meta, Meta):
            for item in meta.every_resolved:
                self.tell(item)
            if len(self._fewer) <= MOST_ITEMS:
                self._fewer |= dict.fromkeys(meta.fewer)

    @property
    def notes(self) -> list[str]:
        """What is to be known of all that was answered since `begin`, as far as one would read."""
        notes = told_lines(self._items, self._fewer)
        more = len(notes) > MOST_NOTES or len(self._items) > MOST_ITEMS
        return [*notes[:MOST_NOTES], *(["and more of the kind"] if more else [])]

    def each(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """The same rows, until the query is stopped."""
        for row in rows:
            if self.stopped.is_set():
                raise Stopped("stopped")
            yield row

    def of(self, function: Function, columns: Sequence[list[Any]]) -> list[Any]:
        """What a function gives each row of arguments: a value, a list of rows, or None.

        Args:
            function: which.
            columns: a list a parameter, each of one value a row.
        """
        skippable = function.parameters[-1].name == "missing"
        skips = (
            [one or "error" for one in columns[-1]] if skippable else ["error"] * len(columns[0])
        )
        for one in set(skips):
            if one not in MISSING_WORDS:
                raise QueryError(unknown("way with what is not found", one, MISSING_WORDS))
        fields = columns[:-1] if skippable else columns
        queries = [_query(function, row) for row in zip(*fields, strict=True)]
        if any(query is not None for query in queries):
            self._fewer |= dict.fromkeys(rounding_notes(self.engine.work.index.manifest))
        found: list[Any] = [None] * len(queries)
        for skip in (False, True):
            at = [
                row
                for row, query in enumerate(queries)
                if query is not None and (skips[row] == "skip") == skip
            ]
            # What stands in many rows is asked once.
            asked = list(dict.fromkeys(queries[row] for row in at))
            if not asked:
                continue
            _check_size(function, asked)
            answers = _ANSWERED.get(function.query, _rows)(self, asked, skip)
            known = dict(zip(asked, self.each(answers), strict=True))
            for row in at:
                found[row] = known[queries[row]]
        return found


def _query(function: Function, row: Sequence[Any]) -> Any:
    """What a row of arguments asks; None where what must be given is NULL."""
    given = {p.name: value for p, value in zip(function.parameters, row, strict=False)}
    for one in function.parameters:
        if one.name not in given:  # what is done with what is not found
            continue
        value = given[one.name]
        none = value is None or (isinstance(value, list) and None in value)
        if one.default is None and none:
            return None
        if isinstance(value, list) and none:
            raise QueryError(f"{one.name}: a list may not hold NULL")
    fields = {one.name: one for one in parameters(function.query)}
    filled = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None or fields[name].optional
    }
    return function.query(**filled)


def _check_size(function: Function, asked: Sequence[Any]) -> None:
    """Raise `QueryError` where the rows would be too many to be held."""
    most = max((getattr(one, "k", None) or usual_rows(function.query) or 1) for one in asked)
    if len(asked) * most > MOST_ROWS:
        raise QueryError(
            f"{function.name}: {len(asked):,} times {most:,} rows are too many at once; lower k"
        )


def _rows(answers: Answers, asked: Sequence[Any], skip: bool) -> Iterator[Any]:
    for found in answers.engine.ask_each(asked, skip):
        if found is not None:
            answers.tell_of(found)
        yield None if found is None else [_plain(row) for row in found.rows]


def _standings(answers: Answers, asked: Sequence[AnalogyQuery], skip: bool) -> Iterator[Any]:
    for found in answers.engine.ask_each(asked, skip):
        if found is None:
            yield None
            continue
        answers.tell_of(found)
        target = found.meta.target
        assert target is not None, "a target was named"
        row = {name: value for name, value in _plain(target).items() if name != "against"}
        yield [{**row, "nearest": [near.item for near in found.rows]}]


def _similarities(answers: Answers, asked: Sequence[SimilarityQuery], skip: bool) -> Iterator[Any]:
    groups: dict[tuple[Any, ...], list[SimilarityQuery]] = {}
    for one in asked:
        groups.setdefault((one.space, one.measure), []).append(one)
    known: dict[SimilarityQuery, float | None] = {}
    for (space, measure), alike in groups.items():
        pairs = [(one.first, one.second) for one in alike]
        resolver = answers.engine.work.resolver
        values = similarities(resolver, pairs, space, measure, skip, answers.tell)
        known |= dict(zip(alike, answers.each(values), strict=True))
    yield from (known[one] for one in asked)


def _zs(answers: Answers, asked: Sequence[ZQuery], skip: bool) -> Iterator[Any]:
    index, resolver = answers.engine.work.index, answers.engine.work.resolver
    index.neurons.require()
    known: dict[ZQuery, float | None] = {}
    groups: dict[tuple[str, str], dict[ZQuery, int]] = {}
    for one in asked:
        with _skipping(skip):
            side, row = _neuron(index, one)
            groups.setdefault((one.word, side), {})[one] = row
    for (word, side), rows in answers.each(groups.items()):
        with _skipping(skip):
            term = parse(word).single
            if term is None:
                raise BadExpression(f"{word!r} is a sum; z is of a neuron and one word")
            item = resolver.item(term, index.embed)
            answers.tell(item.resolved)
            space, positions = index.neuron_space(side), np.fromiter(rows.values(), np.int64)
            (values,) = exact_neuron_scores(space, positions, [item.weighted], "z")
            known |= dict(zip(rows, values.tolist(), strict=True))
    yield from (known.get(one) for one in asked)


@contextlib.contextmanager
def _skipping(skip: bool) -> Iterator[None]:
    """Pass over what names nothing, where that is asked for."""
    try:
        yield
    except (UnknownWord, BadExpression, UnknownName):
        if not skip:
            raise


def _neuron(index: Index, asked: ZQuery) -> tuple[str, int]:
    """The side and the row of the neuron that is asked, whose name may have a side."""
    named = asked.neuron.strip().partition(".")[2].lower() or None
    side = index.side_named(asked.side or named)
    if side not in index.sides:
        raise QueryError(unknown("side", side, index.sides))
    if named is not None and index.side_named(named) != side:
        raise QueryError(f"{asked.neuron!r} names another side than {side!r}; name one of them")
    return side, index.neuron_grid.row(*neuron_of(asked.neuron), f"index {index.name!r}")


_ANSWERED: dict[type, Callable[[Answers, Sequence[Any], bool], Iterator[Any]]] = {
    AnalogyQuery: _standings,
    SimilarityQuery: _similarities,
    ZQuery: _zs,
}
"""Functions that give something else than the rows of an answer."""


def _plain(value: Any) -> Any:
    """A row as Arrow takes it: records as dicts, dicts as lists of pairs."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return [(key, _plain(each)) for key, each in value.items()]
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
