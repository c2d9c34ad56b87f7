"""`explorer ov`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.options import EXIT_CODES, EXPRESSIONS, Question, picture_options, rows_options


@click.command(
    cls=Question,
    epilog=EXPRESSIONS + EXIT_CODES,
    short_help="What does each attention head write for WORD?",
)
@click.argument("word", metavar="WORD")
@click.option("--layer", type=int, metavar="L", help="Only this block's heads.")
@click.option("--head", type=int, metavar="H", help="Only this head of that block.")
@click.option("--to", metavar="WORD", help="Rank heads by how strongly they carry WORD to this.")
@picture_options
@rows_options
def ov(word: str, **options: Any) -> None:
    """What does each attention head write for WORD, if it attends to it fully?"""
    answer(
        options,
        lambda ix, _, __: ix.ov(
            word, layer=options["layer"], head=options["head"], to=options["to"], k=options["k"]
        ),
    )
