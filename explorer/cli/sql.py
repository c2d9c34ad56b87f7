"""`explorer sql` and `explorer schema`."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import Any

import click

from explorer import questions
from explorer.cli.answer import answer
from explorer.cli.completion import files
from explorer.cli.options import EXIT_CODES, answer_options, examples
from explorer.cli.question import command
from explorer.questions import SchemaQuery, SqlQuery

FUNCTIONS = """
\b
The questions are functions, and `explorer schema NAME` describes one:
{names}
What has a default may be left out or named: neighbors('dog', k := 3). They take columns too:
  SELECT w.word, n.item FROM word_group w, neighbors(w.word, k := 1) n
A word that is not known ends the query; with missing := 'skip' it has no rows.
"""


class _Sql(click.Command):
    """The command, whose help names every question: they are imported for it alone."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what stands below the options."""
        asked = [one.question for one in questions.QUERIES if one.computed]
        listed = ", ".join([*asked, "similarity", "z"])
        names = textwrap.fill(listed, 76, initial_indent="  ", subsequent_indent="  ")
        self.epilog = FUNCTIONS.format(names=names) + EXIT_CODES + examples(*SqlQuery.examples)
        super().format_epilog(ctx, formatter)


@click.command(cls=_Sql)
@click.argument("query", metavar="[SELECT ...]", required=False)
@click.option(
    "-f",
    "--file",
    metavar="FILE",
    shell_complete=files,
    help="Read the statement from a file; - for stdin.",
)
@click.option(
    "--attach",
    multiple=True,
    metavar="NAME=FILE",
    help="A table of your own, CSV or Parquet, read before anything is asked; repeatable.",
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for $NAME in the statement, as JSON or as text; repeatable.",
)
@click.option(
    "--timeout",
    type=float,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take.",
)
@click.option(
    "--memory", default="1GB", show_default=True, metavar="SIZE", help="How much it may hold."
)
@answer_options
def sql(query: str | None, **options: Any) -> None:
    """What does one SELECT over the catalog answer? Reads only; - takes it from stdin."""
    statement = _statement(query, options["file"])
    attached = dict(_named("attach", one, "mine=words.csv") for one in options["attach"])
    parameters = {
        name: _value(value)
        for name, value in (_named("param", one, "word=large") for one in options["parameters"])
    }
    answer(
        options,
        lambda ix: ix.sql(
            statement,
            parameters,
            attach=attached,
            timeout=options["timeout"],
            memory=options["memory"],
        ),
        computed=False,  # the process that runs it reads both
    )


schema = command(SchemaQuery)


def _statement(query: str | None, file: str | None) -> str:
    from explorer.errors import QueryError
    from explorer.textfile import lines_of

    if query is not None and file is not None:
        raise QueryError("a statement is given and --file too; leave out one of them")
    if query not in (None, "-"):
        return str(query)
    if query is None and file is None:
        raise QueryError('no SQL was given; ask such as "SELECT count(*) FROM token"')
    if file not in (None, "-"):
        return "\n".join(lines_of(str(file)))
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise QueryError("what stdin holds is not UTF-8") from None


def _named(option: str, text: str, example: str) -> tuple[str, str]:
    from explorer.errors import QueryError

    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise QueryError(f"--{option} {text!r}: write NAME=VALUE, such as --{option} {example}")
    return name, value


def _value(text: str) -> Any:
    """A number, list or such as JSON has it; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
