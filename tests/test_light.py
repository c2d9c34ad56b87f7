"""What a cold command imports: nothing that a model needs, and no table library unless it draws."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import ROOT

HEAVY = {"torch", "transformers", "textual", "accelerate", "gguf", "wordfreq", "scipy"}

ASK = """
import contextlib, io, json, sys
from explorer.cli import cli
with contextlib.redirect_stdout(io.StringIO()) as out:
    cli.main(json.loads(sys.argv[1]), standalone_mode=False)
assert out.getvalue(), "no answer"
print(json.dumps(sorted(sys.modules)))
"""


def imported_by(code: str, *args: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


QUESTIONS = [
    ("neighbors", "king - man + woman"),
    ("middleman", "large", "tall"),
    ("compare", "large", "tall"),
    ("analogy", "dog + small", "--target", "cat", "--all-layers"),
    ("neuron", "L1N2"),
]


@pytest.mark.parametrize("format", ["table", "json", "csv"])
@pytest.mark.parametrize("question", QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_an_answer_needs_no_model_library(
    tiny_indexes: Path, question: tuple[str, ...], format: str
) -> None:
    place = ["--indexes", str(tiny_indexes), "--index", "llama", "--format", format]
    modules = imported_by(ASK, json.dumps([*question, *place]))
    assert {"faiss", "duckdb"} <= modules
    assert not HEAVY & modules
    assert ("rich" in modules) == (format == "table")


def test_the_package_alone_imports_no_numbers_and_no_tables() -> None:
    code = "import explorer, json, sys; print(json.dumps(sorted(sys.modules)))"
    assert not {*HEAVY, "numpy", "faiss", "duckdb", "click", "rich"} & imported_by(code)


@pytest.mark.parametrize("args", [["--help"], ["neighbors", "--help"], ["--version"]])
def test_help_imports_no_numbers_and_no_tables(args: list[str]) -> None:
    modules = imported_by(ASK, json.dumps(args))
    assert not {*HEAVY, "numpy", "faiss", "duckdb", "rich"} & modules


def test_the_contract_names_all_of_the_indexer_but_the_store() -> None:
    """What is new in the indexer is kept from the explorer too."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (named,) = [
        one["forbidden_modules"]
        for one in contracts["contracts"]
        if one["name"].startswith("The explorer knows the index on disk")
    ]
    there = {path.stem for path in (ROOT / "indexer").iterdir() if path.suffix in ("", ".py")}
    there -= {"__init__", "__main__", "__pycache__", "store"}
    assert set(named) == {f"indexer.{name}" for name in there}
