"""Every view as it looks, light and dark, at a fixed size; docs/tui.md shows some of them.

Only what the weights alone decide is shown, so that another machine draws the same: a forward pass
differs in its last bits from one processor to the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driving import Driven
from explorer.screen.app import ExplorerApp
from explorer.views.place import Place

SIZE = (110, 32)
STATEMENT = """\
SELECT n.item, n.score, w.zipf
FROM neighbors('large', k := 20) n LEFT JOIN word w ON w.text = trim(n.text)
ORDER BY n.rank"""
SHOWN = {
    "neighbors": Place("neighbors", "king - man + woman"),
    "middleman": Place("middleman", "large, tall", (("side", "out"),)),
    "analogy": Place("analogy", "dog + small", (("target", "puppy"),)),
    "congruence": Place("congruence", "large, tall, huge, tiny", (("space", "embed"),)),
    "layers": Place("layers", "king - man + woman", (("target", "queen"),)),
    "compare": Place("compare", "large, tall", (("pairs", "100"),)),
    "ov": Place("ov", "large", (("to", "tall"),)),
    "neuron": Place("neuron", "L29N112"),
    "index": Place("index"),
    "sql": Place("sql", "", (("statement", STATEMENT),)),
}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("view", list(SHOWN))
def test_a_view(view: str, theme: str, real_indexes: Path, snap_compare: Any) -> None:
    app = ExplorerApp("smollm2", real_indexes)
    app.memory.theme = f"textual-{theme}"

    async def show(pilot: Any) -> None:
        ui = Driven(app, pilot)
        await ui.settled()
        app.query_one("QueryBar").cursor_blink = False
        app.workbench.go(SHOWN[view])
        await ui.settled()
        if not app.workbench.answer.rows:
            await ui.press("f5")
        app.workbench.answer.table.focus()
        app.status.say("")  # how long a statement took
        app.query_one("#foot").visible = view != "index"  # which says when it was built
        await ui.settled()

    assert snap_compare(app, terminal_size=SIZE, run_before=show)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_is_wrong(theme: str, real_indexes: Path, snap_compare: Any) -> None:
    app = ExplorerApp("smollm2", real_indexes)
    app.memory.theme = f"textual-{theme}"

    async def show(pilot: Any) -> None:
        ui = Driven(app, pilot)
        await ui.settled()
        app.query_one("QueryBar").cursor_blink = False
        await ui.type("king - woamn")

    assert snap_compare(app, terminal_size=(80, 24), run_before=show)
