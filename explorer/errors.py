"""What can be wrong with a question, or with the index it is asked of: each one line for a person.

    import explorer
    try:
        ix.neighbors("lagre")
    except explorer.errors.UnknownWord as err:
        print(err)

Each is a `SemanticError`; a `MachineError` is not the fault of who asked. The command line ends
with code 2, of a `MachineError` with 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexer.store.errors import (
    ClosedIndex,
    DamagedIndex,
    EmptyPopulation,
    ForeignIndex,
    IndexNotFound,
    MachineError,
    NoLogits,
    NoModel,
    SemanticError,
    Spelling,
    UnknownName,
    UnknownSpace,
    UnreadTokenizer,
)
from indexer.store.shown import lines

__all__ = [
    "BadExpression",
    "BuildFailed",
    "Cancelled",
    "ClosedIndex",
    "DamagedIndex",
    "EmptyPopulation",
    "ForeignIndex",
    "IndexNotFound",
    "MachineError",
    "ModelFailed",
    "ModelUnavailable",
    "NoLogits",
    "NoModel",
    "NotIndexed",
    "QueryError",
    "SemanticError",
    "TooFewRows",
    "UnknownName",
    "UnknownSpace",
    "UnknownWord",
    "UnreadTokenizer",
]


def __dir__() -> list[str]:
    return sorted(__all__)


class QueryError(SemanticError):
    """Something in the question cannot be answered as asked."""


class BadExpression(QueryError):
    """The expression cannot be read; the message says where."""


class TooFewRows(QueryError):
    """More rows were asked for than there are.

    Attributes:
        there: how many there are.
    """

    def __init__(self, said: str, there: int = 0) -> None:
        super().__init__(said)
        self.there = there


class UnknownWord(QueryError):
    """No token or indexed word is written so; the message gives the nearest."""


class ModelUnavailable(QueryError):
    """Text that is not indexed was asked of a context space, and the model cannot be run here."""


class NotIndexed(QueryError):
    """Texts that are not indexed were asked of a context space by one who would not run the model.

    Attributes:
        texts: which.
        near: indexed words that are written much like them.
    """

    def __init__(self, texts: Sequence[str], near: Sequence[str] = ()) -> None:
        self.texts, self.near = tuple(texts), tuple(near)
        super().__init__(self.texts, self.near)  # what it is pickled as

    def line(self, spelling: Spelling) -> str:
        """Which texts, and what is near them."""
        said = ", ".join(map(repr, self.texts))
        hint = f" (the nearest indexed: {', '.join(self.near)})" if self.near else ""
        return lines(
            f"{said} {'is' if len(self.texts) == 1 else 'are'} not indexed{hint}; "
            "a context space has them only once the model is run on them"
        )


class Cancelled(QueryError):
    """Who asked no longer wants to know; what was found by then is as it was."""


class BuildFailed(MachineError):
    """The process that was to build an index did not."""


class ModelFailed(MachineError):
    """The process that was to run the model on a text did not."""
