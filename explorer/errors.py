"""What can be wrong with a question, each error one line for a person."""

from __future__ import annotations

from indexer.store.errors import MachineError, SemanticError


class QueryError(SemanticError):
    """Something in the question cannot be answered as asked."""


class BadExpression(QueryError):
    """The expression cannot be read; the message says where."""


class UnknownWord(QueryError):
    """No token or indexed word is written so; the message gives the nearest."""


class ModelUnavailable(QueryError):
    """Text that is not indexed was asked of a context space, and the model cannot be run here."""


class ModelFailed(MachineError):
    """The process that was to run the model on a text did not."""
