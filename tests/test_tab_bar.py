"""The bar of tabs: where not every tab has room, it says how many more there are at either end."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Tab, Tabs

from driving import Driven, drive
from explorer.screen.heading import More, TabBar
from explorer.views import VIEWS


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))


def whole(ui: Driven) -> list[str]:
    """Names of the tabs that stand whole on the screen."""
    room = ui.app.query_one("#tabs-scroll").region
    return [str(tab.id) for tab in ui.app.query(Tab) if room.contains_region(tab.region)]


@pytest.mark.parametrize("size", [(60, 24), (80, 24)])
def test_a_narrow_bar_says_how_many_more_there_are(
    real_indexes: Path, size: tuple[int, int]
) -> None:
    async def do(ui: Driven) -> None:
        names = list(VIEWS)
        for name in (*names, names[0]):
            await ui.app.action_view(name)
            await ui.settled()
            await ui.until(lambda name=name: name in whole(ui))  # type: ignore[misc]
            await ui.pilot.pause(0.4)  # the tabs have come to rest
            shown = whole(ui)
            before, after = ui.app.query(More)
            assert (before.count, after.count) == (
                names.index(shown[0]),
                len(names) - 1 - names.index(shown[-1]),
            )
            assert before.count + after.count > 0
            said = [str(one.content) for one in (before, after)]
            assert said[0] == (f"‹ {before.count}" if before.count else "")
            assert said[1] == (f"{after.count} ›" if after.count else "")
            assert after.region.right <= size[0]

    drive(real_indexes, do, size)


def test_a_click_shows_the_tabs_beyond_and_asks_nothing(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        before, after = ui.app.query(More)
        assert before.count == 0
        await ui.pilot.click(after)
        await ui.until(lambda: after.count == 0)
        assert before.count > 0
        assert ui.place.view == "neighbors"
        await ui.pilot.click("#views Tab#index")
        await ui.settled()
        assert ui.place.view == "index"
        await ui.pilot.click(before)
        await ui.until(lambda: before.count == 0)

    drive(real_indexes, do, (80, 24))


@pytest.mark.parametrize("size", [(120, 36), (160, 45), (200, 60)])
def test_a_wide_bar_has_every_tab_and_says_nothing(
    real_indexes: Path, size: tuple[int, int]
) -> None:
    async def do(ui: Driven) -> None:
        assert whole(ui) == list(VIEWS)
        assert not any(one.display for one in ui.app.query(More))
        assert ui.app.query_one(Tabs).region.width == ui.app.query_one(TabBar).region.width

    drive(real_indexes, do, size)
