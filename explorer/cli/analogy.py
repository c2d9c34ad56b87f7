"""`explorer analogy`: of one space, or with --all-layers of every depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from explorer.cli.question import Given, command
from explorer.errors import QueryError
from explorer.questions import AnalogyLayersQuery, AnalogyQuery


def _made(given: Given, options: Mapping[str, Any]) -> AnalogyQuery | AnalogyLayersQuery:
    everywhere = options["all_layers"]
    if everywhere and "space" in given:
        raise QueryError("--all-layers asks every space; leave out --space")
    drawn = "--draw" if options["draw"] else "--plot" if options["plot"] is not None else None
    if drawn and not (everywhere and "target" in given):
        raise QueryError(f"{drawn} shows a target by layer; add --all-layers and --target WORD")
    return AnalogyLayersQuery(**given) if everywhere else AnalogyQuery(**given)


analogy = command(
    AnalogyQuery,
    made=_made,
    extra=[
        click.Option(
            ["--all-layers"],
            is_flag=True,
            help="In embed and every context space, a row each, with 3 items unless -k is given.",
        )
    ],
    pictured=True,
)
