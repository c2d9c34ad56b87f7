"""`explorer neuron`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.options import EXIT_CODES, Question, rows_options


@click.command(cls=Question, epilog=EXIT_CODES)
@click.argument("name", metavar="NEURON")
@rows_options
def neuron(name: str, **options: Any) -> None:
    """What is NEURON (L29N112): norms, nearest tokens of each side, nearest neurons?"""
    answer(options, lambda ix, k, _: ix.neuron(name, k))
