"""What can be explored from a row: every word, token, neuron, head and space that stands in it.

Knows the rows of answers and where each leads; knows no screen and asks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from explorer import questions
from explorer.views.place import Place
from explorer.views.terms import item, several
from indexer.store.layout import Manifest

_NEURON = re.compile(r"L\d+(?:E\d+)?N\d+(?:\.(?:in|up|out))?")
_HEAD = re.compile(r"L(\d+)H(\d+)")
_STAYS = ("neighbors", "layers", "ov")
"""Views in which another word is asked the same question; elsewhere its neighbors are asked."""


@dataclass(frozen=True)
class Link:
    """Something in a row that can be asked about.

    Attributes:
        label: as it is shown.
        text: what stands in the query bar then; None leaves what is there.
        view: where it is asked; None where a word is asked.
        chosen: what is chosen with it, by name.
    """

    label: str
    text: str | None = None
    view: str | None = None
    chosen: tuple[tuple[str, str], ...] = ()


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
    if isinstance(row, tuple) and row:  # a line of a table that holds more than its row
        row = row[0]
    make = _LINKS.get(type(row))
    found = list(make(answer, row, manifest)) if make is not None else []
    return tuple({(one.label, one.view): one for one in reversed(found)}.values())[::-1]


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


def tokens(names: Iterable[str]) -> list[Link]:
    """Tokens as answers show them."""
    return [of_item(name, "token") for name in names]


def _held(manifest: Manifest | None, space_name: str) -> str:
    """What a space holds: rows of answers don't say."""
    entry = manifest.space(space_name) if manifest is not None else None
    assert entry is not None, "an answer is of a space that its index has"
    return entry.item


def _neighbor(answer: Any, row: questions.Neighbor, manifest: Manifest | None) -> list[Link]:
    kind = _held(manifest, answer.meta.space)
    if kind == "label":
        said = f"{item(row.item, kind, row.text)}@{answer.meta.space}"
        return [Link(row.item, said)]
    # What the forms say is read off how they are shown.
    return [of_item(row.item, kind, row.text), *(of_item(form, kind) for form in row.forms)]


def _middleman(_: Any, row: questions.MiddleMan, _of: Manifest | None) -> list[Link]:
    return [neuron(row.neuron), *tokens(row.reads), *tokens(row.writes)]


def _head_writes(_: Any, row: questions.HeadWrites, _of: Manifest | None) -> list[Link]:
    return [head(row.head), *tokens(row.writes), *tokens(row.suppresses)]


def _depth(_: Any, row: Any, manifest: Manifest | None) -> list[Link]:
    kind = _held(manifest, row.space)
    return [space(row.space), *(of_item(name, kind) for name in row.nearest)]


def _neuron_near(_: Any, row: questions.NeuronNear, _of: Manifest | None) -> list[Link]:
    return [of_item(row.item, row.kind)]


def _congruence(_: Any, row: questions.CongruenceRow, _of: Manifest | None) -> list[Link]:
    return [space(row.space, "congruence"), *(Link(word, item(word)) for word in row.sinks)]


def _compared(_: Any, row: questions.ComparedPair, _of: Manifest | None) -> list[Link]:
    return [Link(word, item(several(word).words[0])) for word in (row.first, row.second)]


def _statement(_: Any, row: Mapping[str, Any], _of: Manifest | None) -> list[Link]:
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


_LINKS: dict[type[Any], Callable[[Any, Any, Manifest | None], Iterable[Link]]] = {
    questions.AnalogyLayer: _depth,
    questions.AnchoredWord: lambda _, row, _of: [Link(row.word, item(row.word))],
    questions.BaselineRow: lambda _, row, _of: [space(row.space)],
    questions.ComparedPair: _compared,
    questions.CongruenceRow: _congruence,
    questions.HeadWrites: _head_writes,
    questions.LayerRow: _depth,
    questions.MiddleMan: _middleman,
    questions.Neighbor: _neighbor,
    questions.NeuronNear: _neuron_near,
    questions.WordNeuron: _middleman,
    dict: _statement,
}
