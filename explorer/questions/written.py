"""A query as one writes it: the command that asks it, the call in Python, JSON; and back.

Each is made of the query's fields alone, and only of those that say something. Knows fields and
defaults; runs nothing. What stands in a file is believed in nothing: a question that reads files or
statements is not made of it.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from explorer.errors import QueryError
from explorer.questions.query import Parameter, Query, parameters
from indexer.store.errors import on_command_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOT_FROM_A_FILE = frozenset({"file", "table", "text"})
"""What a field takes that a stranger's file may not fill in."""


def as_command(query: Query[Any], index: str = "") -> str:
    """The command that asks it, quoted for a POSIX shell.

    Args:
        query: what is asked.
        index: the name of an index; the program's own choice unless given.
    """
    return shlex.join(["explorer", *words_of(query), *(["--index", index] if index else [])])


def words_of(query: Query[Any]) -> list[str]:
    """The same as words, without the program: its command, its arguments, its options."""
    kind = type(query)
    arguments: list[str] = []
    options: list[str] = []
    for one, value in given(query):
        name = on_command_line(one.name, None)
        if one.positional and one.type is not dict:
            arguments += value if one.several else [str(value)]
        elif one.type is bool:
            options.append(one.pair[not value] if one.pair else name)
        elif one.type is dict:
            options += [
                word for key, part in value.items() for word in ("--param", f"{key}={part}")
            ]
        else:
            each = value if one.several and not one.listed else (between_commas(value),)
            options += [word for part in each for word in (name, str(part))]
    return [*(kind.command or kind.part_of or (kind.question,)), *arguments, *options]


def as_python(query: Query[Any]) -> str:
    """The call that asks it of an open index, `ix`."""
    kind = type(query)
    words: list[str] = []
    for one, value in given(query):
        if one.positional and one.several:
            words += map(_literal, value)
        elif one.positional:
            words.append(_literal(value))
        elif value != one.default:
            said = between_commas(value) if one.takes == "layers" else value
            words.append(f"{one.name}={_literal(said)}")
    return f"ix.{kind.question}({', '.join(words)})"


def given(query: Query[Any]) -> Iterator[tuple[Parameter, Any]]:
    """The fields that say something, and their values; a group names its words already.

    Whether forms are folded is always said: unless told, a command's table folds them, and its JSON
    does not.
    """
    kind = type(query)
    named = getattr(query, "group", None) is not None
    for one in parameters(kind):
        value = getattr(query, one.name)
        unsaid = value == one.default and not one.folds_forms and one.name not in kind.told_by
        words = named and one.positional and one.several
        if not unsaid and not words and value not in (None, {}):
            yield one, value


def between_commas(value: Any) -> str:
    """Several between commas; of numbers that follow one another, the first and the last."""
    if not isinstance(value, tuple):
        return str(value)
    if (
        len(value) > 1
        and all(isinstance(n, int) for n in value)
        and value == tuple(range(value[0], value[-1] + 1))
    ):
        return f"{value[0]}-{value[-1]}"
    return ",".join(map(str, value))


def fields_json(query: Query[Any]) -> str:
    """The fields of a query that are not at their defaults, as JSON; `query_of` reads it."""
    said = {
        one.name: value
        for one in parameters(type(query))
        if (value := getattr(query, one.name)) != one.default
    }
    return json.dumps(said, ensure_ascii=False)


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
        said = json.loads(fields)
        return kind(**{name: _as_tuple(value) for name, value in said.items()})
    except (ValueError, TypeError, AttributeError, RecursionError, QueryError):
        return None


def _literal(value: Any) -> str:
    """A value as Python writes it, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
