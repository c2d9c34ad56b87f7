"""The SQL view as key presses on a real index."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Footer, Static, Tree

from driving import Driven, drive, text_of
from explorer.screen.panes.query import QueryBar
from explorer.screen.sql.editor import Editor
from explorer.screen.sql.panel import SqlPanel
from explorer.screen.sql.schema import SchemaPane, SchemaTree
from explorer.views.place import Place
from explorer.views.sql import PAGE

HERE = "alt+s"
FOREVER = "SELECT count(*) FROM range(100000000000)"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is remembered is this test's alone."""
    path = tmp_path / "screen.json"
    monkeypatch.setenv("EXPLORER_STATE", str(path))
    return path


def panel(driven: Driven) -> SqlPanel:
    return driven.app.workbench.sql_panel


def editor(driven: Driven) -> Editor:
    return panel(driven).editor


async def arrive(driven: Driven) -> None:
    """To the SQL view, with what can be named read."""
    await driven.press(HERE)
    await driven.until(lambda: bool(editor(driven).schema) and editor(driven).has_focus)


def paste(driven: Driven, statement: str) -> None:
    """As quick as a paste."""
    editor(driven).write(statement)


async def ran(driven: Driven, statement: str) -> None:
    paste(driven, statement)
    await driven.pilot.pause()
    await driven.press("f5")
    await driven.until(lambda: not panel(driven).running)
    await driven.settled()


def test_a_statement_is_typed_and_run(real_indexes: Path, real: Any) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        assert not driven.app.workbench.query_one(QueryBar).display
        statement = "SELECT item, score FROM neighbors('large', k := 7)"
        paste(driven, statement[:-6])
        await driven.type(statement[-6:])
        assert editor(driven).text == statement
        assert driven.rows == []  # nothing runs while one types
        await driven.press("f5")
        answer = real.sql(statement)
        assert [row[0] for row in driven.rows] == [row["item"] for row in answer.rows]
        assert driven.head == "7 rows"
        assert driven.said.startswith("7 rows in ")
        assert driven.place.get("statement") == statement
        # A row leads where its words do; back is where one was, its rows with it.
        await driven.press("escape", "down", "enter")
        assert driven.place == driven.place.choosing("statement", statement)
        assert (driven.place.view, driven.place.text) == ("neighbors", answer.rows[1]["item"])
        await driven.press("alt+left")
        assert driven.place.view == "sql"
        assert len(driven.rows) == 7
        assert editor(driven).text == statement
        assert driven.answer.table.has_focus
        await driven.press("escape")
        assert editor(driven).has_focus
        await ran(driven, "SELECT 'dog' AS word")
        await driven.press("escape")
        assert driven.answer.table.has_focus
        assert "dog" in driven.detail
        await driven.press("escape")
        assert editor(driven).has_focus
        await driven.press("alt+n")
        await driven.until(lambda: driven.app.workbench.bar.has_focus)
        assert not panel(driven).active
        assert driven.place.view == "neighbors"

    drive(real_indexes, do)


def test_every_key_that_runs_does_so_from_wherever_one_is(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        keys = [("f5", "#table"), ("ctrl+enter", "#editor"), ("ctrl+j", "#schema")]
        for at, (key, where) in enumerate(keys):
            paste(driven, f"SELECT {at} AS n")
            await driven.pilot.pause()
            driven.app.query_one(where).focus()
            await driven.press(key)
            await driven.until(lambda at=at: driven.rows == [[str(at)]])  # type: ignore[misc]
        paste(driven, "SELECT 'clicked' AS n")
        await driven.pilot.click("#run")
        await driven.until(lambda: driven.rows == [["clicked"]])
        driven.app.query_one("#views").focus()
        paste(driven, "SELECT 'tabs' AS n")
        await driven.press("f5")
        await driven.until(lambda: driven.rows == [["tabs"]])

    drive(real_indexes, do)


def test_escape_and_other_views_give_a_statement_up(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        await ran(driven, "SELECT 1 AS n")
        paste(driven, FOREVER)
        await driven.pilot.press("f5")
        await driven.until(lambda: "running for" in driven.said)
        await driven.press("escape")  # the statement would never end
        assert driven.said == "given up"
        assert editor(driven).text == FOREVER
        assert driven.app.saved.statements == ["SELECT 1 AS n"]
        await ran(driven, "SELECT 2 AS n")
        assert driven.rows == [["2"]]
        # So does another view.
        paste(driven, FOREVER)
        await driven.pilot.press("f5")
        await driven.until(lambda: "running for" in driven.said)
        await driven.press("alt+n")
        await driven.until(lambda: driven.app.workbench.bar.has_focus)
        await driven.type("dog")
        assert driven.rows
        await driven.press(HERE)
        await driven.until(lambda: editor(driven).has_focus)
        assert driven.rows == []  # nothing runs because one comes here
        assert driven.said == "f5 runs the statement"

    drive(real_indexes, do)


def test_an_error_is_marked_where_it_stands_and_cells_stand_in_a_line(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        await ran(driven, "SELECT 1,\n  nope FROM token")
        assert driven.said.startswith("line 2, column 3 (nope):")
        assert editor(driven).cursor_location == (1, 2)
        assert editor(driven).has_class("-bad")
        line = editor(driven).get_line(1)
        assert [(s.start, s.end) for s in line.spans if s.style == "reverse"] == [(2, 6)]
        await driven.press("delete")
        assert not editor(driven).has_class("-bad")
        assert not editor(driven).get_line(1).spans
        await ran(driven, "SELECT 1 AS n")
        assert driven.rows == [["1"]]
        await ran(
            driven,
            r"SELECT '' AS nothing, NULL AS null_, 'a' || chr(10) || chr(27) || '[2J' AS text, "
            "range(1000) AS list, repeat('x', 100000) AS long, '[bold]' AS markup",
        )
        row = driven.rows[0]
        assert row[:3] == ["", "NULL", r"a\n\x1b[2J"]
        assert row[3].endswith("198 199")
        assert len(row[4]) < 3000
        assert row[5] == "[bold]"
        assert "first 200 items" in driven.foot
        await ran(driven, "SELECT id, text FROM token WHERE false")
        assert driven.head == "0 rows"
        assert [str(c.label) for c in driven.answer.table.columns.values()] == ["id", "text"]
        assert driven.detail == ""

    drive(real_indexes, do)


def test_what_is_written_is_completed(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        line = driven.app.query_one("#continued", Static)
        assert editor(driven).is_syntax_aware
        await driven.type("sel")
        assert editor(driven).suggestion == "ect"
        await driven.press("tab")
        assert editor(driven).text == "select"
        paste(driven, "select * from neur")
        await driven.type("on_w")
        await driven.press("right")
        assert editor(driven).text == "select * from neuron_word"
        paste(driven, "select * from neuron_word x where x")
        await driven.type(".")
        assert str(line.content) == "neuron  rank  word  activation  z"
        await driven.type("ac")
        assert str(line.content) == "activation"
        await driven.press("left")
        assert editor(driven).suggestion == "tivation" or not editor(driven).suggestion
        await driven.press("end", "tab")
        assert editor(driven).text.endswith("x.activation")
        # Of a whole name longer ones are told, and Tab goes on.
        paste(driven, "select * from token where wor")
        await driven.type("d")
        assert "word_neuron" in str(line.content)
        assert editor(driven).suggestion == ""
        await driven.press("tab")
        assert driven.app.query_one(SchemaTree).has_focus

    drive(real_indexes, do)


def test_statements_that_ran_are_gone_back_to_leafed_through_and_kept(
    real_indexes: Path, state: Path
) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        for n in (1, 2):
            await ran(driven, f"SELECT {n} AS n")
        await driven.press("alt+left")
        assert (editor(driven).text, driven.rows) == ("SELECT 1 AS n", [["1"]])
        await driven.press("alt+right")
        assert (editor(driven).text, driven.rows) == ("SELECT 2 AS n", [["2"]])
        trail = [place for place in driven.app.saved.trail.places if place.view == "sql"]
        assert [place.get("statement") for place in trail] == ["SELECT 1 AS n", "SELECT 2 AS n"]
        await ran(driven, "SELECT 1 AS n")
        paste(driven, "a draft")
        shown = []
        for key in ("alt+up", "alt+up", "alt+up", "alt+down", "alt+down", "alt+down"):
            await driven.press(key)
            shown.append(editor(driven).text)
        one, two = "SELECT 1 AS n", "SELECT 2 AS n"
        assert shown == [one, two, two, one, "a draft", "a draft"]

    drive(real_indexes, do)
    assert json.loads(state.read_text())["statements"] == ["SELECT 2 AS n", "SELECT 1 AS n"]

    async def again(driven: Driven) -> None:
        await driven.until(lambda: editor(driven).has_focus)
        assert editor(driven).text == "a draft"  # where one was, and not run
        assert driven.rows == []
        await driven.press("alt+up")
        assert editor(driven).text == "SELECT 1 AS n"

    drive(real_indexes, again)


def test_many_rows_are_shown_a_page_at_a_time(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        await ran(driven, f"SELECT range AS n FROM range({2 * PAGE + 7})")
        assert len(driven.rows) == PAGE
        assert driven.head.startswith("rows 1 to 500 of 1,007; page 1 of 3")
        driven.answer.table.focus()
        await driven.press("n")
        assert driven.head.startswith("rows 501 to 1,000 of 1,007")
        assert driven.rows[0] == ["500"]
        await driven.press("n", "n", "n")
        assert [row[0] for row in driven.rows] == [str(n) for n in range(1000, 1007)]
        keys = [str(key.description) for key in driven.app.query_one(Footer).query("FooterKey")]
        assert "page before" in keys
        assert "next page" not in keys
        await driven.press("p", "p", "p")
        assert driven.rows[0] == ["0"]
        # The whole answer is what is exported, not the page.
        assert len(driven.answer.answer) == 1007
        # A million are no more to show.
        paste(driven, "SELECT range AS n, 'row ' || range AS name FROM range(1000000)")
        await driven.pilot.pause()
        await driven.press("f5")
        assert driven.head.startswith("rows 1 to 500 of 1,000,000; page 1 of 2,000")
        assert len(driven.rows) == PAGE
        driven.answer.table.focus()
        await driven.press("n")
        assert len(driven.rows) == PAGE
        assert driven.rows[-1] == ["999", "row 999"]

    drive(real_indexes, do)


def test_names_are_written_from_the_tree(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        await driven.type("FROM ")
        await driven.press("f4")
        tree = driven.app.query_one(SchemaTree)
        assert tree.has_focus
        about = driven.app.query_one("#about", Static)
        await driven.press(*["down"] * 6)
        assert text_of(about) == "The whole vocabulary, one row a token"
        await driven.press("enter")
        assert editor(driven).text == "FROM token"
        assert editor(driven).has_focus
        paste(driven, "FROM token WHERE ")
        await driven.press("f4", "right", "down", "down")
        assert text_of(about).startswith("what it says")
        await driven.press("enter")
        assert editor(driven).text == "FROM token WHERE text"
        # A function is written with its parentheses, the cursor between them.
        at = next(n for n in tree.root.children if n.data and n.data.of == "neighbors")
        tree.move_cursor(at)
        paste(driven, "FROM ")
        await driven.press("f4", "enter")
        editor(driven).insert("'dog', ")
        at.expand()
        await driven.pilot.pause()
        tree.move_cursor(next(n for n in at.children if n.data and n.data.name == "k"))
        await driven.press("f4", "enter")
        await driven.type("3")
        assert editor(driven).text == "FROM neighbors('dog', k := 3)"
        await driven.press("f5")
        assert len(driven.rows) == 3

    drive(real_indexes, do)


def test_a_narrow_screen_shows_the_tree_when_told_to(real_indexes: Path) -> None:
    async def do(driven: Driven) -> None:
        await arrive(driven)
        pane = driven.app.query_one(SchemaPane)
        assert not pane.display
        await driven.press("f4")
        assert pane.display
        assert driven.app.query_one(Tree).has_focus
        await driven.press("f4")
        assert not pane.display
        assert editor(driven).has_focus

    drive(real_indexes, do, size=(80, 24))


def test_an_index_opens_at_a_statement_and_does_not_run_it(real_indexes: Path, state: Path) -> None:
    place = Place("sql").choosing("statement", FOREVER)
    kept = {"format": 1, "index": "smollm2", "theme": "", "statements": []}
    state.write_text(json.dumps({**kept, "trail": [place.to_dict()], "at": 0}))

    async def do(driven: Driven) -> None:
        assert editor(driven).text == FOREVER
        assert driven.said == "f5 runs the statement"
        assert not driven.app.workbench.asking.busy

    drive(real_indexes, do)


WITHOUT = """
import sys
sys.modules["tree_sitter"] = None
import asyncio
from explorer.screen.app import ExplorerApp

async def main():
    app = ExplorerApp("smollm2", sys.argv[1])
    async with app.run_test() as pilot:
        await pilot.press("alt+s")
        await pilot.pause()
        editor = app.workbench.sql_panel.editor
        assert not editor.is_syntax_aware
        await pilot.press(*"abc")
        assert editor.text == "abc", editor.text

asyncio.run(main())
"""


def test_it_works_without_tree_sitter(real_indexes: Path, state: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(real_indexes)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
