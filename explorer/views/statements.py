"""How a statement of SQL may go on where one writes: names of the catalog, parameters, keywords.

Knows what `schema` says can be named, and reads a statement no further than to tell words from
texts and where tables are named; knows no database and no screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.sql.functions import RESERVED

if TYPE_CHECKING:
    from explorer.questions import Described

KEYWORDS = (
    *("SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "LIMIT", "AND", "OR", "NOT", "IN", "AS"),
    *("ON", "JOIN", "LEFT", "INNER", "CROSS", "USING", "HAVING", "DISTINCT", "COUNT", "DESC"),
    *("ASC", "NULL", "IS", "LIKE", "ILIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END"),
    *("WITH", "UNION", "ALL", "EXCEPT", "INTERSECT", "EXISTS", "OFFSET", "QUALIFY", "OVER"),
    *("PARTITION", "CAST", "TRUE", "FALSE", "VALUES", "DESCRIBE", "SUMMARIZE", "EXPLAIN"),
    *("LATERAL", "UNNEST", "SEMI", "ANTI", "EXCLUDE", "REPLACE", "FILTER", "RECURSIVE"),
)
"""The likelier first: of several that go on alike, the first is offered."""
_FOR_TABLES = frozenset({"from", "join"})
_AFTER_TABLES = frozenset(
    {"where", "group", "order", "having", "limit", "offset", "qualify", "union", "except"}
    | {"intersect", "select", "window", "on", "using", "values"}
)
_KEYWORDS = frozenset(word.lower() for word in KEYWORDS) | _AFTER_TABLES
_KEYWORDS |= {"right", "full", "outer", "natural", "asof", "positional", "tablesample"}
_PIECE = re.compile(
    r"(?P<hidden>'(?:[^']|'')*'?|--[^\n]*|/\*.*?(?:\*/|$))"
    r'|(?P<word>[^\W\d]\w*|"(?:[^"]|"")*"?)'
    r"|(?P<number>\d[\w.]*)|(?P<mark>[^\s\w])",
    re.DOTALL,
)
_BEGUN = re.compile(r"(?:(?P<table>[^\W\d]\w*)\.)?(?P<name>[^\W\d]\w*)?$")
_PLACE = re.compile(r"line (\d+), column (\d+)(?: \((.*?)\))?: ")


@dataclass(frozen=True)
class Begun:
    """What is being written before the cursor: `t.na` is a name `na` of a table `t`."""

    table: str
    name: str


@dataclass(frozen=True)
class Misplaced:
    """Where an error stands in a statement: row and column from 0, and how many characters."""

    row: int
    column: int
    length: int


@dataclass
class _Depth:
    """What stands between two parentheses, as far as it was read."""

    function: str = ""
    tables: bool = False


@dataclass
class _Read:
    """What a statement says as far as the cursor, and which tables it names anywhere."""

    tables: dict[str, str] = field(default_factory=dict)
    depths: list[_Depth] = field(default_factory=lambda: [_Depth()])

    @property
    def here(self) -> _Depth:
        return self.depths[-1]


def begun(before: str) -> Begun:
    """The name that ends at the cursor; both parts are empty where none does."""
    found = _BEGUN.search(before)
    assert found is not None
    return Begun(found["table"] or "", found["name"] or "")


def whole(schema: Sequence[Described], name: str) -> bool:
    """Whether a name is one already, and need not go on."""
    low = name.lower()
    return low in _KEYWORDS or any(low in (row.of, row.name.lower()) for row in schema)


def completions(schema: Sequence[Described], before: str, after: str = "") -> tuple[str, ...]:
    """Names that what is being written may become, the likeliest first; whole, as they are called.

    After `t.` those are the columns of `t`, which may be an alias. Where tables are named, tables
    and functions that give one; between the parentheses of a function its parameters first, then
    as elsewhere the columns of the tables that the statement names, functions, other columns.

    Args:
        schema: what can be named.
        before: the statement as far as the cursor.
        after: the rest of it.
    """
    ending = list(_PIECE.finditer(before))
    if ending and ending[-1]["hidden"] and _open(ending[-1]["hidden"]):
        return ()
    if ending and ending[-1]["number"] and ending[-1].end() == len(before):
        return ()
    what = begun(before)
    if after[:1].isalnum() or after[:1] == "_":
        return ()
    columns = _columns(schema)
    read = _read(before[: len(before) - len(what.name)], columns)
    named = {**_read(before + after, columns).tables, **read.tables}
    if what.table:
        table = named.get(what.table.lower(), what.table.lower())
        return _starting(what.name, columns.get(table) or columns.get(f"{table}()") or ())
    if not what.name:
        return ()
    tables = [row.of for row in schema if row.kind == "table"]
    givers = [row.of for row in schema if row.kind == "function" and row.type == "table"]
    scalars = [row.of for row in schema if row.kind == "function" and row.type != "table"]
    parameters = [r.name for r in schema if r.kind == "parameter" and r.of == read.here.function]
    near = [name for table in dict.fromkeys(named.values()) for name in columns[table]]
    far = [name for names in columns.values() for name in names]
    words = [word.lower() if what.name.islower() else word for word in KEYWORDS]
    aliases = [name for name in named if not {name, f"{name}()"} & columns.keys()]
    if read.here.tables:
        found = _starting(what.name, [*tables, *givers, *words])
    else:
        order = [*parameters, *near, *aliases, *scalars, *givers, *words, *tables]
        # Without a table there is nothing to prefer yet: a keyword may be all that is meant.
        found = _starting(what.name, [*order, *far] if near else [*words, *order, *far])
    quoted = RESERVED & set(parameters)
    return tuple(f'"{name}"' if name in quoted else name for name in found)


def misplaced(error: str, statement: str) -> Misplaced | None:
    """Where an error that begins with its place speaks of; None where it names none."""
    found = _PLACE.match(error)
    if found is None:
        return None
    lines = statement.split("\n")
    row = min(int(found[1]), len(lines)) - 1
    column = min(int(found[2]) - 1, len(lines[row]))
    rest = lines[row][column:]
    word = re.match(r"\w+|\S", rest)
    said = found[3] or ""
    length = len(said) if said and rest.startswith(said) else (word.end() if word else 1)
    return Misplaced(row, column, length)


def _open(hidden: str) -> bool:
    """Whether a text or a comment goes on where the statement ends."""
    if hidden.startswith("--"):
        return True
    if hidden.startswith("/*"):
        return not hidden.endswith("*/") or len(hidden) < 4
    return hidden.count("'") % 2 == 1


def _columns(schema: Sequence[Described]) -> dict[str, list[str]]:
    """Names of columns by table, and by function that gives a table: `neuron` and `neuron()`."""
    found: dict[str, list[str]] = {}
    for row in schema:
        if row.kind == "table":
            found[row.of] = []
        elif row.kind == "function" and row.type == "table":
            found[f"{row.of}()"] = []
        elif row.kind == "column":
            found[row.of].append(row.name)
        elif row.kind == "gives":
            found[f"{row.of}()"].append(row.name)
    return found


def _read(text: str, columns: dict[str, list[str]]) -> _Read:
    """Which tables are named, by what each is called there, and what stands open at the end."""
    read, last, table = _Read(), "", ""  # table: what the one named last is called
    for piece in _PIECE.finditer(text):
        if piece["hidden"]:
            continue
        word = (piece["word"] or "").strip('"').lower()
        if piece["mark"] == "(":
            read.depths.append(_Depth(function=last))
        elif piece["mark"] == ")":
            if len(read.depths) > 1 and read.depths.pop().tables:
                table = ""
        elif piece["mark"] == ",":
            table = "" if read.here.tables else table
        elif word in _FOR_TABLES:
            read.here.tables, table = True, ""
        elif word in _AFTER_TABLES:
            read.here.tables, table = False, ""
        elif word and read.here.tables:
            called = f"{word}()" if text[piece.end() :].lstrip().startswith("(") else word
            if not table and called in columns:
                table, read.tables[word] = word, called
            elif table and word not in _KEYWORDS and last != ".":
                read.tables[word] = read.tables.pop(table, table)
                table = ""
        last = word or piece["mark"] or ""
    return read


def _starting(stem: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of some names that go on where a stem ends, each once."""
    low, found = stem.lower(), dict[str, str]()
    for name in names:
        if name.lower().startswith(low) and name.lower() != low:
            found.setdefault(name.lower(), name)
    return tuple(found.values())
