"""Answers as cards: sections hold every row once, as text and on the screen, where keys walk."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from driving import Driven, drive, text_of
from explorer.screen.card import Card, ListTable
from explorer.show.layout import Column, Layout, Listing, Section
from explorer.show.text import to_text

SIZES = [(80, 24), (120, 36), (160, 45), (200, 60)]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))


@pytest.fixture(params=["llama", "gpt2"])
def report(request: pytest.FixtureRequest, tiny: Any) -> Any:
    return tiny(request.param).neuron("L1N7", k=4)


@pytest.fixture
def tiny(tiny_indexes: Path) -> Any:
    import explorer

    return lambda name: explorer.open(name, tiny_indexes)


def test_every_row_stands_in_one_section(report: Any) -> None:
    laid = report.layout()
    listed = [row for section in laid.sections for one in section.lists for row in one.rows]
    assert Counter(listed) == Counter(report.rows)
    titles = [section.title for section in laid.sections]
    sides = list(report.meta.norms)
    assert titles == [
        *(f"{'writes' if side == 'out' else 'reads'}, by {side}" for side in sides),
        "fires at",
        "neurons like it",
    ]
    for section in laid.sections:
        for one in section.lists:
            scores = [row.score for row in one.rows]
            assert scores == sorted(scores, reverse=one.rows[0].rank > 0)
            assert len({(row.side, row.kind, row.rank > 0) for row in one.rows}) == 1


@pytest.mark.parametrize("width", [80, 90, 130, 200])
def test_a_card_is_printed_with_two_sections_beside_each_other_where_there_is_room(
    report: Any, width: int
) -> None:
    lines = to_text(report.layout(), width).splitlines()
    assert max(map(len, lines)) <= width
    sections = report.layout().sections
    beside = any(sections[0].title in line and sections[1].title in line for line in lines)
    assert beside or width < 130
    for at, section in enumerate(sections):
        (line,) = [line for line in lines if section.title in map(str.strip, line.split("  "))]
        other = sections[at ^ 1].title if (at ^ 1) < len(sections) else ""
        assert (bool(other) and other in line) == (beside and bool(other))
        for one in section.lists:
            for row in one.rows:
                cells = [column.cell(row) for column in one.columns]
                found = [all(cell in said for cell in cells) for said in lines]
                assert any(found), cells


def test_lists_of_unlike_length_are_filled_up() -> None:
    cells = [Column("a", str), Column("b", str, right=True)]
    section = Section("unlike", [Listing(cells[:1], [1, 2, 3]), Listing(cells[1:], [4])])
    assert section.rows == [(1, 4), (2, None), (3, None)]
    assert [[c.cell(row) for c in section.columns] for row in section.rows] == [
        ["1", "4"], ["2", ""], ["3", ""],
    ]  # fmt: skip
    text = to_text(Layout(["x"], cells, [1, 2, 3, 4], [], [section]), 80)
    assert text.splitlines()[2] == "unlike"


@pytest.mark.parametrize("size", SIZES)
def test_a_neuron_is_a_card_and_arrows_walk_through_it(
    real_indexes: Path, real: Any, size: tuple[int, int]
) -> None:
    report = real.neuron("L29N112", k=10)
    logits = real.logits("L29N112", k=10)
    sections = report.layout().sections

    async def do(ui: Driven) -> None:
        await ui.press("alt+u")
        await ui.paste("L29N112")
        card = ui.app.query_one(Card)
        assert not ui.answer.query_one("#table").display
        shown = list(card.tables)
        *own, raised, lowered = [list(table.listed) for table in shown]
        assert own == [list(one.rows) for section in sections for one in section.lists]
        assert [row.item for row in raised] == [row.token for row in logits.rows if row.sign > 0]
        assert [row.item for row in lowered] == [row.token for row in logits.rows if row.sign < 0]
        *titles, more = [text_of(t) for t in card.query(".section Static").results(Static)]
        assert titles == [section.title for section in sections]
        assert more.startswith("raises; kurtosis 16.2")
        blocks = card.query(".section")
        beside = blocks[0].region.y == blocks[1].region.y
        assert beside == (size[0] >= 120)
        assert max(table.region.right for table in shown) <= ui.answer.region.right
        await ui.press("down")  # out of the bar
        assert ui.answer.row == sections[0].lists[0].rows[0]
        assert ui.detail.startswith(ui.answer.row.item)
        await ui.press("right")
        assert ui.answer.row == sections[0].lists[1].rows[0]
        await ui.press("left", *["down"] * 9)
        assert ui.answer.row == sections[0].lists[0].rows[9]
        below = sections[2 if beside else 1]
        await ui.press("down")
        assert ui.answer.row == below.lists[0].rows[0]
        # What is under the cursor is on the screen, with its title.
        active = card.active
        assert isinstance(active, ListTable)
        line = active.region.y + 1
        assert card.region.y <= line - 2
        assert line < card.region.bottom
        await ui.press("up")
        assert ui.answer.row == sections[0].lists[0].rows[9]
        item = ui.answer.row.item
        await ui.press("enter")
        assert ui.place.view == "neighbors"
        assert ui.place.text == item
        assert ui.answer.query_one("#table").display
        await ui.press("alt+left")
        assert ui.place.view == "neuron"
        assert card.active is not None

    drive(real_indexes, do, size)


def test_a_card_is_left_with_tab_and_a_click_gives_a_list_the_cursor(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.press("alt+u")
        await ui.paste("L29N112")
        await ui.press("down", "tab")
        assert not isinstance(ui.app.focused, ListTable)
        second = list(ui.app.query_one(Card).tables)[1]
        await ui.pilot.click(second, offset=(2, 3))
        await ui.settled()
        assert ui.answer.row == second.listed[2]
        assert ui.place.text == "L29N112"

    drive(real_indexes, do, (160, 45))


def test_the_cursor_stays_in_the_rows_from_a_card_to_a_table(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        await ui.press("alt+u")
        await ui.paste("L29N112")
        await ui.press("down", "alt+n")
        assert ui.app.focused is ui.app.workbench.bar  # another view: what is typed is heard
        await ui.press("alt+u", "down")
        assert ui.app.focused is ui.answer.table
        assert isinstance(ui.answer.table, ListTable)
        # The list hears only later that the focus has gone to the bar, and is cleared meanwhile.
        ui.app.workbench.action_focus_query()
        ui.answer.clear()
        assert ui.app.focused is ui.app.workbench.bar

    drive(real_indexes, do, (160, 45))
