"""Where one is: a view, what stands in its query bar, and what its pickers say; and the way there.

Knows neither an index nor a screen. A place is plain data: it compares, and can be kept in a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

LONGEST_TRAIL = 200


@dataclass(frozen=True)
class Place:
    """A view, the text of the query bar, and what was chosen beside it.

    Attributes:
        view: its name.
        text: as it stands in the bar.
        chosen: name and value of what was chosen other than its default, by name. A name means the
            same in every view, so a space that was chosen in one is chosen in the next.
    """

    view: str = "neighbors"
    text: str = ""
    chosen: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """What was chosen under a name."""
        return dict(self.chosen).get(name, default)

    @property
    def empty(self) -> bool:
        """Whether nothing stands there that could be asked."""
        return not (self.get("statement") if self.view == "sql" else self.text)

    def choosing(self, name: str, value: str, default: str = "") -> Place:
        """The same place with another choice; the default is no choice."""
        chosen = {key: old for key, old in self.chosen if key != name}
        if value != default:
            chosen[name] = value
        return replace(self, chosen=tuple(sorted(chosen.items())))

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """What stands in the bar, without a name, and what was chosen, by name."""
        return (("", self.text), *self.chosen)

    def writing(self, asked: str, instead: str) -> Place | None:
        """The same place with another text where one stands: alone in a line, or as a part of one.

        None where it stands nowhere.
        """
        whole = [line for line in self.lines if line[1].strip() == asked]
        for name, text in (*whole, *self.lines):
            if asked and asked in text:
                text = text.replace(asked, instead, 1)
                return self.choosing(name, text) if name else replace(self, text=text)
        return None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"view": self.view, "text": self.text, "chosen": dict(self.chosen)}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Place:
        """What `to_dict` gave.

        Raises:
            KeyError, TypeError, AttributeError: it is not.
        """
        chosen = tuple(sorted((str(k), str(v)) for k, v in kept["chosen"].items()))
        return cls(str(kept["view"]), str(kept["text"]), chosen)


@dataclass(frozen=True)
class RowMark:
    """A row of an answer that one stood on.

    Attributes:
        label: what it is about; empty where nothing of it can be asked about.
        at: how many rows stand above it.
        listing: of a card, which of its lists it is in.
    """

    label: str
    at: int
    listing: int = 0

    def found(self, labels: Sequence[str]) -> int:
        """Where it stands among rows by what they are about: the nearest of that name, or as far.

        `labels` may have moved since, been cut short, or name something twice.
        """
        named = [at for at, label in enumerate(labels) if label and label == self.label]
        return min(named, key=lambda at: abs(at - self.at), default=self.at)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RowMark:
        """What `dataclasses.asdict` gave.

        Raises:
            KeyError, TypeError, ValueError: it is not.
        """
        return cls(str(kept["label"]), max(int(kept["at"]), 0), max(int(kept["listing"]), 0))


@dataclass
class Trail:
    """The places one came through, which of them one is at, and whether one is writing it.

    `rows` has, of places that were answered, the row one stood on last.
    """

    places: list[Place] = field(default_factory=lambda: [Place()])
    at: int = 0
    writing: bool = False
    rows: dict[Place, RowMark] = field(default_factory=dict)

    @property
    def here(self) -> Place:
        """The place one is at."""
        return self.places[self.at]

    def amend(self, place: Place) -> None:
        """Be elsewhere without a step: what is typed makes no trail of every letter."""
        self.places[self.at] = place

    def step(self, place: Place) -> None:
        """Go on to a place; what lay ahead is forgotten. One that says nothing new is no step."""
        if place == self.here:
            return
        if self.here.empty and self.here.view == place.view:
            self.amend(place)
            return
        del self.places[self.at + 1 :]
        self.places.append(place)
        del self.places[:-LONGEST_TRAIL]
        self.at = len(self.places) - 1

    def write(self, place: Place) -> None:
        """What is typed: no step a letter, but one for the first after a place one came to."""
        (self.amend if self.writing else self.step)(place)
        self.writing = True

    def arrive(self) -> None:
        """One has come to this place: what is typed next is another."""
        self.writing = False

    def mark(self, row: RowMark) -> None:
        """One stands on this row of the answer here."""
        if len(self.rows) > LONGEST_TRAIL:
            self.rows = {place: one for place, one in self.rows.items() if place in self.places}
        self.rows[self.here] = row

    def back(self) -> bool:
        """One step back; whether there was one."""
        return self._move(-1)

    def forward(self) -> bool:
        """One step forward again; whether there was one."""
        return self._move(1)

    def _move(self, by: int) -> bool:
        if not 0 <= self.at + by < len(self.places):
            return False
        self.at += by
        return True
