"""`explorer neuron`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.options import EXIT_CODES, Question, rows_options


@click.command(
    cls=Question,
    epilog=EXIT_CODES,
    short_help="What is a neuron near to, and which words does it fire at?",
)
@click.argument("name", metavar="NEURON")
@partial(rows_options, many="How many rows of each kind.  [default: 10]")
def neuron(name: str, **options: Any) -> None:
    """What is NEURON (L29N112): norms, nearest tokens and neurons, words it fires at?"""
    answer(options, lambda ix, k, _: ix.neuron(name, k=k))
