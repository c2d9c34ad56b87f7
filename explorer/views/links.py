"""What can be explored from a row: every word, token, neuron, head and space that stands in it.

Knows where each thing leads that a row mentions; knows no screen and asks nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.questions import Mention, Result
from explorer.views.place import Place
from explorer.views.terms import item, several
from indexer.store.layout import Manifest

_NEURON = re.compile(r"L\d+(?:E\d+)?N\d+(?:\.(?:in|up|out))?")
_HEAD = re.compile(r"L(\d+)H(\d+)")
_STAYS = ("neighbors", "layers", "ov")
"""Views in which another word is asked the same question; elsewhere its neighbors are asked."""

_OF_ONE_SPACE = ("congruence",)
"""Views in which another space is asked the same question."""


@dataclass(frozen=True)
class Link:
    """Something in a row that can be asked about.

    Attributes:
        label: as it is shown.
        text: what stands in the query bar then; None leaves what is there.
        view: where it is asked; None where a word is asked.
        chosen: what is chosen with it, by name.
        what: what it is to the row that it stands in; empty where that is plain.
    """

    label: str
    text: str | None = None
    view: str | None = None
    chosen: tuple[tuple[str, str], ...] = ()
    what: str = field(default="", compare=False)


def follow(link: Link, place: Place) -> Place:
    """Where a link leads from a place."""
    view = link.view or (place.view if place.view in _STAYS else "neighbors")
    there = replace(place, view=view, text=place.text if link.text is None else link.text)
    for name, value in link.chosen:
        there = there.choosing(name, value)
    return there


def links(answer: Any, row: Any, manifest: Manifest | None) -> tuple[Link, ...]:
    """What a row leads to, what it is about first; each thing once.

    Args:
        answer: whose row it is.
        row: one of its rows, or a line of its table.
        manifest: of the index that was asked, which says what each of its spaces holds; None will
            do for rows of SQL.
    """
    if isinstance(row, dict):
        found = list(_statement(row))
    elif isinstance(answer, Result):
        view = answer.query.question  # type: ignore[attr-defined]  # every result has a query
        # A line of a table may hold several rows.
        rows = [one for one in _each(row) if dataclasses.is_dataclass(one)]
        said = [one for each in rows for one in answer.mentions(each)]
        found = [replace(_of_mention(one, view, manifest), what=one.what) for one in said]
    else:
        found = []
    return tuple({(one.label, one.view): one for one in reversed(found)}.values())[::-1]


def _each(row: Any) -> tuple[Any, ...]:
    return row if isinstance(row, tuple) else (row,)


def _of_mention(one: Mention, question: str, manifest: Manifest | None) -> Link:
    if one.kind == "head":
        return head(one.name)
    if one.kind == "space":
        return space(one.name, question if question in _OF_ONE_SPACE else "neighbors")
    if one.kind == "item":
        kind = _held(manifest, one.space or "")
        if kind == "label":
            return Link(one.name, f"{item(one.name, kind, one.text)}@{one.space}")
        return of_item(one.name, kind, one.text)
    if one.kind == "word":  # as it was asked
        return Link(one.name, item(several(one.name).words[0]))
    return of_item(one.name, one.kind, one.text)


def of_item(name: str, kind: str, text: str | None = None) -> Link:
    """The link of an item of a space: `kind` is what the space holds."""
    if kind == "neuron":
        return neuron(name)
    return Link(name, item(name, kind, text))


def neuron(name: str) -> Link:
    """A neuron, or one side of it."""
    return Link(name, name.split(".")[0], "neuron")


def head(name: str) -> Link:
    """An attention head, asked what it writes."""
    found = _HEAD.fullmatch(name)
    assert found is not None
    return Link(name, None, "ov", (("layer", found[1]), ("head", found[2])))


def space(name: str, view: str | None = "neighbors") -> Link:
    """The same query in another space."""
    return Link(name, None, view, (("space", name),))


def _held(manifest: Manifest | None, space_name: str) -> str:
    """What a space holds: rows of answers don't say."""
    entry = manifest.space(space_name) if manifest is not None else None
    assert entry is not None, "an answer is of a space that its index has"
    return entry.item


def _statement(row: Mapping[str, Any]) -> list[Link]:
    """What stands in a row of a statement, by how it is written."""
    found: list[Link] = []
    for name, value in row.items():
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str) or not one.strip() or len(one) > 60:
                continue
            if _NEURON.fullmatch(one):
                found.append(neuron(one))
            elif _HEAD.fullmatch(one):
                found.append(head(one))
            elif name == "space":
                found.append(space(one))
            elif isinstance(value, list) or "␣" in one:
                found.append(of_item(one, "token"))
            else:
                found.append(Link(one, item(one)))
    return found
