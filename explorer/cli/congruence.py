"""`explorer congruence`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import Listed, groups, spaces
from explorer.cli.options import (
    EXIT_CODES,
    Question,
    answer_options,
    measure,
    picture_options,
    seed,
    word_file,
)
from explorer.cli.progress import progress
from explorer.cli.wordfile import words_of

ASKED = ("group", "anchor", "space", "measure", "control", "permutations", "seed")

EPILOG = """
\b
effect       (score - mean of the controls) / their std; above 0 is closer
95 %         its bootstrap interval over words (never over pairs)
p            one-sided, from control groups; words are the unit
p corrected  over all spaces, by the greatest effect of each control group


An effect that stands against matched words and not against random ones, or the
other way round, rests on what is matched: ask --control both.
"""


@click.command(
    cls=Question,
    epilog=EPILOG + EXIT_CODES,
    short_help="Are words closer to each other than matched random words?",
)
@click.argument("words", metavar="WORD WORD...", nargs=-1)
@click.option(
    "--group",
    metavar="NAME",
    shell_complete=groups,
    help="One of the index's own groups, such as size.",
)
@click.option(
    "--anchor",
    metavar="WORD",
    help="Score each word with this one, not with each other; with --space, a row a word.",
)
@word_file
@click.option(
    "--space",
    metavar="S",
    shell_complete=spaces,
    help="Only this one.  [default: embed and every context space]",
)
@measure
@click.option(
    "--control",
    default="matched",
    show_default=True,
    metavar="matched|random|both",
    cls=Listed,
    help="Control words: matched on frequency, number of tokens, capital and norm, or any; both "
    "puts the two side by side.",
)
@click.option(
    "--permutations",
    type=int,
    default=10_000,
    show_default=True,
    metavar="N",
    help="How many control groups are drawn.",
)
@seed
@picture_options
@answer_options
def congruence(words: tuple[str, ...], **options: Any) -> None:
    """Are these words closer to each other than matched random words are, and where?

    One row a space. With --anchor, each word is scored with that one instead; with --anchor and
    --space, there is one row a word, and the list as a whole stands below.
    """
    words = words_of(words, options["file"])
    given = {name: options[name] for name in ASKED if options[name] is not None}
    by_space = options["anchor"] is None or options["space"] is None
    with progress() as tell:
        answer(
            options,
            lambda ix, _, __: (
                ix.congruence(*words, **given, progress=tell)
                if by_space
                else ix.anchored(*words, **given)
            ),
        )
