"""What a view is: what it asks of an index, with what beside the query, and whether as one types.

Knows places and answers; knows no screen, and no question in particular.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.measures import MEASURES
from explorer.progress import Progress
from explorer.views.place import Place
from indexer.store.spaces import UNGATED_SIDES

if TYPE_CHECKING:
    from explorer.api import Explorer

ROWS = ("10", "20", "50", "100", "500")


@dataclass(frozen=True)
class Choice:
    """A picker beside the query bar.

    Attributes:
        name: what it chooses; a name means the same in every view.
        values: what there is to choose in the index that is open.
        default: what is chosen at first; the first value where the index hasn't it.
        label: what stands before it; the name unless given.
        shown: how a value is written where not as it is.
    """

    name: str
    values: Callable[[Explorer], Sequence[str]]
    default: str = ""
    label: str = ""
    shown: Callable[[str], str] = str


@dataclass(frozen=True)
class Field:
    """A line of text beside the query bar: a target, a file."""

    name: str
    placeholder: str


Option = Choice | Field


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        name: as the command of the same question.
        title: on its tab.
        about: what it answers, a line.
        example: what may be typed in its bar.
        options: what stands beside the bar.
        ask: the answer at a place; told how far it has come, it stops where that raises.
        live: whether it is asked while one types; else on Enter.
        picture: a further answer, whose pictures are drawn beside the table; the answer's own where
            there is none. It may be None at a place, which draws nothing more.
        check: raises where what is typed could not be asked, in a moment; for a view that is not
            live.
        lay_out: the table of an answer; that of the command line unless given.
    """

    name: str
    title: str
    about: str
    example: str
    options: tuple[Option, ...]
    ask: Callable[[Explorer, Place, Progress], Any]
    live: bool = True
    picture: Callable[[Explorer, Place], Any] | None = None
    check: Callable[[Explorer, Place], object] | None = None
    lay_out: Callable[[Any], Any] | None = None


def fixed(*values: str) -> Callable[[Any], Sequence[str]]:
    """Values that are the same in every index."""
    return lambda _: values


def own(value: str) -> str:
    """How a measure is written: the space's own has no name."""
    return value or "own"


def rows(default: str = "20") -> Choice:
    """How many rows."""
    return Choice("k", fixed(*ROWS), default, "rows")


def measure() -> Choice:
    """How vectors are scored."""
    return Choice("measure", fixed("", *MEASURES), shown=own)


def space() -> Choice:
    """A space to look in."""
    return Choice("space", lambda ix: ix.spaces)


def depths(every: str, default: str) -> Choice:
    """`embed` or a context space, or every one of them."""
    return Choice(
        "space", lambda ix: (every, *(entry.name for entry in ix.manifest.depths)), default
    )


def layer() -> Choice:
    """A block, or all of them."""
    return Choice(
        "layer", lambda ix: ("", *map(str, ix.manifest.layers)), shown=lambda v: v or "all"
    )


def side() -> Choice:
    """Which of a neuron's weight vectors: those that the index has."""
    return Choice(
        "side",
        lambda ix: ix.manifest.sides or UNGATED_SIDES,
    )


def chosen(place: Place, ix: Explorer, option: Option) -> str:
    """What an option stands at; its default where that isn't to be had in this index."""
    value = place.get(option.name)
    known = isinstance(option, Field) or value in option.values(ix)
    return value if known else default_of(option, ix)


def default_of(option: Option, ix: Explorer) -> str:
    """What an option stands at until something is chosen."""
    if isinstance(option, Field):
        return ""
    values = list(option.values(ix))
    return option.default if option.default in values else values[0]
