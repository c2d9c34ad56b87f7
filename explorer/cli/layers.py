"""`explorer layers`."""

from __future__ import annotations

from functools import partial
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


@click.command(
    cls=Question,
    epilog=EXPRESSIONS + EXIT_CODES,
    short_help="What is near EXPR at every layer, and where does TARGET stand?",
)
@click.argument("expression", metavar="EXPR")
@click.argument("target", metavar="[TARGET]", required=False)
@measure
@forms
@picture_options
@partial(rows_options, many="How many nearest items a row.  [default: 5]")
def layers(expression: str, target: str | None, **options: Any) -> None:
    """What is near EXPR at every layer, where does TARGET stand, and what changes where?"""
    answer(
        options,
        lambda ix, k, distinct: ix.layers(
            expression,
            target,
            measure=options["measure"],
            k=5 if options["k"] is None else k,
            distinct=distinct,
        ),
    )
