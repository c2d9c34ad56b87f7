"""The README and the pages of docs/ show what the programs print: each console block is run.

So is what docs/format.md shows of reading an index without the project. Pages with tests of their
own: docs/portable.md (test_portable_page.py), docs/notes.md and docs/results (test_notes.py), the
statements of docs/sql.md (test_sql.py), and whatever Python a page shows (test_installed.py).
"""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")
IN_ORDER = "docs/portable.md"
"""Its commands need each other."""
NAMES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
PAGES = {name: (ROOT / name).read_text("utf-8") for name in NAMES if name != IN_ORDER}
CONSOLE = re.compile(
    r"(?P<words><!-- on 20,000 words -->\n)?"
    r"```console\n\$ (?P<command>[^\n]*)\n(?P<shown>.*?)```",
    re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A command of a page, and what stands below it.

    Attributes:
        page: where it stands.
        command: after the dollar.
        shown: what it prints.
        words: whether that depends on which words are indexed; the default build has 20,000.
    """

    page: str
    command: str
    shown: str
    words: bool


BLOCKS = [
    Block(name, match["command"], match["shown"].strip(), match["words"] is not None)
    for name, text in PAGES.items()
    for match in CONSOLE.finditer(text)
    if match["shown"].strip()  # else it is printed below the block
]


def test_the_readme_is_short_and_the_pages_show_every_question() -> None:
    assert len(README.splitlines()) <= 200
    assert BLOCKS[0].page == "README.md"
    asked = {shlex.split(block.command)[1] for block in BLOCKS}
    assert {"neighbors", "middleman", "analogy", "compare", "congruence", "neuron"} <= asked
    assert {"ov", "layers", "baseline", "evaluate", "sql", "word"} <= asked
    assert [block.page for block in BLOCKS].count("docs/tutorial.md") >= 7


def test_no_command_of_a_page_is_passed_over() -> None:
    found = sum(text.count("```console") for text in PAGES.values())
    printed = PAGES["docs/notes.md"].count("<!-- printed -->")
    assert len(BLOCKS) + printed == found
    for block in BLOCKS:
        assert not re.search(r"^\$ ", block.shown, re.MULTILINE), "one command a block"


@pytest.mark.parametrize("block", BLOCKS, ids=[f"{b.page}: {b.command}" for b in BLOCKS])
def test_a_command_of_a_page_prints_what_stands_there(
    block: Block, run: Any, real_indexes: Path, tmp_path: Path
) -> None:
    for script in re.findall(r"```sh\n(cat >.*?)```", PAGES[block.page], re.DOTALL):
        subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, check=True)
    program, *arguments = shlex.split(block.command)
    done = run(program, *arguments, EXPLORER_INDEXES=str(real_indexes))
    refused = block.shown.startswith(f"{program}: ")
    assert done.code == (2 if refused else 0), done.err
    said = [line.rstrip() for line in (done.err if refused else done.out).strip().splitlines()]
    expected = [line.rstrip() for line in block.shown.splitlines()]
    if block.words:  # another index: the same question, the same columns
        assert (said[0], said[-1]) == (expected[0], expected[-1])
        assert columns(said) == columns(expected)
    else:
        assert said == expected


def columns(lines: list[str]) -> list[str]:
    """The names above a table's rule."""
    rules = [number for number, text in enumerate(lines) if text and not text.strip("─")]
    return lines[rules[0] - 1].split()


@pytest.mark.slow
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
    assert re.search(rf"L29N112 .* {shown[1]} ", BLOCKS[0].shown)


def test_an_index_is_read_without_the_project_as_its_page_says(
    real: Any, real_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGES["docs/format.md"]
    block, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
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
