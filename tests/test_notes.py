"""The pages whose commands are printed below them: each command still runs, and answers."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"
NOTES = (DOCS / "notes.md").read_text("utf-8")
COMMANDS = re.findall(r"```console\n\$ (explorer [^\n]*)\n```\n\n<!-- printed -->", NOTES)
FEWER = {"congruence": ("--permutations", "100"), "compare": ("--pairs", "100")}


def test_the_notes_go_through_the_claims() -> None:
    asked = {shlex.split(command)[1] for command in COMMANDS}
    assert {"baseline", "neighbors", "congruence", "middleman", "compare", "ov", "layers"} <= asked
    assert NOTES.count("<!-- printed -->") == len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_notes_answers(command: str, run: Any, real_indexes: Path) -> None:
    program, *arguments = shlex.split(command)
    fewer = FEWER.get(arguments[0], ())
    done = run(program, *arguments, *fewer, "--indexes", str(real_indexes))
    assert done.code == 0, done.err
    assert "| --- |" in done.out or "---:" in done.out


@pytest.mark.parametrize("page", ["notes.md", "results/analogies.md", "results/similarity.md"])
def test_what_a_page_shows_was_printed_by_its_commands(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    blocks = re.findall(r"<!-- printed -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert blocks
    assert all("index smollm2, model smollm2" in block for block in blocks)
