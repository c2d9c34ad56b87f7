"""`explorer compare`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import Listed
from explorer.cli.options import EXIT_CODES, EXPRESSIONS, Question, answer_options, seed, word_file
from explorer.cli.progress import progress
from explorer.cli.wordfile import words_of


@click.command(
    cls=Question,
    epilog=EXPRESSIONS + EXIT_CODES,
    short_help="How alike are words to the same neurons?",
)
@click.argument("words", metavar="WORD WORD...", nargs=-1)
@word_file
@click.option(
    "--side", metavar="gate|up|in|out", cls=Listed, help="Which side.  [default: gate, or in]"
)
@click.option(
    "--measures",
    metavar="M,M...",
    help="Of pearson, spearman, kendall, cosine, euclidean and dot, or all.  [default: all but "
    "kendall, which takes seconds; of more than 6 words without spearman]",
)
@click.option("--layers", metavar="0-5,29", help="Only the neurons of these layers.")
@click.option("--top-neurons", type=int, metavar="N", help="Only the N of greatest impact.")
@click.option(
    "--impact",
    default="z",
    show_default=True,
    metavar="z|norm",
    cls=Listed,
    help="Greatest mean |z| over the words (z as in middleman), or the longest rows.",
)
@click.option(
    "--control-neurons",
    default="own",
    show_default=True,
    metavar="own|same",
    cls=Listed,
    help="Each control pair over neurons chosen on its own words, or over those of the WORDs, "
    "which the choice makes stand out.",
)
@click.option("--per-layer", is_flag=True, help="A row a layer, and --top-neurons of each.")
@click.option(
    "--control",
    default="matched",
    show_default=True,
    metavar="matched|random",
    cls=Listed,
    help="What stands in for a word: the 200 most like it in tokens, capital, frequency and norm, "
    "or any.",
)
@click.option(
    "--pairs",
    type=int,
    default=1000,
    show_default=True,
    metavar="N",
    help="Control pairs of each pair; 0 for none.",
)
@seed
@answer_options
def compare(words: tuple[str, ...], **options: Any) -> None:
    """How alike are the profiles of WORDs: what the same neurons give each of them?

    A profile is the list of a word's dot products with the neurons of one side. Each pair of words
    has a row: the score of every measure, and its percentile among control pairs.
    """
    asked = words_of(words, options["file"])
    with progress() as tell:
        answer(
            options,
            lambda ix, _, __: ix.compare(
                *asked,
                side=options["side"],
                measures=options["measures"],
                layers=options["layers"],
                top_neurons=options["top_neurons"],
                impact=options["impact"],
                control_neurons=options["control_neurons"],
                per_layer=options["per_layer"],
                control=options["control"],
                pairs=options["pairs"],
                seed=options["seed"],
                progress=tell,
            ),
        )
