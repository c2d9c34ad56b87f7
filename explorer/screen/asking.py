"""Questions put to an index in threads of their own, so that the screen never waits.

Knows how a question is asked, numbered and given up; owns no widget. Whatever happens to a question
is told in a message, and nothing that it raises goes further.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.message import Message

from explorer.progress import throttled
from explorer.screen.messages import (
    Answered,
    Detailed,
    Extended,
    Pictured,
    Progressed,
    Refused,
    RowPictured,
    Said,
)
from indexer.store.errors import SemanticError, at_the_edge
from indexer.store.shown import one_line

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.show.layout import Layout
    from explorer.show.shapes import Picture
    from explorer.views.detail import Detail
    from explorer.views.place import Place
    from explorer.views.view import View

Post = Callable[[Message], object]

SOON = 0.1
"""Seconds between two messages of how far a question has come."""


@dataclass
class PendingQuestion:
    """One question under way: its number, whom it tells, and whether it was given up."""

    number: int
    post: Post
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._tell = throttled(lambda *step: self.post(Progressed(self.number, *step)), SOON)

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell how far it has come.

        Raises:
            Cancelled: it was given up.
        """
        self.unheard()
        self._tell(what, done, total)

    def unheard(self, *_: object) -> None:
        """Tell nobody how far it has come; raise as `progress` does."""
        from explorer.errors import Cancelled

        if self.stop.is_set():
            raise Cancelled("given up")


class Asking:
    """Asks; a newer question gives up the one before.

    Args:
        post: takes messages from any thread.
        during: told of the question that this thread is about to ask; see `ModelPermission`.
    """

    def __init__(self, post: Post, during: Callable[[PendingQuestion], object]) -> None:
        self._post, self._during = post, during
        self._question = PendingQuestion(0, post)
        self._detail = PendingQuestion(0, post)

    @property
    def number(self) -> int:
        """Of the newest question."""
        return self._question.number

    @property
    def busy(self) -> bool:
        """Whether it is under way."""
        return self._question.number > 0 and not self._question.stop.is_set()

    @property
    def looking(self) -> bool:
        """Whether a row is being asked about."""
        return self._detail.number > 0 and not self._detail.stop.is_set()

    def ask(self, ix: Explorer, view: View, place: Place, delay: float = 0.0) -> None:
        """Ask what a view asks at a place, once nothing newer is asked for so many seconds."""
        from explorer.views.beside import of_answer
        from explorer.views.offers import offer

        def answer(question: PendingQuestion) -> None:
            try:
                found = view.ask(ix, place, question.progress)
            except SemanticError as err:
                offer(ix, err, place, lambda there: view.ask(ix, there, question.unheard))
                raise
            self._post(Answered(question.number, found))
            # A picture may take its time: who types on has no use for it.
            if question.stop.wait(SOON):
                return
            if view.further is not None:
                more = view.further(ix, found, question.unheard)
                if more is not None and not question.stop.is_set():
                    self._post(Extended(question.number, found, more))
            shown = found if view.picture is None else view.picture(ix, place)
            pictures = shown.pictures() if hasattr(shown, "pictures") else ()
            if (further := of_answer(found)) is not None:
                pictures += ix.ask(further, question.progress).pictures()
            if not question.stop.is_set():
                self._post(Pictured(question.number, pictures))

        self._begin(answer, delay)

    def check(self, ix: Explorer, view: View, place: Place, delay: float = 0.0) -> None:
        """See whether something can be asked, without asking it."""
        from explorer.views.offers import offer

        def check(one: Place) -> None:
            if view.check is not None:
                view.check(ix, one)

        def answer(question: PendingQuestion) -> None:
            try:
                check(place)
            except SemanticError as err:
                offer(ix, err, place, check)
                raise
            self._post(Answered(question.number, None))

        self._begin(answer, delay)

    def give_up(self) -> bool:
        """Give up the newest question; whether it was under way."""
        busy = self.busy
        self._question.stop.set()
        return busy

    def detail(self, ix: Explorer, answer: Any, layout: Layout, row: Any, delay: float) -> None:
        """Tell of a row at length: what it says itself, what the index knows, and its picture."""
        from explorer.views import detail as details

        self._detail.stop.set()
        # Looking at a row is no question of a person's: how far it is, nobody is told.
        question = self._detail = PendingQuestion(self._detail.number + 1, lambda _: None)
        number = self.number

        def ask() -> None:
            if question.stop.wait(delay):
                return
            try:
                own = details.row_detail(answer, layout, row, ix.manifest)
            except BaseException as err:
                self._post(Said(refused(number, err).line, "bad"))
                question.stop.set()
                return
            self._post(Detailed(number, own))
            try:
                more: Detail = details.full_detail(ix, answer, own)
            except BaseException as err:
                more = details.failed(own, refused(number, err).line)
            if not question.stop.is_set():
                self._post(Detailed(number, more))
                self._picture_row(ix, answer, row, question, number)
            question.stop.set()

        threading.Thread(target=ask, daemon=True).start()

    def _picture_row(
        self, ix: Explorer, answer: Any, row: Any, question: PendingQuestion, number: int
    ) -> None:
        """Tell of the picture of a row; of none where the question has no answer."""
        from explorer.views.beside import of_row

        pictures: tuple[Picture, ...] = ()
        self._during(question)
        try:
            for further in of_row(answer, row, ix.manifest):
                question.progress("", 0, 1)
                pictures += ix.ask(further, question.progress).pictures()
        except SemanticError:
            pass
        except BaseException as err:
            self._post(Said(refused(number, err).line, "bad"))
        if not question.stop.is_set():
            self._post(RowPictured(number, pictures))

    def _begin(self, answer: Callable[[PendingQuestion], None], delay: float) -> None:
        self._question.stop.set()
        question = self._question = PendingQuestion(self._question.number + 1, self._post)

        def ask() -> None:
            if question.stop.wait(delay):
                return
            self._during(question)
            try:
                answer(question)
            except BaseException as err:
                if not question.stop.is_set():  # who gave it up knows
                    self._post(refused(question.number, err))
            finally:
                question.stop.set()

        threading.Thread(target=ask, daemon=True).start()


def refused(number: int, err: BaseException) -> Refused:
    """What is told of an error: the line of one that a person may meet, the place of any other."""
    edge = at_the_edge(err)
    if edge is not None:
        asked, instead = getattr(err, "asked", ""), getattr(err, "instead", ())
        texts = getattr(err, "texts", ())
        return Refused(number, edge[1], texts, asked=asked, instead=instead)
    where = traceback.extract_tb(err.__traceback__)
    at = f" at {where[-1].filename}:{where[-1].lineno}" if where else ""
    said = one_line(f"a fault of this program: {type(err).__name__}: {err}{at}")
    return Refused(number, said, broken=True)
