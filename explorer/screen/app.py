"""The app: which index is open, what is remembered, what is said below the workbench."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual._xterm_parser import XTermParser
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen

from explorer.screen.alt_keys import install
from explorer.screen.asking import Asking, refused
from explorer.screen.commands import LETTERS, commands
from explorer.screen.exporting import (
    contents,
    export,
    is_there,
    name_for_a_browser,
    spelled,
    suggested,
    table,
)
from explorer.screen.messages import (
    Exported,
    Looked,
    LookedEnough,
    Looking,
    Opened,
    Progressed,
    Said,
)
from explorer.screen.opening import Opening
from explorer.screen.panes.keys import Keys
from explorer.screen.panes.query import QueryBar
from explorer.screen.panes.status import Status
from explorer.screen.permission import ModelPermission
from explorer.screen.plain import Printable
from explorer.screen.resilient import ResilientApp
from explorer.screen.saved_state import SavedState, state_file
from explorer.screen.themes import DARK, LIGHT, RULES, register
from explorer.screen.welcome import Welcome
from explorer.screen.workbench import Workbench
from explorer.views import VIEWS
from explorer.views.place import Place
from indexer.store.errors import SemanticError
from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.screen.panes.copying import CopyMenu
    from explorer.screen.panes.export import ExportBar
    from indexer.store.layout import Manifest

PATIENCE = 100
"""Tenths of a second that what was open before may still be asked."""


class ExplorerApp(ResilientApp):
    """The terminal UI.

    Args:
        index: name or path of an index; the one that was open last, or the only one, unless given.
        root: the folder of indexes; the usual places, unless given.
        light: whether the terminal's background is light; the theme goes with it until a person
            chooses another.
        typed: what was typed before it stood there, as the terminal sent it.
    """

    TITLE = "semantic-explorer"
    CSS = ".-start Workbench { display: none; }"
    CSS_PATH = ["contrast.tcss", "narrow.tcss"]  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "help", priority=True),
        Binding("f8,alt+left", "step(-1)", "back", priority=True),
        Binding("f9,alt+right", "step(1)", "forward", priority=True),
        Binding("ctrl+s", "export", "export", priority=True),
        Binding("y", "copy", "copy"),
        Binding("c", "copy_question", "copy as"),
        Binding("ctrl+o", "choose_index", "indexes", show=False, priority=True),
        Binding("Y", "copy_table", "copy table", show=False),
        Binding("question_mark", "help", "help", show=False, key_display="?"),
        Binding("escape", "hide_help_panel", "close the help", show=False, priority=True),
        Binding("alt+h,f2", "findings", "findings", show=False, priority=True),
        Binding("ctrl+pagedown", "next_view(1)", "next view", show=False, priority=True),
        Binding("ctrl+pageup", "next_view(-1)", "view before", show=False, priority=True),
        *(
            Binding(f"alt+{LETTERS[name]}", f"view('{name}')", view.title, False, priority=True)
            for name, view in VIEWS.items()
        ),
    ]

    def __init__(
        self,
        index: str | None = None,
        root: str | Path | None = None,
        *,
        light: bool = False,
        typed: str = "",
    ) -> None:
        super().__init__()
        install()
        register(self)
        self._usual_theme, self._typed = LIGHT if light else DARK, typed
        self.saved = SavedState.read(state_file())
        self.permission = ModelPermission()
        self._printable = Printable()
        self.welcome = Welcome(Opening(index, root, self.permission, self.saved.index))
        self.ix: Explorer | None = None
        self._workbench: Workbench | None = None

    def compose(self) -> ComposeResult:
        """The workbench, a line, the keys."""
        asking = Asking(
            lambda message: self.workbench.post_message(message), self.permission.during
        )
        self._workbench = Workbench(
            self.saved.trail, asking, self.permission, self.saved.statements
        )
        yield self.welcome
        yield self._workbench
        yield Status()
        yield Keys()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line of every widget passes on its way to the terminal."""
        return [*super().get_line_filters(), self._printable]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What our styles need of a theme that isn't ours."""
        return RULES

    @property
    def workbench(self) -> Workbench:
        """Where questions are asked."""
        assert self._workbench is not None
        return self._workbench

    @property
    def status(self) -> Status:
        """The line below."""
        return self.query_one(Status)

    def on_mount(self) -> None:
        """The first screen stands before anything is opened."""
        chosen = self.saved.theme in self.available_themes
        self.theme = self.saved.theme if chosen else self._usual_theme
        self.status.say("opening the index")
        for message in XTermParser().feed(self._typed) if self._typed else ():
            self.post_message(message)

    # -- the index ----------------------------------------------------------------------------

    def on_opened(self, message: Opened) -> None:
        """Ask this index from now on."""
        before, self.ix = self.ix, message.ix
        self.saved.index = self.welcome.opening.remembered
        self.sub_title = self.welcome.opening.name or ""
        self.status.opened(_of(message.ix.manifest))
        self.workbench.open(message.ix, message.again)
        if before is not None:
            threading.Thread(target=_let_go, args=(before,), daemon=True).start()
        if message.again:
            self.notify("the index was built anew; it has been opened again")

    def on_looking(self, message: Looking) -> None:
        """How far it is with what is to stand there."""
        if message.ix is self.ix:
            self.workbench.look(message)

    def on_looked_enough(self, _: LookedEnough) -> None:
        """What was found by now will do."""
        self.welcome.looked_enough()

    def on_looked(self, message: Looked) -> None:
        """What stands where nothing is asked."""
        if message.ix is self.ix:
            self.workbench.offer(message.findings)

    # -- what a person does -------------------------------------------------------------------

    def action_choose_index(self) -> None:
        """Show which indexes there are, to open another one."""
        self.welcome.choose()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done to an answer cannot be done where none is shown."""
        if action == "hide_help_panel":
            return bool(self.screen_stack and self.screen.query("HelpPane"))
        copies = action in ("copy", "copy_question", "copy_table")
        if self.welcome.shown and (copies or action in ("view", "next_view", "step", "findings")):
            return False
        if copies and self._workbench is not None:
            return self._can_copy()
        return super().check_action(action, parameters)

    def _can_copy(self) -> bool | None:
        """Not where there is no answer; where there is one of the query before, not now."""
        bench = self.workbench
        if not bench.is_mounted or bench.answer.answer is None:
            return False
        return True if bench.results.shown is not None else None

    async def action_view(self, name: str) -> None:
        """Another view of the same query."""
        await self.workbench.visit(name)

    async def action_next_view(self, by: int) -> None:
        """The view beside this one."""
        names = list(VIEWS)
        await self.action_view(names[(names.index(self.workbench.place.view) + by) % len(names)])

    def action_findings(self) -> None:
        """Back to what there is to see in the index."""
        self.workbench.come_back = Place()
        self.workbench.go(Place())
        self.workbench.action_focus_query()

    async def action_step(self, by: int) -> None:
        """Back along the trail, or forward again."""
        await self.workbench.step(by)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: Textual's own, and every action of ours."""
        for title, about, action in commands():
            where = self.workbench if action.startswith("workbench.") else self
            run = partial(self.run_action, action.removeprefix("workbench."), where)
            yield SystemCommand(title, about, run)
        ours = ("Keys", "Maximize", "Minimize")  # help of our own, and ctrl+g
        yield from (one for one in super().get_system_commands(screen) if one.title not in ours)

    def action_light_or_dark(self) -> None:
        """The other of the two themes."""
        self.theme = LIGHT if self.current_theme.dark else DARK

    async def action_export(self) -> None:
        """Ask where to write what is shown."""
        from explorer.screen.panes.export import ExportBar

        if not self.query(ExportBar):
            await self.mount(ExportBar(), before=self.status)
        what = "download as" if self.is_web else "write to"
        self.query_one(ExportBar).open(suggested(self.workbench.place), what)

    def on_export_bar_named(self, event: ExportBar.Named) -> None:
        """Write it, or have it downloaded; a picture takes its time."""
        from explorer.screen.panes.export import ExportBar

        bar, name, web = self.query_one(ExportBar), event.name, self.is_web
        if not web and not event.again and is_there(name):
            bar.ask_again(name)
            self.status.say(f"{name} is there; enter again writes over it", "offer")
            return
        bar.action_close()
        shown = self.workbench.results.shown
        pictures = self.workbench.results.pictures
        screen = self.export_screenshot()

        def write() -> None:
            said: Message
            try:
                if web:
                    said = Exported(name, contents(name, shown, pictures, screen).data)
                else:
                    said = Said(export(name, shown, pictures, screen))
            except BaseException as err:
                said = Said(refused(0, err).line, "bad")
            self.post_message(said)

        threading.Thread(target=write, daemon=True).start()

    def on_exported(self, message: Exported) -> None:
        """The browser takes it; no file of this machine is written."""
        name = name_for_a_browser(message.name)
        self.deliver_binary(BytesIO(message.data), save_filename=name)
        self.status.say(f"{name} goes to the browser")

    def on_export_bar_closed(self, _: ExportBar.Closed) -> None:
        """Back to where one was."""
        self.screen.set_focus(self.workbench.answer.table)

    def action_copy(self) -> None:
        """Copy what the row under the cursor is about."""
        if said := self.workbench.results.subject:
            said = one_line(said)  # what is pasted elsewhere is what was seen here
            self.copy_to_clipboard(said)
            self.status.say(f"copied {said}")

    async def action_copy_question(self) -> None:
        """Copy what is on the screen as a command, as Python or as SQL: ask which."""
        from explorer.screen.panes.copying import CopyMenu

        lines = spelled(self.workbench.results.shown, self.welcome.opening.name or "")
        if not lines:
            self.status.say("there is no answer yet")
            return
        if not self.query(CopyMenu):
            await self.mount(CopyMenu(), before=self.status)
        self.query_one(CopyMenu).open(lines)

    def on_copy_menu_taken(self, event: CopyMenu.Taken) -> None:
        """It is copied as it stood there."""
        self.copy_to_clipboard(event.text)
        self.status.say(f"copied the {event.what}: {event.text}")

    def on_copy_menu_closed(self, _: CopyMenu.Closed) -> None:
        """Back to the rows."""
        self.screen.set_focus(self.workbench.answer.table)

    def action_copy_table(self) -> None:
        """Copy the table as markdown."""
        try:
            self.copy_to_clipboard(table(self.workbench.results.shown))
        except SemanticError as err:
            self.status.say(str(err), "bad")
        else:
            self.status.say("copied the table as markdown")

    async def action_help(self) -> None:
        """Show or hide what the keys do."""
        from explorer.screen.panes.help import HelpPane

        if self.screen.query(HelpPane):
            await self.action_hide_help_panel()
        else:
            await self.screen.mount(HelpPane())
            self.refresh_bindings()

    async def action_hide_help_panel(self) -> None:  # type: ignore[override]
        """Have the keys said no more."""
        await self.screen.query("HelpPane").remove()
        self.refresh_bindings()

    async def on_query_bar_helped(self, _: QueryBar.Helped) -> None:
        """`?` in an empty bar."""
        await self.action_help()

    def on_said(self, message: Said) -> None:
        """A line for a person."""
        self.status.say(message.line, message.kind)

    def on_progressed(self, message: Progressed) -> None:
        """How far a question has come."""
        asking = self.workbench.asking
        if message.number == asking.number and asking.busy:
            self.status.progress(message.what, message.done, message.total)

    def on_unmount(self) -> None:
        """What is remembered is kept; what is under way is given up."""
        self.workbench.asking.give_up()
        self.saved.theme = self.theme if self.theme != self._usual_theme else ""
        self.saved.write(state_file())
        if self.ix is not None:
            with suppress(Exception):  # a thread may still be asking; the process ends all the same
                self.ix.close()


def _let_go(ix: Explorer) -> None:
    """Close an index as soon as no thread asks it any more: DuckDB refuses before that."""
    for _ in range(PATIENCE):
        with suppress(Exception):
            ix.close()
            return
        time.sleep(0.1)


def _of(manifest: Manifest) -> str:
    """An index in a few words."""
    from indexer.store.items import ITEMS

    words = f", {manifest.words:,} words" if manifest.words else ""
    items = ITEMS[manifest.embed.item].plural
    return f"{manifest.name}: {manifest.embed.rows:,} {items}{words}"
