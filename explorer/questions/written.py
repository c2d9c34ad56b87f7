"""A query as the command that asks it, and as plain values that JSON can hold; and back.

Knows fields and defaults; runs nothing. What stands in a file is believed in nothing: a question
that reads files or statements is not made of it.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from explorer.errors import QueryError
from explorer.questions.query import Parameter, Query, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOT_FROM_A_FILE = frozenset({"file", "table", "text"})
"""What a field takes that a stranger's file may not fill in."""


def command_line(query: Query[Any]) -> str:
    """The command that asks a query: `explorer middleman large tall --side out`.

    Args:
        query: of a kind that has a command of its own.
    """
    words = ["explorer", *(query.command or (query.question,))]
    options: list[str] = []
    for one in parameters(type(query)):
        value = getattr(query, one.name)
        if one.positional:
            words += value if one.several else [value] * (value is not None)
        elif value != one.default:
            options += _option(one, value)
    return shlex.join(words + options)


def _option(one: Parameter, value: Any) -> Iterator[str]:
    name = "-k" if one.name == "k" else f"--{one.name.replace('_', '-')}"
    if one.type is bool:
        yield name if value else name.replace("--", "--no-", 1)
        return
    if one.takes == "layers" and not isinstance(value, str):
        value = ",".join(map(str, value))
    for each in value if one.several else (value,):
        yield name
        yield str(each)


def fields_json(query: Query[Any]) -> str:
    """The fields of a query that are not at their defaults, as JSON; `query_of` reads it."""
    given = {
        one.name: value
        for one in parameters(type(query))
        if (value := getattr(query, one.name)) != one.default
    }
    return json.dumps(given, ensure_ascii=False)


def query_of(kinds: Iterable[type[Query[Any]]], question: str, fields: str) -> Query[Any] | None:
    """The query of a question with some fields, as `fields_json` wrote them; None of nonsense.

    Args:
        kinds: which questions there are.
        question: the name of one.
        fields: JSON, from wherever.
    """
    kind = next((one for one in kinds if one.question == question), None)
    if kind is None or any(one.takes in _NOT_FROM_A_FILE for one in parameters(kind)):
        return None
    try:
        given = json.loads(fields)
        return kind(**{name: _listed(value) for name, value in given.items()})
    except (ValueError, TypeError, AttributeError, RecursionError, QueryError):
        return None


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
