"""DuckDB over the catalog of one index, locked down, with the explorer's questions as functions.

Knows connections and functions. The database is one in memory; the catalog is attached read-only,
so that its tables and the user's stand side by side and neither can be written. What locks it, and
what a catalog may hold, the store knows.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from explorer.compute.workspace import Workspace
from explorer.engines.local import Local
from explorer.errors import QueryError
from explorer.sql import tables
from explorer.sql.answers import Answers, Stopped
from explorer.sql.functions import Function, functions
from explorer.sql.guard import Position, checked, said
from indexer.store import catalog_file
from indexer.store.errors import MachineError, SemanticError, in_sql, option_named
from indexer.store.read import Index

TOO_MUCH = f"the query needs more than {option_named('memory')} allows; narrow it, or allow more"
POSITIONAL = inspect.Parameter.POSITIONAL_ONLY
BATCH = 4096
"""Rows of an answer that are handed on at once."""


class Database:
    """An index as a database that can be asked, and nothing else.

    Args:
        index: an open index.
        attached: a user's own tables by name: files, or what Arrow takes.
        memory: the most that DuckDB may hold, in bytes.
        threads: how many it may use.
        announce: told in one line before the model is run on text that is not indexed.
    """

    def __init__(
        self,
        index: Index,
        attached: Mapping[str, Any],
        memory: int,
        threads: int,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        import duckdb

        self._folder = index.folder
        self.answers = Answers(Local(Workspace(index, announce)))
        self._raised: SemanticError | None = None
        self._asked = ""
        self._connection: Any = duckdb.connect(
            ":memory:", config=catalog_file.config(f"{memory}B", threads)
        )
        for name, source in attached.items():
            tables.read(self._connection, name, source)
        self._run("SET errors_as_json = true")
        catalog_file.attach(self._connection, index.folder, index.manifest)
        self._run(f"USE {catalog_file.ALIAS}")
        self._added: set[str] = set()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def stop(self) -> None:
        """Have a running query end, as soon as what it is doing lets it; from any thread."""
        self.answers.stopped.set()
        self._connection.interrupt()

    def ask(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> tuple[list[tuple[str, str]], Any, Iterator[Any]]:
        """Names and types of the columns, the Arrow schema, and the rows in Arrow batches.

        Raises:
            QueryError: the statement is none that only asks, or DuckDB cannot answer it; begins
                with the place. Any error of the questions it asks.
        """
        import duckdb
        import pyarrow

        self._raised = None
        self.answers.begin()
        calls = checked(self._connection, sql)
        self._have(sql)
        given = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
        try:
            # A relation hands its rows on as they come; `execute` would hold them all first.
            relation = self._connection.sql(sql, params=given or None)
            columns = _named(list(zip(relation.columns, map(str, relation.types), strict=True)))
            reader = relation.to_arrow_reader(BATCH)
        except duckdb.Error as err:
            raise self._error(self._placed(err, sql, given), sql, calls) from None
        schema = pyarrow.schema([(f.name, _written_out(f.type)) for f in reader.schema])
        return columns, schema, self._batches(reader, schema, sql, calls)

    def _placed(self, error: Exception, sql: str, given: Any) -> Exception:
        """The same error with its place, which DuckDB tells of a statement, not of a relation."""
        import duckdb

        if "{" in str(error) or self._raised is not None:
            return error
        try:
            self._connection.execute(sql, given)
        except duckdb.Error as err:
            return err
        self._connection.abort()
        return error

    def _batches(
        self, reader: Any, schema: Any, sql: str, calls: Sequence[tuple[str, Position]]
    ) -> Iterator[Any]:
        import duckdb
        import pyarrow

        try:
            while True:
                try:
                    batch = reader.read_next_batch().cast(schema)
                except StopIteration:
                    return
                except (duckdb.Error, pyarrow.ArrowException, OSError) as err:
                    raise self._error(err, sql, calls) from None
                yield batch
        finally:
            reader.close()

    def _error(
        self, error: Exception, sql: str, calls: Sequence[tuple[str, Position]]
    ) -> SemanticError:
        """What went wrong, as the explorer says it: its own error, with the place of the call."""
        import duckdb

        if isinstance(self._raised, Stopped):
            return self._raised
        if self._raised is not None:
            return self._at(self._raised, [place for name, place in calls if name == self._asked])
        text = str(error)
        if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)) or "Out of Memory" in text:
            return QueryError(TOO_MUCH)
        if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in text:
            return Stopped("stopped")
        if isinstance(error, duckdb.IOException) or "IO Error" in text or "Corrupt" in text:
            # Nothing but the catalog can be reached.
            return catalog_file.damaged(self._folder, Exception(said(error, sql)))
        if isinstance(error, (duckdb.FatalException, duckdb.InternalException)):
            return MachineError(f"DuckDB failed: {said(error, sql)}")
        return QueryError(_of_macros(said(error, sql), calls))

    @staticmethod
    def _at(error: SemanticError, places: Sequence[Position]) -> SemanticError:
        """An error of a question, with the place where it was asked if there is only one."""
        if len(places) == 1 and error.exit_code == 2:
            error.args = (f"{places[0]}: {error.line(in_sql)}",)
        return error

    def _run(self, statement: str) -> None:
        self._connection.execute(statement).fetchall()

    def _have(self, sql: str) -> None:
        """Have the functions that a statement names: to make them all takes longer than most ask.

        One that asks which functions there are has all of them.
        """
        words = set(re.findall(r"\w+", sql.lower()))
        for function in functions():
            asked = function.name in words or "duckdb_functions" in words or "show" in words
            if asked and function.name not in self._added:
                self._add(function)
                self._added.add(function.name)

    def _add(self, function: Function) -> None:
        import duckdb
        import pyarrow

        connection = self._connection
        kind = connection.sql(f"SELECT NULL::{function.type} AS x").to_arrow_table().schema[0]

        def answer(*columns: Any) -> Any:
            # One batch at a time: DuckDB calls from several threads.
            with self.answers.lock:
                try:
                    asked = [column.to_pylist() for column in columns]
                    found = self.answers.of(function, asked)
                except SemanticError as err:
                    self._raised, self._asked = err, function.name
                    raise
                except MemoryError:
                    self._raised, self._asked = QueryError(TOO_MUCH), ""
                    raise
                except Exception as err:  # a fault of ours, which is not the statement's
                    self._raised = MachineError(f"{function.name} failed: {err!r}")
                    self._asked = function.name
                    raise
                return pyarrow.array(found, kind.type)

        # DuckDB counts parameters by the signature.
        answer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(p.name, POSITIONAL) for p in function.parameters]
        )
        connection.create_function(
            f"_{function.name}",
            answer,
            [duckdb.sqltype(parameter.type) for parameter in function.parameters],
            duckdb.sqltype(function.type),
            type="arrow",
            null_handling="special",
        )
        self._run(function.macro)
        about = function.about.replace("'", "''")
        table = "TABLE " if function.columns else ""
        self._run(f"COMMENT ON MACRO {table}{function.name} IS '{about}'")


def _named(columns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Columns with names of their own: a second `a` is `a_1`."""
    taken: set[str] = set()
    named = []
    for name, kind in columns:
        own, number = name, 0
        while own in taken:
            number += 1
            own = f"{name}_{number}"
        taken.add(own)
        named.append((own, kind))
    return named


def _written_out(kind: Any) -> Any:
    """An Arrow type with texts for the codes of an ENUM, which batches alone cannot carry."""
    from pyarrow import list_, map_, string, struct, types

    if types.is_dictionary(kind):
        return string()
    if types.is_map(kind):
        return map_(_written_out(kind.key_type), _written_out(kind.item_type))
    if types.is_list(kind):
        return list_(_written_out(kind.value_type))
    if types.is_struct(kind):
        return struct([(field.name, _written_out(field.type)) for field in kind])
    return kind


def _of_macros(text: str, calls: Sequence[tuple[str, Position]]) -> str:
    """Errors speak of the functions that people call, not of what stands beneath them."""
    for function in functions():
        text = text.replace(f"_{function.name}(", f"{function.name}(")
        wrong = rf'Macro "?{function.name}"?\(\) does not support the supplied arguments'
        if re.search(wrong, text):
            places = [place for name, place in calls if name == function.name]
            where = f"{places[0]}: " if len(places) == 1 else ""
            return f"{where}these arguments do not fit; write {function.signature}"
    return text
