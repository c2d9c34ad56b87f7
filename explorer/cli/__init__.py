"""`explorer`: a command a question, made of its query; those that take more have a file.

Knows exit codes; each command imports what it needs when it runs.
"""

from __future__ import annotations

import itertools
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click

from explorer import questions
from explorer.cli.answer import say
from explorer.cli.completion import completion
from explorer.cli.options import EXIT_CODES, EXPRESSIONS, GLOSSARY, examples
from explorer.cli.process import begin, leave
from explorer.cli.question import command
from explorer.questions import QUESTIONS, kind_of
from explorer.questions.query import Query
from indexer.store.colour import failing
from indexer.store.errors import at_the_edge, did_you_mean, on_command_line
from indexer.store.shown import escape_what_libraries_say
from indexer.store.streams import ReaderLeft, let_go_of_stdout, prepare


class _Program(click.Group):
    """The program; what is no command may be a word that somebody asks about."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named, and what is left for it."""
        if args and args[0] not in self.commands:
            near = did_you_mean(args[0], get_close_matches(args[0], self.commands, 1, 0.7))
            written = itertools.takewhile(lambda one: not re.match("-+[a-z]", one), args)
            asked = shlex.join(["explorer", "neighbors", " ".join(written)])
            hint = near or f" (`explorer --help` lists them); what is near it says `{asked}`"
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Program,
    epilog=GLOSSARY
    + EXPRESSIONS
    + EXIT_CODES
    + examples('explorer neighbors "king - man + woman"', "explorer middleman large tall"),
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
    ctx.invoke(_tui(), index=None, indexes=None, web=False)


_BY_HAND = {
    "neighbors": "neighbors",
    "analogy": "analogy",
    "congruence": "congruence",
    "layers": "layers",
    "findings": "findings",
    "sql": "sql",
    "schema": "sql",
}
"""Commands that take more than their query's fields, or ask one of two, with their files."""


class _Commands(Mapping[str, click.Command]):
    """Commands by name, each made when it is first looked at: a program runs one of them."""

    def __init__(self) -> None:
        self._own: dict[str, Callable[[], click.Command]] = {
            "tui": _tui,
            "evaluate": _evaluations,
            "completion": lambda: completion,
        }
        self._made: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._made:
            self._made[name] = self._own[name]() if name in self._own else _asking(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        asked = (name for name in QUESTIONS if _is_a_command(kind_of(name)))
        return iter(["tui", *asked, "evaluate", "completion"])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_a_command(kind: type[Query[Any]]) -> bool:
    """Whether a query has a command of its name."""
    return not kind.command and not kind.part_of


def _asking(question: str) -> click.Command:
    """The command of a question; raises `KeyError` where there is none."""
    if question not in QUESTIONS or not _is_a_command(kind_of(question)):
        raise KeyError(question)
    file = _BY_HAND.get(question)
    if file is None:
        return command(kind_of(question))
    made: click.Command = getattr(import_module(f"explorer.cli.{file}"), question)
    return made


def _tui() -> click.Command:
    from explorer.cli.tui import tui

    return tui


def _evaluations() -> click.Command:
    """The questions of test sets, as one command."""
    kinds = [kind for kind in questions.QUERIES if kind.command[:1] == ("evaluate",)]
    return click.Group(
        "evaluate",
        [command(kind) for kind in kinds],
        help="How do spaces do on a standard test set: analogies, or similarity of words?",
        short_help="How do spaces do on a standard test set?",
        epilog=EXIT_CODES + examples(*(kind.examples[0] for kind in kinds)),
    )


cli.commands = _Commands()  # type: ignore[assignment]  # click adds none to them


def program() -> NoReturn:
    """The console script: `main` in a process of its own, which ends with it."""
    begin()
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    leave()


def main() -> NoReturn:
    """Run a command; every error a person may meet is one line on stderr.

    Raises:
        SystemExit: always, with the exit code.
    """
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
        said = did_you_mean(err.option_name, _options_like(err)) or ";"
        said = f"no option {err.option_name!r}{said}"
        _fail(2, f"{said} an expression that begins with '-' goes last, after a lone '--'")
    except click.ClickException as err:
        _fail(err.exit_code, " ".join(err.format_message().split()))
    except BaseException as err:
        edge = at_the_edge(err, on_command_line)
        if edge is None:
            raise
        _fail(*edge)
    sys.exit(0)


def _options_like(err: click.NoSuchOption) -> list[str]:
    """The options that may have been meant: those that begin alike before all others."""
    asked = err.option_name
    shown = [
        one for one in (err.ctx.command.params if err.ctx else []) if isinstance(one, click.Option)
    ]
    names = [name for one in shown if not one.hidden for name in (*one.opts, *one.secondary_opts)]
    alike = [name for name in names if name.startswith(asked[:3])]
    return get_close_matches(asked, alike, 2, 0.4) or get_close_matches(asked, names, 2)


def _fail(code: int, line: str) -> NoReturn:
    say(line, failing("explorer"))
    let_go_of_stdout()
    sys.exit(code)
