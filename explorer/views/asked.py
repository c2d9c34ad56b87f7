"""Where a query is asked: the place whose view asks just this, with all else at its default.

Knows views and fields; asks nothing.
"""

from __future__ import annotations

from typing import Any

from explorer.questions import AnalogyLayersQuery, BaselineQuery
from explorer.questions.query import Parameter, Query, parameters
from explorer.views import VIEWS, analogy, index
from explorer.views.place import Place
from explorer.views.terms import item


def place_of(query: Query[Any]) -> Place | None:
    """The place that asks a query; None where no view does."""
    if isinstance(query, BaselineQuery):
        chosen = {index.SHOW.name: "baseline", index.SPACE.name: query.space or ""}
        return _place(index.VIEW.name, "", chosen)
    name = query.question
    chosen = {}
    if isinstance(query, AnalogyLayersQuery):
        name = analogy.VIEW.name
        chosen["space"] = analogy.EVERY
    if name not in VIEWS:
        return None
    there = {one.name for one in VIEWS[name].options}
    bar, *others = parameters(type(query))
    text = _written(bar, getattr(query, bar.name))
    for one in others:
        value = getattr(query, one.name)
        if value == one.default:
            continue
        if one.name == "avoid":
            text += "".join(f" - {item(word)}" for word in value)
        elif one.kept_as in there and not one.several:
            chosen[one.kept_as] = ("no", "yes")[value] if one.type is bool else str(value)
        else:
            return None
    return _place(name, text, chosen)


def _place(view: str, text: str, chosen: dict[str, str]) -> Place:
    return Place(
        view, text, tuple(sorted((name, value) for name, value in chosen.items() if value))
    )


def _written(bar: Parameter, value: Any) -> str:
    """What stands in the bar."""
    if bar.takes == "expression" or not value:
        return value or ""
    return ", ".join(map(item, value)) if bar.several else item(value)
