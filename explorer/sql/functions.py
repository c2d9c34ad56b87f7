"""The questions as functions of SQL: their names, parameters and columns, and how each is answered.

Knows how a column of arguments becomes questions, so that those of many rows are asked together;
knows no connection. A table function is a macro over a scalar one that gives a list of rows for
each row of arguments, so it takes columns of other tables as well as constants.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from explorer.compute import analogy as _analogy
from explorer.compute.middleman import exact_neuron_scores, middleman
from explorer.compute.neighbors import neighbors_of_each
from explorer.compute.similarity import similarities
from explorer.errors import BadExpression, QueryError, UnknownWord
from explorer.expressions import neuron_of, parse
from explorer.measures import MEASURES
from explorer.measures.asked import listed
from explorer.resolve import Resolver
from indexer.store.errors import unknown

MISSING = ("error", "skip")

MOST_ROWS = 2_000_000
"""Rows that one call for a batch of arguments may give: some hundred megabytes."""

_Row = TypeVar("_Row")


class Stopped(QueryError):
    """A query was told to end; nothing is wrong with what it asked."""


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name, type and default in SQL (None where it must be given)."""

    name: str
    type: str
    about: str
    default: str | None = None


@dataclass(frozen=True)
class Field:
    """A column of what a table function gives."""

    name: str
    type: str
    about: str


@dataclass(frozen=True)
class Function:
    """A question as SQL has it.

    Attributes:
        name: as it is called.
        about: what it answers.
        parameters: in order; those with a default may be named, as `k := 5`.
        columns: of a table function; empty for a scalar.
        returns: type of a scalar; empty for a table function.
        answer: from an `Answers` and one list a parameter to one value a row.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Field, ...]
    returns: str
    answer: Callable[..., list[Any]]

    @property
    def type(self) -> str:
        """What the scalar function beneath gives a row of arguments."""
        if not self.columns:
            return self.returns
        return f"STRUCT({', '.join(f'{c.name} {c.type}' for c in self.columns)})[]"

    @property
    def signature(self) -> str:
        """`neighbors(expr, space := 'embed', ...)`."""
        given = [
            p.name if p.default is None else f"{p.name} := {p.default}" for p in self.parameters
        ]
        return f"{self.name}({', '.join(given)})"

    @property
    def macro(self) -> str:
        """The statement that gives it its defaults, and a table function its rows."""
        cast = ", ".join(f"CAST({p.name} AS {p.type})" for p in self.parameters)
        if not self.columns:
            return f"CREATE TEMP MACRO {self.signature} AS _{self.name}({cast})"
        # Named one by one: a list that is empty has no fields to find.
        fields = ", ".join(f"found.{c.name} AS {c.name}" for c in self.columns)
        return (
            f"CREATE TEMP MACRO {self.signature} AS TABLE "
            f"SELECT {fields} FROM (SELECT unnest(_{self.name}({cast})) AS found)"
        )


class Answers:
    """What answers the functions: a resolver, and a word that ends the work between two questions.

    Questions of several threads are answered one after another, so that memory is that of one.
    """

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.stopped = threading.Event()
        self.lock = threading.Lock()

    def each(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """The same rows, until the query is stopped."""
        for row in rows:
            if self.stopped.is_set():
                raise Stopped("stopped")
            yield row


def _neighbors(
    answers: Answers,
    expr: list[str | None],
    space: list[str],
    measure: list[str | None],
    k: list[int],
    include_inputs: list[bool],
    distinct: list[bool],
    missing: list[str],
) -> list[Any]:
    found: list[Any] = [None] * len(expr)
    for (at_space, by, count, inputs, fold, left_out), rows in _alike(
        expr, space, measure, k, include_inputs, distinct, missing
    ).items():
        _check_missing(left_out)
        if len(rows) * count > MOST_ROWS:
            raise QueryError(
                f"neighbors: {len(rows):,} expressions with {count:,} rows each are too many at "
                "once; lower k"
            )
        # A word that stands in many rows is asked once.
        texts = list(dict.fromkeys(str(expr[row]) for row in rows))
        asked = neighbors_of_each(
            answers.resolver, texts, at_space, by, count, inputs, fold, left_out == "skip"
        )
        near = {
            text: None if answer is None else [vars(row) for row in answer.rows]
            for text, answer in zip(texts, answers.each(asked), strict=True)
        }
        for row in rows:
            found[row] = near[str(expr[row])]
    return found


def _middleman(
    answers: Answers,
    words: list[list[str] | None],
    side: list[str | None],
    score: list[str],
    k: list[int],
    combine: list[str],
    avoid: list[list[str]],
    layers: list[str | None],
    per_layer: list[int | None],
    way: list[str],
) -> list[Any]:
    known: dict[tuple[Any, ...], Any] = {}
    found: list[Any] = []
    rows = zip(words, side, score, k, combine, avoid, layers, per_layer, way, strict=True)
    for row in answers.each(rows):
        if row[0] is None or None in row[0]:
            found.append(None)
            continue
        key = (tuple(row[0]), *row[1:5], tuple(row[5] or ()), *row[6:])
        if key not in known:
            asked, at_side, by_score, count, how, others, in_layers, of_each, by = key
            answer = middleman(
                answers.resolver,
                asked, by, others, at_side, by_score, how, in_layers, of_each, count,
            )  # fmt: skip
            known[key] = [
                vars(r)
                | {
                    "scores": list(r.scores.items()),
                    "avoided": list(r.avoided.items()),
                    "acts": [(word, vars(one)) for word, one in r.acts.items()],
                }
                for r in answer.rows
            ]
        found.append(known[key])
    return found


def _analogy_rows(
    answers: Answers,
    expr: list[str | None],
    target: list[str | None],
    space: list[str],
    measure: list[str | None],
    method: list[str],
    k: list[int],
    include_inputs: list[bool],
    distinct: list[bool],
    missing: list[str],
) -> list[Any]:
    found: list[Any] = []
    columns = zip(
        expr, target, space, measure, method, k, include_inputs, distinct, missing, strict=True
    )
    for text, goal, where, by, how, count, inputs, fold, left_out in answers.each(columns):
        _check_missing(left_out)
        if text is None or goal is None:
            found.append(None)
            continue
        try:
            asked = _analogy.Asked.of(text, goal, None, by, how)
            answer = _analogy.analogy(answers.resolver, asked, where, count, inputs, fold)
        except (UnknownWord, BadExpression):
            if left_out != "skip":
                raise
            found.append(None)
            continue
        standing = answer.meta.target
        assert standing is not None, "a target was named"
        row = dataclasses.asdict(standing)
        del row["against"]
        found.append([{**row, "nearest": [near.item for near in answer.rows]}])
    return found


def _similarity(
    answers: Answers,
    a: list[str | None],
    b: list[str | None],
    space: list[str],
    measure: list[str | None],
    missing: list[str],
) -> list[Any]:
    found: list[float | None] = [None] * len(a)
    for (where, by, left_out), rows in _alike(a, space, measure, missing).items():
        _check_missing(left_out)
        asked = list(dict.fromkeys((str(a[r]), str(b[r])) for r in rows if b[r] is not None))
        values = similarities(answers.resolver, asked, where, by, left_out == "skip")
        known = dict(zip(asked, answers.each(values), strict=True))
        for row in rows:
            found[row] = known.get((str(a[row]), str(b[row])))
    return found


def _z(
    answers: Answers,
    neuron: list[str | None],
    word: list[str | None],
    side: list[str | None],
    missing: list[str],
) -> list[Any]:
    index = answers.resolver.index
    index.neurons.require()
    found: list[float | None] = [None] * len(neuron)
    embed, label = index.embed, f"index {index.name!r}"
    for (text, at_side, left_out), rows in answers.each(_alike(word, word, side, missing).items()):
        _check_missing(left_out)
        at_side = index.side_named(at_side)
        if at_side not in index.sides:
            raise QueryError(unknown("side", at_side, index.sides))
        named = [row for row in rows if neuron[row] is not None]
        places = [neuron_of(str(neuron[row])) for row in named]
        positions = np.array([index.neuron_grid.row(*place, label) for place in places], np.int64)
        try:
            term = parse(text).single
            if term is None:
                raise BadExpression(f"{text!r} is a sum; z is of a neuron and one word")
            item = answers.resolver.item(term, embed)
        except (UnknownWord, BadExpression):
            if left_out != "skip":
                raise
            continue
        (values,) = exact_neuron_scores(
            index.neuron_space(at_side), positions, [item.weighted], "z"
        )
        for row, value in zip(named, values.tolist(), strict=True):
            found[row] = value
    return found


def _alike(asked: Sequence[Any], *keys: Sequence[Any]) -> dict[tuple[Any, ...], list[int]]:
    """Rows that have the same keys; those with nothing asked, NULL, are left out."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*keys, strict=True)):
        if asked[row] is not None:
            groups.setdefault(key, []).append(row)
    return groups


def _check_missing(asked: str) -> None:
    if asked not in MISSING:
        raise QueryError(unknown("way with what is not found", asked, MISSING))


_MISSING = Parameter(
    "missing",
    "VARCHAR",
    "`error` ends the query at an expression that names nothing; `skip` gives no row, or NULL",
    "'error'",
)
_SIDE = "`gate`, `up` or `out` of gated MLPs, `in` or `out` of others; the reading one where NULL"
_SPACE = Parameter("space", "VARCHAR", "where to look", "'embed'")
_MEASURE = Parameter(
    "measure",
    "VARCHAR",
    f"{listed([f'`{name}`' for name in MEASURES])}; the space's own where NULL",
    "NULL",
)
_INPUTS = Parameter("include_inputs", "BOOLEAN", "keep the query's own items", "false")
_DISTINCT = Parameter(
    "distinct_forms", "BOOLEAN", "fold forms that differ only in case or leading space", "false"
)

FUNCTIONS = (
    Function(
        "neighbors",
        "The k items of a space that are nearest to an expression",
        (
            Parameter("expr", "VARCHAR", "`king - man + woman`, a word, `L29N112.out`, `#1507`"),
            _SPACE,
            _MEASURE,
            Parameter("k", "BIGINT", "how many", "10"),
            _INPUTS,
            _DISTINCT,
            _MISSING,
        ),
        (
            Field("rank", "INTEGER", "from 1"),
            Field("item", "VARCHAR", "its name: a token with spaces visible, a word, a neuron"),
            Field("score", "DOUBLE", "in the measure; for `euclidean` a distance"),
            Field(
                "z",
                "DOUBLE",
                "standard deviations above the mean of this query's scores over all items",
            ),
            Field("text", "VARCHAR", "what the token or word says; a neuron's name"),
            Field("forms", "VARCHAR[]", "with `distinct_forms`, what was folded into the row"),
        ),
        "",
        _neighbors,
    ),
    Function(
        "middleman",
        "The neurons that answer to every one of some words",
        (
            Parameter("words", "VARCHAR[]", "single items: `['large', 'tall']`"),
            Parameter("side", "VARCHAR", _SIDE, "NULL"),
            Parameter("score", "VARCHAR", "`z`, `dot` or `cosine`", "'z'"),
            Parameter("k", "BIGINT", "how many", "10"),
            Parameter("combine", "VARCHAR", "`min` or `mean` of the words' scores", "'min'"),
            Parameter("avoid", "VARCHAR[]", "words a neuron should not answer to", "[]"),
            Parameter("layers", "VARCHAR", "`'0-28'`; all where NULL", "NULL"),
            Parameter("per_layer", "BIGINT", "the best so many of each layer", "NULL"),
            Parameter(
                "way",
                "VARCHAR",
                "`weights`, or `activations`: those that no other neuron can stand above, more of "
                "them in an index with more `--neurons-per-word`",
                "'weights'",
            ),
        ),
        (
            Field("rank", "INTEGER", "from 1; within its layer with `per_layer`"),
            Field("neuron", "VARCHAR", "`L29N112`: `neuron.name`"),
            Field("layer", "INTEGER", "block, from 0"),
            Field("expert", "INTEGER", "which of the block's experts; NULL in a block without"),
            Field("unit", "INTEGER", "from 0"),
            Field("score", "DOUBLE", "the least (or mean) of `scores`, less the largest avoided"),
            Field("scores", "MAP(VARCHAR, DOUBLE)", "by word asked: `scores['large']`"),
            Field("avoided", "MAP(VARCHAR, DOUBLE)", "by word to avoid"),
            Field(
                "acts",
                "MAP(VARCHAR, STRUCT(sign INTEGER, source VARCHAR))",
                "by word asked, the sign a gated neuron acts with: `acts['large'].sign` is 1, -1 "
                "or 0, its `source` `recorded` or `weights` (an estimate)",
            ),
            Field("reads", "VARCHAR[]", "the tokens its reading side is nearest to"),
            Field("writes", "VARCHAR[]", "the tokens its writing side is nearest to"),
        ),
        "",
        _middleman,
    ),
    Function(
        "analogy",
        "Where a target stands under an expression: one row",
        (
            Parameter("expr", "VARCHAR", "`dog + small`"),
            Parameter("target", "VARCHAR", "a word, item of the space or not"),
            _SPACE,
            _MEASURE,
            Parameter("method", "VARCHAR", "`add` (3CosAdd) or `mul` (3CosMul)", "'add'"),
            Parameter("k", "BIGINT", "how many of the nearest are named", "10"),
            _INPUTS,
            _DISTINCT,
            _MISSING,
        ),
        (
            Field("item", "VARCHAR", "the target, as resolved"),
            Field("score", "DOUBLE", "its score with the expression"),
            Field("z", "DOUBLE", "the same, over the query's scores"),
            Field("rank", "INTEGER", "1 + how many items score better, the query's own left out"),
            Field("n", "INTEGER", "how many items are left to be ranked among"),
            Field(
                "components",
                "STRUCT(item VARCHAR, score DOUBLE, z DOUBLE, rank INTEGER, gain DOUBLE)[]",
                "each item of the expression asked alone; `gain` is what the sum adds to it",
            ),
            Field("nearest", "VARCHAR[]", "the k items nearest to the expression"),
        ),
        "",
        _analogy_rows,
    ),
    Function(
        "similarity",
        "The score of one expression with another",
        (
            Parameter("a", "VARCHAR", "an expression"),
            Parameter("b", "VARCHAR", "another"),
            _SPACE,
            _MEASURE,
            _MISSING,
        ),
        (),
        "DOUBLE",
        _similarity,
    ),
    Function(
        "z",
        "How many standard deviations above a random word-like token a neuron stands with a word",
        (
            Parameter("neuron", "VARCHAR", "`L29N112`: `neuron.name`"),
            Parameter("word", "VARCHAR", "one item"),
            Parameter("side", "VARCHAR", _SIDE, "NULL"),
            _MISSING,
        ),
        (),
        "DOUBLE",
        _z,
    ),
)
