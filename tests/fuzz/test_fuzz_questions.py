"""Questions made up: expressions, words, statements, and every command with any options.

The commands and options are those that the programs declare; a new one is tried unasked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.cli import cli as explorer_cli
from explorer.errors import QueryError
from explorer.sql.functions import functions
from explorer.sql.session import Session
from fuzz.madeup import (
    SPACES,
    arguments,
    expressions,
    joined,
    names,
    texts,
    tried,
)
from fuzz.program import inside, ran
from indexer.cli import cli as indexer_cli


@pytest.fixture(scope="module")
def place(tiny_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Options that name an index; run in a folder that holds a few files."""
    folder = tmp_path_factory.mktemp("deep") / "down" / "below"
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text("large\nGreat Dane\n\ndog\n")
    (folder / "pairs.txt").write_text("dog\tcat\t3.5\nlarge\thuge\t9\nred\tblue\t2\n")
    (folder / "questions.txt").write_text(": size\nlarge huge small tiny\n")
    (folder / "bytes.bin").write_bytes(bytes(range(256)))
    (folder / "folder").mkdir()
    with inside(folder):
        yield ["--index", "llama", "--indexes", str(tiny_indexes)]


FILES = ["words.txt", "pairs.txt", "questions.txt", "bytes.bin", "folder", "none.txt", ".", ""]


@pytest.mark.parametrize(
    "asked",
    [
        ("neighbors", "{}"),
        ("neighbors", "{}", "--space", "context.1", "--format", "json"),
        ("middleman", "{}"),
        ("analogy", "{}", "--target", "dog"),
        ("layers", "{}", "dog"),
        ("compare", "{}", "dog", "--pairs", "5"),
        ("congruence", "dog", "{}", "--permutations", "20"),
        ("word", "{}"),
        ("ov", "{}"),
        ("neuron", "{}"),
    ],
    ids=" ".join,
)
def test_expressions(asked: tuple[str, ...], place: list[str]) -> None:
    @tried(25)
    @given(expressions)
    def run(text: str) -> None:
        ran("explorer", *(text if part == "{}" else part for part in asked), *place)

    run()


# -- statements ---------------------------------------------------------------------------------

_COLUMNS = """token word neuron space word_group neuron_word head build own session
text id norm zipf layer rank score item * n "large" $1 $w"""
_NAMES = _COLUMNS.split()
_VALUES = ["1", "0", "-1", "NULL", "'dog'", "'large'", "''", "[1, 2]", "{'a': 1}", "1e400", "'\\'"]
_KEYWORDS = """SELECT FROM WHERE JOIN ON LIMIT OFFSET AS WITH RECURSIVE DISTINCT THEN END AND OR NOT
IN LIKE BETWEEN PIVOT UNPIVOT DESCRIBE SUMMARIZE EXPLAIN VALUES CAST LATERAL QUALIFY OVER FILTER :=
GROUP_BY ORDER_BY UNION_ALL CASE_WHEN SHOW_TABLES PARTITION_BY SAMPLE_3 ::INTEGER ::BLOB
COPY SET PRAGMA ATTACH CALL INSTALL EXECUTE BEGIN CREATE_TABLE"""
_WORDS = [word.replace("_", " ") for word in _KEYWORDS.split()]
_MARKS = ["(", ")", ",", ";", ".", "=", "<", "||", "->", "--", "/*", "*/", "'", '"', "$$", ":", "?"]
_calls = st.builds(
    "{}({})".format,
    st.sampled_from([*(one.name for one in functions()), "count", "unnest", "range", "read_csv"]),
    joined(st.sampled_from([*_NAMES, *_VALUES, "k := 3", "space := 'embed'"]), [", "], 4),
)
_sound = [
    "SELECT * FROM {} LIMIT 3",
    "SELECT text FROM token WHERE {} LIMIT 3",
    "SELECT w.text, n.* FROM (FROM word LIMIT 2) w, {} n",
    "SELECT {} FROM word LIMIT 2",
    "WITH a AS (SELECT {}) SELECT * FROM a",
]
statements = st.one_of(
    st.builds(str.format, st.sampled_from(_sound), _calls | st.sampled_from(_NAMES + _VALUES)),
    joined(st.sampled_from(_WORDS + _NAMES + _VALUES + _MARKS) | _calls | texts, [" "], 9),
    arguments,
)


def test_statements(tiny_indexes: Path) -> None:
    with Session(tiny_indexes / "llama", timeout=20, memory="500MB") as session:

        @tried(500)
        @given(statements, st.sampled_from([(), {}, [1], {"w": "dog"}, {"w": None}]))
        def run(statement: str, parameters: Any) -> None:
            with contextlib.suppress(QueryError):
                session.ask(statement, parameters)

        run()


# -- commands -----------------------------------------------------------------------------------

LONG = {"tui"}
"""Commands that do not end by themselves."""


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that a program declares, as it is typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif name not in LONG:
            yield (*before, name)


def command_of(group: click.Group, path: tuple[str, ...]) -> click.Command:
    command: click.Command = group
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


def valued(parameter: click.Parameter) -> st.SearchStrategy[str]:
    """What may stand for a parameter: mostly what its declaration says, else anything."""
    name, metavar = parameter.name or "", str(getattr(parameter, "metavar", None) or "")
    if name in ("output", "plot"):
        return st.sampled_from(["out.txt", "out.svg", "folder", "no/such", "", ".", "out"])
    if name in ("file", "labels", "attach"):
        named = st.sampled_from(["own=", "x=", "=", ""]) if name == "attach" else st.just("")
        return st.builds("{}{}".format, named, st.sampled_from(FILES) | names)
    if name in ("indexes", "model"):
        return st.sampled_from(FILES) | names
    if isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType)):
        return st.integers(-3, 40).map(str) | st.integers(-3, 40).map(str) | arguments
    if metavar.startswith("S") and "space" in name:
        return st.sampled_from(SPACES) | arguments
    if "|" in metavar:
        return st.sampled_from(metavar.split("|")) | st.sampled_from(metavar.split("|")) | names
    if name == "name":
        return st.sampled_from(["llama", "gpt2", "new"]) | names
    if name == "layers":
        return st.sampled_from(["0", "0-1", "2-0", "0,1", "9", "all"]) | names
    if name == "query":
        return statements
    return expressions if isinstance(parameter, click.Argument) else st.one_of(
        expressions, names, st.sampled_from(["size", "colors", "large"])
    )  # fmt: skip


@st.composite
def typed(draw: st.DrawFn, command: click.Command) -> list[str]:
    """Arguments for a command, by its declaration; now and then one that it does not declare."""
    given_: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            many = draw(st.integers(0, 3)) if parameter.nargs == -1 else 1
            given_ += [draw(valued(parameter)) for _ in range(many) if draw(st.integers(0, 9))]
        elif parameter.name in ("index", "indexes") and draw(st.integers(0, 9)):
            continue
        elif getattr(parameter, "required", False) or draw(st.integers(0, 4)) == 0:
            given_.append(draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts])))
            if not getattr(parameter, "is_flag", False):
                given_.append(draw(valued(parameter)))
    if draw(st.integers(0, 9)) == 0:
        given_.insert(draw(st.integers(0, len(given_))), draw(arguments))
    return given_


OFTEN = 12
RARELY = 4
COSTLY = {"sql", "schema", "build", "findings"}
"""Commands that start a process, or a model, or ask all the rest."""


@pytest.mark.parametrize("path", commands(explorer_cli), ids=" ".join)
def test_every_command_of_the_explorer(path: tuple[str, ...], place: list[str]) -> None:
    command = command_of(explorer_cli, path)
    asks = any(parameter.name == "index" for parameter in command.params)
    counts = [o.name for o in command.params if o.name in ("permutations", "pairs")]
    few = [part for name in counts for part in (f"--{name}", "20")]

    @tried(RARELY if path[0] in COSTLY else OFTEN)
    @given(typed(command))
    def run(given_: list[str]) -> None:
        ran("explorer", *path, *few, *(place if asks else []), *given_)

    run()


@pytest.mark.parametrize("path", commands(indexer_cli), ids=" ".join)
def test_every_command_of_the_indexer(
    path: tuple[str, ...], place: list[str], tiny_indexes: Path
) -> None:
    command = command_of(indexer_cli, path)
    writes = path[0] in ("build", "import")
    root = "made" if writes else str(tiny_indexes)
    asks = any(parameter.name == "indexes" for parameter in command.params)

    @tried(RARELY if path[0] in COSTLY else OFTEN)
    @given(typed(command))
    def run(given_: list[str]) -> None:
        ran("indexer", *path, *(["--indexes", root] if asks else []), *given_)

    run()


@tried(20)
@given(st.sampled_from(["explorer", "indexer"]), st.lists(arguments, max_size=4))
def test_anything_at_all(place: list[str], program: str, given_: list[str]) -> None:
    ran(program, *given_)
