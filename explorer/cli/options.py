"""The options and the help that several questions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from explorer.cli.completion import Listed, files, indexes

EXIT_CODES = """
\b
Exit codes: 0 answered · 1 the machine failed (a full disk, the model's process) ·
2 what was asked for cannot be had · 130 interrupted
"""


def examples(*commands: str) -> str:
    """What a command's help ends with."""
    return "\n\b\nExamples:\n" + "".join(f"  {one}\n" for one in commands)


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
A comma outside quotes parts expressions: "large, tall" is two, "large tall" a phrase.
"""


GLOSSARY = """
\b
  space        vectors of one kind: embed (tokens), context.12 (words after 12
               blocks), neuron.out (what neurons write), ...
  z            standard deviations above what is usual; each answer says of what
  OV           what an attention head writes of a word that it attends to fully
  congruence   are words closer to each other than control words are?
"""


PLACES = "Folder of indexes; EXPLORER_INDEXES, or indexes/ here, then your own, unless given."


def stacked(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    """A command with some options, in the order in which its help shows them."""
    for option in reversed(options):
        command = option(command)
    return command


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
            "--explain",
            is_flag=True,
            help="Say on stderr how scores were found: by codes or all rows, and how many exactly.",
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
