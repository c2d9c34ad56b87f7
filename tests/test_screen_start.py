"""The terminal UI before an index is open, while it is replaced, after a fault, and as it ends.

Written as key presses, on real files.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import DataTable, OptionList, Static

from explorer import building
from explorer.screen import welcome
from explorer.screen.app import ExplorerApp
from explorer.screen.commands import LETTERS
from explorer.screen.panes import start
from explorer.views import VIEWS
from explorer.worker import command
from indexer.store.layout import FORMAT
from processes import PATIENCE, children, ended, until


@pytest.fixture(autouse=True)
def _state_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "state" / "screen.json"))


@pytest.fixture
def root(tmp_path: Path, tiny_indexes: Path) -> Path:
    """A folder of its own with the indexes of the tiny models, `llama` and `gpt2`."""
    return shutil.copytree(tiny_indexes, tmp_path / "indexes")


_NAMED = {" ": "space", ",": "comma", "-": "minus", "+": "plus"}


VIEW = {name: f"alt+{letter}" for name, letter in LETTERS.items()}
"""The key of each view."""


class User:
    """A person at the screen: presses keys, waits for what they see, and finds no fault."""

    def __init__(self, app: ExplorerApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Keys, one after the other; unlike `Pilot.press`, without waiting for an idle machine."""
        for key in keys:
            self.app.post_message(Key(key, key if len(key) == 1 else None))
            for _ in range(3):  # a key that no widget takes goes up to what is bound to it
                await self.pilot._wait_for_screen()
                await asyncio.sleep(0.01)

    async def type(self, text: str) -> None:
        for char in text:
            self.app.post_message(Key(_NAMED.get(char, char), char))
            await self.pilot._wait_for_screen()

    async def until(self, seen: Callable[[], Any]) -> None:
        """Wait for something to be so."""
        end = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < end, self.sees()
            await asyncio.sleep(0.01)

    def sees(self) -> str:
        """What there is to see, for a test that fails."""
        bar = self.app.workbench.bar.value
        return "\n".join(
            [
                repr(bar),
                str(self.app.focused),
                self.head,
                str(self.rows),
                self.said,
                *self.app.tracebacks,
            ]
        )

    async def answered(self, *words: str) -> None:
        """Wait for a table that answers what stands in the bar, these words among its head."""
        await self.until(
            lambda: (
                not self.app.workbench.asking.busy
                and (self.rows or self.said)
                and all(word in self.head for word in words)
            )
        )

    @property
    def said(self) -> str:
        return str(self.app.status.query_one("#said", Static).content)

    @property
    def head(self) -> str:
        return str(self.app.workbench.query_one("#head", Static).content)

    @property
    def rows(self) -> int:
        return self.app.workbench.query_one("#table", DataTable).row_count

    @property
    def start(self) -> str:
        """All that the start screen says."""
        if not self.app.welcome.shown:
            return ""
        pane = self.app.welcome.start
        shown = [text for text in pane.query(Static) if text.display and not text.is_disabled]
        return "\n".join(str(text.content) for text in shown if all(p.display for p in _up(text)))

    @property
    def listed(self) -> list[str]:
        options = self.app.welcome.start.query_one("#indexes", OptionList).options
        return [str(option.prompt).split()[0] for option in options]

    def on(self, name: str) -> bool:
        """Whether the keys go to the widget of this name."""
        return self.app.focused is not None and self.app.focused.id == name

    @property
    def at_start(self) -> bool:
        return self.app.welcome.shown


def _up(widget: Any) -> Iterator[Any]:
    while widget is not None and hasattr(widget, "display"):
        yield widget
        widget = widget.parent


def run_as_user(
    app: ExplorerApp,
    does: Callable[[User], Awaitable[None]],
    size: tuple[int, int] = (120, 36),
    faults: bool = False,
) -> None:
    """Run the app while somebody does something; it is alive at the end, and nothing went wrong."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            user = User(app, pilot)
            await user.until(lambda: app.ix is not None or user.at_start)
            await does(user)
            assert app.is_running
        assert bool(app.tracebacks) == faults, "\n".join(app.tracebacks)

    asyncio.run(run())


# -- no index ---------------------------------------------------------------------------------


def test_with_no_index_it_says_what_one_is_where_it_looked_and_how_to_build_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.views.indexes.can_build", lambda: None)

    async def does(user: User) -> None:
        await user.until(lambda: user.start)
        for part in ("An index holds", "indexer build MODEL", str(tmp_path / "nowhere")):
            assert part in user.start
        await user.until(lambda: user.on("build"))
        await user.press("escape", VIEW["middleman"], "ctrl+o", "question_mark")
        assert user.at_start

    run_as_user(ExplorerApp(None, tmp_path / "nowhere"), does, size=(80, 24))


def test_where_the_demo_cannot_be_built_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "building the index of smollm2 needs torch: install with `pip ...`"
    monkeypatch.setattr("explorer.views.indexes.can_build", lambda: line)

    async def does(user: User) -> None:
        await user.until(lambda: line in user.start)
        assert not user.app.welcome.start.query_one("#demo").display

    run_as_user(ExplorerApp(None, tmp_path), does)


def test_the_demo_is_built_opened_and_asked(
    tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tiny model takes the packaged one's place, which takes minutes; all else is as it is."""
    asked = []

    def build_demo(root: Path, progress: Any, cancelled: Any, words: int) -> Path:
        asked.append(words)
        return building.build(str(tiny_llama), root, progress, cancelled, 0)

    monkeypatch.setattr(building, "build_demo", build_demo)
    monkeypatch.setattr("explorer.views.indexes.can_build", lambda: None)

    async def does(user: User) -> None:
        await user.until(lambda: user.on("build"))
        await user.press("shift+tab", "down", "space", "tab", "enter")
        await user.until(lambda: "Building the demo index" in user.start)
        assert "escape stops it" in user.start
        await user.until(lambda: user.app.ix is not None)
        assert asked == [start.QUICK]
        assert list((tmp_path / "made").glob("*/findings.json"))
        await user.until(lambda: not user.at_start)
        await user.until(lambda: user.app.focused is user.app.workbench.bar)

    run_as_user(ExplorerApp(None, tmp_path / "made"), does)


def test_a_build_is_stopped_by_escape_and_leaves_no_process(
    tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny(tiny_llama, monkeypatch)
    before = children()

    async def does(user: User) -> None:
        await user.until(lambda: user.on("build"))
        await user.press("enter")
        await user.until(lambda: children() - before)
        (child,) = children() - before
        await user.press("escape")
        await user.until(lambda: "the build was stopped" in user.start)
        assert ended(child)
        assert "goes on from there" in user.start
        await user.until(lambda: user.on("build"))

    run_as_user(ExplorerApp(None, tmp_path / "made"), does)


def test_a_build_that_fails_says_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny(tmp_path / "no-model", monkeypatch)

    async def does(user: User) -> None:
        await user.until(lambda: user.on("build"))
        await user.press("enter")
        await user.until(lambda: "could not be built" in user.start)

    run_as_user(ExplorerApp(None, tmp_path / "made"), does)


def build_tiny(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the demo index built of a tiny model."""
    monkeypatch.setattr("explorer.views.indexes.can_build", lambda: None)
    monkeypatch.setattr(
        building,
        "build_demo",
        lambda root, progress, cancelled, _: building.build(
            str(model), root, progress, cancelled, 0
        ),
    )


# -- several, damaged, misnamed ---------------------------------------------------------------


def test_of_several_one_is_chosen_by_keyboard_and_remembered(root: Path) -> None:
    async def does(user: User) -> None:
        await user.until(lambda: user.listed == ["gpt2", "llama"])
        assert "name one" not in user.start  # a list to choose from needs no error
        await user.until(lambda: user.on("indexes"))
        await user.press("down", "enter")
        await user.until(lambda: user.app.ix is not None)
        assert user.app.sub_title == "llama"

    run_as_user(ExplorerApp(None, root), does)

    async def remembers(user: User) -> None:
        assert user.app.sub_title == "llama"
        assert not user.at_start

    run_as_user(ExplorerApp(None, root), remembers)
    shutil.rmtree(root / "llama")
    run_as_user(ExplorerApp(None, root), opens("gpt2"))


def test_one_is_chosen_by_mouse(root: Path) -> None:
    async def does(user: User) -> None:
        await user.until(lambda: user.listed)
        await user.pilot.pause()
        await user.pilot.click("#indexes", offset=(3, 1))
        await user.until(lambda: user.app.sub_title == "llama")

    run_as_user(ExplorerApp(None, root), does)


def test_what_is_asked_for_goes_before_what_is_remembered(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_as_user(ExplorerApp("llama", root), opens("llama"))
    monkeypatch.setenv("EXPLORER_INDEX", "gpt2")
    run_as_user(ExplorerApp(None, root), opens("gpt2"))


def opens(name: str) -> Callable[[User], Awaitable[None]]:
    async def does(user: User) -> None:
        assert user.app.sub_title == name

    return does


def cut_short(folder: Path) -> None:
    os.truncate(folder / "catalog.duckdb", 1000)


def changed(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1'))


def no_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def of_another_format(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {FORMAT}', '"format": 3'))


def a_file_less(folder: Path) -> None:
    next((folder / "spaces").glob("*.faiss")).unlink()


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (cut_short, "catalog.duckdb has 1,000 bytes"),
        (changed, "was changed after it was sealed"),
        (no_json, "cannot be read"),
        (of_another_format, "has format 3"),
        (a_file_less, "is missing"),
    ],
)
def test_a_damaged_index_is_named_with_how_to_rebuild_it_and_tried_again(
    root: Path, tiny_indexes: Path, damage: Callable[[Path], None], line: str
) -> None:
    damage(root / "llama")

    async def does(user: User) -> None:
        await user.until(lambda: line in user.start)
        assert "--name llama --force" in user.start
        assert user.listed == ["gpt2", "llama"]
        await user.until(lambda: user.on("indexes"))
        shutil.rmtree(root / "llama")
        shutil.copytree(tiny_indexes / "llama", root / "llama")
        await user.press("tab", "enter")
        await user.until(lambda: user.app.sub_title == "llama")

    run_as_user(ExplorerApp("llama", root), does, size=(80, 24))


def test_a_wrong_name_and_a_file_for_a_folder_are_said(root: Path) -> None:
    async def misnamed(user: User) -> None:
        await user.until(lambda: "did you mean 'llama'" in user.start)
        assert user.listed == ["gpt2", "llama"]

    run_as_user(ExplorerApp("lama", root), misnamed)
    (root / "file").touch()

    async def no_folder(user: User) -> None:
        await user.until(lambda: "is a file" in user.start)

    run_as_user(ExplorerApp(None, root / "file"), no_folder)


def test_another_index_is_opened_while_one_is_open_and_escape_goes_back(root: Path) -> None:
    async def does(user: User) -> None:
        await user.type("a")
        before = user.app.ix
        await user.press("ctrl+o")
        await user.until(lambda: user.at_start and user.listed == ["gpt2", "llama"])
        await user.press("escape")
        await user.until(lambda: not user.at_start)
        await user.until(lambda: user.app.focused is user.app.workbench.bar)
        assert user.app.ix is before
        cut_short(root / "llama")
        await user.press("ctrl+o")
        await user.until(lambda: user.on("indexes"))
        await user.press("down", "enter")
        await user.until(lambda: "catalog.duckdb has" in user.start)
        assert user.app.ix is before  # what is open stays open
        shutil.copy(root / "gpt2" / "manifest.json", root / "elsewhere")
        shutil.copytree(root / "gpt2", root / "other")
        await user.press("escape", "ctrl+o")
        await user.until(lambda: "other" in user.listed and user.on("indexes"))
        await user.press("end", "enter")
        await user.until(lambda: user.app.sub_title == "other")
        assert user.app.workbench.bar.value == "a"

    run_as_user(ExplorerApp("gpt2", root), does)


# -- replaced while it is open ----------------------------------------------------------------


@pytest.fixture
def mine(tmp_path: Path, real_indexes: Path) -> Path:
    """A folder of its own with the real index."""
    link_tree(real_indexes / "smollm2", tmp_path / "real" / "smollm2")
    return tmp_path / "real"


def link_tree(source: Path, target: Path) -> None:
    """A copy that shares what nobody writes to; the manifest is a file of its own."""
    shutil.copytree(source, target, copy_function=os.link)
    (target / "manifest.json").unlink()
    shutil.copyfile(source / "manifest.json", target / "manifest.json")


def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the app look again at once."""
    monkeypatch.setattr(welcome, "LOOK_AGAIN", 0.05)


def test_an_index_that_is_built_anew_is_opened_and_asked_again(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    link_tree(mine / "smollm2", mine / ".new")

    async def does(user: User) -> None:
        await user.type("dog")
        await user.answered("dog")
        before, head, trail = user.app.ix, user.head, list(user.app.saved.trail.places)
        os.rename(mine / "smollm2", mine / ".old")
        await user.type(" + small")  # it lies nowhere for a moment: the old one goes on answering
        await user.answered("small")
        assert user.app.ix is before
        os.rename(mine / ".new", mine / "smollm2")
        await user.until(lambda: user.app.ix is not before)
        await user.answered("small")
        assert head != user.head
        assert user.app.workbench.bar.value == "dog + small"
        assert [one.view for one in user.app.saved.trail.places] == [one.view for one in trail]
        assert user.app.focused is user.app.workbench.bar
        await user.until(lambda: len(user.app.workbench.query("Options")) == 1)
        await user.until(lambda: any("anew" in one.message for one in user.app._notifications))
        await user.type(" + x")
        await user.answered("x")

    run_as_user(ExplorerApp("smollm2", mine), does)


def test_what_was_entered_is_asked_again_of_the_new_one(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    link_tree(mine / "smollm2", mine / ".new")
    asked: list[Any] = []
    view = VIEWS["congruence"]
    answer: Any = VIEWS["index"].ask

    def ask(ix: Any, place: Any, progress: Any) -> Any:
        asked.append(ix)
        return answer(ix, place, progress)

    laid = VIEWS["index"].lay_out
    monkeypatch.setitem(VIEWS, "congruence", replace(view, ask=ask, lay_out=laid, picture=None))

    async def does(user: User) -> None:
        await user.press(VIEW["congruence"])
        await user.type("dog")
        await user.press("enter")
        await user.until(lambda: len(asked) == 1)
        os.rename(mine / "smollm2", mine / ".old")
        os.rename(mine / ".new", mine / "smollm2")
        await user.until(lambda: len(asked) == 2)
        assert asked[0] is not asked[1]

    run_as_user(ExplorerApp("smollm2", mine), does)


def test_an_index_that_is_gone_is_said_once_and_goes_on_answering(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)

    async def does(user: User) -> None:
        await user.type("dog")
        await user.answered("dog")
        shutil.rmtree(mine / "smollm2")
        await user.until(lambda: "is gone" in user.said)
        await user.type(" + cat")
        await user.answered("cat")
        looks = user.app.welcome._missed
        await user.until(lambda: user.app.welcome._missed > looks + 3)
        assert "is gone" not in user.said

    run_as_user(ExplorerApp("smollm2", mine), does)


def test_a_damaged_one_in_its_place_is_said_and_the_old_one_goes_on(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    link_tree(mine / "smollm2", mine / ".new")
    link_tree(mine / "smollm2", mine / ".whole")
    (mine / ".new" / "tokenizer.json").unlink()

    async def does(user: User) -> None:
        await user.type("dog")
        await user.answered("dog")
        before = user.app.ix
        os.rename(mine / "smollm2", mine / ".old")
        os.rename(mine / ".new", mine / "smollm2")
        await user.until(lambda: "tokenizer.json is missing" in user.said)
        await user.type(" + cat")
        await user.answered("cat")
        assert user.app.ix is before
        assert not user.at_start
        # Half of it was there; now all of it is, under the same manifest.
        os.rename(mine / ".whole" / "tokenizer.json", mine / "smollm2" / "tokenizer.json")
        await user.until(lambda: user.app.ix is not before)
        await user.answered("cat")

    run_as_user(ExplorerApp("smollm2", mine), does)


# -- faults of the program --------------------------------------------------------------------


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a loose screw")


def breaks_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VIEWS, "neighbors", replace(VIEWS["neighbors"], ask=broken))


def breaks_laying_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VIEWS, "neighbors", replace(VIEWS["neighbors"], lay_out=broken))


def breaks_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DataTable, "add_row", broken)


def breaks_details(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.views.detail.full_detail", broken)


def breaks_what_a_row_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.views.detail.row_detail", broken)


def breaks_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.api.Explorer.beginning", broken)


def breaks_marking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.screen.panes.query.bad_span", broken)


BREAKS: tuple[tuple[Callable[[pytest.MonkeyPatch], None], str, bool], ...] = (
    (breaks_asking, "dog", False),
    (breaks_laying_out, "dog", True),
    (breaks_the_table, "dog", True),
    (breaks_details, "dog", False),
    (breaks_what_a_row_tells, "dog", False),
    (breaks_completion, "do", True),
    (breaks_marking, "nosuchwordatall", True),
)
"""What breaks, what is typed then, and whether it is the screen's own thread that it breaks in."""


def test_a_fault_is_said_and_the_next_question_is_answered(real_indexes: Path) -> None:
    async def does(user: User) -> None:
        known = user.app.workbench.query_one("#known", Static)
        for at, (breaks, text, here) in enumerate(BREAKS):
            word = ("cat", "red")[at % 2]
            before = len(user.app.tracebacks)
            with pytest.MonkeyPatch.context() as patch:
                breaks(patch)
                await user.type(text)
                if here:
                    await user.until(lambda before=before: len(user.app.tracebacks) > before)
                else:
                    await user.until(lambda: "a loose screw" in user.said + str(known.content))
            await user.press("end", "ctrl+u")
            await user.type(word)
            await user.until(lambda word=word: user.head.startswith(word) and user.rows == 20)
            await user.until(lambda: not user.app.workbench.asking.looking)
            await user.press("end", "ctrl+u")

    run_as_user(ExplorerApp("smollm2", real_indexes), does, faults=True)


def test_a_picture_that_cannot_be_drawn_ends_nothing(
    real_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def does(user: User) -> None:
        await user.press(VIEW["middleman"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("explorer.show.draw.terminal.drawn", broken)
            await user.type("dog, cat")
            await user.until(lambda: "a loose screw" in user.said)
            await user.pilot.resize_terminal(100, 30)  # drawn anew
            await user.until(lambda: len(user.app.tracebacks) > 1)
        await user.press(VIEW["neighbors"], "ctrl+u")
        await user.type("dog")
        await user.answered("dog", "in embed")

    run_as_user(ExplorerApp("smollm2", real_indexes), does, faults=True)


def test_a_fault_of_a_widget_of_textual_leaves_the_widget_alive(real_indexes: Path) -> None:
    async def does(user: User) -> None:
        await user.type("dog")
        await user.answered("dog")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DataTable, "action_cursor_down", broken)
            await user.press("down", "down")
            await user.until(lambda: "a loose screw" in user.said)
        await user.press("down", "down")
        await user.until(lambda: user.app.workbench.answer.table.cursor_row == 2)

    run_as_user(ExplorerApp("smollm2", real_indexes), does, faults=True)


def test_what_is_remembered_of_another_version_keeps_nothing_from_starting(
    tmp_path: Path, real_indexes: Path
) -> None:
    state = tmp_path / "state" / "screen.json"
    state.parent.mkdir()
    state.write_text(
        '{"format": 1, "index": "smollm2", "theme": "none", "at": 7, "statements": [],'
        ' "trail": [{"view": "palmistry", "text": "hand", "chosen": {}}]}'
    )
    run_as_user(ExplorerApp(None, real_indexes), opens("smollm2"))


# -- sizes ------------------------------------------------------------------------------------


SIZES = ((80, 24), (20, 5), (1, 1))


def test_no_size_ends_it(real_indexes: Path) -> None:
    async def does(user: User) -> None:
        for size in SIZES:
            await user.pilot.resize_terminal(*size)
            await user.press(VIEW["neighbors"])
            await user.type("dog")
            for view in (VIEW["middleman"], VIEW["evaluate"]):
                await user.press(view, "down", "ctrl+g", "slash")
            await user.press("ctrl+o")
            await user.until(lambda: user.at_start)
            await user.press("escape")
            await user.until(lambda: not user.at_start)
            await user.press(VIEW["neighbors"], "slash")
            await user.until(lambda: user.app.focused is user.app.workbench.bar)
            await user.press("end", "ctrl+u")
        await user.type("cat")
        await user.until(lambda: user.head.startswith("cat"))

    run_as_user(ExplorerApp("smollm2", real_indexes), does, size=(120, 36))
    run_as_user(ExplorerApp("smollm2", real_indexes), opens("smollm2"), size=(1, 1))


def test_no_size_ends_the_start_screen(tmp_path: Path) -> None:
    async def does(user: User) -> None:
        for size in SIZES:
            await user.pilot.resize_terminal(*size)
            await user.press("tab", "down", "escape")

    run_as_user(ExplorerApp(None, tmp_path / "nowhere"), does, size=(20, 5))


def test_it_is_resized_while_a_question_is_under_way(real_indexes: Path) -> None:
    async def does(user: User) -> None:
        for text, view, size in (
            ("dog", VIEW["middleman"], (30, 8)),
            (", cat", VIEW["compare"], (5, 2)),
            (", blue", VIEW["congruence"], (80, 24)),
        ):
            await user.press(view)
            await user.type(text)
            await user.press("enter")
            await user.pilot.resize_terminal(*size)
        await user.press("escape", VIEW["neighbors"], "ctrl+u")
        await user.type("dog")
        await user.until(lambda: user.rows)

    run_as_user(ExplorerApp("smollm2", real_indexes), does)


# -- the end ----------------------------------------------------------------------------------


class Terminal:
    """The program in a terminal of its own."""

    def __init__(self, *arguments: str, program: list[str] | None = None, **env: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = ""
        self.child = subprocess.Popen(
            [*(program or command("explorer", "tui")), *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **env},
            start_new_session=True,
        )

    def until(self, text: str) -> None:
        """Wait until this was written."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < end, f"never {text!r}: {self.seen[-2000:]!r}"
            self.read(0.05)

    def read(self, seconds: float) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536).decode(errors="replace")

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def started(self) -> set[int]:
        """Wait until it has started something; what that is."""
        until(lambda: self.read(0.02) or children(self.child.pid), "nothing was started")
        return children(self.child.pid)

    def end(self, keys: bytes = b"\x11") -> None:
        """Press ctrl+q, and wait until it has ended."""
        self.press(keys)
        until(lambda: self.read(0.01) or self.child.poll() is not None, "it never ends")

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def opened(real_indexes: Path) -> Iterator[Callable[..., Terminal]]:
    terminals: list[Terminal] = []

    def run(*arguments: str, **options: Any) -> Terminal:
        terminals.append(Terminal(*arguments, **options))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


def left_as_it_was(terminal: Terminal) -> None:
    """It ended well, and the terminal is what it was before."""
    assert terminal.child.returncode == 0
    assert termios.tcgetattr(terminal.slave) == terminal.before
    while select.select([terminal.master], [], [], 0)[0]:
        terminal.read(0)
    assert "\x1b[?1049l" in terminal.seen  # back from the screen of its own
    assert "Traceback" not in terminal.seen


UNENDING = """
import dataclasses, sys, time
from explorer.cli import main
from explorer.views import VIEWS
from explorer.worker import command

def ask(ix, place, progress):
    while True:
        progress("a step of a question that has no last one", 1, 2)
        time.sleep(0.01)

VIEWS["congruence"] = dataclasses.replace(VIEWS["congruence"], ask=ask)
sys.argv.insert(1, "tui")
main()
"""


def test_it_ends_while_a_question_is_under_way(
    real_indexes: Path, opened: Callable[..., Terminal]
) -> None:
    where = ("--index", "smollm2", "--indexes", str(real_indexes))
    terminal = opened(*where, program=[sys.executable, "-c", UNENDING])
    terminal.until("opening")
    terminal.press(b"dog")
    terminal.until("puppy")
    terminal.press(b"\x1b" + LETTERS["congruence"].encode())
    terminal.press(b", cat, horse, cow, pig, sheep\r")
    terminal.until("gives it up")
    terminal.end()
    left_as_it_was(terminal)


def test_it_ends_while_the_model_is_run(
    real_indexes: Path, opened: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "screen.json").write_text(
        '{"format": 1, "index": "smollm2", "theme": "", "at": 0, "statements": [], "trail":'
        ' [{"view": "neighbors", "text": "\\"blue rhinoceros\\"",'
        ' "chosen": {"space": "context.12"}}]}'
    )
    terminal = opened("--indexes", str(real_indexes))
    terminal.until("ctrl+r")
    terminal.press(b"\t\t\x12")
    started = terminal.started()
    terminal.end()
    left_as_it_was(terminal)
    assert all(ended(pid) for pid in started)


def test_it_ends_while_an_index_is_built(tmp_path: Path, opened: Callable[..., Terminal]) -> None:
    if building.can_build() is not None:
        pytest.skip("the packaged model is not installed")
    terminal = opened("--indexes", str(tmp_path / "made"))
    terminal.until("Build the demo index")
    terminal.press(b"\r")
    started = terminal.started()
    terminal.until("loading")
    terminal.end()
    left_as_it_was(terminal)
    assert all(ended(pid) for pid in started)
