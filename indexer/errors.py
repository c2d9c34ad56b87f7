"""What can go wrong on the way from a model to an index, each error one line for a person."""

from __future__ import annotations

from indexer.store.errors import MachineError, SemanticError

_LONGEST = 200
"""Characters of another library's message."""


def reason(error: BaseException) -> str:
    """What another library says went wrong, in one line: its first sentence, or its kind of error.

    A first line that ends in a colon goes on in the next.
    """
    told = ""
    for line in str(error).splitlines():
        told = f"{told} {line.strip()}".strip()
        if told and not told.endswith((":", ",")):
            break
    return (
        told
        if 0 < len(told) <= _LONGEST
        else f"{told[:_LONGEST]}..."
        if told
        else type(error).__name__
    )


class ModelNotFound(SemanticError):
    """No model where one was asked for, or the hub cannot be reached."""


class PickledWeights(SemanticError):
    """The weights are Python pickles, which can run code when they are loaded."""


class UnknownFamily(SemanticError):
    """The model's architecture is not in the table of families."""

    several_lines = True


class UnknownConfig(SemanticError):
    """A config attribute that may change the arithmetic, and that the family's entry lacks."""


class NotFromGguf(SemanticError):
    """A GGUF file that is not read, or of which something would be lost."""


class QuantizedWeights(SemanticError):
    """The weights are packed into integers, so that there is no matrix to read."""


class IncompleteWeights(SemanticError):
    """The checkpoint lacks tensors of the model, which would be made up at random."""


class BadWords(SemanticError):
    """The list of words cannot be read, or holds nothing."""


class BadVectors(SemanticError):
    """A file of vectors, or of their labels, cannot be taken; names the line or row."""


class FileThere(SemanticError):
    """A file would be written over, and nobody asked for it."""


class IndexExists(SemanticError):
    """There is an index of that name, made from something else."""


class MissingExtra(SemanticError):
    """A library of one of the extras is not installed."""


class CheckFailed(MachineError):
    """The extracted vectors do not reproduce the model; nothing was sealed."""
