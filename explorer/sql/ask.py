"""What does a statement answer, and what can it name? Asked of a session, and of the catalog."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.questions import (
    Schema,
    SchemaMeta,
    SchemaQuery,
    SqlColumn,
    SqlMeta,
    SqlQuery,
    SqlRows,
)
from explorer.sql.schema import described
from explorer.sql.session import Session
from indexer.store.read import Index


def sql(
    index: Index,
    session: Session,
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any],
    cancelled: threading.Event | None = None,
) -> SqlRows:
    """The rows of a statement."""
    columns, table, notes = session.ask(statement, parameters, cancelled)
    named = (
        dict(parameters)
        if isinstance(parameters, Mapping)
        else {str(at): value for at, value in enumerate(parameters, start=1)}
    )
    meta = SqlMeta(
        index.name,
        index.manifest.model.source,
        tuple(SqlColumn(*column) for column in columns),
        notes,
    )
    return SqlRows(SqlQuery(statement, named), table, meta)


def schema(index: Index, query: SchemaQuery) -> Schema:
    """Every table, column and function, or those of one name."""
    meta = SchemaMeta(index.name, index.manifest.model.source)
    return Schema(query, described(index.sql, query.name), meta)
