"""Middle man: what was recorded is not asked for by what the weights alone have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.errors import QueryError
from explorer.questions import MiddlemanQuery
from explorer.views.view import view_of

if TYPE_CHECKING:
    from explorer.api import Explorer

_OF_WEIGHTS = ("side", "score", "combine")


def _adjusted(_: Explorer, given: dict[str, Any]) -> dict[str, Any]:
    if given["by"] == "weights":
        return given
    if given["avoid"]:
        first = given["avoid"][0]
        said = f"by activations no word is avoided: leave out - {first}"
        raise QueryError(said).offering("", [", ".join(given["words"])])
    return {name: value for name, value in given.items() if name not in _OF_WEIGHTS}


VIEW = view_of(MiddlemanQuery, _adjusted)
