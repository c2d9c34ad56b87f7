"""A question as a statement: the table function that asks it, with what its fields say.

Knows how SQL writes values; runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.questions import AnalogyQuery, SqlQuery
from explorer.questions.query import Parameter, Query
from explorer.questions.written import between_commas, given
from explorer.sql.functions import Function, functions


def as_sql(query: Query[Any]) -> str | None:
    """The statement that gives its rows; None where SQL has no such rows."""
    if isinstance(query, SqlQuery):
        return None if query.parameters else query.sql
    if isinstance(getattr(query, "file", None), str):
        return None  # SQL reads no file, and so no test set
    kind = type(query)
    found = next((one for one in functions() if one.query is kind), None)
    if found is None or not found.columns:
        return None
    if kind is AnalogyQuery and query.target is None:  # type: ignore[attr-defined]
        return None  # SQL's one row is the target's
    return f"FROM {found.name}({', '.join(_sql_arguments(query, found))})"


def _sql_arguments(query: Query[Any], function: Function) -> Iterator[str]:
    said = {one.name: (one, value) for one, value in given(query)}
    for one in function.parameters:
        if one.name in said and not (one.default and said[one.name][1] is False):
            value = _sql(*said[one.name])
            yield value if one.default is None else f"{one.quoted} := {value}"


def _sql(one: Parameter, value: Any) -> str:
    if value is None:
        return "NULL"
    if one.takes == "layers":
        return _sql_text(between_commas(value))
    if isinstance(value, tuple):
        return f"[{', '.join(map(_sql_text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else _sql_text(value)


def _sql_text(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
