"""OV: a head is one of a layer, and alone it has one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.questions import OvQuery
from explorer.views.view import view_of

if TYPE_CHECKING:
    from explorer.api import Explorer


def _adjusted(ix: Explorer, given: dict[str, Any]) -> dict[str, Any]:
    heads = ix.manifest.model.n_heads
    if "layers" not in given:
        heads *= len(ix.manifest.layers)
        given.pop("head", None)
    return given | {"k": 1 if "head" in given else min(given["k"], heads)}


VIEW = view_of(OvQuery, _adjusted)
