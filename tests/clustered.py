"""Builds on a cluster, as a person gives them; and whether two indexes are the same."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import duckdb

from conftest import BIN
from raylets import SURROUNDINGS

WORDS = "300"
ENVIRONMENT = {**os.environ, **SURROUNDINGS}


def start(
    model: Path, root: Path, on: str | None, *more: str, threads: str = "1"
) -> subprocess.Popen[str]:
    """`indexer build` on a cluster, or alone."""
    command = [str(BIN / "indexer"), "build", str(model), "--words", WORDS, "--name", "llama"]
    command += ["--indexes", str(root), "--no-findings", *more]
    return subprocess.Popen(
        [*command, "--on", on] if on else command,
        env={**ENVIRONMENT, "OMP_NUM_THREADS": threads},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def built(process: subprocess.Popen[str], root: Path) -> Path:
    """The index, once it is there."""
    _, said = process.communicate()
    assert process.returncode == 0, said
    return root / "llama"


def same(one: Path, other: Path) -> list[str]:
    """Files of two indexes that differ, and tables that do."""
    manifests = [json.loads((index / "manifest.json").read_text()) for index in (one, other)]
    digests = [
        {path: file["sha256"] for path, file in manifest["files"].items()} for manifest in manifests
    ]
    assert set(digests[0]) == set(digests[1])
    differ = [path for path in digests[0] if digests[0][path] != digests[1][path]]
    with duckdb.connect() as con:
        for name, index in (("one", one), ("other", other)):
            con.execute(f"ATTACH '{index / 'catalog.duckdb'}' AS {name} (READ_ONLY)")
        tables = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'one' "
            "AND table_name <> 'build'"  # when it was, and how long it took
        ).fetchall()
        for (table,) in tables:
            rows = f"(FROM one.{table} EXCEPT ALL FROM other.{table})"
            counts = [f"(SELECT count(*) FROM {name}.{table})" for name in ("one", "other")]
            lost, first, second = con.execute(
                f"SELECT (SELECT count(*) FROM {rows}), {counts[0]}, {counts[1]}"
            ).fetchall()[0]
            if lost or first != second:
                differ.append(table)
    return [path for path in differ if path != "catalog.duckdb"]
