"""The terminal UI, every view of it, as key presses on a real index."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from textual.widgets import DataTable, Footer, Input, OptionList, Select, Static

from driving import Driven, drive, text_of
from explorer.questions.written import as_command, as_python
from explorer.screen.panes.copying import CopyMenu
from explorer.screen.panes.export import ExportBar
from explorer.screen.panes.help import HelpPane
from explorer.screen.panes.options import Options
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.query import QueryBar
from explorer.show.shapes import Grid, Lines
from explorer.sql.written import as_sql
from explorer.views import VIEWS
from explorer.views.place import Place
from processes import PATIENCE


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is remembered is this test's alone."""
    path = tmp_path / "state" / "screen.json"
    monkeypatch.setenv("EXPLORER_STATE", str(path))
    return path


def lines(pictures: Any) -> list[Lines]:
    return [one for one in pictures if isinstance(one, Lines)]


def items(driven: Driven, column: int = 1) -> list[str]:
    return [row[column] for row in driven.rows]


# -- views ------------------------------------------------------------------------------------


def test_neighbors_are_shown_while_one_types(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.type("king - man + woman")
        expected = real.neighbors("king - man + woman", k=20, distinct=True)
        assert items(ui) == [row.item for row in expected.rows]
        assert "king = ␣king #4197 from embed" in ui.head
        assert [f"{row.z:.2f}" for row in expected.rows] == [row[4] for row in ui.rows]
        await ui.press("down", "down")  # out of the bar, then to the second row
        assert ui.answer.row == expected.rows[1]
        assert ui.detail.startswith(expected.rows[1].item)

    drive(real_indexes, do)


def test_a_view_takes_the_query_over_and_pickers_ask_anew(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        assert items(ui) == [r.item for r in real.neighbors("large", k=20, distinct=True).rows]
        await ui.paste(", tall")
        assert "2 expressions, parted by commas" in ui.said  # of which one is asked here
        await ui.press("alt+m")
        assert items(ui) == [r.neuron for r in real.middleman("large", "tall", k=20).rows]
        await ui.press("tab")  # to the first picker: side
        select = ui.app.focused
        assert isinstance(select, Select)
        assert select.name == "side"
        await ui.press("enter", "end", "enter")
        assert ui.place.get("side") == "out"
        asked = real.middleman("large", "tall", side="out", k=20)
        assert items(ui) == [row.neuron for row in asked.rows]
        grids = [one for one in ui.app.workbench.results.pictures if isinstance(one, Grid)]
        assert [grid.columns for grid in grids] == [("large", "tall")]
        assert len(grids[0].rows) == real.manifest.model.n_layers

    drive(real_indexes, do)


def test_an_analogy_says_where_its_target_stands(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.press("alt+a")
        await ui.paste("dog + small")
        await ui.press("tab")
        assert isinstance(ui.app.focused, Input)
        await ui.paste("Chihuahua")
        target = real.analogy("dog + small", "Chihuahua").meta.target
        assert f"rank {target.rank:,} of {target.n:,}" in ui.foot
        ranks = [one.ranks for one in lines(ui.app.workbench.results.pictures)]
        assert ranks == [False, True, False]  # the target's, and the row's own
        assert ui.place.get("target") == "Chihuahua"
        await ui.press("alt+l")  # the target is asked in the next view too
        assert ui.place.get("target") == "Chihuahua"
        assert len(ui.rows) == len(real.layers("dog + small", "Chihuahua").rows)
        assert ui.app.workbench.results.pictures

    drive(real_indexes, do)


def test_congruence_is_asked_on_enter_with_progress_and_can_be_given_up(
    real_indexes: Path, real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, given_up = VIEWS["congruence"], threading.Event()

    def ask(ix: Any, place: Place, progress: Any) -> Any:
        def told(*what: Any) -> None:
            progress(*what)
            assert given_up.wait(PATIENCE)

        return view.ask(ix, place, told)

    monkeypatch.setitem(VIEWS, "congruence", dataclasses.replace(view, ask=ask))

    async def do(ui: Driven) -> None:
        await ui.press("alt+c")
        await ui.paste("large, tall, huge")
        assert "enter asks" in ui.said
        assert ui.rows == []
        await ui.pilot.press("enter")
        await ui.until(lambda: ui.app.status.has_class("-busy"))
        assert "escape gives it up" in ui.said
        await ui.until(lambda: ui.head.startswith("Congruence: large, tall, huge\n"))
        assert "(escape gives it up)" in ui.head
        await ui.pilot.press("escape")
        await ui.until(lambda: ui.said == "given up")
        assert ui.head == view.about
        given_up.set()
        await ui.settled()
        assert ui.said == "given up"
        assert not ui.app.status.has_class("-busy")
        assert ui.rows == []
        await ui.press("enter")
        asked = real.congruence("large", "tall", "huge")
        assert [row[0] for row in ui.rows] == [row.space for row in asked.rows]
        assert len(ui.app.workbench.results.pictures) == 2

    drive(real_indexes, do)


def test_compare_and_ov_and_neuron(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large, tall")
        ui.app.workbench.go(ui.place.choosing("pairs", "100"))
        await ui.press("alt+p", "enter")
        measures = real.compare("large", "tall", pairs=0).query.measure
        assert {row[0] for row in ui.rows} == set(measures)
        await ui.press("alt+o")
        await ui.press("ctrl+a", "ctrl+k")
        await ui.paste("large")
        assert items(ui) == [row.head for row in real.ov("large", k=20).rows]
        model = real.manifest.model
        grid, _ = ui.app.workbench.results.pictures
        assert (len(grid.rows), len(grid.columns)) == (model.n_layers, model.n_heads)
        await ui.press("alt+u")
        assert items(ui) == [row.neuron for row in real.word("large").rows]
        await ui.press("ctrl+a", "ctrl+k")
        await ui.paste("L29N112")
        assert ui.head.startswith("L29N112") or "L29N112" in ui.head

    drive(real_indexes, do)


def test_the_index_is_told_and_its_spaces_lead_on(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.app.action_view("index")
        await ui.settled()
        assert "embed" in ui.rows[0][0]
        assert f"{real.manifest.spaces[0].rows:,}" in ui.rows[0]

    drive(real_indexes, do)


def test_a_test_set_is_evaluated(real_indexes: Path, real: Any, tmp_path: Path) -> None:
    file = tmp_path / "q.txt"
    file.write_text(": family\nking queen man woman\n")

    async def do(ui: Driven) -> None:
        await ui.app.action_view("evaluate")
        await ui.settled()
        field = ui.app.query_one("Options Input", Input)
        field.focus()
        await ui.paste(f"{file}s")
        await ui.press("enter")
        assert f"{file}s" in ui.said  # there is no such file
        await ui.press("end", "backspace", "enter")
        assert len(ui.rows) == len(real.evaluate_analogies(str(file)).rows)

    drive(real_indexes, do)


# -- the trail --------------------------------------------------------------------------------


def test_enter_explores_and_the_trail_leads_back_and_forward(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        first = items(ui)
        await ui.press("down", "enter")
        assert ui.place == Place("neighbors", first[0])
        assert ui.app.query_one(QueryBar).value == first[0]
        await ui.press("alt+left")
        assert ui.place.text == "large"
        assert items(ui) == first
        await ui.press("alt+right")
        assert ui.place.text == first[0]
        # What is typed after an arrival is a step of its own, and its letters are none.
        await ui.press("slash", "end")
        await ui.type("x")
        await ui.press("backspace")
        assert [place.text for place in ui.app.saved.trail.places] == ["large", first[0], first[0]]

    drive(real_indexes, do)


def test_every_thing_in_the_detail_can_be_explored(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large, tall")
        await ui.press("alt+m", "down")
        links = ui.app.query_one("#links", OptionList)
        assert links.option_count > 8
        await ui.press("tab")
        assert ui.app.focused is links
        assert links.highlighted == 0  # where the keys go can be seen
        await ui.press("home", "enter")
        assert ui.place.view == "neuron"
        assert ui.place.text == ui.app.saved.trail.here.text

    drive(real_indexes, do)


def test_a_click_marks_a_row_and_a_second_explores_it(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        second = items(ui)[1]
        await ui.pilot.click(DataTable, offset=(8, 2))
        await ui.settled()
        assert ui.place.text == "large"
        assert ui.detail.startswith(second)
        await ui.pilot.click(DataTable, offset=(8, 2))
        await ui.settled()
        assert ui.place.text == second
        await ui.pilot.click("#views Tab#layers")
        await ui.settled()
        assert ui.place.view == "layers"

    drive(real_indexes, do)


# -- typing -----------------------------------------------------------------------------------


def test_what_is_wrong_is_marked_with_the_nearest_match(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("king - woamn")
        bar = ui.app.query_one(QueryBar)
        assert bar.has_class("-bad")
        assert "did you mean" in ui.said
        assert "'woamn'" in ui.said or "' woamn'" in ui.said
        await ui.press(*["backspace"] * 5)
        await ui.type("woman")
        assert not bar.has_class("-bad")
        assert ui.said == ""
        await ui.press("ctrl+a", "ctrl+k")
        assert not bar.has_class("-bad")
        assert VIEWS["neighbors"].about in ui.head
        assert ui.rows == []

    drive(real_indexes, do)


def test_a_word_is_completed(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.type("king - wom")
        bar = ui.app.query_one(QueryBar)
        await ui.until(lambda: bar._suggestion == "king - women")
        await ui.press("tab")
        assert bar.value == "king - women"
        assert ui.app.focused is bar

    drive(real_indexes, do)


def test_an_older_answer_never_takes_the_place_of_a_newer(
    real_indexes: Path, real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question is held until the second one is answered."""
    view = VIEWS["neighbors"]
    held, let_go = threading.Event(), threading.Event()

    def slow(ix: Any, place: Place, progress: Any) -> Any:
        if place.text == "l":
            held.set()
            assert let_go.wait(PATIENCE)
        return view.ask(ix, place, progress)

    async def do(ui: Driven) -> None:
        await ui.pilot.press("l")
        await ui.until(held.is_set)
        await ui.type("arge")
        newest = items(ui)
        let_go.set()
        await ui.settled()
        assert items(ui) == newest
        assert newest == [r.item for r in real.neighbors("large", k=20, distinct=True).rows]

    monkeypatch.setitem(VIEWS, "neighbors", dataclasses.replace(view, ask=slow))
    drive(real_indexes, do)


def test_text_that_is_not_indexed_is_offered_to_the_model(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        ui.app.workbench.go(Place("neighbors", "").choosing("space", "context.12", "embed"))
        await ui.paste("zorblatt")
        assert "not indexed" in ui.said
        assert "ctrl+r" in ui.said
        assert not ui.app.query_one(QueryBar).has_class("-bad")
        await ui.press("ctrl+r")
        assert "not indexed: the model was run on it" in ui.head
        assert len(ui.rows) == 20

    drive(real_indexes, do)


# -- what is kept and written -----------------------------------------------------------------


def test_one_comes_back_to_where_one_left(real_indexes: Path, state: Path) -> None:
    async def first(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("alt+o")
        ui.app.theme = "explorer-light"

    async def second(ui: Driven) -> None:
        assert ui.place == Place("ov", "large")
        assert ui.app.theme == "explorer-light"
        assert ui.rows
        await ui.press("alt+left")
        assert ui.place == Place("neighbors", "large")

    drive(real_indexes, first)
    assert json.loads(state.read_text())["index"] == "smollm2"
    drive(real_indexes, second)


@pytest.mark.parametrize("kept", ["", "{", '{"format": 99}', '{"format": 1, "trail": 3}', "[]"])
def test_a_broken_state_file_is_passed_over(real_indexes: Path, state: Path, kept: str) -> None:
    state.parent.mkdir(parents=True)
    state.write_text(kept)

    async def do(ui: Driven) -> None:
        assert ui.place == Place()

    drive(real_indexes, do)


@pytest.mark.parametrize("ending", ["csv", "json", "md", "svg"])
def test_what_is_shown_is_written(
    real_indexes: Path, real: Any, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"shown.{ending}"

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("ctrl+s")
        line = ui.app.query_one(ExportBar).query_one(Input)
        assert line.value == "neighbors-large.csv"
        line.value = str(file)
        await ui.press("enter")
        await ui.until(file.exists)
        await ui.until(lambda: str(file) in ui.said)
        assert isinstance(ui.app.focused, DataTable)

    drive(real_indexes, do)
    text = file.read_text()
    asked = real.neighbors("large", k=20, distinct=True)
    if ending == "json":
        assert json.loads(text) == asked.to_dict()
    else:
        assert asked.rows[0].item in text.replace("&#160;", " ")


def test_a_name_that_cannot_be_written_is_told(real_indexes: Path, tmp_path: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        for name, said in (("x.xls", "end it in"), (str(tmp_path / "no" / "x.csv"), "no folder")):
            await ui.press("ctrl+s")
            ui.app.query_one(ExportBar).query_one(Input).value = name
            await ui.press("enter")
            await ui.until(lambda said=said: said in ui.said)
        await ui.press("ctrl+s", "escape")
        assert not ui.app.query_one(ExportBar).has_class("-open")

    drive(real_indexes, do)


def test_a_file_is_written_over_only_if_that_is_said_again(
    real_indexes: Path, tmp_path: Path
) -> None:
    mine, other = tmp_path / "mine.csv", tmp_path / "other.csv"
    mine.write_text("mine")
    other.write_text("other")

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("ctrl+s")
        bar = ui.app.query_one(ExportBar)
        line = bar.query_one(Input)
        line.value = str(mine)
        await ui.press("enter")
        assert "enter again writes over it" in ui.said
        assert bar.has_class("-open")
        line.value = str(other)  # another is another question
        await ui.press("enter")
        line.value = str(mine)
        await ui.press("enter", "escape", "ctrl+s")
        line.value = str(mine)
        await ui.press("enter")
        assert (mine.read_text(), other.read_text()) == ("mine", "other")
        await ui.press("enter")
        await ui.until(lambda: "wrote" in ui.said)
        assert not bar.has_class("-open")

    drive(real_indexes, do)
    assert mine.read_text().startswith("rank,")
    assert other.read_text() == "other"


def test_rows_and_tables_are_copied(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("down", "y")
        assert ui.app.clipboard == items(ui)[0]
        await ui.press("Y")
        assert ui.app.clipboard.startswith("large  in embed") or "| rank |" in ui.app.clipboard

    drive(real_indexes, do)


def test_the_question_is_copied_as_command_python_or_sql(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("king - man + woman")
        asked = real.neighbors("king - man + woman", k=20, distinct=True).query
        forms = (as_command(asked, "smollm2"), as_python(asked), as_sql(asked))
        for downs, form in enumerate(forms):
            await ui.press("down", "c", *["down"] * downs, "enter")
            assert ui.app.clipboard == form
            assert form in ui.said
            assert isinstance(ui.app.focused, DataTable)
            await ui.press("escape")
        await ui.press("down", "c", "escape")
        assert not ui.app.query_one(CopyMenu).has_class("-open")
        await ui.press("alt+i", "c")  # what an index holds is no question
        assert "no answer" in ui.said

    drive(real_indexes, do)


# -- the screen -------------------------------------------------------------------------------


def test_every_action_is_in_the_palette_and_every_command_runs(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        titles = [one.title for one in ui.app.get_system_commands(ui.app.screen)]
        assert {f"View: {view.title}" for view in VIEWS.values()} <= set(titles)
        assert {"Theme", "Quit", "Export", "Back"} <= set(titles)
        await ui.pilot.press("ctrl+p")
        await ui.pilot.pause()
        await ui.pilot.press(*"view", "space", *"ov")
        await ui.pilot.pause(0.5)
        await ui.press("down", "enter")
        assert ui.place.view == "ov"

    drive(real_indexes, do)


def test_help_opens_and_closes(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.press("question_mark")  # in an empty bar it can mean nothing else
        assert ui.app.screen.query(HelpPane)
        await ui.press("f1")
        assert not ui.app.screen.query(HelpPane)
        await ui.type("a?")
        assert ui.app.query_one(QueryBar).value == "a?"
        await ui.press("f1")
        assert ui.app.screen.query(HelpPane)
        await ui.press("escape")
        assert not ui.app.screen.query(HelpPane)
        assert ui.app.focused is ui.app.query_one(QueryBar)
        await ui.press("ctrl+u")
        await ui.paste("large")
        for keys in (["down"], ["escape", "tab"]):  # from the rows, and from a picker
            await ui.press(*keys, "question_mark")
            assert ui.app.screen.query(HelpPane)
            await ui.press("escape")
            assert not ui.app.screen.query(HelpPane)
            assert ui.app.focused is not ui.app.query_one(QueryBar)

    drive(real_indexes, do)


def test_help_says_the_apps_own_keys_first_and_those_of_pictures_where_there_is_one(
    real_indexes: Path,
) -> None:
    def said(ui: Driven) -> list[str]:
        table = ui.app.query_one("#keys", Static).content
        assert isinstance(table, Table)
        first, second = (column.cells for column in table.columns)
        return [f"{key}: {what}".strip(" :") for key, what in zip(first, second, strict=True)]

    async def do(ui: Driven) -> None:
        await ui.press("f1")
        lines = said(ui)
        assert lines[0] == "Everywhere"
        assert "f8 alt+←: back" in lines[1:4]
        assert lines.index("Views") < lines.index("Here")
        assert "alt+n: neighbors" in lines
        assert not [line for line in lines if "picture" in line]
        await ui.paste("large")
        await ui.press("alt+o")
        assert [line for line in said(ui) if "picture" in line]

    drive(real_indexes, do)


def test_a_picture_can_have_the_middle(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("alt+o")
        await ui.press("ctrl+g")
        pane = ui.app.query_one(PicturePane)
        assert pane.size.width > 100
        assert "H8" in text_of(pane.query_one("#drawn"))
        await ui.press("ctrl+g")
        assert pane.size.width < 60

    drive(real_indexes, do)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_everything_has_room(real_indexes: Path, size: tuple[int, int]) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large, tall")
        for name in ("neighbors", "middleman", "ov", "neuron", "index"):
            await ui.app.action_view(name)
            await ui.settled()
            assert ui.answer.table.size.height >= 5, name
            assert ui.app.query_one(Footer).size.height == 1
            for widget in (ui.answer.table, ui.app.status, *ui.app.query(Options)):
                assert widget.region.right <= size[0]

    drive(real_indexes, do, size)
