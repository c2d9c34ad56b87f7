"""The questions as functions of SQL: names, parameters and columns, as their queries have them.

Knows types of SQL and dataclasses; answers nothing and needs no numbers. A table function is a
macro over a scalar one that gives a list of rows for each row of arguments, so it takes columns of
other tables as well as constants.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from typing import Any, Literal, get_args, get_origin

from explorer.questions import QUERIES, AnalogyQuery, Target
from explorer.questions.answer import described
from explorer.questions.choices import MeasureName, Side
from explorer.questions.fields import measure_option
from explorer.questions.query import Parameter, Query, about, argument, option, parameters
from explorer.show.frames import row_kind

MISSING_WORDS = ("error", "skip")
"""What is done with an expression that names nothing."""

RESERVED = frozenset({"case", "column", "distinct", "group"})
"""Names of parameters that SQL has for itself, so that they stand in double quotes."""

_SCALARS: dict[Any, str] = {str: "VARCHAR", float: "DOUBLE", bool: "BOOLEAN", int: "INTEGER"}


@dataclass(frozen=True)
class FunctionParameter:
    """A parameter: its name, type and default in SQL (None where it must be given)."""

    name: str
    type: str
    about: str
    default: str | None = None

    @property
    def quoted(self) -> str:
        """Its name as a statement has it."""
        return f'"{self.name}"' if self.name in RESERVED else self.name


@dataclass(frozen=True)
class ResultColumn:
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
        query: what it asks; `missing` is no field of it.
    """

    name: str
    about: str
    parameters: tuple[FunctionParameter, ...]
    columns: tuple[ResultColumn, ...]
    returns: str
    query: type[Query[Any]]

    @property
    def type(self) -> str:
        """What the scalar function beneath gives a row of arguments."""
        if not self.columns:
            return self.returns
        return f"STRUCT({', '.join(f'{_quoted(c.name)} {c.type}' for c in self.columns)})[]"

    @property
    def signature(self) -> str:
        """`neighbors(expression, space := 'embed', ...)`."""
        given = [
            p.quoted if p.default is None else f"{p.quoted} := {p.default}" for p in self.parameters
        ]
        return f"{self.name}({', '.join(given)})"

    @property
    def macro(self) -> str:
        """The statement that gives it its defaults, and a table function its rows."""
        # In quotes: some names end an expression, such as by.
        cast = ", ".join(_cast(p) for p in self.parameters)
        if not self.columns:
            return f"CREATE TEMP MACRO {self.signature} AS _{self.name}({cast})"
        # Named one by one: a list that is empty has no fields to find.
        fields = ", ".join(f"found.{_quoted(c.name)} AS {_quoted(c.name)}" for c in self.columns)
        return (
            f"CREATE TEMP MACRO {self.signature} AS TABLE "
            f"SELECT {fields} FROM (SELECT unnest(_{self.name}({cast})) AS found)"
        )


@dataclass(frozen=True)
class SimilarityQuery(Query[Any]):
    """The score of one expression with another."""

    question = "similarity"

    first: str = argument("an expression", "expression")
    second: str = argument("another", "expression")
    space: str = option("embed", "where bare words' vectors are taken from", "space")
    measure: MeasureName | None = measure_option()


@dataclass(frozen=True)
class ZQuery(Query[Any]):
    """How many standard deviations above a random word-like token a neuron stands with a word."""

    question = "z"

    neuron: str = argument("`L29N112`: `neuron.name`", "neuron")
    word: str = argument("one item", "word")
    side: Side | None = option(
        None, "which side of the neuron", "side", usual="the reading side (gate or in)"
    )


_SKIP = FunctionParameter(
    "missing",
    "VARCHAR",
    "`error` ends the query at an expression that names nothing; `skip` gives no row, or NULL",
    "'error'",
)


_OF_TARGET: dict[str, dict[str, Any]] = {
    "target": {"default": None},
    "k": {"about": "how many of the nearest are named"},
}
"""What of `analogy` is different where its one row is a target's."""

_NAMES_SOMETHING = frozenset({"expression", "word", "neuron"})
"""What a field takes that may name nothing that exists."""


def _function(kind: type[Query[Any]]) -> Function:
    scalar = kind in (SimilarityQuery, ZQuery)
    columns = () if scalar else tuple(_columns(kind))
    given = [_parameter(one) for one in parameters(kind)]
    names = any(one.takes in _NAMES_SOMETHING for one in parameters(kind))
    if kind is AnalogyQuery:  # one row, of the target: what is near is what `neighbors` gives
        given = [
            dataclasses.replace(p, **_OF_TARGET.get(p.name, {}))
            for p in given
            if p.name != "against"
        ]
    text = "Where a target stands under an expression: one row"
    return Function(
        kind.question,
        text if kind is AnalogyQuery else about(kind).split("\n\n")[0].removesuffix("."),
        (*given, *([_SKIP] if names else [])),
        columns,
        "DOUBLE" if scalar else "",
        kind,
    )


def _parameter(one: Parameter) -> FunctionParameter:
    kind = "BIGINT" if one.type is int and not one.choices else _SCALARS[one.type]
    if one.several or one.takes == "file":  # no file is read here: its lines may be given
        kind += "[]"
    text = _in_sql(one.about)
    if one.takes == "file":
        text = text.partition(";")[0].replace("a file of lines", "lines").replace("a file of", "")
    return FunctionParameter(one.name, kind, text.strip(), _default(one.default))


def _in_sql(text: str) -> str:
    """What is said of a value, as a part of a sentence of somebody who writes SQL."""
    said = re.sub(r"\bNone\b", "NULL", text)
    return said if said.endswith("...") else said.removesuffix(".")


def _cast(one: FunctionParameter) -> str:
    """A parameter as the type it has; one text, where several may be, is a list of one."""
    cast = f'CAST("{one.name}" AS {one.type})'
    if one.type != "VARCHAR[]":
        return cast
    text = f'CAST("{one.name}" AS VARCHAR)'
    return f"CASE WHEN typeof(\"{one.name}\") = 'VARCHAR' THEN [{text}] ELSE {cast} END"


def _default(value: Any) -> str | None:
    if value is MISSING:
        return None
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, map(_default, value)))}]"
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _columns(kind: type[Query[Any]]) -> Iterator[ResultColumn]:
    """The columns of a query's rows, as the row's own dataclass has and describes them."""
    if kind is AnalogyQuery:
        yield from (one for one in _fields(Target) if one.name != "against")
        yield ResultColumn("nearest", "VARCHAR[]", "the k items nearest to the expression")
        return
    yield from _fields(row_kind(answer_of(kind)))


def _fields(row: type) -> Iterator[ResultColumn]:
    hints, said = typing.get_type_hints(row), described(row)
    for field in dataclasses.fields(row):
        yield ResultColumn(field.name, _type(hints[field.name]), _in_sql(said[field.name]))


def answer_of(kind: type[Query[Any]]) -> type:
    """The class of a query's answers."""
    from explorer import questions

    (base,) = [one for one in kind.__orig_bases__ if get_origin(one) is Query]  # type: ignore[attr-defined]
    found: type = getattr(questions, get_args(base)[0].__forward_arg__)
    return found


def _type(hint: Any) -> str:
    """An annotation as a type of SQL."""
    if isinstance(hint, types.UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    inside = get_args(hint)
    if get_origin(hint) is Literal:
        return "VARCHAR"
    if get_origin(hint) is tuple:
        return f"{_type(inside[0])}[]"
    if get_origin(hint) is dict:
        return f"MAP(VARCHAR, {_type(inside[1])})"
    if dataclasses.is_dataclass(hint):
        of = typing.get_type_hints(hint)
        fields = (f"{_quoted(f.name)} {_type(of[f.name])}" for f in dataclasses.fields(hint))
        return f"STRUCT({', '.join(fields)})"
    return _SCALARS[hint]


def _quoted(name: str) -> str:
    return f'"{name}"' if name in RESERVED else name


_ASKED: tuple[type[Query[Any]], ...] = tuple(one for one in QUERIES if one.computed)

NAMES = (*(one.question for one in _ASKED), "similarity", "z")
"""What they are called."""


@functools.cache
def functions() -> tuple[Function, ...]:
    """All of them."""
    return tuple(_function(kind) for kind in (*_ASKED, SimilarityQuery, ZQuery))
