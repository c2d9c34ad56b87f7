"""The README shows what the programs print: every console block is run and compared.

So is what docs/format.md shows of reading an index without the project.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
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


def test_the_figure_that_is_checked_by_hand_is_that_of_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (block,) = re.findall(r"## Check it by hand\n\n```python\n(.*?)```", README, re.DOTALL)
    shown = re.search(r"print\(.*# ([\d.]+), as in the first table", block)
    assert shown is not None
    found: dict[str, Any] = {}
    exec(block, found)
    assert f"the {len(found['ids']):,} word-like tokens" in block
    assert f"{float(capsys.readouterr().out):.2f}" == shown[1]
    assert re.search(rf"L29N112 .* {shown[1]} ", BLOCKS[0][1])


def test_an_index_is_read_without_the_project_as_its_page_says(
    real: Any, real_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parent.parent / "docs" / "format.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    said = re.search(r"`near` begins with `(.*?)` and `(.*?)`", page)
    (tmp_path / "indexes").symlink_to(real_indexes)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(block, found)
    assert found["near"][0][0] == "␣large"
    expected = real.neighbors("large", k=4).rows
    assert [row[0] for row in found["near"][1:]] == [row.item for row in expected]
    assert found["near"][1][2] == pytest.approx(expected[0].score, abs=1e-6)
    assert said is not None
    assert said[2] == f"('{found['near'][1][0]}', ..., {found['near'][1][2]:.2f})"
    assert np.allclose(found["vector"], real.vector("large"), atol=1e-6)
    found["catalog"].close()
