"""`explorer findings`: the lines, and with --keep where the terminal UI finds them at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.answer import answer
from explorer.cli.progress import progress
from explorer.cli.question import command
from explorer.questions import FindingsQuery

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.progress import Progress
    from explorer.questions import Result


def _ask(options: Mapping[str, Any], query: Any) -> None:
    with progress() as tell:
        answer(options, lambda ix: _found(ix, query, options["keep"], tell), options["keep"])


def _found(ix: Explorer, query: FindingsQuery, keep: bool, tell: Progress) -> Result[Any]:
    if not keep:
        return ix.ask(query, tell)
    from explorer.findings import kept

    found = ix.ask(FindingsQuery(anew=True), tell)
    kept.keep(ix.index.folder, ix.manifest, found.rows)
    return found


findings = command(
    FindingsQuery,
    extra=[
        click.Option(
            ["--keep"],
            is_flag=True,
            help="Ask anew, and keep the lines beside the index, as a build does: the terminal UI "
            "has them at once then.",
        )
    ],
    ask=_ask,
)
