"""Tables fit the columns there are, and have colours in a terminal alone."""

from __future__ import annotations

import os
import pty
import random
import re
import subprocess
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import pytest
from rich.cells import cell_len

from conftest import BIN, Run
from everyquestion import QUESTIONS
from explorer.show import text
from explorer.show.formats import FORMATS, render
from explorer.show.gauge import Gauge
from explorer.show.layout import Column, Layout, filled
from explorer.show.text import Colours, to_text
from processes import shown_in

pytestmark = pytest.mark.native

WIDTHS = (40, 47, 60, 79, 100, 133, 160, 200)
CODES = re.compile(r"\x1b\[[0-9;]*m")
ASK = ("neighbors", "king - man + woman", "-k", "3", "--index", "llama")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_table_fits_and_cuts_no_number(name: str, answers: dict[str, Any]) -> None:
    layout = answers[name].layout()
    for width in WIDTHS:
        text = to_text(layout, width)
        assert max(map(cell_len, text.splitlines())) <= width
        ruled = text.split("\n\n")[1]
        if layout.sections:
            assert not re.search(r"\d…|^…", text, re.MULTILINE), text
            continue
        assert "─" in ruled
        assert not re.search(r"\d…|^…", ruled, re.MULTILINE), ruled
        left_out = re.search(rf"no room in {width} columns for: (.*(?:\n  .*)*)", text)
        names = [one.name for one in filled(layout.columns, layout.rows) if not one.folds]
        assert left_out or all(name in ruled.split("─")[0] for name in names)


class _Above:
    """A gauge of a column by its cells' lengths."""

    low, high = 1.0, 3.0

    def __init__(self, column: str) -> None:
        self.column = column

    def value(self, row: tuple[str, ...]) -> float | None:
        return float(len(row[0]))


@pytest.mark.parametrize("seed", range(4))
def test_a_table_in_single_lines_is_as_rich_writes_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, letters, single = random.Random(seed), "ab1 -.␣東e\u0301\u200bж─…", list[str]()
    plain = text._in_single_lines
    monkeypatch.setattr(
        text, "_in_single_lines", lambda *given: single.append(plain(*given)) or single[-1]
    )

    def some() -> str:
        return "".join(rng.choices(letters, k=rng.choice([0, 1, 3, 8, 20])))

    for _ in range(400):
        count = rng.randint(1, 5)
        rows = [tuple(some() for _ in range(count)) for _ in range(rng.randint(0, 4))]
        columns = [
            Column(
                rng.choice(["a", some()]),
                itemgetter(at),
                right=rng.random() < 0.5,
                folds=rng.random() < 0.3,
            )
            for at in range(count)
        ]
        fitted = text._fitted(columns, rows, rng.choice([10, 20, 40, 100]))
        for colours in (None, Colours(), Colours(cast(Gauge, _Above("a")))):
            found = text._ruled(columns, rows, fitted, colours)
            assert found == text._in_lines(columns, rows, fitted, colours)
    assert 200 < len(single) < 1000


def test_what_is_wide_is_counted_so() -> None:
    columns = [Column("a", str), Column("b", lambda row: row * 2, folds=True)]
    layout = Layout(["広" * 70, "広い " * 40], columns, ["広" * 30], ["広" * 50])
    for width in WIDTHS:
        assert max(map(cell_len, to_text(layout, width).splitlines())) <= width


def test_many_columns_leave_out_what_is_to_the_right_and_say_so() -> None:
    columns = [Column(f"c{at}", lambda row: str(row), right=True) for at in range(50)]
    text = to_text(Layout(["t"], columns, [123456], ["foot"]), 40)
    assert text.count("123456") == 4
    said = " ".join(text.split())
    assert "no room in 40 columns for: c4, c5," in said
    assert "c49 foot" in said
    everything = to_text(Layout(["t"], columns, [123456], ["foot"]), 1000)
    assert "no room" not in everything


# -- the columns there are ------------------------------------------------------------------


def test_a_table_follows_columns_in_a_pipe_too(run: Run, tiny_indexes: Path) -> None:
    def widest(**env: str) -> int:
        done = run("explorer", *ASK, "--indexes", str(tiny_indexes), **env)
        assert done.code == 0, done.err
        return max(map(cell_len, done.out.splitlines()))

    narrow, wide = widest(COLUMNS="50"), widest(COLUMNS="140")
    assert narrow <= 50 < wide <= 140
    assert widest(COLUMNS="10") <= 40
    assert widest() == widest(COLUMNS="0") == widest(COLUMNS="wide") == widest(COLUMNS="160")


# -- colours --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTIONS)
def test_colours_change_no_letter(name: str, answers: dict[str, Any]) -> None:
    layout, gauge = answers[name].layout(), answers[name].gauge()
    plain = to_text(layout, 80).splitlines()
    coloured = CODES.sub("", to_text(layout, 80, Colours(gauge))).splitlines()
    assert [line.rstrip() for line in coloured] == [line.rstrip() for line in plain]


def test_what_is_out_of_the_ordinary_has_a_colour() -> None:
    columns = [Column("z", lambda row: f"{row:.1f}", right=True), Column("other", str)]
    layout = Layout(["title", "more"], columns, [2.5, -1.0, -2.5, 2.0], ["foot"])
    gauge = Gauge("z", lambda row: row, -2, 2, "within 2")
    lines = to_text(layout, 80, Colours(gauge)).splitlines()
    assert lines[:2] == ["\x1b[1mtitle\x1b[0m", "more"]
    assert lines[-1] == "\x1b[2mfoot\x1b[0m"
    (high, usual, low, edge) = lines[5:9]
    assert "\x1b[32m 2.5\x1b[0m" in high.replace("\x1b[0m\x1b[32m", "")
    assert "\x1b[35m-2.5\x1b[0m" in low
    assert "\x1b" not in usual + edge


def test_no_other_format_is_coloured(real: Any) -> None:
    answer = real.neighbors("dog", k=3)
    for format in FORMATS:
        assert ("\x1b" in render(answer, format, coloured=True)) == (format == "table")
    assert "\x1b" not in str(answer) + repr(answer)


def test_a_pipe_has_colours_only_where_they_are_forced(
    run: Run, tiny_indexes: Path, tmp_path: Path
) -> None:
    place = ("--indexes", str(tiny_indexes))
    plain = run("explorer", *ASK, *place)
    forced = run("explorer", *ASK, *place, FORCE_COLOR="1")
    assert "\x1b" not in plain.out
    assert "\x1b[1m" in forced.out
    assert CODES.sub("", forced.out).split() == plain.out.split()
    assert "\x1b" in run("explorer", *ASK, *place, CLICOLOR_FORCE="1").out
    for env in ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"FORCE_COLOR": "0"}, {"CLICOLOR": "1"}):
        assert run("explorer", *ASK, *place, **env).out == plain.out
    for format in ("json", "csv", "markdown", "html", "jsonl"):
        asked = ("explorer", *ASK, *place, "--format", format)
        assert "\x1b" not in run(*asked, FORCE_COLOR="1").out
    run("explorer", *ASK, *place, "-o", "out.txt", FORCE_COLOR="1")
    assert (tmp_path / "out.txt").read_text("utf-8") == plain.out
    failed = run("explorer", "neighbors", "lagre", "--index", "llama", *place, FORCE_COLOR="1")
    assert failed.err.startswith("\x1b[31mexplorer:\x1b[0m ")


def in_a_terminal(*command: str, **env: str) -> str:
    """What a program writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    there = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": "80", **env}
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]], stdout=theirs, stdin=theirs, env=there
    )
    os.close(theirs)
    text = shown_in(ours).decode()
    assert process.wait() == 0
    return text


def test_a_terminal_has_colours_unless_somebody_says_not(tiny_indexes: Path) -> None:
    asked = ("explorer", *ASK, "--indexes", str(tiny_indexes))
    assert "\x1b[1m" in in_a_terminal(*asked)
    for env in ({"NO_COLOR": "1"}, {"CLICOLOR": "0"}, {"TERM": "dumb"}, {"FORCE_COLOR": "0"}):
        assert "\x1b" not in in_a_terminal(*asked, **env)
    assert "\x1b" not in in_a_terminal(*asked, "--format", "csv")


def test_only_our_own_codes_reach_a_terminal(run: Run, tiny_indexes: Path) -> None:
    place = ("--index", "llama", "--indexes", str(tiny_indexes))
    asked = "SELECT chr(27) || '[32mred' || chr(10) AS x"
    done = run("explorer", "sql", asked, *place, FORCE_COLOR="1")
    assert r"\x1b[32mred\n" in done.out
    assert "\x1b[32m" not in done.out
