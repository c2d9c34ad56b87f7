"""Statements that ran, how one leafs through them, and what they answered.

Knows a list that is kept elsewhere; knows no screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.questions import SqlRows

MOST_KEPT, LARGEST_KEPT = 16, 16 << 20
"""Answers that are kept for going back to, and bytes of one; the last is kept however large."""


class History:
    """Statements, the newest last, each once.

    Args:
        kept: where they are kept; it is changed in place.
    """

    def __init__(self, kept: list[str]) -> None:
        self.kept = kept
        self._at: int | None = None
        self._draft = ""

    def add(self, statement: str) -> None:
        """One ran; the same one earlier is forgotten."""
        said = statement.strip()
        self._at = None
        if said:
            if said in self.kept:
                self.kept.remove(said)
            self.kept.append(said)

    def older(self, shown: str) -> str | None:
        """The statement before the one that is shown; None where there is none."""
        self._find(shown)
        at = len(self.kept) if self._at is None else self._at
        if self._at is None:
            self._draft = shown
            if self.kept and self.kept[-1] == shown.strip():
                at -= 1
        if at == 0:
            return None
        self._at = at - 1
        return self.kept[self._at]

    def newer(self, shown: str) -> str | None:
        """The one after it, at last what was being written; None where that is shown."""
        self._find(shown)
        if self._at is None:
            return None
        if self._at + 1 < len(self.kept):
            self._at += 1
            return self.kept[self._at]
        self._at = None
        return self._draft

    def _find(self, shown: str) -> None:
        """What was changed since is a draft of its own."""
        if self._at is not None and (
            self._at >= len(self.kept) or self.kept[self._at] != shown.strip()
        ):
            self._at = None


class AnswerCache:
    """The last answers, by statement."""

    def __init__(self) -> None:
        self._kept: dict[str, SqlRows] = {}

    def keep(self, answer: SqlRows) -> None:
        """The newest; a large one before it is forgotten, and the oldest of many."""
        small = {s: one for s, one in self._kept.items() if one.table.nbytes <= LARGEST_KEPT}
        small.pop(answer.query.sql, None)
        self._kept = dict([*small.items()][1 - MOST_KEPT :]) | {answer.query.sql: answer}

    def get(self, statement: str) -> SqlRows | None:
        """What a statement answered when it ran; None where it was forgotten, or never ran."""
        return self._kept.get(statement)

    def clear(self) -> None:
        """Forget them all."""
        self._kept.clear()
