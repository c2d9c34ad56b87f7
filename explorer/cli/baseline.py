"""`explorer baseline`."""

from __future__ import annotations

from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import spaces
from explorer.cli.options import EXIT_CODES, answer_options, measure, picture_options, seed
from explorer.cli.progress import progress


@click.command(epilog=EXIT_CODES)
@click.option(
    "--space",
    metavar="S",
    shell_complete=spaces,
    help="Only this one, by every measure.  [default: embed and every context space]",
)
@measure
@click.option(
    "--pairs", type=int, default=50_000, show_default=True, metavar="N", help="How many are drawn."
)
@seed
@picture_options
@answer_options
def baseline(**options: Any) -> None:
    """What do two unrelated words score, per space and measure?"""
    asked = {name: options[name] for name in ("space", "measure", "pairs", "seed")}
    with progress() as tell:
        answer(options, lambda ix, _, __: ix.baseline(**asked, progress=tell))
