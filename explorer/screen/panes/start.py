"""What stands where no index is open: what an index is, those that there are, one to be built.

Knows how that looks, and what a person chose; opens and builds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, OptionList, ProgressBar, RadioButton, RadioSet, Static
from textual.widgets.option_list import Option

from explorer.building import WORDS
from explorer.screen.plain import plain
from explorer.views.indexes import rebuilt
from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.views.indexes import Found, Known

QUICK = 2_000
"""Words of the demo index that is soon built."""

_ABOUT = (
    "An index holds a language model's vectors: those of its tokens, of words at every layer, of "
    "its neurons and attention heads. A model is indexed once; what is asked here is answered from "
    "its index alone."
)
_HOW = "Build one with `indexer build MODEL`: a hub id, a folder, a GGUF file, or smollm2."
_STOPS = "escape stops it; what is finished stays, and the next build goes on from there"


class Start(VerticalScroll):
    """A line that says why, a list, a button or two."""

    DEFAULT_CSS = """
    Start { height: 1fr; padding: 0 2; }
    Start > Static, Start OptionList, Start RadioSet { margin-top: 1; height: auto; }
    Start #title { text-style: bold; }
    Start #why { color: $text-error; }
    Start #where { color: $text-muted; }
    Start OptionList { max-height: 12; border: none; padding: 0; background: transparent; }
    Start OptionList:focus { border: none; }
    Start RadioSet { border: none; padding: 0; background: transparent; width: auto; }
    Start Button, Start Vertical, Start #stops { margin-top: 1; height: auto; }
    Start RadioSet { margin-top: 0; }
    Start #stops { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back")]

    @dataclass
    class Chosen(Message):
        """An index is to be opened."""

        folder: Path

    class Again(Message):
        """What could not be opened is to be tried again."""

    @dataclass
    class Build(Message):
        """The demo index is to be built, with so many words."""

        words: int

    class Left(Message):
        """Back to where one was, or the build is to stop."""

    def __init__(self) -> None:
        super().__init__(id="start", can_focus=False)
        self._known: tuple[Known, ...] = ()

    def compose(self) -> ComposeResult:
        """Everything that may stand there; what doesn't apply is hidden."""
        yield Static(id="title")
        yield Static(id="why")
        yield Static(_ABOUT, id="is")
        yield Static(id="where")
        yield OptionList(id="indexes", compact=True)
        yield Static(id="rebuild")
        yield Button("Try again", id="again", compact=True)
        with Vertical(id="demo"):
            yield RadioSet(
                RadioButton(f"{WORDS:,} words: about 3 minutes", value=True),
                RadioButton(f"{QUICK:,} words: sooner, and fewer words to be found"),
                id="size",
                compact=True,
            )
            yield Button("Build the demo index (SmolLM2-135M)", id="build", compact=True)
        yield Static(id="cannot")
        with Vertical(id="building"):
            yield Static(id="doing")
            yield ProgressBar()
            yield Static(_STOPS, id="stops")

    def show(self, found: Found, why: str = "", at: Path | None = None) -> None:
        """Say why nothing was opened, if so, and what there is to be done; the cursor at one."""
        known = found.indexes
        self._say("title", "Choose an index" if known else "There is no index yet")
        self._say("why", why)
        self._part("is").display = not known
        looked = " and ".join(one_line(str(place)) for place in found.places)
        where = f"Looked in {looked}; --indexes DIR or EXPLORER_INDEXES names another folder."
        self._say("where", where if known else f"{_HOW}\n{where}")
        self._known = known
        several = len({one.folder.parent for one in known}) > 1
        listed = self.query_one("#indexes", OptionList)
        listed.clear_options()
        shown = [one_line(one.name) for one in known]
        width = max(map(len, shown), default=0)
        listed.add_options(
            Option(
                Text.assemble(
                    f"{name:{width}}  ",
                    (one_line(one.about), "dim" if one.sound else "dim red"),
                    (f"  {one_line(str(one.folder.parent))}" if several else "", "dim"),
                )
            )
            for name, one in zip(shown, known, strict=True)
        )
        listed.display = bool(known)
        folders = [one.folder for one in known]
        listed.highlighted = (folders.index(at) if at in folders else 0) if known else None
        unsound = [f"Rebuild {one.name}: `{rebuilt(one)}`" for one in known if not one.sound]
        self._say("rebuild", "\n".join(unsound))
        self._part("again").display = bool(why)
        self._part("demo").display = found.demo and found.cannot_build is None
        self._say("cannot", found.cannot_build or "")
        self._part("building").display = self.can_focus = False
        self.call_after_refresh(self.enter)

    def enter(self) -> None:
        """Go to the first thing that can be done."""
        for widget in (*self.query(OptionList), *self.query("#build"), *self.query("#again")):
            if widget.display and widget.focusable:
                self.screen.set_focus(widget)
                return

    def building(self, what: str, done: int, total: int) -> None:
        """How far the demo index has come."""
        if not self._part("building").display:
            for name in ("why", "demo", "again", "indexes", "rebuild"):
                self._part(name).display = False
            self._part("building").display = True
            self.can_focus = True  # something must hear escape
            self.screen.set_focus(self)
        self._say("doing", f"Building the demo index: {what}")
        self.query_one(ProgressBar).update(total=total, progress=done)

    def _part(self, name: str) -> Widget:
        return self.query_one(f"#{name}")

    def _say(self, name: str, line: str) -> None:
        said = self.query_one(f"#{name}", Static)
        said.update(plain(line))
        said.display = bool(line)

    def action_leave(self) -> None:
        """Escape."""
        self.post_message(self.Left())

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._known[event.option_index].folder))

    @on(Button.Pressed, "#again")
    def _again(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Again())

    @on(Button.Pressed, "#build")
    def _build(self, event: Button.Pressed) -> None:
        event.stop()
        quick = self.query_one(RadioSet).pressed_index == 1
        self.post_message(self.Build(QUICK if quick else WORDS))
