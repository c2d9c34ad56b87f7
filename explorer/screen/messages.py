"""What workers tell the app: each a small message. They carry facts; handlers own the state.

`number` is the question that a message belongs to: what is told of an older one is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from explorer.api import Explorer
    from explorer.questions import Finding
    from explorer.show.layout import Layout
    from explorer.show.shapes import Picture
    from explorer.views.detail import Detail
    from explorer.views.indexes import Found
    from explorer.views.links import Link


@dataclass
class Opened(Message):
    """An index is open.

    `again` says that it is the one that was open, built anew meanwhile.
    """

    ix: Explorer
    again: bool = False


@dataclass
class Looking(Message):
    """How far one is with looking what there is to see in an index."""

    ix: Explorer
    what: str
    done: int
    total: int


@dataclass
class LookedEnough(Message):
    """What was found by now is enough."""


@dataclass
class Looked(Message):
    """What there is to see in an index."""

    ix: Explorer
    findings: tuple[Finding, ...]


@dataclass
class NotOpened(Message):
    """No index could be opened; why, in a line, and which there are.

    `again` says that it is what lies in the place of the one that is open.
    """

    line: str
    found: Found
    again: bool = False


@dataclass
class IndexesListed(Message):
    """The indexes there are."""

    found: Found


@dataclass
class Building(Message):
    """How far the demo index has come."""

    what: str
    done: int
    total: int


@dataclass
class Built(Message):
    """The demo index is there, in this folder."""

    folder: Path


@dataclass
class NotBuilt(Message):
    """The demo index was not built; why, in a line, and whether a person wanted it so."""

    line: str
    given_up: bool


@dataclass
class Answered(Message):
    """A question has its answer."""

    number: int
    answer: Any


@dataclass
class Extended(Message):
    """There is more of an answer, in the same card."""

    number: int
    answer: Any
    layout: Layout


@dataclass
class Refused(Message):
    """A question cannot be answered; why, in a line.

    `texts` are those that the model would have to be run on; `broken` says that the fault is ours;
    `asked` is the text at fault, and `instead` what may be asked in its place, the likeliest first.
    """

    number: int
    line: str
    texts: tuple[str, ...] = ()
    broken: bool = False
    asked: str = ""
    instead: tuple[str, ...] = ()


@dataclass
class Progressed(Message):
    """How far a question has come."""

    number: int
    what: str
    done: int
    total: int


@dataclass
class Pictured(Message):
    """The pictures of an answer."""

    number: int
    pictures: tuple[Picture, ...]


@dataclass
class RowPictured(Message):
    """The pictures of the row under the cursor."""

    number: int
    pictures: tuple[Picture, ...]


@dataclass
class Detailed(Message):
    """A row at length."""

    number: int
    detail: Detail


@dataclass
class Explored(Message):
    """Something on the screen is to be asked about."""

    link: Link


@dataclass
class Exported(Message):
    """What is shown, as a file of that name for a browser."""

    name: str
    data: bytes


@dataclass
class Said(Message):
    """A line for a person: `bad`, an `offer`, or nothing in particular."""

    line: str
    kind: str = ""
