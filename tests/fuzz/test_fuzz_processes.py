"""A sample of made-up input through the programs as they are installed, each in its own process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import BIN
from fuzz.madeup import arguments, broken, expressions, tried
from fuzz.program import EXIT_CODES, PATIENCE, inside


@pytest.fixture(scope="module", autouse=True)
def folder(tiny_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with inside(tmp_path_factory.mktemp("processes")) as here:
        shutil.copytree(tiny_indexes / "llama", here / "indexes" / "llama")
        yield here


def ended(program: str, *given_: str, stdin: bytes = b"", **env: str) -> None:
    """Run a program, and look at how it ends."""
    done = subprocess.run(
        [BIN / program, *given_],
        input=stdin, capture_output=True, timeout=PATIENCE, check=False, env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode in EXIT_CODES, done
    assert b"Traceback" not in done.stderr, done
    if done.returncode:
        assert done.stderr.strip(), done


@tried(8)
@given(expressions, st.sampled_from(["C", "C.UTF-8", "en_US.ISO-8859-1"]))
def test_expressions(text: str, locale: str) -> None:
    ended("explorer", "neighbors", text, LC_ALL=locale)


@tried(6)
@given(st.sampled_from(["explorer", "indexer"]), st.lists(arguments, max_size=3))
def test_arguments(program: str, given_: list[str]) -> None:
    ended(program, *given_)


@tried(4)
@given(st.binary(max_size=40) | broken(b"SELECT text FROM token LIMIT 2"))
def test_a_statement_from_stdin(statement: bytes) -> None:
    ended("explorer", "sql", "-", stdin=statement)


@pytest.mark.parametrize("name", ["catalog.duckdb", "spaces/embed.faiss", "spaces/embed.npz"])
def test_a_file_of_an_index_broken(name: str, folder: Path) -> None:
    path = folder / "indexes" / "llama" / name
    data = path.read_bytes()

    @tried(3)
    @given(broken(data))
    def run(data: bytes) -> None:
        path.write_bytes(data)
        ended("explorer", "neighbors", "dog")
        ended("indexer", "verify", "llama")

    run()
    path.write_bytes(data)
