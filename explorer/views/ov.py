"""OV: a head is one of a layer, and alone it has one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.questions import OvQuery
from explorer.views.view import view_of

if TYPE_CHECKING:
    from explorer.api import Explorer


def _adjusted(_: Explorer, given: dict[str, Any]) -> dict[str, Any]:
    left_out = {"k"} if "head" in given else set()
    if "layer" not in given:
        left_out = {"head"}
    return {name: value for name, value in given.items() if name not in left_out}


VIEW = view_of(OvQuery, _adjusted)
