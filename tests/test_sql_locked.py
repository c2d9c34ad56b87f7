"""SQL that tries to get out: files, settings, extensions, memory addresses, other databases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from explorer.errors import QueryError
from explorer.sql.database import Database
from explorer.sql.guard import TABLE_FUNCTIONS
from indexer.store.read import open_index

SECRET = "a secret that nobody may read"

FILES = [
    "SELECT * FROM '{secret}'",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv_auto('{secret}', header = false)",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_ndjson_objects('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM parquet_kv_metadata('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_duckdb('{folder}/other.duckdb')",
    "SELECT (SELECT content FROM read_text('{secret}'))",
    "SELECT * FROM token WHERE text IN (SELECT content FROM read_text('{secret}'))",
    "WITH x AS (SELECT * FROM read_text('{secret}')) SELECT * FROM x",
    "SELECT * FROM neighbors((SELECT content FROM read_text('{secret}')))",
    "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT * FROM query_table('{secret}')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))",
    "DESCRIBE SELECT * FROM read_text('{secret}')",
    "SUMMARIZE SELECT * FROM read_text('{secret}')",
    "DESCRIBE '{secret}'",
    "SUMMARIZE '{secret}'",
    "EXPLAIN SELECT * FROM read_text('{secret}')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('{secret}')",
    "PIVOT (FROM read_text('{secret}')) ON content IN ('a') USING count(*)",
    "SELECT * FROM histogram('{secret}', 'a')",
]
WRITES = [
    "COPY token TO '{new}'",
    "COPY (SELECT 1) TO '{new}' (FORMAT parquet)",
    "COPY token FROM '{secret}'",
    "EXPLAIN ANALYZE COPY token TO '{new}'",
    "SELECT 1; COPY token TO '{new}'",
    "SELECT * FROM query('COPY token TO ''{new}''')",
    "EXPORT DATABASE '{new}'",
    "IMPORT DATABASE '{folder}'",
    "PREPARE p AS COPY token TO '{new}'",
    "EXECUTE p",
    "ATTACH '{new}' AS new",
    "ATTACH ':memory:' AS new",
    "ATTACH '{folder}/other.duckdb' (READ_ONLY)",
    "DETACH catalog",
    "USE memory",
    "CREATE TABLE catalog.main.mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE TEMP MACRO neighbors(x) AS 1",
    "CREATE OR REPLACE TEMP MACRO similarity(a, b) AS 1",
    "CREATE TYPE mine AS ENUM ('a')",
    "CREATE SEQUENCE mine",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "INSERT INTO own VALUES (2)",
    "INSERT INTO token SELECT * FROM token",
    "UPDATE own SET a = 2",
    "UPDATE token SET text = 'x'",
    "DELETE FROM own",
    "DELETE FROM token",
    "TRUNCATE token",
    "MERGE INTO own USING (SELECT 1 AS a) t USING (a) WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM own RETURNING *) SELECT * FROM gone",
    "WITH more AS (INSERT INTO own VALUES (3) RETURNING *) SELECT * FROM more",
    "DROP TABLE token",
    "DROP TABLE own",
    "DROP MACRO TABLE neighbors",
    "ALTER TABLE token ADD COLUMN x INT",
    "COMMENT ON TABLE token IS 'x'",
    "CHECKPOINT",
    "FORCE CHECKPOINT catalog",
    "VACUUM",
    "ANALYZE",
]
SETTINGS = [
    "SET memory_limit = '64GB'",
    "SET GLOBAL threads = 64",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET temp_directory = '{folder}'",
    "SET home_directory = '{folder}'",
    "SET search_path = 'memory'",
    "SET VARIABLE x = 1",
    "RESET memory_limit",
    "RESET enable_external_access",
    "PRAGMA memory_limit = '64GB'",
    "PRAGMA enable_profiling = 'json'",
    "PRAGMA profiling_output = '{new}'",
    "PRAGMA database_list",
    "CALL enable_logging()",
    "CALL pragma_version()",
    "SELECT * FROM enable_logging()",
    "SELECT * FROM enable_profiling()",
    "SELECT * FROM checkpoint('catalog')",
    "SELECT * FROM force_checkpoint('catalog')",
    "SELECT write_log('x')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{folder}/any.duckdb_extension'",
    "FORCE INSTALL spatial FROM community",
    "UPDATE EXTENSIONS",
    "SELECT * FROM 'https://example.org/a.csv'",
    "SELECT * FROM read_csv('s3://bucket/a.csv')",
    "BEGIN",
    "COMMIT",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://a', 's3')",
    "SELECT getenv('HOME')",
]
ADDRESSES = [
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM arrow_scan_dumb(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    'SELECT * FROM "pandas_scan"(1)',
    "SELECT * FROM PANDAS_SCAN(1)",
    "SELECT * FROM system.main.pandas_scan(1)",
    "SELECT * FROM python_map_function(1)",
    "SELECT * FROM token, LATERAL pandas_scan(token.id)",
    "EXPLAIN SELECT * FROM pandas_scan(1)",
    "SELECT * FROM seq_scan()",
    "SELECT * FROM query('FROM pandas_scan(1)')",
    "SELECT __internal_decompress_string(1::UTINYINT)",
]
VARIABLES = ["SELECT * FROM session", "SELECT * FROM attempt", "SELECT * FROM frame"]
ATTEMPTS = FILES + WRITES + SETTINGS + ADDRESSES + VARIABLES


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with a file that must not be read, and the name of one that must not appear."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.csv").write_text(f"a,b\n{SECRET},1\n")
    with duckdb.connect(str(folder / "other.duckdb")) as con:
        con.execute("CREATE TABLE hidden AS SELECT 1 AS a")
    return {"folder": folder, "secret": folder / "secret.csv", "new": folder / "new"}


@pytest.fixture(scope="module")
def session(tiny_indexes: Path) -> Iterator[Any]:
    """An index that is asked for SQL again and again, with a table of a user's own."""
    from explorer.sql.session import Session

    with Session(tiny_indexes / "llama", {"own": [{"a": 1}]}, timeout=60) as opened:
        yield opened


def test_there_are_many_attempts() -> None:
    assert len(set(ATTEMPTS)) >= 100


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_is_refused(
    session: Any, tiny_indexes: Path, places: dict[str, Path], attempt: str
) -> None:
    before = _state(tiny_indexes, places["folder"])
    with pytest.raises(QueryError) as caught:
        session.ask(attempt.format(**places))
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "ended" not in str(caught.value), "it took the process with it"
    assert _state(tiny_indexes, places["folder"]) == before
    columns, table, _ = session.ask(
        "SELECT count(*) AS tokens, (SELECT sum(a) FROM own) AS own FROM token"
    )
    assert table.to_pylist()[0]["own"] == 1
    assert columns[0] == ("tokens", "BIGINT")


def _state(*folders: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("attempt", FILES + WRITES[:10] + SETTINGS)
def test_what_the_guard_would_let_by_meets_the_lock(
    tiny_indexes: Path, places: dict[str, Path], attempt: str
) -> None:
    """The second wall: DuckDB itself, told to open nothing and change no setting."""
    before = _state(places["folder"])
    with open_index("llama", tiny_indexes) as index:
        database = Database(index, {}, 10**9, 1)
        told = ""
        try:
            for statement in database._connection.extract_statements(attempt.format(**places)):
                told += str(database._connection.execute(statement).fetchall())
        except duckdb.Error as err:
            told += str(err)
        assert SECRET not in told
        settings = dict(
            database._connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name IN "
                "('enable_external_access', 'lock_configuration', 'temp_directory')"
            ).fetchall()
            if "BEGIN" not in attempt
            else [("enable_external_access", "false"), ("lock_configuration", "true")]
        )
        assert settings["enable_external_access"] == "false"
        assert settings["lock_configuration"] == "true"
        database.close()
    assert _state(places["folder"]) == before


def test_every_table_function_of_duckdb_is_let_by_on_purpose() -> None:
    """A later DuckDB may bring more: what is not named in the guard is refused."""
    with duckdb.connect() as con:
        there = {
            name
            for (name,) in con.execute(
                "SELECT DISTINCT function_name FROM duckdb_functions() "
                "WHERE function_type IN ('table', 'table_macro')"
            ).fetchall()
        }
    allowed = TABLE_FUNCTIONS & there
    assert not {name for name in allowed if "read" in name or "scan" in name or "query" in name}
    assert {"range", "unnest", "generate_series"} <= allowed


@pytest.mark.parametrize(
    "statement",
    [
        "SHOW TABLES",
        "DESCRIBE token",
        "SUMMARIZE word_group",
        "FROM token LIMIT 1",
        "TABLE word_group",
        "EXPLAIN SELECT count(*) FROM token",
        "EXPLAIN ANALYZE SELECT count(*) FROM token",
        "-- a word\n/* or two */ SELECT 1;",
        "PIVOT word_group ON name IN ('size') USING count(*)",
        "SELECT * FROM duckdb_columns() LIMIT 1",
        "SELECT current_setting('memory_limit')",
        "SELECT unnest([1, 2]), * FROM range(2)",
        "SELECT list_transform([1, 2], lambda x: x + 1)",
        "SELECT id, row_number() OVER (ORDER BY norm) FROM token QUALIFY row_number() OVER () < 3",
        "SELECT 'COPY token TO ''x'''",
        "SELECT read_text FROM (SELECT 1 AS read_text)",
        "(SELECT 1) UNION ALL BY NAME (SELECT 2)",
        "SELECT * FROM information_schema.tables LIMIT 1",
    ],
)
def test_what_only_asks_is_answered(session: Any, statement: str) -> None:
    assert session.ask(statement)[1].num_rows > 0


def test_two_workers_and_a_plain_connection_read_one_index_at_once(tiny_indexes: Path) -> None:
    from explorer.sql.session import Session

    catalog = tiny_indexes / "llama" / "catalog.duckdb"
    with (
        Session(tiny_indexes / "llama") as one,
        Session(tiny_indexes / "llama") as two,
        duckdb.connect(str(catalog), read_only=True) as plain,
    ):
        expected = plain.execute("SELECT count(*) FROM token").fetchall()[0][0]
        for session in (one, two):
            assert session.ask("SELECT count(*) AS n FROM token")[1].to_pylist() == [
                {"n": expected}
            ]
