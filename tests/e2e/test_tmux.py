"""A person at a terminal: tmux types, and says what stands on the screen."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import EXPLORER
from e2e.terminal import Terminal


def tui(indexes: Path) -> str:
    return f"{shlex.quote(EXPLORER)} tui --indexes {shlex.quote(str(indexes))}"


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    found = Terminal(tmp_path, environment, (110, 32))
    yield found
    found.close()


def test_a_session_from_the_first_key_to_the_last(
    terminal: Terminal, real_indexes: Path, real: Any, environment: dict[str, str]
) -> None:
    terminal.type(
        f"{shlex.quote(EXPLORER)} tui --indexes {shlex.quote(str(real_indexes))}; echo ended $?"
    )
    terminal.press("Enter")
    terminal.until(lambda shown: "Neighbors" in shown and "smollm2:" in shown)

    terminal.type("king - man + woman")
    first = real.neighbors("king - man + woman", k=20, distinct=True).rows[0]
    row = (first.item, f"{first.score:.4f}", f"{first.z:.2f}", "▆")
    terminal.until(lambda shown: any(all(x in line for x in row) for line in shown.splitlines()))

    terminal.press("M-m")
    terminal.until(lambda shown: "neurons whose gate side answers to king, woman" in shown)
    terminal.press("M-Left")
    terminal.until(lambda shown: first.item in shown)

    terminal.resize(80, 24)
    shown = terminal.until(lambda shown: len(shown.splitlines()) <= 24 and first.item in shown)
    assert all(len(line) <= 80 for line in shown.splitlines())

    terminal.press("C-u")
    terminal.type("woamn")
    terminal.until(lambda shown: "did you mean" in shown)

    terminal.press("C-q")
    terminal.until(lambda shown: "ended 0" in shown)
    kept = json.loads(Path(environment["EXPLORER_STATE"]).read_text())
    assert kept["trail"][kept["at"]]["text"] == "woamn"


def test_what_is_typed_as_a_view_is_chosen_stands_in_that_view(
    terminal: Terminal, real_indexes: Path
) -> None:
    terminal.type(tui(real_indexes))
    terminal.press("Enter")
    terminal.until(lambda shown: "smollm2:" in shown)
    terminal.press("M-s", *"select", "Space", *"42")  # one write: no person is as quick
    terminal.until(lambda shown: "select 42" in shown and "f5 runs" in shown)
    terminal.press("M-n", *"large")
    terminal.until(lambda shown: "large  in embed by cosine" in shown)
    terminal.press("M-s")
    terminal.until(lambda shown: "select 42" in shown and "select 42l" not in shown)


def test_without_colours_everything_is_told_apart(
    tmp_path: Path, environment: dict[str, str], real_indexes: Path
) -> None:
    terminal = Terminal(tmp_path, environment | {"NO_COLOR": "1"}, (100, 30))
    try:
        terminal.type(tui(real_indexes))
        terminal.press("Enter")
        terminal.until(lambda shown: "smollm2:" in shown)
        terminal.type("large")
        terminal.until(lambda shown: "▂▆" in shown)
        coloured = terminal.run("capture-pane", "-p", "-e")
        for code in coloured.replace("\x1b[", "\0").split("\0")[1:]:
            style = code.split("m")[0]
            if ";2;" in style:
                red, green, blue = style.split(";")[-3:]
                assert red == green == blue, style
    finally:
        terminal.close()


def test_explorer_alone_opens_it_and_into_a_pipe_it_says_what_to_ask(
    terminal: Terminal, real_indexes: Path, environment: dict[str, str]
) -> None:
    terminal.type(f"EXPLORER_INDEXES={shlex.quote(str(real_indexes))} {shlex.quote(EXPLORER)}")
    terminal.press("Enter")
    terminal.until(lambda shown: "Middle man" in shown)
    piped = subprocess.run(
        [EXPLORER], env=environment, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    assert piped.returncode == 2
    assert b"ask something" in piped.stderr
