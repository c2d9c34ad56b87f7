"""`explorer`: a command a question, made of its query; those that take more have a file.

Knows exit codes; each command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from explorer.cli.analogy import analogy
from explorer.cli.answer import say
from explorer.cli.completion import completion
from explorer.cli.congruence import congruence
from explorer.cli.neighbors import neighbors
from explorer.cli.options import EXIT_CODES, EXPRESSIONS
from explorer.cli.question import command
from explorer.cli.sql import schema, sql
from explorer.cli.tui import tui
from explorer.questions import QUERIES
from indexer.store.errors import at_the_edge
from indexer.store.shown import escape_what_libraries_say
from indexer.store.streams import ReaderLeft, let_go_of_stdout, prepare


@click.group(
    epilog=EXPRESSIONS + EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(package_name="semantic-explorer")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Ask a language model's index how it represents meaning.

    Without a command, in a terminal, the terminal UI opens.
    """
    if ctx.invoked_subcommand is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.exceptions.NoArgsIsHelpError(ctx)
    ctx.invoke(tui, index=None, indexes=None, web=False)


@click.group(epilog=EXIT_CODES, short_help="How do spaces do on a standard test set?")
def evaluate() -> None:
    """How do spaces do on a standard test set: analogies, or similarity of words?"""


_BY_HAND = {one.name: one for one in (neighbors, analogy, congruence, sql, schema)}
"""Commands that take more than their query's fields, or ask one of two."""

_PARTS = {"analogy_layers", "anchored"}
"""Questions that are asked with a command of another one."""

cli.add_command(tui)
for _kind in QUERIES:
    if _kind.question in _PARTS:
        continue
    _made = _BY_HAND.get(_kind.question) or command(_kind)
    (evaluate if _kind.command[:1] == ("evaluate",) else cli).add_command(_made)
cli.add_command(evaluate)
cli.add_command(completion)


def main() -> NoReturn:
    """Run a command; every error a person may meet is one line on stderr."""
    prepare()
    escape_what_libraries_say()
    try:
        cli.main(standalone_mode=False)
        sys.stdout.flush()  # what fails at exit could not be told any more
    except ReaderLeft:  # it has what it wanted
        let_go_of_stdout()
        sys.exit(0)
    except click.exceptions.Abort:
        _fail(130, "interrupted")
    except click.exceptions.NoArgsIsHelpError as err:
        group = err.ctx.command if err.ctx else cli
        commands = ", ".join(sorted(getattr(group, "commands", cli.commands)))
        asked = err.ctx.command_path if err.ctx else "explorer"
        _fail(2, f"ask something: {commands} (`{asked} --help` says what each answers)")
    except click.NoSuchOption as err:
        said = err.format_message()
        _fail(2, f"{said} An expression that begins with '-' goes last, after a lone '--'.")
    except click.ClickException as err:
        _fail(err.exit_code, " ".join(err.format_message().split()))
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        _fail(*edge)
    sys.exit(0)


def _fail(code: int, line: str) -> NoReturn:
    say(line)
    let_go_of_stdout()
    sys.exit(code)
