"""Statements that ran, and how one leafs through them.

Knows a list that is kept elsewhere; knows no screen.
"""

from __future__ import annotations


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
