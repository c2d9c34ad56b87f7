"""What a stranger's index may show: no name of it commands a terminal, a page or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer
from conftest import BIN, Run
from driving import Driven, drive
from everyquestion import QUESTIONS
from explorer.errors import NotIndexed, QueryError
from explorer.show.draw.terminal import drawn
from explorer.show.formats import render
from explorer.show.layout import filled
from explorer.views import VIEWS
from explorer.views.place import Place
from hostile import CONTROLS, MARKUP, NAMES, harmless, hostile_copy
from indexer.progress import Narrator
from indexer.store.errors import SemanticError
from indexer.store.shown import in_a_sheet, in_json, lines, needs_no_quotes, one_line
from indexer.store.streams import put

WITHOUT_DRAWING = ("sql", "schema")


@pytest.fixture(scope="module")
def hostile(real_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of indexes with one that a stranger made."""
    root = tmp_path_factory.mktemp("hostile")
    hostile_copy(real_indexes / "smollm2", root)
    return root


@pytest.fixture(scope="module")
def strange(hostile: Path) -> Iterator[Any]:
    with explorer.open("smollm2", hostile) as ix:
        yield ix


@pytest.fixture(scope="module")
def answers(strange: Any) -> dict[str, Any]:
    sql = strange.sql(
        "SELECT text, display AS \"[red]\x1b[31m=1\", [text] AS many, {'a': text} AS pair "
        "FROM token WHERE id BETWEEN 2000 AND 2060"
    )
    return {name: ask(strange) for name, ask in QUESTIONS.items()} | {"sql-cells": sql}


# -- the rule ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTROLS)
def test_what_does_not_print_is_escaped(name: str) -> None:
    assert one_line(name).isprintable()
    assert one_line(name).encode().decode("unicode_escape") == name
    assert lines(f"a\n{name}\nb").split("\n")[0] == "a"
    assert harmless(lines(name))


@given(st.text(st.characters(exclude_categories=())))
def test_every_class_that_is_no_text_is_escaped(text: str) -> None:
    shown = one_line(text)
    assert not {unicodedata.category(char) for char in shown} & {
        *("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    }
    assert one_line(shown) == shown
    assert text != shown or text.isprintable()


@given(st.text(st.characters(exclude_categories=())))
def test_json_says_the_same_and_nothing_raw(text: str) -> None:
    written = in_json(json.dumps({"text": text}, ensure_ascii=False, indent=1))
    assert harmless(written)
    assert json.loads(written) == {"text": text}


@given(st.text(), st.text())
def test_cells_are_quoted_so_that_they_can_be_told_apart(one: str, other: str) -> None:
    assert (in_a_sheet(one) == in_a_sheet(other)) == (one == other)
    assert in_a_sheet(one)[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert in_a_sheet(one) in (one, f"'{one}")


@pytest.mark.parametrize("name", [*NAMES, "$(reboot)", "`x`", "a b", "a;b", "-x", "~x", "a'b", ""])
def test_a_name_that_a_shell_reads_as_more_needs_quotes(name: str) -> None:
    safe = name in ("http://example.org", "+1", "@SUM(1)", "＝1")
    assert needs_no_quotes(name) <= safe


@pytest.mark.parametrize("name", ["smollm2", "context.0", "sae.decoder", "dogs_small", "größe"])
def test_names_that_people_give_need_none(name: str) -> None:
    assert needs_no_quotes(name)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_data_is_exact_in_a_file_and_escaped_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for out, expected in ((io.StringIO(), "a\x1b[31m\nb\n"), (Terminal(), "a\\x1b[31m\nb\n")):
        monkeypatch.setattr(sys, "stdout", out)
        put("a\x1b[31m\nb\n")
        assert out.getvalue() == expected


@pytest.mark.parametrize("name", CONTROLS)
def test_an_error_is_shown_as_what_may_be(name: str) -> None:
    for error in (SemanticError(f"no {name}"), QueryError(name), NotIndexed([name], [name])):
        assert harmless(str(error))
        assert all(harmless(line) for line in error._render_traceback_())


def test_what_libraries_say_is_shown_as_what_may_be(tmp_path: Path) -> None:
    """Logging, warnings, and the traceback of a fault that nobody foresaw."""
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, warnings\n"
        "from indexer.store.shown import escape_what_libraries_say\n"
        "escape_what_libraries_say()\n"
        "logging.getLogger('transformers').warning('a %s', '\\x1b[31m')\n"
        "warnings.warn('b \\x9b31m')\n"
        "raise ValueError('c \\u202e')\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert harmless(done.stderr), one_line(done.stderr)
    for said in ("a \\x1b[31m\n", "UserWarning: b \\x9b31m\n", "ValueError: c \\u202e\n"):
        assert said in done.stderr


def test_narration_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for name in CONTROLS:
        Narrator().say(name)
        with Narrator().bar(name, 1, "steps") as bar:
            bar.update(1)
    err = capsys.readouterr().err.replace("\r", "\n")
    assert harmless(err)


# -- every question, in every form ------------------------------------------------------------


@pytest.mark.parametrize("name", [*QUESTIONS, "sql-cells"])
@pytest.mark.parametrize("format", ["table", "markdown", "html", "json", "jsonl"])
def test_no_answer_commands_a_terminal(name: str, format: str, answers: dict[str, Any]) -> None:
    text = render(answers[name], format)
    assert harmless(text), [line for line in text.split("\n") if not line.isprintable()][:3]
    if format == "json":
        assert json.loads(text) == json.loads(json.dumps(answers[name].to_dict()))
    if format == "jsonl":
        found = [json.loads(line) for line in text.splitlines()]
        assert found == json.loads(json.dumps(answers[name].to_dicts()))


def test_some_answers_hold_what_would(answers: dict[str, Any]) -> None:
    for names in (CONTROLS, MARKUP):
        said = [json.dumps(answer.to_dict(), ensure_ascii=False) for answer in answers.values()]
        there = [name for name in names if any(json.dumps(name)[1:-1] in one for one in said)]
        assert len(there) > len(names) / 2


@pytest.mark.parametrize("name", [*QUESTIONS, "sql-cells"])
def test_no_name_is_read_as_markup(name: str, answers: dict[str, Any]) -> None:
    """A table says of each cell what its layout does: nothing is taken for a style or a link."""
    laid = answers[name].layout()
    rows = laid.rows if laid.rows is not None else answers[name].rows
    parts = [(one.columns, one.rows) for one in laid.sections] or [(laid.columns, rows)]
    every = [one.title for one in laid.sections]
    for columns, those in parts:
        columns = filled(columns, those)
        every += [column.name for column in columns]
        every += [column.cell(row) for column in columns for row in those]
    text = "".join(render(answers[name], "table", 100_000).split())
    assert [cell for cell in every if "".join(cell.split()) not in text] == []


class Page(HTMLParser):
    """Which elements a page has, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements |= {tag, *(name for name, _ in attrs)}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", [*QUESTIONS, "sql-cells"])
def test_a_page_holds_tables_and_nothing_that_a_name_brought(
    name: str, answers: dict[str, Any]
) -> None:
    from markdown_it import MarkdownIt

    written = render(answers[name], "markdown")
    for html in (
        render(answers[name], "html"),
        MarkdownIt("commonmark", {"html": True}).enable("table").render(written),
    ):
        page = Page()
        page.feed(html)
        allowed = {"div", "table", "thead", "tbody", "tr", "th", "td", "style", "p", "ul", "li"}
        assert page.elements <= allowed
    links = re.findall(r"(?i)(?<!\\)(?:://|\bwww\.)", written)
    assert not links, "nothing that GitHub makes a link of"


@pytest.mark.parametrize("name", [*QUESTIONS, "sql-cells"])
def test_a_spreadsheet_runs_no_cell(name: str, answers: dict[str, Any]) -> None:
    quoted, exact = (table_of(answers[name], raw_cells) for raw_cells in (False, True))
    assert len(quoted) == len(exact) == len(answers[name].to_dicts()) + 1
    for shown, was in zip(quoted, exact, strict=True):
        for at, column in enumerate(answers[name].columns()):
            number = column.kind in (int, float, bool) and shown is not quoted[0]
            assert shown[at] == (was[at] if number else in_a_sheet(was[at])), column.name
            if shown[at][:1] in tuple("=+-@\t\r\n"):
                assert all(map(float, shown[at].split())) or number, "only numbers begin so"


def table_of(answer: Any, raw_cells: bool) -> list[list[str]]:
    """What a program that reads CSV finds."""
    written = render(answer, "csv", raw_cells=raw_cells)
    return list(csv.reader(io.StringIO(written, newline="")))


def test_what_is_quoted_is_text_and_never_a_number(strange: Any) -> None:
    rows = strange.sql(
        "SELECT -1 AS n, -0.5::DECIMAL(4,2) AS d, '-1' AS t, '=1' AS \"=h\", [-1, 2] AS many, "
        "['-a', 'b'] AS texts, NULL AS nothing, '-inf'::DOUBLE AS f, 'a\r=1' AS two"
    )
    shown, exact = table_of(rows, False), table_of(rows, True)
    assert shown[0] == ["n", "d", "t", "'=h", "many", "texts", "nothing", "f", "two"]
    assert shown[1] == ["-1", "-0.50", "'-1", "'=1", "-1 2", "'-a b", "", "-inf", "a\r=1"]
    assert exact[1] == ["-1", "-0.50", "-1", "=1", "-1 2", "-a b", "", "-inf", "a\r=1"]


@pytest.mark.parametrize("name", [n for n in QUESTIONS if n not in WITHOUT_DRAWING])
def test_no_picture_commands_a_terminal(name: str, answers: dict[str, Any], tmp_path: Path) -> None:
    pictures = answers[name].pictures()
    for picture in pictures:
        assert harmless(drawn(picture, 100))
    if pictures:
        answers[name].plot(str(tmp_path / "p.svg"))
        svg = (tmp_path / "p.svg").read_text("utf-8")
        assert harmless(svg)
        assert "<script" not in svg


def test_a_dollar_in_a_name_is_no_formula(tmp_path: Path) -> None:
    from explorer.show.draw.file import figure, save
    from explorer.show.shapes import Bars, Grid, Lines

    names = ("$x^{$", "$\\nothing$", "\x1b[31m")
    for number, picture in enumerate(
        (
            Bars("$\\no$", "$\\no$", names, (1.0, 2.0, 3.0)),
            Lines("$\\no$", "x", "$\\no$", names, (1.0, 2.0, 3.0), (None,) * 3, (None,) * 3),
            Grid("$\\no$", "$\\x$", "$\\y$", names, names, ((1.0,) * 3,) * 3, "$\\unit$"),
        )
    ):
        path = tmp_path / f"{number}.svg"
        save(figure([picture]), str(path))
        assert "$\\nothing$" in path.read_text("utf-8")
        assert "\\x1b[31m" in path.read_text("utf-8")


# -- programs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        ("indexer", "list"),
        ("indexer", "show", "smollm2"),
        ("indexer", "show", "smollm2", "--json"),
        ("indexer", "show", "x\x1b[31m\u202e"),
        ("indexer", "verify", "x\x9b31m"),
        ("indexer", "import", "no\x1b[31m.npy", "--name", "x"),
        ("indexer", "import", "x", "--name", "\x1b[31m"),
        ("indexer", "build", "./no\x1b[31m"),
        ("indexer", "build", "x", "--words", "no\u2028\x1b"),
        ("indexer", "export", "smollm2", "embed\x1b", "--format", "npy", "-o", "x"),
        ("indexer", "x\x1b[31m"),
        ("explorer", "neighbors", "large", "--index", "x\x1b[31m"),
        ("explorer", "neighbors", "l\x1b[31mx"),
        ("explorer", "neighbors", "large", "--format", "csv\x1b"),
        ("explorer", "neighbors", "large", "--space", "[red]\x1b"),
        ("explorer", "neighbors", "large", "-o", "no\x1b/x"),
        ("explorer", "congruence", "--group", "size\x1b"),
        ("explorer", "evaluate", "analogies", "no\x1b[31m.txt"),
        ("explorer", "sql", "SELECT 'a\x1b[31m' AS \"[red]\x9b\""),
        ("explorer", "sql", "SELECT \x1b[31m"),
        ("explorer", "sql", "SELECT error('a\x1b[31m')"),
        ("explorer", "schema"),
        ("explorer", "schema", "x\x1b"),
        ("explorer", "--x\x1b[31m"),
    ],
    ids=lambda asked: one_line(" ".join(asked[:3])),
)
def test_no_program_commands_a_terminal(asked: tuple[str, ...], hostile: Path, run: Run) -> None:
    done = run(*asked, EXPLORER_INDEXES=str(hostile))
    assert done.code in (0, 1, 2), done.err
    assert harmless(done.out), one_line(done.out)
    assert harmless(done.err), one_line(done.err)


def test_folders_and_files_of_any_name_are_told_of(hostile: Path, tmp_path: Path, run: Run) -> None:
    root = tmp_path / "in\x1b[31mdexes"
    for name in ("a\x1b[31m", "b\u202e", "c\nexplorer: forged"):
        (root / name).mkdir(parents=True)
        (root / name / "manifest.json").write_text('{"format": 3, "name": "\x1b"')
    for asked in (("list",), ("show",), ("show", "a\x1b[31m"), ("verify", "b\u202e")):
        done = run("indexer", *asked, "--indexes", str(root))
        assert harmless(done.out + done.err), asked
    assert run("indexer", "list", "--indexes", str(root)).out.count("\n") == 3


def test_a_library_that_quotes_a_file_is_quoted_harmlessly(tmp_path: Path, run: Run) -> None:
    header = b'{"\x1b[31m": {"dtype": "\x1b]0;x\x07", "shape": [1], "data_offsets": [0, 4]}}'
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\0\0")
    done = run("indexer", "import", str(bad), "--name", "x", "--indexes", str(tmp_path))
    assert done.code == 2
    assert harmless(done.err)


def typed(program: list[str], keys: bytes = b"", until: bytes = b"", **env: str) -> str:
    """What a program writes to a terminal; keys are pressed once something stands there."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        program, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **env}
    )
    os.close(theirs)
    seen = b""
    while True:
        if until and until in seen:
            os.write(ours, keys)
            until = b""
        if not select.select([ours], [], [], 60)[0]:
            child.kill()
            break
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert child.wait(60) == 0
    return seen.decode()


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "table", "markdown", "html"])
def test_a_terminal_is_shown_what_a_pipe_is_given(format: str, hostile: Path) -> None:
    asked = [str(BIN / "explorer"), "sql", "SELECT text FROM token WHERE id < 100"]
    shown = typed([*asked, "--format", format], EXPLORER_INDEXES=str(hostile))
    shown = re.sub(r"\x1b\[(0|1|2|3[1235])m", "", shown)  # our own colours
    assert harmless(shown.replace("\r\n", "\n")), one_line(shown)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_no_shell_is_offered_what_it_would_run(shell: str, hostile: Path, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    for name in ("$(touch ran)", "`touch ran`", ";touch ran", "a b", "\x1b[31m", "good"):
        (tmp_path / "indexes" / name).mkdir(parents=True)
        (tmp_path / "indexes" / name / "manifest.json").write_text("{}")
    for words, indexes in (("explorer sql --index ", tmp_path / "indexes"),
                           ("explorer congruence --group ", hostile)):  # fmt: skip
        env = {
            "_EXPLORER_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": "3",
            "EXPLORER_INDEXES": str(indexes),
        }
        done = subprocess.run(
            [BIN / "explorer"],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=True,
        )
        assert harmless(done.stdout)
        assert not re.search(r"[$`;()<>&*\[\]{}|\\'\"]", done.stdout.replace("fish", "")), (
            done.stdout
        )


# -- the terminal UI --------------------------------------------------------------------------


def drawn_by(ui: Driven) -> list[str]:
    """The lines of the screen as they go to the terminal."""
    return [strip.text for strip in ui.app.screen._compositor.render_strips()]


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_commands_a_terminal(
    view: str, hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = 'SELECT text, display AS "[red]\x1b[31m" FROM token WHERE id >= 2000 LIMIT 60'
    file = tmp_path / "questions.txt"
    file.write_text(": capitals\nParis France London England\n")
    several = "large, tall" if "," in VIEWS[view].example else "large"
    text = "L1N7" if VIEWS[view].example == "L29N112" else several
    place = Place(view, text).choosing("statement", statement).choosing("file", str(file))
    state = tmp_path / "screen.json"
    state.write_text(
        json.dumps(
            {"format": 1, "index": "", "theme": "", "at": 0, "statements": [statement],
             "trail": [place.to_dict()]}
        )
    )  # fmt: skip
    monkeypatch.setenv("EXPLORER_STATE", str(state))

    async def do(ui: Driven) -> None:
        await ui.press("f5")
        shown = drawn_by(ui)
        ui.answer.table.focus()
        for _ in range(6):
            await ui.press("down")
            shown += drawn_by(ui)
        await ui.press("y")
        shown += drawn_by(ui)
        assert all(line.isprintable() for line in shown)
        assert ui.rows or view == "index"
        assert harmless(ui.app.clipboard)
        await ui.press("Y")
        assert harmless(ui.app.clipboard)

    drive(hostile, do)


def test_what_is_typed_and_pasted_commands_no_terminal_either(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))

    async def do(ui: Driven) -> None:
        for at in range(0, len(NAMES), 8):  # as many as the bar has room for
            some = " ".join(NAMES[at : at + 8]).replace("\n", " ").replace("\r", " ")
            await ui.press("ctrl+u")
            await ui.paste(some)
            assert all(line.isprintable() for line in drawn_by(ui)), one_line(some)
        await ui.press("alt+s")
        await ui.paste("SELECT '" + "".join(CONTROLS) + "'")
        assert all(line.isprintable() for line in drawn_by(ui))

    drive(hostile, do)


def test_the_list_of_indexes_commands_no_terminal(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))
    root = tmp_path / "indexes"
    shutil.copytree(hostile, root, copy_function=os.link)
    for name in ("a\x1b[31m", "b[red]\u202e", "c[x]"):
        (root / name).mkdir()
        (root / name / "manifest.json").write_text('{"format": 3, "name": "\\u001b"')

    async def do(ui: Driven) -> None:
        await ui.pilot.press("ctrl+o")
        await ui.until(lambda: any("c[x]" in line for line in drawn_by(ui)))
        shown = drawn_by(ui)
        assert all(line.isprintable() for line in shown)
        assert any("b[red]\\u202e" in line for line in shown), "a name is no markup"

    drive(root, do)


def test_the_program_itself_writes_nothing_but_styles(hostile: Path, tmp_path: Path) -> None:
    seen = typed(
        [str(BIN / "explorer"), "tui", "--index", "smollm2"],
        keys=b"large\x11",
        until=b"smollm2:",
        EXPLORER_INDEXES=str(hostile),
        EXPLORER_STATE=str(tmp_path / "screen.json"),
        TERM="xterm-256color",
    )
    # What Textual itself says to a terminal: modes, colours, places; how many keys are pressed.
    rest = re.sub(r"\x1b\[[<>=?]?[\d;$ ]*[A-Za-z@`]", "", seen)
    rest = rest.replace("\x1b]11;?\x1b\\", "")  # which background the terminal has
    rest = re.sub(
        r"\x1b[78=>]|\x1b\]22;\w*\x07|\x1bP\+q[\da-f]*\x1b\\|\x1b_G[^\x1b]*\x1b\\", "", rest
    )
    assert harmless(rest.replace("\r\n", "\n")), one_line(rest[:2000])


# -- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(QUESTIONS) - {"sql"}))
def test_what_rounds_to_zero_has_no_minus(name: str, answers: dict[str, Any]) -> None:
    answer = answers[name]
    near = replace(answer, rows=_nearly_nothing(answer.rows), meta=_nearly_nothing(answer.meta))
    assert not re.search(r"-0(?:\.0+)?(?![\d.])", str(near)), str(near)


def _nearly_nothing(value: Any) -> Any:
    """The same, with a number a little below zero in the place of each that is no whole one."""
    if isinstance(value, float):
        return -1e-9
    if isinstance(value, tuple):
        return tuple(map(_nearly_nothing, value))
    if isinstance(value, dict):
        return {key: _nearly_nothing(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        fields_of = {one.name: getattr(value, one.name) for one in fields(value)}
        return replace(value, **{n: _nearly_nothing(one) for n, one in fields_of.items()})
    return value
