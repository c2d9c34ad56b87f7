"""Every view as it looks, light and dark, at a fixed size; docs/tui.md shows some of them.

Only what the weights alone decide is shown, so that another machine draws the same: a forward pass
differs in its last bits from one processor to the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from rich.style import Style
from textual.color import Color

from contrast import contrast, unreadable
from driving import Driven, drive
from explorer.screen.panes.query import QueryBar
from explorer.views.place import Place

SIZE = (110, 32)
STATEMENT = """\
SELECT n.item, n.score, w.zipf
FROM neighbors('large', k := 20) n LEFT JOIN word w ON w.text = trim(n.text)
ORDER BY n.rank"""
QUESTIONS = """\
: family
king queen man woman
king queen boy girl
father mother brother sister
: size
large larger small smaller
tall taller short shorter
: capitals
France Paris Germany Berlin
"""
SHOWN = {
    "neighbors": Place("neighbors", "king - man + woman"),
    "middleman": Place("middleman", "large, tall", (("side", "out"),)),
    "analogy": Place("analogy", "dog + small", (("target", "puppy"),)),
    "congruence": Place("congruence", "large, tall, huge, tiny", (("space", "embed"),)),
    "layers": Place("layers", "king - man + woman", (("target", "queen"),)),
    "compare": Place("compare", "large, tall", (("pairs", "100"),)),
    "ov": Place("ov", "large", (("carried_to", "tall"),)),
    "neuron": Place("neuron", "L29N112"),
    "evaluate": Place("evaluate", "", (("file", "questions.txt"), ("space", "embed"))),
    "index": Place("index"),
    "sql": Place("sql", "", (("statement", STATEMENT),)),
}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))
    (tmp_path / "questions.txt").write_text(QUESTIONS)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("view", list(SHOWN))
def test_a_view(view: str, real_indexes: Path, snapshot: Any) -> None:
    async def do(ui: Driven) -> None:
        ui.app.query_one(QueryBar).cursor_blink = False
        ui.app.workbench.go(SHOWN[view])
        await ui.settled()
        if not ui.rows:
            await ui.press("f5")
        ui.answer.table.focus()
        ui.app.status.say("")  # how long a statement took
        ui.app.query_one("#foot").visible = view != "index"  # which says when it was built
        await as_before(ui, snapshot)

    drive(real_indexes, do, SIZE)


def test_what_is_wrong(real_indexes: Path, snapshot: Any) -> None:
    async def do(ui: Driven) -> None:
        ui.app.query_one(QueryBar).cursor_blink = False
        await ui.paste("king - woamn")
        await as_before(ui, snapshot)
        await ui.press("ctrl+s", "f1")
        for theme in ("dark", "light"):
            ui.app.theme = f"explorer-{theme}"
            await ui.settled()
            assert unreadable(ui.app.screen) == [], theme

    drive(real_indexes, do, (80, 24))


@pytest.mark.parametrize("theme", ["explorer-dark", "explorer-light", "ansi-dark", "ansi-light"])
def test_the_marked_row_stands_out_wherever_the_keys_go(theme: str, real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        ui.app.theme = theme
        await ui.paste("large")
        assert ui.app.query_one(QueryBar).has_focus
        assert marked(ui) == [0]
        await ui.press("down", "down")
        assert marked(ui) == [1]
        await ui.press("tab")
        assert ui.app.focused is not ui.answer.table
        assert marked(ui) == [1]

    drive(real_indexes, do, SIZE)


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
def test_what_answers_the_query_before_is_dim(theme: str, real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        ui.app.theme = theme
        await ui.paste("large")
        assert not dim(ui)
        await ui.type("rrrr")
        assert dim(ui)
        await ui.pilot.resize_terminal(100, 30)
        await ui.settled()
        assert dim(ui)

    drive(real_indexes, do, SIZE)


def dim(ui: Driven) -> bool:
    """Whether the second row is: the first is marked."""
    region = ui.answer.table.region
    strip = ui.app.screen._compositor.render_strips()[region.y + 2]
    segments = strip.crop(region.x, region.x + 12)
    return all(one.style is not None and bool(one.style.dim) for one in segments)


def marked(ui: Driven) -> list[int]:
    """The rows of the table that look otherwise than two rows further down: stripes alternate."""
    region = ui.answer.table.region
    strips = ui.app.screen._compositor.render_strips()
    looks = []
    for y in range(region.y + 1, region.bottom):
        segments = strips[y].crop(region.x, region.x + 12)
        looks.append([apart_from_bold(one.style) for one in segments if one.style])
    return [at for at, look in enumerate(looks) if look not in (looks[at - 2], looks[at - 4])]


def apart_from_bold(style: Style) -> tuple[Any, ...]:
    """What of a style tells a row from another on any terminal."""
    return style.color, style.bgcolor, style.underline, style.reverse


def test_contrast_is_that_of_wcag() -> None:
    """The two examples whose ratios WCAG's own tools print: #767676 on white, #949494 on white."""
    white = Color.parse("#ffffff")
    assert f"{contrast(white, Color.parse('#000000')):.2f}" == "21.00"
    assert f"{contrast(white, Color.parse('#767676')):.2f}" == "4.54"
    assert f"{contrast(white, Color.parse('#949494')):.2f}" == "3.03"


async def as_before(ui: Driven, snapshot: Any) -> None:
    """The screen looks as it did, in both themes, and everything on it can be read."""
    for theme in ("dark", "light"):
        ui.app.theme = f"explorer-{theme}"
        await ui.settled()
        assert unreadable(ui.app.screen) == [], theme
        drawn = ui.app.export_screenshot()
        assert drawn == snapshot(name=theme, extension_class=SVGImageExtension), theme
