"""`explorer middleman`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import Listed
from explorer.cli.options import EXIT_CODES, EXPRESSIONS, Question, picture_options, rows_options


@click.command(cls=Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("words", metavar="WORD WORD...", nargs=-1)
@click.option("--not", "avoid", multiple=True, metavar="WORD", help="A word to avoid; repeatable.")
@click.option(
    "--by",
    default="weights",
    show_default=True,
    metavar="weights|activations",
    cls=Listed,
    help="What answers: the weights, or what was recorded at the words' last tokens.",
)
@click.option(
    "--side", metavar="gate|up|in|out", cls=Listed, help="Side to score.  [default: gate, or in]"
)
@click.option(
    "--score",
    default="z",
    show_default=True,
    metavar="z|dot|cosine",
    cls=Listed,
    help="z: standard deviations above what the neuron gives a random word-like token.",
)
@click.option(
    "--combine",
    default="min",
    show_default=True,
    metavar="min|mean",
    cls=Listed,
    help="A neuron's score: the least of the words' scores, or their mean.",
)
@click.option("--layers", metavar="0-28", help="Only these layers.")
@click.option("--per-layer", type=int, metavar="N", help="The best N of each layer.")
@picture_options
@rows_options
def middleman(words: tuple[str, ...], **options: Any) -> None:
    """Which neurons answer to every WORD?"""
    answer(
        options,
        lambda ix, k, _: ix.middleman(
            *words,
            by=options["by"],
            avoid=options["avoid"],
            side=options["side"],
            score=options["score"],
            combine=options["combine"],
            layers=options["layers"],
            per_layer=options["per_layer"],
            k=k,
        ),
    )
