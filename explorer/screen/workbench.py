"""The workbench: one place after another asked of an open index.

Panes tell it what a person does, workers what came of it; it draws nothing itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from explorer.screen.messages import (
    Answered,
    Detailed,
    Extended,
    LookedEnough,
    Pictured,
    Progressed,
    Refused,
    RowPictured,
    Said,
)
from explorer.screen.navigation import Navigation
from explorer.screen.panes.answer import AnswerPane
from explorer.screen.panes.findings import FindingsList, FindingsPane
from explorer.screen.panes.query import QueryBar
from explorer.screen.results import SLOW
from explorer.views import VIEWS
from explorer.views.asked import place_of
from explorer.views.place import RowMark

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Finding
    from explorer.screen.asking import Asking
    from explorer.screen.messages import Looking
    from explorer.screen.permission import ModelPermission
    from explorer.views.place import Place, Trail

MOST_KEPT = 8
"""Answers of views that take their time, which are there again when one comes back."""

LOOKING = 0.06
"""Seconds without a move before a row is told of."""


class Workbench(Navigation):
    """Where one stands, with what is asked there and what comes of it.

    Args:
        trail: the places one came through.
        asking: asks, and tells this workbench.
        permission: given for texts that a person wants the model to be run on.
        statements: of SQL, those that ran; one that runs is added.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "focus_query", "query"),
        Binding("escape", "give_up", "give up", show=False),
        Binding("ctrl+g", "draw", "picture"),
        Binding("ctrl+g", "undraw", "table"),
        Binding("f5", "enter", "ask", show=False),
        Binding("enter", "ask_at_last", "ask", show=False, priority=True),
        Binding("ctrl+r", "take_offer", "take what is offered", show=False),
    ]

    def __init__(
        self, trail: Trail, asking: Asking, permission: ModelPermission, statements: list[str]
    ) -> None:
        super().__init__(trail, statements)
        self.asking, self.permission = asking, permission
        self._offered: tuple[str, ...] = ()
        self._entered_last = False
        self._answered = 0
        self._kept: dict[Place, Any] = {}
        self._unasked = self._waits = False
        self._findings: tuple[Finding, ...] = ()
        self._opened: tuple[Place, Finding] | None = None
        self._asked_last: Finding | None = None
        self.looking = False
        """Whether what there is to see is still being found."""

    def open(self, ix: Explorer, again: bool = False) -> None:
        """Ask this index from now on, what stands there first; what was asked already, `again`."""
        self.ix, self._findings, self.looking = ix, (), False
        self._kept.clear()
        self.results.manifest = ix.manifest
        self.sql_panel.open(ix)
        self.take_what_is_written()
        self.show_place()
        if again and self._entered_last:
            self.action_enter()
        else:
            self.ask(entered=not again and VIEWS[self.place.view].live)

    # -- asking -------------------------------------------------------------------------------

    def ask(self, delay: float = 0.0, entered: bool = False) -> None:
        """Ask what stands there; a view that takes its time is asked when told to."""
        if self.ix is None:
            return
        view, place, ix = VIEWS[self.place.view], self.place, self.ix
        self._offered = ()
        self._entered_last = entered
        if self.bar.display and place.text.strip():
            self._nothing_asked(False)  # at once: a key that goes down is for the rows
        self.results.stale = self.answer.answer is not None
        self.set_timer(SLOW, self._fade)
        if view.live or entered:
            self.asking.ask(ix, view, place, delay)
        elif (kept := self._kept.get(place)) is not None:
            self.asking.ask(ix, replace(view, ask=lambda *_: kept), place, delay)
        else:
            self.asking.check(ix, view, place, delay)

    def _fade(self) -> None:
        if self._answered < self.asking.number and self.asking.busy:
            self.answer.fade()
            self._tell_what_is_asked()

    def on_progressed(self, message: Progressed) -> None:
        """How far a question has come; the app tells it below."""
        if message.number == self.asking.number and self.asking.busy:
            far = f", {message.done:,} of {message.total:,}" if message.total else ""
            self._tell_what_is_asked(f"{message.what}{far}")

    def _tell_what_is_asked(self, far: str = "") -> None:
        """Say in the middle what is asked and how far it is, where nothing else stands there."""
        view, place = VIEWS[self.place.view], self.place
        if self.answer.answer is None and (view.live or self._entered_last):
            of = place.text.strip() or (place.get(view.instead) if view.instead else "")
            title = f"{view.title}: {of}" if of else view.title
            self.answer.tell(title, f"{far or 'being asked'} (escape gives it up)")

    def _tell_what_is_not_asked(self) -> None:
        """Say again what the view asks, where that stood which was asked."""
        if self.answer.answer is None:
            self.results.clear(VIEWS[self.place.view].about)

    def action_give_up(self) -> None:
        """Give up a question under way; else leave the picture; else go back to the bar."""
        if self.asking.give_up():
            self.sql_panel.running = ""
            self._tell_what_is_not_asked()
            self.post_message(Said("given up"))
        elif self.looking and self._unasked:
            self.post_message(LookedEnough())
        elif self.has_class("-drawn"):
            self.action_undraw()
            return
        self.action_focus_query()

    def action_take_offer(self) -> None:
        """Run the model on what is not indexed and ask again, or ask what may have been meant."""
        if self._offered:
            self.permission.allow(self._offered)
            self.ask(entered=True)
        else:
            self.heading.take_suggestion()

    def on_answered(self, message: Answered) -> None:
        """A table, or that there would be one."""
        if message.number != self.asking.number:
            return
        self._answered = message.number
        self.heading.mark(None)
        self._nothing_asked(False)
        self._waits = message.answer is None
        mark = self._mark_in(message.answer)
        if self.sql_panel.active:
            # In the panel's own turn: what it tells in ours would not come up here.
            self.sql_panel.call_later(self.sql_panel.answered, message.answer, mark)
            return
        if message.answer is None:
            self.post_message(Said("enter asks: it may take a few seconds"))
            return
        if not VIEWS[self.place.view].live:
            self._kept.pop(self.place, None)
            self._kept[self.place] = message.answer
            self._kept = dict([*self._kept.items()][-MOST_KEPT:])
        lay_out = VIEWS[self.place.view].lay_out
        table = message.answer.layout() if lay_out is None else lay_out(message.answer)
        self.results.show(message.answer, table, mark)
        self.come_back = self._opened = None
        self._offer_another_reading(message.answer)

    def on_extended(self, message: Extended) -> None:
        """More of what stands there."""
        if message.number == self.asking.number and message.answer is self.results.shown:
            self.results.extend(message.layout)

    def _mark_in(self, answer: Any) -> RowMark | None:
        """The row that one comes to: the one stood on before, or the one a finding speaks of."""
        if self.come_back == self.place:
            return self.trail.rows.get(self.place)
        place, finding = self._opened or (None, None)
        if finding is None or place != self.place or self.ix is None:
            return None
        from explorer.findings.declared import row_of

        return RowMark("", row_of(finding.query, answer, self.ix.manifest))

    def on_refused(self, message: Refused) -> None:
        """Why not, and where."""
        if message.number != self.asking.number:
            return
        self._answered = message.number
        self._offered = message.texts
        self.results.leave_out_what_is_old()
        self._tell_what_is_not_asked()
        empty = self.bar.display and not self.place.text.strip() and not message.broken
        self._nothing_asked(empty and not self.sql_panel.active and not message.texts)
        if self.sql_panel.active:
            self.sql_panel.call_later(self.sql_panel.refused, message.line)
        elif message.texts:
            self.answer.fade()
            self.heading.mark(None)
            what = message.line.split(";")[0]
            self.post_message(Said(f"ctrl+r runs the model: {what}", "offer"))
        elif empty:
            self.results.clear(VIEWS[self.place.view].about)
            self.heading.mark(None)
            self.post_message(Said(""))
        else:
            self.answer.fade()
            self.heading.mark(message.line, message.asked, next(iter(message.instead), ""))
            meant, key = self.heading.suggestion, "tab" if self.bar.has_class("-bad") else "ctrl+r"
            offer = f"{key} asks {meant}: " if meant is not None else ""
            self.post_message(Said(offer + message.line, "bad"))

    def _offer_another_reading(self, answer: Any) -> None:
        """Say how else what stands there could be read, and with which key it is."""
        from explorer.questions import Meta

        meta = getattr(answer, "meta", None)
        items = meta.every_resolved if isinstance(meta, Meta) else ()
        for one in (one for one in items if one.instead):
            self.heading.suggest(next(iter(self.heading.lines), None), one.asked, one.instead[0])
            if (meant := self.heading.suggestion) is not None:
                self.post_message(Said(f"ctrl+r asks {meant}", "offer"))
                return
        self.post_message(Said(""))

    def on_pictured(self, message: Pictured) -> None:
        """What is drawn beside the table."""
        if message.number == self.asking.number:
            self.results.show_pictures(message.pictures)
            if not message.pictures:
                self.leave_picture()
            self.refresh_bindings()

    def on_row_pictured(self, message: RowPictured) -> None:
        """What is drawn of the row under the cursor."""
        if message.number == self.asking.number:
            self.results.show_row_pictures(message.pictures)

    def on_detailed(self, message: Detailed) -> None:
        """The row under the cursor."""
        if message.number == self.asking.number:
            self.results.show_detail(message.detail)

    # -- what there is to see, where nothing is asked -------------------------------------------

    def look(self, far: Looking) -> None:
        """Say where nothing is asked how far it is with what is to stand there."""
        self.looking = True
        if self._unasked and self.answer.answer is None:
            line = f"what there is to see is being found: {far.what}, {far.done + 1} of {far.total}"
            self.answer.tell(VIEWS[self.place.view].about, f"{line} (escape ends it)")

    def offer(self, findings: tuple[Finding, ...]) -> None:
        """Have these stand where nothing is asked."""
        self._findings, self.looking = findings, False
        if self._unasked:
            self._tell_what_is_not_asked()
        self._nothing_asked(self._unasked)

    def _nothing_asked(self, true: bool) -> None:
        self._unasked = true
        if not true:
            self.results.hide_findings()
        elif self._findings:
            places = [place_of(one.query) for one in self._findings]
            view = VIEWS[self.place.view]
            here = [at for at, place in enumerate(places) if place and place.view == view.name]
            if self.come_back == self.place and self._asked_last in self._findings:
                here = [self._findings.index(self._asked_last)]
            self.results.show_findings(self._findings, view.about, view.explains, *here[:1])

    @on(FindingsPane.Chosen)
    def _chosen(self, event: FindingsPane.Chosen) -> None:
        self._open(event.finding)

    def _open(self, finding: Finding) -> None:
        """Ask what found it."""
        if (place := place_of(finding.query)) is not None:
            self.results.hide_findings()
            self.trail.step(place)
            self.trail.arrive()
            self.show_place()
            self.action_focus_query()
            self.ask(entered=True)
            self._opened, self._asked_last = (place, finding), finding

    @on(Input.Submitted, "#query")
    def _open_chosen(self, event: Input.Submitted) -> None:
        """Enter in an empty bar."""
        pane = self.results.findings
        if pane is not None and pane.chosen is not None and not event.value.strip():
            event.prevent_default()
            self._open(pane.chosen)

    @on(QueryBar.Left)
    def _left_for_findings(self, event: QueryBar.Left) -> None:
        if (pane := self.results.findings) is not None:
            event.prevent_default()
            self.screen.set_focus(pane.list)

    @on(FindingsList.Left)
    def _left_findings(self) -> None:
        self.action_focus_query()

    # -- what is on the screen ----------------------------------------------------------------

    @on(AnswerPane.Marked)
    def _marked(self, event: AnswerPane.Marked) -> None:
        # A row of an answer that has gone meanwhile is nobody's any more.
        there = event.answer is self.results.shown
        if self.ix is not None and there:
            self.trail.mark(self.results.mark)
            self.asking.detail(self.ix, event.answer, event.layout, event.row, LOOKING)

    def action_enter(self) -> None:
        """Ask what stands there, however long it takes."""
        if self.sql_panel.active:
            self.sql_panel.call_later(self.sql_panel.action_run)
        else:
            self._entered()

    def action_ask_at_last(self) -> None:
        """Enter on the table, where what stands above is not asked yet."""
        self.action_enter()

    def action_draw(self) -> None:
        """Give the whole middle to the picture."""
        self.add_class("-drawn")
        self.screen.set_focus(self.results.query_one("#picture"))
        self.refresh_bindings()

    def action_undraw(self) -> None:
        """Give it back to the table."""
        self.leave_picture()
        self.screen.set_focus(self.answer.table)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can't be done here isn't offered; Enter on an answer's rows is the table's."""
        if action == "ask_at_last":
            return self._waits and self.screen.focused is self.answer.table
        if action == "draw":
            soon = bool(self.results.pictures) or self.asking.busy
            return soon and not self.has_class("-drawn")
        if action == "undraw":
            return self.has_class("-drawn")
        if action == "focus_query":
            shown = self.bar.display or self.sql_panel.active
            return shown and self.screen.focused is not self.bar
        return super().check_action(action, parameters)
