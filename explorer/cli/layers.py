"""`explorer layers`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.options import (
    EXIT_CODES,
    EXPRESSIONS,
    Question,
    forms,
    measure,
    picture_options,
    rows_options,
)


@click.command(cls=Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("expression", metavar="EXPR")
@click.argument("target", required=False)
@measure
@forms
@picture_options
@rows_options
def layers(expression: str, target: str | None, **options: Any) -> None:
    """What is near EXPR at every layer, where does TARGET stand, and what changes where?"""
    answer(
        options,
        lambda ix, k, distinct: ix.layers(
            expression, target, options["measure"], 5 if options["k"] is None else k, distinct
        ),
    )
