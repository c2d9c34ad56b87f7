"""What was meant by a statement that is written as another shell or database has it.

Knows the text of a statement and what DuckDB says is wrong with it; executes nothing, and guesses
only where the statement shows what was meant.
"""

from __future__ import annotations

import re

from explorer.sql.functions import RESERVED, functions

_COMMAND = re.compile(r"\s*([.\\])\s*(\w*)\s*(\w*)")
"""What shells understand and no database does: `.tables` of sqlite's, `\\d` of psql."""

_BARE = re.compile(r"\s*(help|exit|quit)\s*;?\s*", re.IGNORECASE)

_COLUMN = re.compile(r'Referenced column "(.+?)" (?:was )?not found')


_TYPOGRAPHIC = re.compile(r"([‘’‚‛“”„‟«»])([^‘’‚‛“”„‟«»]*)[‘’‚‛“”„‟«»]")
"""A text in quotes of a word processor."""

_IN_QUOTES = re.compile(r"""'(?:[^']|'')*'|"[^"]*\"""")
"""A text or a name in SQL's own quotes."""


def command(sql: str) -> str | None:
    """What to ask instead of a shell's command; None where a statement is none."""
    found = _COMMAND.match(sql)
    if found is None and _BARE.fullmatch(sql) is None:
        return None
    said = " ".join(sql.split())[:40]
    asked = found[3] if found else ""
    schema = f"`explorer schema {asked}`, or DESCRIBE {asked}" if asked else "SHOW TABLES"
    return (
        f"{said!r} is a command of a shell, and SQL is asked here; "
        f"{schema} says what there is" + ("" if asked else ", and `explorer schema` what is in it")
    )


def meant(message: str, sql: str) -> str | None:
    """What is wrong, in other words than DuckDB's where those mislead; None where they do not."""
    column = _COLUMN.search(message)
    text = _TYPOGRAPHIC.search(_IN_QUOTES.sub("", sql))
    if text is not None and (column or "syntax error" in message):
        return _in_plain_quotes(text)
    if column is not None:
        return _parameter(column[1], sql) or _text(column[1], sql)
    for name in RESERVED if "syntax error" in message else ():
        if re.search(rf"\b{name}\s*:=", sql, re.IGNORECASE):
            return f'SQL has {name} for itself; as a parameter it is quoted: "{name}" := ...'
    for function in functions():
        if "syntax error" in message and re.match(rf"\s*{function.name}\s*\(", sql, re.IGNORECASE):
            begins = "SELECT * FROM" if function.columns else "SELECT"
            return f"a function is asked in a statement: {begins} {function.name}(...)"
    return None


def _parameter(name: str, sql: str) -> str | None:
    """A parameter that is named with =, which compares, where := was meant."""
    value = re.search(rf"\b{re.escape(name)}\s*=(?![=>])\s*([^\s,()]*)", sql, re.IGNORECASE)
    if value is None:
        return None
    for function in functions():
        called = re.search(rf"\b{function.name}\s*\(", sql, re.IGNORECASE)
        if called and name.lower() in [parameter.name for parameter in function.parameters]:
            written = value[1].replace('"', "'") or "..."
            return (
                f"= compares, and {name} is no column; a parameter of {function.name} is named "
                f"with :=, as in {name} := {written}"
            )
    return None


def _in_plain_quotes(text: re.Match[str]) -> str:
    inside = text[2].replace("'", "''")
    return f"{text[0]} stands in typographic quotes; a text stands in plain ones: '{inside}'"


def _text(name: str, sql: str) -> str | None:
    """A text in double quotes, which SQL has for names, or in none at all."""
    calls = "|".join(function.name for function in functions())
    bare = re.search(rf"\b({calls})\s*\(\s*{re.escape(name)}\b", sql, re.IGNORECASE)
    if bare is None and f'"{name}"' not in sql:
        return None
    single = name.replace("'", "''")
    return f"no column is called \"{name}\"; a text stands in single quotes: '{single}'"
