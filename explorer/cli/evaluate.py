"""`explorer evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import Listed, spaces
from explorer.cli.options import EXIT_CODES, answer_options, stacked
from explorer.cli.progress import progress
from explorer.measures import MEASURES

QUESTIONS = """
\b
FILE has lines 'a b c d' (a is to b as c is to d) under lines ': section', as word2vec's
questions-words.txt. An answer is right where d, in any case, is the best candidate:
  accuracy   for b - a + c, with a, b and c left out of the candidates
  kept in    the same with a, b and c among them
  c alone    nearest to c, no offset added, a, b and c left out
  of asked   as accuracy, but questions that are not covered count as wrong
What gensim's evaluate_word_analogies counts: --case fold --depth 5 --measure cosine.
"""

PAIRS = """
\b
FILE has two words and a rating a line, as WordSim-353 and SimLex-999; lines that begin with #
are comments. What gensim's evaluate_word_pairs gives: --case fold --measure cosine.
"""


def spaces_and_words(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both test sets."""
    options = [
        click.option(
            "--space",
            metavar="S",
            shell_complete=spaces,
            multiple=True,
            help="Where to look; repeatable.  [default: embed]",
        ),
        click.option("--all-layers", is_flag=True, help="In embed and every context space."),
        click.option(
            "--measure",
            metavar="|".join((*MEASURES, "all")),
            cls=Listed,
            multiple=True,
            help="How vectors are scored; repeatable; centered in context.*, cosine elsewhere, "
            "unless given.",
        ),
        click.option(
            "--tokens",
            default="word-like",
            show_default=True,
            metavar="word-like|all",
            cls=Listed,
            help="Which tokens are words: a leading space and letters, or every one.",
        ),
        click.option(
            "--case",
            default="written",
            show_default=True,
            metavar="written|fold|exact",
            cls=Listed,
            help="A word is the item written so; or the most frequent in any case; or the item "
            "written so, and forms in another case are other answers.",
        ),
        click.option(
            "--restrict",
            type=int,
            metavar="N",
            help="Only the first N items: tokens by id, words by frequency.",
        ),
    ]
    return stacked(command, options)


@click.group(epilog=EXIT_CODES, short_help="How do spaces do on a standard test set?")
def evaluate() -> None:
    """How do spaces do on a standard test set: analogies, or similarity of words?"""


@evaluate.command(epilog=QUESTIONS + EXIT_CODES)
@click.argument("file", metavar="FILE")
@spaces_and_words
@click.option(
    "--method",
    metavar="add|mul",
    cls=Listed,
    multiple=True,
    help="3CosAdd, or 3CosMul; repeatable.  [default: add]",
)
@click.option(
    "--depth",
    type=int,
    metavar="N",
    help="Look for the answer only among the N best besides a, b and c.  [default: all]",
)
@click.option(
    "--sections/--totals",
    default=None,
    help="A row for each section too, or totals alone; sections where only one space, measure and "
    "method are asked, unless given.",
)
@answer_options
def analogies(file: str, **options: Any) -> None:
    """How many analogy questions does each space answer?"""
    with progress() as told:
        answer(
            options,
            lambda ix, _, __: ix.evaluate_analogies(
                file,
                space=options["space"] or None,
                all_layers=options["all_layers"],
                measure=options["measure"] or None,
                method=options["method"] or "add",
                tokens=options["tokens"],
                case=options["case"],
                restrict=options["restrict"],
                depth=options["depth"],
                sections=options["sections"],
                progress=told,
            ),
        )


@evaluate.command(
    epilog=PAIRS + EXIT_CODES, short_help="How well do scores of pairs go with people's ratings?"
)
@click.argument("file", metavar="FILE")
@spaces_and_words
@click.option(
    "--column",
    default="3",
    show_default=True,
    metavar="N|NAME",
    help="Where the ratings stand, by number from 1 or by name in the header.",
)
@click.option(
    "--delimiter",
    metavar="CHAR",
    help="Between columns; a tab, a semicolon, a comma or blanks unless given.",
)
@click.option(
    "--missing-as-zero", is_flag=True, help="Score pairs that are not covered 0; else left out."
)
@answer_options
def similarity(file: str, **options: Any) -> None:
    """How well do the scores of pairs of words go with people's ratings?"""
    with progress() as told:
        answer(
            options,
            lambda ix, _, __: ix.evaluate_similarity(
                file,
                space=options["space"] or None,
                all_layers=options["all_layers"],
                measure=options["measure"] or None,
                column=options["column"],
                delimiter=options["delimiter"],
                tokens=options["tokens"],
                case=options["case"],
                restrict=options["restrict"],
                missing_as_zero=options["missing_as_zero"],
                progress=told,
            ),
        )
