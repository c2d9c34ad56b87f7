"""A person's permission to run the model on texts that are not indexed: none until it is given.

What is typed is asked at once, and half a word is a text that is not indexed: it must not start the
model. Knows which texts are allowed; `explorer.unindexed` runs it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.screen.asking import PendingQuestion


class ModelPermission:
    """Runs the model on texts that were allowed, for the question that this thread asks."""

    def __init__(self) -> None:
        self._allowed: set[str] = set()
        self._here = threading.local()

    def during(self, question: PendingQuestion) -> None:
        """This thread asks a question: its progress is told, and giving it up ends the model."""
        self._here.question = question

    def allow(self, texts: Iterable[str]) -> None:
        """Let the model be run on these from now on."""
        self._allowed.update(texts)

    def __call__(self, folder: Path, texts: Sequence[str]) -> Any:
        """What `explorer.unindexed.encode` gives.

        Raises:
            NotIndexed: one of the texts was not allowed; names them.
        """
        from explorer.errors import NotIndexed
        from explorer.unindexed import encode

        missing = tuple(text for text in texts if text not in self._allowed)
        if missing:
            raise NotIndexed(missing)
        question: PendingQuestion = self._here.question
        return encode(folder, texts, progress=question.progress, cancelled=question.stop)
