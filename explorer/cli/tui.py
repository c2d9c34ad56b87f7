"""`explorer tui`, and what `explorer` alone opens in a terminal."""

from __future__ import annotations

import click

from explorer.cli.completion import files, indexes
from explorer.cli.options import EXIT_CODES, PLACES


@click.command(epilog=EXIT_CODES)
@click.option(
    "--index",
    metavar="NAME|PATH",
    shell_complete=indexes,
    help="The index to open, or its folder; EXPLORER_INDEX, the one that was open last, or the "
    "only one there, unless given.",
)
@click.option(
    "--indexes",
    metavar="DIR",
    shell_complete=files,
    help=PLACES,
)
@click.option("--web", is_flag=True, help="Serve it to the browsers of this machine.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="With --web."
)
def tui(index: str | None, indexes: str | None, web: bool, port: int) -> None:
    """Open the terminal UI, which answers while one types. `explorer` alone opens it too."""
    if web:
        from explorer.screen.web import serve

        serve(index, indexes, port)
        return
    from explorer.screen.app import ExplorerApp

    ExplorerApp(index, indexes).run()
