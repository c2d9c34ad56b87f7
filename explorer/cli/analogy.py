"""`explorer analogy`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import Listed, spaces
from explorer.cli.options import (
    EXIT_CODES,
    EXPRESSIONS,
    Question,
    forms,
    inputs,
    measure,
    picture_options,
    rows_options,
)
from explorer.errors import QueryError

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Result


@click.command(
    cls=Question,
    epilog=EXPRESSIONS + EXIT_CODES,
    short_help="What does EXPR lead to, and how close does a target come?",
)
@click.argument("expression", metavar="EXPR")
@click.option("--target", metavar="WORD", help="Where does this word stand?")
@click.option("--against", metavar="EXPR", help="Another expression to compare the target under.")
@click.option(
    "--space", metavar="S", shell_complete=spaces, help="Where to look.  [default: embed]"
)
@click.option("--all-layers", is_flag=True, help="In embed and every context space, a row each.")
@click.option(
    "--method",
    default="add",
    show_default=True,
    metavar="add|mul",
    cls=Listed,
    help="3CosAdd, or 3CosMul.",
)
@measure
@inputs
@forms
@picture_options
@partial(rows_options, many="How many rows; with --all-layers, items a row.  [default: 10; 3]")
def analogy(expression: str, **options: Any) -> None:
    """What does EXPR lead to, and how close does it come to a target?"""
    if options["all_layers"] and options["space"] is not None:
        raise QueryError("--all-layers asks every space; leave out --space")
    drawn = "--draw" if options["draw"] else "--plot" if options["plot"] is not None else None
    if drawn and not (options["all_layers"] and options["target"] is not None):
        raise QueryError(f"{drawn} shows a target by layer; add --all-layers and --target WORD")

    def ask(ix: Explorer, k: int, distinct: bool) -> Result:
        common = {
            "target": options["target"],
            "against": options["against"],
            "measure": options["measure"],
            "method": options["method"],
            "include_inputs": options["include_inputs"],
            "distinct": distinct,
        }
        if options["all_layers"]:
            few = 3 if options["k"] is None else k
            return ix.analogy_layers(expression, k=few, **common)
        return ix.analogy(expression, space=options["space"] or "embed", k=k, **common)

    answer(options, ask)
