"""`explorer layers`: the target is an option, as of every question; by place it is still read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from explorer.cli.question import Given, command
from explorer.errors import QueryError
from explorer.questions import LayersQuery


class _ByPlace(click.Argument):
    """An argument that the help says nothing of."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        """None."""
        return []


def _made(given: Given, options: Mapping[str, Any]) -> LayersQuery:
    by_place = options["target_by_place"]
    if by_place is None:
        return LayersQuery(**given)
    if "target" in given:
        said = f"--target {given['target']!r} and {by_place!r}: name one target"
        raise QueryError(f"{said}, and put an expression of several words in quotes")
    return LayersQuery(**given | {"target": by_place})


layers = command(LayersQuery, made=_made, extra=[_ByPlace(["target_by_place"], required=False)])
