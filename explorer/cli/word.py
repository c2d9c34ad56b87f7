"""`explorer word`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.options import EXIT_CODES, Question, rows_options


@click.command(
    cls=Question,
    epilog=EXIT_CODES,
    short_help="What are WORD's tokens, and which neurons fire most at it?",
)
@click.argument("word", metavar="WORD")
@rows_options
def word(word: str, **options: Any) -> None:
    """What is WORD: its tokens and frequency, and the neurons that fire most strongly at it?"""
    answer(options, lambda ix, k, _: ix.word(word, k=k))
