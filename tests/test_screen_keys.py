"""What hands expect: keys go where the cursor is, and what stands there is this view's answer."""

from __future__ import annotations

import dataclasses
import gc
import threading
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.widgets import Footer, Input, Select, Static
from textual.widgets._footer import FooterKey

from driving import NAMES, Driven, drive, text_of
from explorer.screen import alt_keys
from explorer.screen.panes.export import ExportBar
from explorer.screen.panes.picture import PicturePane
from explorer.screen.panes.query import QueryBar
from explorer.views import VIEWS, beside
from explorer.views.place import Place, RowMark
from processes import PATIENCE

T = TypeVar("T")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "screen.json"
    monkeypatch.setenv("EXPLORER_STATE", str(path))
    return path


async def burst(ui: Driven, *keys: str) -> None:
    """Keys that arrive before the first of them is heard, as from a terminal that was behind."""
    for key in keys:
        letter = {name: char for char, name in NAMES.items()}.get(key, key)
        ui.app.post_message(events.Key(key, letter if len(letter) == 1 else None))
    await ui.settled()


def hold(monkeypatch: pytest.MonkeyPatch, name: str) -> threading.Event:
    """Have a view answer nothing until what is given back is set."""
    view, go_on = VIEWS[name], threading.Event()

    def held(ix: Any, place: Place, progress: Any) -> Any:
        assert go_on.wait(PATIENCE)
        return view.ask(ix, place, progress)

    monkeypatch.setitem(VIEWS, name, dataclasses.replace(view, ask=held))
    return go_on


def lines(ui: Driven) -> dict[str, Input]:
    return {line.name or line.id or "": line for line in ui.app.workbench.heading.lines}


def offered(ui: Driven) -> list[str]:
    """What the keys do that the footer shows."""
    shown = ui.app.query_one(Footer).query("FooterKey")
    return [key.description for key in shown]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1bntall\x1b[B", ["alt+n", "t", "a", "l", "l", "down"]),
        ("\x1bn\x1bm", ["alt+n", "alt+m"]),
        ("\x1b[1;3D\x1b[19~\x1bn", ["alt+left", "f8", "alt+n"]),
        ("\x1bOPx\x1b[A", ["f1", "x", "up"]),
        ("\x1bf\x1bb", ["ctrl+right", "ctrl+left"]),  # as a Mac sends alt with an arrow
    ],
)
def test_a_terminal_that_is_typed_at_quickly(sent: str, keys: list[str]) -> None:
    alt_keys.install()
    found = [one for one in XTermParser().feed(sent) if isinstance(one, events.Key)]
    assert [one.key for one in found] == keys


def test_keys_of_the_footer_that_no_longer_stand_there_are_let_go(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        of_others = WeakSet(every(FooterKey))  # an app that has ended may be there yet
        await ui.paste("large, tall")
        for _ in range(4):  # each has other keys
            await ui.press("alt+m", "down", "slash")
        standing = list(ui.app.query_one(Footer).query(FooterKey))
        await ui.press("a", "b")  # the keys are the same: no widget is made anew
        assert list(ui.app.query_one(Footer).query(FooterKey)) == standing
        # What was told last may still name those of the change before.
        own = [one for one in every(FooterKey) if one not in of_others]
        assert len(own) <= 3 * len(standing)

    drive(real_indexes, do)


def every(kind: type[T]) -> list[T]:
    """Every object of a class that something still holds."""
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, kind)]


# -- where what is typed goes -------------------------------------------------------------------


def test_keys_typed_right_after_tab_go_to_the_next_field(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.press("alt+a")
        await ui.paste("dog + small")
        await burst(ui, "tab", *"Chihuahua")
        assert ui.place == Place("analogy", "dog + small", (("target", "Chihuahua"),))
        await burst(ui, "shift+tab", "end", "space", "+", "space", *"wom", "tab", "tab", *"x")
        assert ui.place == Place("analogy", "dog + small + women", (("target", "x"),))
        await burst(ui, *["backspace"], *"Chihuahua")
        await burst(ui, "x", "backspace", "y", "backspace")
        assert ui.place.get("target") == "Chihuahua"
        await burst(ui, "shift+tab", *"cat")  # what stood there is selected, and so replaced
        assert ui.place.text == "cat"

    drive(real_indexes, do)


def test_what_is_typed_once_another_view_is_chosen_stands_in_its_bar(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("down", "enter")  # followed, from the rows
        await burst(ui, "alt+l", *"tall")
        assert ui.place == Place("layers", "tall")
        await burst(ui, "down", "f8", *"king")
        assert ui.place.text == "king"
        await burst(ui, "down", "alt+s", *"select", "space", *"42")
        assert ui.place.get("statement") == "select 42"
        await ui.press("alt+n")
        # In the middle of writing nothing is replaced.
        await ui.press("end")
        await burst(ui, "alt+m", "comma", "space", *"man")
        assert (ui.place.view, ui.place.text) == ("middleman", "king, man")

    drive(real_indexes, do)


def test_a_path_typed_in_evaluate_stands_in_its_line(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await burst(ui, "down", "alt+e", "slash", *"tmp", "slash", "q")
        assert ui.place.get("file") == "/tmp/q"
        assert "query" not in offered(ui)
        ui.app.screen.set_focus(ui.answer.table)
        await burst(ui, "slash", *"etc")
        assert ui.place.get("file") == "/etc"
        await ui.press("alt+n")
        assert ui.app.focused is ui.app.query_one(QueryBar)
        await ui.press("down")
        assert "query" in offered(ui)

    drive(real_indexes, do)


def test_what_is_typed_while_an_index_is_opened_stays(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is open between a letter and the message that it was typed."""

    async def do(ui: Driven) -> None:
        bar, ix = ui.app.query_one(QueryBar), ui.app.ix
        assert ix is not None
        await ui.type("lar")
        bar.value = "larg"  # of which nobody was told yet
        ui.app.workbench.open(ix)
        bar.value += "e"
        await ui.settled()
        assert (bar.value, ui.place.text) == ("large", "large")
        assert "large" in ui.head
        await ui.press("alt+s")
        await ui.type("select 4")
        editor = ui.app.workbench.sql_panel.editor
        editor.insert("2")
        ui.app.workbench.open(ix)
        await ui.settled()
        assert editor.text == ui.place.get("statement") == "select 42"

    drive(real_indexes, do)


def test_letters_on_the_rows_or_on_a_picker_begin_another_query(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("down")
        await burst(ui, *"dog")
        assert ui.place.text == "dog"
        await ui.press("tab")
        assert isinstance(ui.app.focused, Select)
        await burst(ui, *"tall")
        assert ui.place.text == "tall"
        await ui.press("down")
        await ui.paste("king - man + woman")
        assert ui.place.text == "king - man + woman"
        await ui.press("down", "y")  # a key that does something there still does it
        assert ui.place.text == "king - man + woman"
        assert ui.app.clipboard == ui.rows[0][1]

    drive(real_indexes, do)


def test_a_key_whose_widget_is_gone_holds_up_no_other(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        extra = Input(id="extra")
        await ui.app.workbench.mount(extra)
        ui.app.screen.set_focus(extra)
        await ui.pilot.pause()
        await extra.remove()
        ui.app.keys._under_way = events.Key("a", "a")
        ui.app.keys._at = extra
        ui.app.workbench.action_focus_query()
        await burst(ui, *"dog")
        assert ui.place.text == "dog"

    drive(real_indexes, do)


@pytest.mark.parametrize(("back", "forward"), [("alt+left", "alt+right"), ("f8", "f9")])
def test_the_trail_has_keys_that_arrive_everywhere(
    real_indexes: Path, back: str, forward: str
) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("alt+l", back)
        assert ui.place == Place("neighbors", "large")
        await ui.press(forward)
        assert ui.place == Place("layers", "large")
        keys = [key.key_display for key in ui.app.query_one(Footer).query("FooterKey")]  # type: ignore[attr-defined]
        assert {"f8", "f9"} <= set(keys)

    drive(real_indexes, do, (160, 40))


def stands_on(ui: Driven) -> tuple[str, str, tuple[int, int]]:
    """The query, what the row under the cursor is about, and where that row is."""
    return ui.place.text, ui.app.workbench.results.subject, ui.answer.position


def test_going_back_and_forward_finds_the_row_one_stood_on(real_indexes: Path) -> None:
    stood = []

    async def first(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press(*["down"] * 5)
        stood.append(stands_on(ui))
        await ui.press("enter", "down", "down")
        stood.append(stands_on(ui))
        await ui.press("alt+u")
        await ui.paste("L29N112")
        await ui.press("down", "down", "right", "right", "down")  # a list of a card
        stood.append(stands_on(ui))
        assert stood[-1][2] == (2, 2)
        await ui.press("enter")
        for keys, at in (("f8", 2), ("f8 f8", 1), ("f8", 0), ("f9", 1), ("f9 f9", 2)):
            await ui.press(*keys.split())
            assert stands_on(ui) == stood[at]

    async def second(ui: Driven) -> None:
        assert stands_on(ui) == stood[2]  # and after another start
        await ui.press("f8", "f8")
        assert stands_on(ui) == stood[1]
        await ui.press("end", "ctrl+u")
        await ui.paste("large")
        assert stands_on(ui)[2] == (0, 0)  # what is asked anew begins with its first row

    drive(real_indexes, first)
    drive(real_indexes, second)


def test_a_neuron_has_what_it_raises_in_the_logits_once_that_is_known(
    real_indexes: Path, real: Any
) -> None:
    raised = real.logits("L29N112", k=10)

    async def do(ui: Driven) -> None:
        await ui.press("alt+u")
        await ui.paste("L29N112")
        section = ui.answer.layout_shown.sections[-1]  # type: ignore[union-attr]
        plus, minus = section.lists
        assert section.title.startswith("raises; kurtosis ")
        for shown, sign in ((plus, 1), (minus, -1)):
            rows = [row for row in raised.rows if row.sign == sign]
            assert [row.item for row in shown.rows] == [row.token for row in rows]
            assert [row.score for row in shown.rows] == [row.z for row in rows]
        lists = len(list(ui.answer.card.tables))
        ui.app.workbench.results.go_to(RowMark(minus.rows[1].item, 1, lists - 1))
        await ui.settled()
        row = stands_on(ui)
        assert row == ("L29N112", minus.rows[1].item, (lists - 1, 1))
        drawn = ui.app.workbench.results.pictures
        assert [one.title for one in drawn] == ["L29N112: effect on every logit"]
        ui.answer.table.focus()
        await ui.press("enter")
        assert ui.place.view == "neighbors"
        await ui.press("f8")
        assert stands_on(ui) == row  # though it stands there only a moment after the card
        assert ui.answer.table.has_focus

    drive(real_indexes, do, (160, 45))


def test_what_is_proposed_and_what_is_remembered_is_replaced_by_what_is_typed(
    real_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def first(ui: Driven) -> None:
        await ui.paste("large")
        await burst(ui, "ctrl+s", *"mine", "enter")
        await ui.until((tmp_path / "mine.csv").exists)  # in the form that was proposed

    async def second(ui: Driven) -> None:
        assert ui.app.query_one(QueryBar).value == "large"
        await burst(ui, *"tall")
        assert ui.place.text == "tall"
        await ui.press("ctrl+s", "right")  # an arrow keeps it
        assert ui.app.query_one(ExportBar).query_one(Input).value == "neighbors-tall.csv"
        await burst(ui, "x")
        assert ui.app.query_one(ExportBar).query_one(Input).value == "neighbors-tall.csvx"

    drive(real_indexes, first)
    drive(real_indexes, second)


def test_what_was_meant_is_taken_by_one_key(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("king - woamn")
        assert ui.said.startswith("tab asks king - woman: ")
        await burst(ui, "tab", "space", "+", "space", *"man")
        assert ui.place.text == "king - woman + man"
        assert ui.said == ""
        # Beside the bar too.
        await ui.press("alt+a")
        await burst(ui, "tab", *"Chihauhua")
        assert ui.said.startswith("ctrl+r asks Chihuahua: ")
        await burst(ui, "ctrl+r", "x", "backspace")
        assert ui.place.get("target") == "Chihuahua"
        assert ui.said == ""
        # What can be read in two ways is answered in one, and offered in the other.
        await ui.press("alt+m", "ctrl+a", "ctrl+k")
        await burst(ui, *"large", "space", *"tall")
        assert ui.said == "ctrl+r asks large, tall"
        await ui.press("ctrl+r")
        assert ui.place.text == "large, tall"
        assert ui.said == ""

    drive(real_indexes, do)


@pytest.mark.parametrize(
    ("view", "text"),
    [("alt+u", "L99N1"), ("alt+n", "L99N1"), ("alt+m", "L29N112"), ("alt+u", "zzxqvf")],
)
def test_what_nothing_was_meant_by_is_offered_nothing(
    real_indexes: Path, view: str, text: str
) -> None:
    async def do(ui: Driven) -> None:
        await ui.press(view)
        await ui.paste(text)
        assert ui.said
        assert "asks" not in ui.said
        await ui.press("tab")
        assert (ui.place.text, ui.app.workbench.bar.value) == (text, text)

    drive(real_indexes, do)


def test_of_letters_that_wait_only_the_last_is_asked(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, asked = VIEWS["neighbors"], []

    def ask(ix: Any, place: Place, progress: Any) -> Any:
        asked.append(place.text)
        return view.ask(ix, place, progress)

    monkeypatch.setitem(VIEWS, "neighbors", dataclasses.replace(view, ask=ask))

    async def do(ui: Driven) -> None:
        asked.clear()
        await burst(ui, *"elephant", "down")
        assert asked[-1] == "elephant"
        assert len(asked) <= 2
        assert ui.answer.table.has_focus

    drive(real_indexes, do)


# -- what is shown ------------------------------------------------------------------------------


def test_no_other_views_answer_stands_under_a_tab(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next view is held, and of the one before nothing is there to be acted on."""
    view, go_on = VIEWS["layers"], hold(monkeypatch, "layers")

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("alt+m")
        assert ui.rows
        assert ui.app.workbench.results.pictures
        await ui.pilot.press("alt+l", "down", "enter")
        await ui.pilot.pause()
        assert ui.rows == []
        assert ui.detail == ""
        assert ui.app.workbench.results.pictures == ()
        assert ui.head in (view.about, "Layers: large\nbeing asked (escape gives it up)")
        assert ui.app.clipboard == ""
        go_on.set()
        await ui.settled()
        assert ui.place == Place("layers", "large")
        assert ui.rows
        for name in VIEWS:  # a view that is asked on Enter shows nothing until then
            await ui.app.action_view("middleman")
            await ui.settled()
            await ui.app.action_view(name)
            await ui.settled()
            assert VIEWS[name].live or ui.rows == [], name
            assert not ui.app.workbench.results.query(".-old"), name

    drive(real_indexes, do)


def test_what_stands_beside_a_newer_answer_fades_until_its_own_comes(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_answer, go_on = beside.of_answer, threading.Event()

    def held(answer: Any) -> Any:
        assert go_on.wait(PATIENCE)
        return of_answer(answer)

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        assert not ui.app.workbench.results.query(".-old")
        monkeypatch.setattr(beside, "of_answer", held)
        await ui.paste_only("r")
        await ui.until(lambda: ui.head.startswith("larger"))
        await ui.until(lambda: ui.app.query_one(PicturePane).has_class("-old"))
        assert not ui.answer.has_class("-old")
        go_on.set()
        await ui.settled()
        assert not ui.app.workbench.results.query(".-old")

    drive(real_indexes, do)


def test_rows_of_the_query_before_are_not_acted_on(
    real_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.type("rrrr")  # nobody knows it: what large answered stands there, faded
        assert ui.app.query_one(QueryBar).has_class("-bad")
        await ui.press("down", "enter", "y")
        assert ui.place.text == "largerrrr"
        assert ui.app.clipboard == ""
        await ui.press("ctrl+s", "enter")
        await ui.until(lambda: "no answer" in ui.said)
        assert list(tmp_path.glob("*.csv")) == []

    drive(real_indexes, do)


def test_a_picture_has_the_middle_only_where_there_is_one(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        bench = ui.app.workbench
        await ui.paste("large")
        await ui.press("alt+o", "ctrl+g")
        assert bench.has_class("-drawn")
        assert "table" in offered(ui)
        await ui.press("escape")
        assert not bench.has_class("-drawn")
        assert ui.app.focused is ui.answer.table
        await ui.press("ctrl+g", "alt+i")  # a view without pictures
        assert not bench.has_class("-drawn")
        assert ui.answer.display
        assert ui.rows
        assert not {"picture", "table"} & set(offered(ui))
        await ui.press("ctrl+g")
        assert not bench.has_class("-drawn")
        await ui.press("alt+o", "ctrl+g", "ctrl+g")
        assert not bench.has_class("-drawn")

    drive(real_indexes, do)


def test_an_answer_that_took_its_time_is_there_again_when_one_comes_back(
    real_indexes: Path,
) -> None:
    async def do(ui: Driven) -> None:
        results = ui.app.workbench.results
        ui.app.workbench.go(Place("congruence", "", (("space", "embed"),)))
        await ui.settled()
        await ui.paste("large, tall")
        await ui.press("enter")
        rows, pictures = ui.rows, results.pictures
        assert rows
        assert pictures
        await ui.press("alt+n", "f8")
        assert (ui.rows, results.pictures) == (rows, pictures)
        await burst(ui, "end", "comma", *"huge")
        assert "enter asks" in ui.said

    drive(real_indexes, do)


def test_an_error_is_marked_at_the_line_that_it_names(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        def marked() -> set[str]:
            return {name for name, line in lines(ui).items() if line.has_class("-bad")}

        await ui.press("alt+a")
        await ui.paste("dog + small")
        await burst(ui, "tab", *"Chihuahuaa")
        assert "'Chihuahuaa'" in ui.said
        assert marked() == {"target"}
        await burst(ui, "backspace")
        assert marked() == set()
        await burst(ui, "shift+tab", *"dgo + smlal")
        assert marked() == {"query"}
        await ui.press("alt+e")
        await burst(ui, *"/no/such", "enter")
        assert "/no/such" in ui.said
        assert marked() == {"file"}

    drive(real_indexes, do)


def test_beside_a_table_stands_nothing_of_another(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pictures of one answer are held until the next query is refused."""
    of_answer, go_on = beside.of_answer, threading.Event()

    def held(answer: Any) -> Any:
        assert answer.query.expression == "large" or go_on.wait(PATIENCE)
        return of_answer(answer)

    monkeypatch.setattr(beside, "of_answer", held)

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        results = ui.app.workbench.results
        assert results.pictures
        ui.app.query_one(QueryBar).action_select_all()
        await ui.paste_only("tall")
        await ui.until(lambda: "tall" in ui.head)
        await ui.pilot.press("x", "y", "x")
        await ui.until(lambda: "tallxyx" in ui.said)
        assert "tall" in ui.head
        go_on.set()
        await ui.settled()
        assert "large" not in ui.detail
        assert not [one for one in results.pictures if "large" in one.title]

    drive(real_indexes, do)


def test_what_is_typed_ends_a_group_that_was_chosen_and_the_other_way_round(
    real_indexes: Path,
) -> None:
    async def do(ui: Driven) -> None:
        ui.app.workbench.go(Place("congruence", "", (("group", "size"), ("space", "embed"))))
        await ui.settled()
        await ui.paste("king, queen")
        assert ui.place == Place("congruence", "king, queen", (("space", "embed"),))
        (select,) = [one for one in ui.app.query(Select) if one.name == "group"]
        assert select.value == ""
        select.value = "size"
        await ui.settled()
        assert ui.place == Place("congruence", "", (("group", "size"), ("space", "embed")))
        assert ui.app.query_one(QueryBar).value == ""

    drive(real_indexes, do)


def test_a_burst_after_keys_that_hide_the_rows_is_whole(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.paste("dog")
        await burst(ui, "down", "f2", *"king")
        assert ui.place == Place("neighbors", "king")
        await burst(ui, "down", "f2", "down", *"cat")
        assert ui.place.text == "cat"

    drive(real_indexes, do)


def test_a_picture_that_is_gone_is_not_seen_in_the_middle(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ctrl+g before the picture is there: it is waited for, and none of another view is shown."""
    go_on = hold(monkeypatch, "ov")

    async def do(ui: Driven) -> None:
        pane = ui.app.query_one(PicturePane)
        await ui.paste("large")
        assert "large" in text_of(pane.query_one(".drawn", Static))
        await ui.pilot.press("alt+o", "ctrl+g")
        await ui.pilot.pause()
        assert text_of(pane.query_one(".drawn", Static)) == ""
        go_on.set()
        await ui.settled()
        assert "H8" in text_of(pane.query_one(".drawn", Static))

    drive(real_indexes, do, (160, 45))


def test_down_after_the_bar_was_emptied_and_written_anew_leads_to_the_rows(
    real_indexes: Path,
) -> None:
    """The list of what there is to see, which an empty bar shows, is gone with the first letter."""

    async def do(ui: Driven) -> None:
        await ui.paste("large")
        await ui.press("ctrl+u")
        await ui.until(lambda: ui.app.workbench.results.findings is not None)
        await burst(ui, *"tall", "down")
        assert ui.app.focused is ui.answer.table
        assert ui.place.text == "tall"

    drive(real_indexes, do)
