"""The options and the help that several questions share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from explorer.cli.completion import Listed, files, indexes, spaces
from explorer.measures import MEASURES

EXIT_CODES = """
\b
Exit codes: 0 answered · 1 the machine failed (a full disk, the model's process) ·
2 what was asked for cannot be had · 130 interrupted
"""

EXPRESSIONS = """
\b
Expressions (operators stand between blanks):
  king - man + woman      words, added and taken away
  "Great Dane" + small    a text in double quotes; need not be indexed
  0.5*dog                 a weight
  L29N112.out             one side of a neuron: gate, up or out; in or out without gate
  L3H5D7.output           a dimension of an attention head: value or output
  dog@context.12          the vector taken from another space
  f123@sae.decoder        a label of an imported space
  token:"large"  #1507    exactly this token; the token of that id
A bare word means its form with a leading space where the vocabulary has one.
"""


PLACES = "Folder of indexes; EXPLORER_INDEXES, or indexes/ here, then your own, unless given."


def stacked(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    """A command with some options, in the order in which its help shows them."""
    for option in reversed(options):
        command = option(command)
    return command


def rows_options(
    command: Callable[..., Any], many: str = "How many rows.  [default: 10]"
) -> Callable[..., Any]:
    """The options of every question that has a best so many; `many` says of what."""
    option = click.option("-k", type=int, default=None, metavar="N", help=many)
    return option(answer_options(command))


def answer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every question has."""
    options = [
        click.option(
            "--index",
            metavar="NAME|PATH",
            shell_complete=indexes,
            help="The index to ask, or its folder; EXPLORER_INDEX, or the only one there, unless "
            "given.",
        ),
        click.option(
            "--indexes",
            metavar="DIR",
            shell_complete=files,
            help=PLACES,
        ),
        click.option(
            "--format",
            default="table",
            show_default=True,
            metavar="table|markdown|html|json|jsonl|csv",
            cls=Listed,
            help="How the answer is written.",
        ),
        click.option(
            "--raw-cells",
            is_flag=True,
            help="CSV: leave text that a spreadsheet would run (=, +, -, @ before it) without an "
            "apostrophe.",
        ),
        click.option(
            "-o",
            "--output",
            metavar="FILE",
            shell_complete=files,
            help="Write the answer there, not to stdout.",
        ),
    ]
    return stacked(command, options)


def picture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every question whose answer is worth drawing."""
    options = [
        click.option(
            "--draw/--no-draw",
            "draw",
            default=None,
            help="Draw the answer below its table, or nothing; unless said, a histogram is drawn "
            "in a terminal.",
        ),
        click.option(
            "--plot",
            metavar="FILE.svg|png",
            shell_complete=files,
            help="Draw it into a file; needs the extra [plot].",
        ),
    ]
    return stacked(command, options)


forms = click.option(
    "--distinct/--all-forms",
    "distinct",
    default=None,
    help="Fold forms that differ only in case or leading space into one row (the way of tables), "
    "or show each (the way of JSON and CSV).",
)
inputs = click.option("--include-inputs", is_flag=True, help="Keep the query's own items.")
measure = click.option(
    "--measure",
    metavar="|".join(MEASURES),
    cls=Listed,
    help="How vectors are scored; centered in context.*, cosine elsewhere, unless given.",
)
seed = click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Of the draw."
)
word_file = click.option(
    "--file",
    metavar="FILE",
    shell_complete=files,
    help="A file of words, one a line, instead of arguments.",
)
space = click.option(
    "--space",
    default="embed",
    show_default=True,
    metavar="S",
    shell_complete=spaces,
    help="Where to look: `indexer show` lists them.",
)


class Question(click.Command):
    """A command whose expression may begin with a minus, as `- man + woman` and `-2*dog` do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, a leading minus for what it is."""
        # The grammar passes over blanks, and what begins with one is no option.
        args = [f" {a}" if re.match(r"-(\s|[\d.]\S*\*)", a) else a for a in args]
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as err:
            if "unexpected extra argument" not in err.message:
                raise
            said = f"{err.message}; put the whole expression in quotes"
            raise click.UsageError(said, ctx) from None
