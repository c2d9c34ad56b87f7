"""`explorer neighbors`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.options import (
    EXIT_CODES,
    EXPRESSIONS,
    Question,
    forms,
    inputs,
    measure,
    rows_options,
    space,
)


@click.command(cls=Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("expression", metavar="EXPR")
@space
@measure
@inputs
@forms
@rows_options
def neighbors(expression: str, **options: Any) -> None:
    """Which items of a space are nearest to EXPR?"""
    answer(
        options,
        lambda ix, k, distinct: ix.neighbors(
            expression,
            options["space"],
            options["measure"],
            k,
            options["include_inputs"],
            distinct,
        ),
    )
