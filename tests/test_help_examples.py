"""Each command's help ends with two examples, and they run as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from safetensors.numpy import save_file

from conftest import Run, run_build
from explorer.cli import cli as explorer
from explorer.questions import QUERIES
from indexer.cli import cli as indexer
from indexer.store.layout import Manifest

pytestmark = pytest.mark.native

EXAMPLES = re.compile(r"\n  Examples:\n((?:    \S.*\n)+)\Z")
WIDEST = 80


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


COMMANDS = dict([*commands(explorer, "explorer"), *commands(indexer, "indexer")])


def shown(path: str) -> list[str]:
    """The examples at the end of a command's help."""
    context = click.Context(COMMANDS[path], info_name=path, terminal_width=WIDEST)
    text = COMMANDS[path].get_help(context) + "\n"
    found = EXAMPLES.search(text)
    assert found, text[-500:]
    return [line.strip() for line in found[1].splitlines()]


ALONE = ("explorer tui", "indexer build smollm2")
"""What begins so needs a terminal, or minutes; it is read, and not run."""

EVERY = [line for path in COMMANDS for line in shown(path)]
RUN = [line for line in dict.fromkeys(EVERY) if not line.startswith(ALONE)]


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_of_each_command_ends_with_two_examples_of_it(path: str) -> None:
    examples = shown(path)
    assert len(examples) == 2
    for line in examples:
        assert line.startswith(path)
        assert len(line) <= WIDEST - 4


def test_what_a_question_declares_its_help_shows() -> None:
    parts = {"analogy_layers", "anchored"}
    for kind in QUERIES:
        path = " ".join(["explorer", *(kind.command or (kind.question,))])
        assert kind.question in parts or list(kind.examples) == shown(path)


@pytest.mark.parametrize("line", dict.fromkeys(EVERY))
def test_an_example_is_read_by_its_command(line: str) -> None:
    path = max((path for path in COMMANDS if f"{line} ".startswith(f"{path} ")), key=len)
    COMMANDS[path].make_context(path, shlex.split(line[len(path) :]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> Path:
    """A folder with an index `smollm2` of a tiny model, and every file that an example names."""
    root = tmp_path_factory.mktemp("examples")
    (root / "indexes").mkdir()
    width = Manifest.load(run_build(tiny_llama, root / "indexes", "smollm2")).model.d_model
    (root / "my-model").symlink_to(tiny_llama)
    (root / "words.txt").write_text("dog\ncat\n")
    (root / "vectors.txt").write_text("2 3\ndog 1 2 3\ncat 3 2 1\n")
    save_file({"decoder": np.eye(3, width, dtype=np.float32)}, root / "decoder.safetensors")
    (root / "decoder.safetensors.labels.txt").write_text("a\nb\nc\n")
    (root / "questions-words.txt").write_text(": family\nking queen man woman\n")
    (root / "wordsim353.tsv").write_text("dog\tcat\t7\nred\tblue\t6\ndog\tred\t2\n")
    (root / "pairs.csv").write_text("one,other,rating\ndog,cat,7\nred,blue,6\ndog,red,2\n")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("line", RUN)
def test_an_example_runs(
    line: str, folder: Path, real_indexes: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *arguments = shlex.split(line)
    if program == "explorer":
        monkeypatch.setenv("EXPLORER_INDEXES", str(real_indexes))
    done = run(program, *arguments, cwd=folder)
    assert done.code == 0, done.err
    assert done.out.strip()
