"""A program that is forked is as one that was started: what it says, how it ends, whose it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import forked
from conftest import BIN
from explorer.worker import command
from processes import children, killed_at
from processes import ended as gone

pytestmark = pytest.mark.native

COMMANDS: dict[str, tuple[str, ...]] = {
    "an answer": ("explorer", "neighbors", "dog", "--format", "json"),
    "a refusal": ("explorer", "neighbors", "lagre"),
    "a wrong option": ("explorer", "neighbors", "dog", "--misspelt"),
    "help": ("explorer", "--help"),
    "a statement": ("explorer", "sql", "SELECT text FROM token LIMIT 2"),
    "a list": ("indexer", "list"),
    "nothing": ("indexer",),
    "what is no command": ("indexer", "misspelt"),
}


def ended(kind: type[Any], asked: tuple[str, ...], where: Path, **env: str) -> tuple[Any, ...]:
    with kind(
        [str(BIN / asked[0]), *asked[1:]],
        cwd=where,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        return (*process.communicate(timeout=300), process.returncode)


@pytest.mark.parametrize("name", COMMANDS)
def test_it_says_what_one_says_that_was_started_and_ends_as_it_does(
    name: str, tiny_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"EXPLORER_INDEXES": str(tiny_indexes), "EXPLORER_INDEX": "llama"}
    asked: list[dict[str, Any]] = []
    fork = forked.Server.fork

    def told(self: forked.Server, order: dict[str, Any], streams: Any) -> int:
        asked.append(order)
        return fork(self, order, streams)

    monkeypatch.setattr(forked.Server, "fork", told)
    found = ended(forked.Forked, COMMANDS[name], tmp_path, **place)
    assert len(asked) == 1, "it was forked"
    assert found == ended(subprocess.Popen, COMMANDS[name], tmp_path, **place)


def test_one_that_writes_other_letters_is_started_afresh(
    tiny_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> int:
        raise AssertionError("it was forked")

    monkeypatch.setattr(forked.Server, "fork", none)
    out, err, code = ended(
        forked.Forked, ("explorer", "sql", "SELECT 'ß' AS a", "--format", "csv"), tmp_path,
        EXPLORER_INDEXES=str(tiny_indexes), EXPLORER_INDEX="llama", PYTHONIOENCODING="ascii",
    )  # fmt: skip
    assert (code, out) == (0, b"a\n\\xdf\n"), err
    other = [sys.executable, "-c", "import sys; sys.exit(3)"]
    assert forked.Forked(other).wait() == 3


@pytest.mark.parametrize("module", ["explorer.sql.worker", "indexer.worker"])
def test_a_worker_is_a_child_of_this_process_in_a_session_of_its_own_and_can_be_killed(
    module: str,
) -> None:
    before = children()
    process = forked.Forked(
        command(module), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert children() - before == {process.pid}
    assert os.getsid(process.pid) == process.pid
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    assert children() == before


def test_what_forks_ends_with_whoever_asked_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    script = (
        "import forked; forked.server(forked.LIGHT); "
        "print(forked._processes[0].pid, 'forks', flush=True); input()"
    )
    assert gone(killed_at(script, "forks"))
