"""What `schema` answers, everything that SQL can name, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.questions.answer import Result
from explorer.questions.query import Query, argument
from explorer.show.layout import Column, Layout


@dataclass(frozen=True)
class Described:
    """A table or function, or one column or parameter of it.

    Attributes:
        kind: `table`, `column`, `function`, `parameter`, or `gives` for what a function gives.
        of: the table or function.
        name: of the column or parameter; a function's whole signature; empty for a table.
        type: as DuckDB writes it; empty for a table.
        about: what it is.
    """

    kind: str
    of: str
    name: str
    type: str
    about: str


@dataclass(frozen=True)
class SchemaQuery(Query["Schema"]):
    """Which tables, columns and functions can SQL name, or what is in one of them?"""

    question = "schema"
    computed = False
    examples = (
        "explorer schema",
        "explorer schema neighbors",
    )

    name: str | None = argument(
        "only this table or function", "table", default=None, metavar="NAME"
    )


@dataclass(frozen=True)
class SchemaMeta:
    """What an answer rests on.

    Attributes:
        index: name of the index.
        model: the model it was made from.
    """

    index: str
    model: str


@dataclass(frozen=True)
class Schema(Result[Described]):
    """Every table and column of the catalog, and every function of the explorer.

    A row is a table, a function, or a part of one.

    Attributes:
        query: which of them.
        rows: tables with their columns, then functions with their parameters and columns.
        meta: the index.
    """

    query: SchemaQuery
    rows: tuple[Described, ...]
    meta: SchemaMeta

    def layout(self) -> Layout:
        """What can be named, a table or function above what it has."""
        return _schema_table(self)


def _schema_table(result: Schema) -> Layout:
    columns = [
        Column("name", _name),
        Column("type", lambda row: str(row.type), folds=True),
        Column("", lambda row: row.about.replace("`", ""), folds=True),
    ]
    head = [f"what SQL can name in index {result.meta.index} ({result.meta.model})"]
    foot = [
        "a parameter with a default may be named, as neighbors('dog', k := 3); text stands in "
        "single quotes"
    ]
    return Layout(head, columns, result.rows, foot)


def _name(row: Described) -> str:
    if row.kind == "table":
        return row.of
    if row.kind == "function":
        return f"{row.of}()"
    return f"  {'-> ' if row.kind == 'gives' else ''}{row.name}"
