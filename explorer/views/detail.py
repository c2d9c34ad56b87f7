"""What there is to know of one row: its fields, and a little more about what it is of.

Asks short questions alone, milliseconds each; knows no screen.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.show.layout import Layout
from explorer.views.links import Link, links, neuron, of_item
from indexer.store.errors import SemanticError
from indexer.store.items import ITEMS

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import NeuronNear
    from indexer.store.layout import Manifest

NEAREST = 5


@dataclass(frozen=True)
class Line:
    """One thing that is known of a row."""

    name: str
    value: str


@dataclass(frozen=True)
class Detail:
    """One row at length.

    Attributes:
        title: what it is.
        lines: what is known of it.
        links: where it leads, with what each is, the row's own first.
    """

    title: str
    lines: tuple[Line, ...]
    links: tuple[tuple[str, Link], ...]


def row_detail(answer: Any, layout: Layout, row: Any, manifest: Manifest | None) -> Detail:
    """What the row itself says: in full what its table may have cut, and where it leads.

    Names that can be followed stand among the links alone. Of a row that leads nowhere, a space's
    or a measure's, nothing else is known: it is told whole. `manifest` is that of the index that
    was asked; None will do for rows of SQL.
    """
    cells = [(column, column.cell(row)) for column in layout.columns]
    found = links(answer, row, manifest)
    labels = {part for link in found for part in link.label.split()}
    lines = [
        Line(column.name, cell)
        for column, cell in cells
        if cell and (column.in_detail or not found) and not _names(cell, labels)
    ]
    title = found[0].label if found else next((cell for _, cell in cells if cell), "")
    told = tuple(line for line in lines if line.value != title)
    return Detail(title, told, tuple((link.what, link) for link in found))


def _names(cell: str, labels: set[str]) -> bool:
    """Whether a cell holds nothing but names of what can be followed."""
    return {part.rstrip(",") for part in cell.split()} <= labels | {""}


def full_detail(ix: Explorer, answer: Any, detail: Detail) -> Detail:
    """The same with what the index knows besides of the thing that the row is of."""
    first = detail.links[0][1] if detail.links else None
    if first is None or first.text is None:
        return detail
    try:
        more = _neuron(ix, first.text) if first.view == "neuron" else _item(ix, answer, first.text)
    except SemanticError:  # of what it says nothing is known besides
        return detail
    known = {(link.label, link.view) for _, link in detail.links}
    new = tuple((n, link) for n, link in more.links if (link.label, link.view) not in known)
    return dataclasses.replace(detail, lines=detail.lines + more.lines, links=detail.links + new)


def failed(detail: Detail, why: str) -> Detail:
    """The same with what went wrong while more was asked."""
    return dataclasses.replace(detail, lines=(*detail.lines, Line("not known", why)))


def _neuron(ix: Explorer, name: str) -> Detail:
    found = ix.neuron(name, k=NEAREST)
    norms = ", ".join(f"{side} {norm:z.3f}" for side, norm in found.meta.norms.items())
    cosines = ", ".join(f"{pair} {value:+z.2f}" for pair, value in found.meta.cosines.items())
    lines = [Line("norms", norms), Line("cosines", cosines)]
    shown: list[tuple[str, Link]] = []
    for side, kind, said in (
        (ix.manifest.sides[0], "token", "reads"),
        ("out", "token", "writes"),
        ("fires", "word", "fires at"),
    ):
        rows = [r for r in found.rows if (r.side, r.kind) == (side, kind)]
        if kind == "token":
            rows = [r for r in rows if r.rank > 0]
        else:  # at either end
            rows = sorted(rows, key=lambda r: -abs(r.score))[:NEAREST]
        shown += [(_acting(said, r), of_item(r.item, kind)) for r in rows]
    return Detail(name, tuple(lines), tuple(shown))


def _acting(said: str, row: NeuronNear) -> str:
    """What a thing is to a neuron; of a word with the sign that the neuron acts with there."""
    return said if row.activation is None else f"{said}, {row.activation:+z.2f}"


def _item(ix: Explorer, answer: Any, text: str) -> Detail:
    lines: list[Line] = []
    entry = ix.manifest.space(getattr(getattr(answer, "meta", None), "space", ""))
    entry = entry if entry is not None and ITEMS[entry.item].is_text else ix.manifest.embed
    space = entry.name
    near = ix.neighbors(text, space, k=NEAREST, distinct=True)
    for item in near.meta.resolved:
        ids = " ".join(f"{t} #{i}" for t, i in zip(item.tokens, item.token_ids, strict=True))
        lines += [Line("tokens", ids)] * bool(ids) + [Line("note", item.note)] * bool(item.note)
    found = [of_item(row.item, entry.item, row.text) for row in near.rows]
    shown = _named(f"near in {space}", found)
    word = near.meta.resolved[0].item.strip("␣ ") if near.meta.resolved else ""
    try:
        known = ix.word(word, k=NEAREST)
    except SemanticError:
        return Detail(text, tuple(lines), shown)
    lines.append(Line("zipf", f"{known.meta.zipf:z.2f}"))
    lines += [Line("groups", ", ".join(known.meta.groups))] * bool(known.meta.groups)
    lines += [Line("sink in", " ".join(known.meta.sinks))] * bool(known.meta.sinks)
    fire = [(f"fires, {row.activation:+z.2f}", neuron(row.neuron)) for row in known.rows]
    return Detail(text, tuple(lines), shown + tuple(fire))


def _named(what: str, found: Any) -> tuple[tuple[str, Link], ...]:
    return tuple((what, link) for link in found)
