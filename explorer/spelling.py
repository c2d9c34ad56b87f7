"""A question as one writes it: for the command line, in Python, in SQL.

Each is made of the query's fields alone, and only of those that say something. Knows how the three
are written; answers nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from explorer.questions import AnalogyQuery, SqlQuery
from explorer.questions.query import Parameter, Query, parameters
from explorer.sql.functions import Function, functions


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
    for one, value in _given(query):
        if one.positional:
            arguments += value if one.several else [str(value)]
        elif one.folds_forms:  # unless told, a table for a person folds them, and JSON does not
            options.append("--distinct" if value else "--all-forms")
        elif one.type is bool:
            options.append(_option(one))
        else:
            each = value if one.several and not _is_listed(one) else (_text(value),)
            options += [word for part in each for word in (_option(one), str(part))]
    return [*(kind.command or kind.part_of or (kind.question,)), *arguments, *options]


def as_python(query: Query[Any]) -> str:
    """The call that asks it of an open index, `ix`."""
    kind = type(query)
    given: list[str] = []
    for one, value in _given(query):
        if one.positional and one.several:
            given += map(_literal, value)
        elif one.positional:
            given.append(_literal(value))
        elif value != one.default:
            said = _text(value) if one.takes == "layers" else value
            given.append(f"{one.name}={_literal(said)}")
    return f"ix.{kind.question}({', '.join(given)})"


def as_sql(query: Query[Any]) -> str | None:
    """The statement that gives its rows; None where SQL has no such rows."""
    if isinstance(query, SqlQuery):
        return query.sql
    kind = type(query)
    found = next((one for one in functions() if one.query is kind), None)
    if found is None or not found.columns:
        return None
    if kind is AnalogyQuery and query.target is None:  # type: ignore[attr-defined]
        return None  # SQL's one row is the target's
    return f"FROM {found.name}({', '.join(_sql_arguments(query, found))})"


def _given(query: Query[Any]) -> Iterator[tuple[Parameter, Any]]:
    """The fields that say something, and their values; a group names its words already."""
    kind = type(query)
    named = getattr(query, "group", None) is not None
    for one in parameters(kind):
        value = getattr(query, one.name)
        unsaid = value == one.default and not one.folds_forms and one.name not in kind.told_by
        words = named and one.positional and one.several
        if not unsaid and not words and value not in (None, {}):
            yield one, value


def _sql_arguments(query: Query[Any], function: Function) -> Iterator[str]:
    given = {one.name: (one, value) for one, value in _given(query)}
    for one in function.parameters:
        if one.name in given and not (one.default and given[one.name][1] is False):
            said = _sql(*given[one.name])
            yield said if one.default is None else f"{one.quoted} := {said}"


def _option(one: Parameter) -> str:
    return f"-{one.name}" if len(one.name) == 1 else f"--{one.name.replace('_', '-')}"


def _is_listed(one: Parameter) -> bool:
    """Whether one text may hold several between commas."""
    return bool(one.choices) or one.takes in ("space", "depth")


def _text(value: Any) -> str:
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


def _literal(value: Any) -> str:
    """A value as Python writes it, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)


def _sql(one: Parameter, value: Any) -> str:
    if value is None:
        return "NULL"
    if one.takes == "layers":
        return _sql_text(_text(value))
    if isinstance(value, tuple):
        return f"[{', '.join(map(_sql_text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else _sql_text(value)


def _sql_text(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
