"""The README shows what the programs print: every console block is run and compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n\$ (explorer [^\n]*)\n(.*?)```", README, re.DOTALL)


def test_the_readme_shows_the_three_questions() -> None:
    asked = [shlex.split(command)[1] for command, _ in BLOCKS]
    assert {"neighbors", "middleman", "analogy"} <= set(asked)


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[c for c, _ in BLOCKS])
def test_a_command_of_the_readme_prints_what_stands_there(
    command: str, shown: str, run: Any, real_indexes: Path
) -> None:
    program, *arguments = shlex.split(command)
    done = run(program, *arguments, "--indexes", str(real_indexes))
    assert done.code == 0, done.err
    assert done.out.strip() == shown.strip()
