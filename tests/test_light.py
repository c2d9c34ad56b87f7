"""What a cold command imports: nothing that a model needs, and nothing of other questions."""

from __future__ import annotations

import ast
import gc
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import ROOT
from explorer import questions
from explorer.cli.process import begin
from indexer.store import ahead
from indexer.store.mapped import multiply_apart

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


SHARED = {"answer", "choices", "fields", "lines", "query"}
"""Files of `explorer.questions` that hold no question."""

OWN = {
    "middleman": {"middleman", "neighbors"},
    "compare": {"compare", "middleman", "neighbors"},
    "analogy": {"analogy", "layers", "neighbors"},
}
"""Files of the questions that one question stands on."""

NEEDED = {"compare": {"numpy.random"}}
"""What one question has a use for."""

OTHER_FORMS = {
    "table": {"explorer.show.markup", "explorer.show.frames"},
    "json": {"explorer.show.markup", "explorer.show.frames"},
    "csv": {"explorer.show.markup"},
}
"""What only other formats need."""

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
    # A table whose cells have room needs of rich no more than how wide a character is.
    assert ("rich.cells" in modules) == (format == "table")
    unasked = {
        "rich.console",
        "rich.table",
        "tokenizers",
        "asyncio",
        "pyarrow",
        *OTHER_FORMS[format],
    }
    unasked |= {"numpy.random", "numpy.fft", "numpy.polynomial", "explorer.outfile"}
    assert sorted((unasked - NEEDED.get(question[0], set())) & modules) == []
    own = {name.removeprefix("explorer.questions.") for name in modules if ".questions." in name}
    assert own - SHARED == OWN.get(question[0], {question[0]})


def test_help_of_a_question_imports_no_other() -> None:
    modules = imported_by(ASK, json.dumps(["neighbors", "--help"]))
    own = {name.removeprefix("explorer.questions.") for name in modules if ".questions." in name}
    assert own - SHARED == {"neighbors"}
    assert not {"explorer.cli.tui", "explorer.api"} & modules


def test_questions_are_found_in_the_files_that_a_type_checker_reads() -> None:
    """What is imported late stands in a table, and once more for types."""
    tree = ast.parse(Path(str(questions.__file__)).read_text("utf-8"))
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    read = {
        alias.name: node.module
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {name: f"explorer.questions.{file}" for name, file in questions._FILE_OF.items()} == read
    assert set(questions.__all__) == set(read) <= set(dir(questions))
    assert tuple(kind.question for kind in questions.QUERIES) == questions.QUESTIONS


LEAVING = """
import atexit, sys
from explorer.cli import program
atexit.register(print, "registered")
sys.argv = ["explorer", "--version"]
program()
"""


def test_a_command_that_has_answered_does_what_was_registered_for_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVING], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "registered"
    assert (done.returncode, done.stderr) == (0, "")


def test_openblas_is_told_what_somebody_set(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "OPENBLAS_THREAD_TIMEOUT"
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    for said, then in ((None, "20"), ("28", "28")):
        monkeypatch.delenv(name, raising=False)
        if said is not None:
            monkeypatch.setenv(name, said)
        begin()
        assert os.environ[name] == then


def test_threads_of_ours_multiply_by_themselves_unless_somebody_or_a_model_would_have_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "OPENBLAS_NUM_THREADS"
    for machine, beside_torch, said, then in (
        ("x86_64", True, None, "1"),
        ("x86_64", False, "3", "3"),
        ("aarch64", False, None, "1"),
        ("aarch64", True, None, None),
    ):
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        monkeypatch.delenv(name, raising=False)
        if said is not None:
            monkeypatch.setenv(name, said)
        multiply_apart(beside_torch)
        assert os.environ.get(name) == then
        monkeypatch.delenv(name, raising=False)


def test_a_catalog_whose_code_was_let_go_of_answers(tiny_indexes: Path) -> None:
    with ahead.opened_ahead("llama", tiny_indexes) as index:
        before = index.sql("SELECT * FROM token ORDER BY id")
        for _ in range(3):
            ahead._let_go_of_code()
            assert index.sql("SELECT * FROM token ORDER BY id") == before


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
