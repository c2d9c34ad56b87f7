"""The first screen of an open index: what there is to see in it, asked by a key or a click."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events

from driving import Driven, drive
from explorer.findings.declared import look
from explorer.progress import Progress
from explorer.questions import Finding
from explorer.screen.app import ExplorerApp
from explorer.screen.panes.findings import FindingsPane
from explorer.testsets.named import names
from explorer.views import VIEWS
from explorer.views.place import Place
from indexer.store.layout import FINDINGS

pytestmark = pytest.mark.native


@pytest.fixture(autouse=True)
def _state_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))


def pane(ui: Driven) -> FindingsPane:
    found = ui.app.workbench.results.findings
    assert found is not None
    return found


async def listed(ui: Driven) -> list[str]:
    """The lines, once they stand there."""

    def there() -> bool:
        found = ui.app.workbench.results.findings
        return found is not None and found.is_mounted and found.list.option_count > 0

    await ui.until(there)
    await ui.settled()
    return [str(one.prompt).splitlines()[0] for one in pane(ui).list.options]


def gone(ui: Driven) -> bool:
    return ui.app.workbench.results.findings is None and ui.answer.display


def test_an_index_opens_on_them_and_enter_asks_the_first(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        assert await listed(ui) == [one.line for one in real.findings().rows]
        assert ui.app.focused is ui.app.workbench.bar
        assert not ui.app.query_one("#main").display
        await ui.press("enter")
        assert gone(ui)
        assert ui.place == Place("middleman", "large, tall", (("side", "out"),))
        assert ui.rows[0][1] == "L29N112"
        await ui.press("alt+left")
        assert await listed(ui)
        assert ui.place == Place()

    drive(real_indexes, do)


def test_arrows_go_down_the_list_and_up_again_to_the_bar(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await listed(ui)
        await ui.press("down", "down", "down")
        assert ui.app.focused is pane(ui).list
        await ui.press("enter")
        assert ui.place.view == "layers"
        assert ui.place.text == "dog + small"
        await ui.press("alt+h")
        await listed(ui)
        await ui.press("down")  # to the line that was asked last
        assert pane(ui).list.highlighted == 2
        await ui.press("down", "up", "up", "up", "up")
        assert ui.app.focused is ui.app.workbench.bar

    drive(real_indexes, do)


def test_what_is_typed_or_pasted_there_is_a_question(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await listed(ui)
        await ui.press("down")
        await ui.type("dog")
        assert gone(ui)
        assert ui.place == Place("neighbors", "dog")
        assert ui.rows[0][1] == "␣dogs"
        await ui.press("backspace", "backspace", "backspace")
        await listed(ui)
        await ui.press("down")
        ui.app.focused.post_message(events.Paste("cat\nmore"))  # type: ignore[union-attr]
        await ui.settled()
        assert ui.place.text == "cat"
        await ui.press("alt+h")
        await listed(ui)
        await ui.press("down", "slash")
        assert ui.app.focused is ui.app.workbench.bar
        assert ui.place.text == ""

    drive(real_indexes, do)


def figures(text: str) -> list[str]:
    return re.findall(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?![\w]|\.\d)", text)


def shows(ui: Driven, figure: str) -> bool:
    """Whether a figure stands on the screen, or one that is rounded to it."""
    strips = ui.app.screen._compositor.render_strips()
    there = figures("\n".join("".join(part.text for part in strip) for strip in strips))
    places = len(figure.partition(".")[2])
    number = float(figure.replace(",", ""))
    return any(abs(float(one.replace(",", "")) - number) <= 0.5 * 10**-places for one in there)


def test_the_figures_of_each_stand_in_its_answer(real_indexes: Path, real: Any) -> None:
    found = real.findings().rows

    async def do(ui: Driven) -> None:
        for at, one in enumerate(found):
            await ui.press("alt+h")
            await listed(ui)
            pane(ui).list.highlighted = at
            await ui.press("enter")
            line = one.line.replace("1 in 20", "")
            hidden = [figure for figure in figures(line) if not shows(ui, figure)]
            assert hidden == [], one.line
            best = re.search(r"at best [\d,]+ in (\S+)", one.line)
            if best is not None:  # the row that it speaks of, however far down
                assert ui.app.workbench.results.subject == best[1]

    drive(real_indexes, do, (160, 45))


def test_one_comes_back_to_the_line_that_was_asked_last(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await listed(ui)
        await ui.press("down", "down", "down", "enter")
        assert ui.place.view == "layers"
        for back in ("f8", "alt+h"):
            await ui.press(back)
            await listed(ui)
            assert pane(ui).list.highlighted == 2
            await ui.press("enter")
            assert ui.place.view == "layers"

    drive(real_indexes, do)


def test_a_click_asks_too(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await listed(ui)
        await ui.pilot.click(pane(ui).list, offset=(3, 2))
        await ui.settled()
        assert ui.place == Place("middleman", "large, tall", (("by", "activations"),))

    drive(real_indexes, do)


def test_in_a_view_its_own_comes_first_and_what_was_chosen_does_not_change_it(
    real_indexes: Path, real: Any
) -> None:
    async def do(ui: Driven) -> None:
        await ui.app.action_view("compare")
        await listed(ui)
        ui.app.workbench.trail.amend(Place("compare", "", (("control", "random"), ("side", "out"))))
        await ui.press("enter")
        assert ui.place == Place("compare", "large, tall")
        line = next(one.line for one in real.findings().rows if one.question == "compare")
        scores = {row[0]: float(row[1]) for row in ui.rows}
        assert f"Pearson {scores['pearson']:.2f}" in line

    drive(real_indexes, do)


def test_an_index_without_them_is_looked_at_once_it_is_open(
    tiny_indexes: Path, tmp_path: Path
) -> None:
    unkept = shutil.ignore_patterns(FINDINGS)
    shutil.copytree(tiny_indexes / "llama", tmp_path / "ix" / "llama", ignore=unkept)

    async def do(ui: Driven) -> None:
        lines = await listed(ui)
        assert any(line.startswith("Two unrelated") for line in lines)
        assert not any("effect" in line for line in lines)  # that takes seconds

    drive(tmp_path / "ix", do, index="llama")
    assert not (tmp_path / "ix" / "llama" / FINDINGS).exists()


def test_while_they_are_found_it_is_said_and_escape_ends_it(
    tiny_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unkept = shutil.ignore_patterns(FINDINGS)
    shutil.copytree(tiny_indexes / "llama", tmp_path / "ix" / "llama", ignore=unkept)
    go_on = threading.Event()

    def slow(ask: Any, index: Any, at_once: bool, progress: Progress) -> Iterator[Finding]:
        progress("neighbors", 0, 2)
        for found in look(ask, index, at_once):
            yield found
            while not go_on.wait(0.01):
                progress("neighbors", 1, 2)

    monkeypatch.setattr("explorer.findings.declared.look", slow)

    async def do(ui: Driven) -> None:
        await ui.until(lambda: "is being found: neighbors, 2 of 2 (escape ends it)" in ui.head)
        assert ui.head.startswith(VIEWS["neighbors"].about)
        await ui.pilot.press("escape")
        assert len(await listed(ui)) == 1  # what was found by then
        assert "escape" not in ui.head

    try:
        drive(tmp_path / "ix", do, index="llama", settle=False)
    finally:
        go_on.set()


def test_the_list_is_made_only_where_it_is_shown(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.type("dog")
        assert not ui.app.query(FindingsPane) or gone(ui)

    app = drive(real_indexes, do)
    assert isinstance(app, ExplorerApp)


def test_evaluate_opens_on_a_test_set_one_key_away(real_indexes: Path, real: Any) -> None:
    async def do(ui: Driven) -> None:
        await ui.app.action_view("evaluate")
        await ui.settled()
        assert ui.rows == []
        assert ui.head == VIEWS["evaluate"].about
        await ui.press("enter")
        asked = real.evaluate_analogies("everyday-analogies", space="embed")
        assert len(ui.rows) == len(asked.rows)
        assert "everyday-analogies" in ui.head
        ui.app.workbench.go(Place("evaluate", "", (("test", "everyday-pairs"),)))
        await ui.press("enter")
        assert "similarity of everyday-pairs" in ui.head

    assert "everyday-pairs" in names("similarity")
    drive(real_indexes, do)
