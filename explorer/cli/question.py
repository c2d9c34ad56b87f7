"""A command of a query: its arguments and options are the query's fields.

Knows click and what fields say of themselves; knows no question in particular.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import click

from explorer.cli.answer import answer
from explorer.cli.completion import (
    Listed,
    Renamed,
    depths,
    files,
    groups,
    heads,
    layers,
    sides,
    spaces,
    tables,
)
from explorer.cli.options import (
    EXIT_CODES,
    EXPRESSIONS,
    answer_options,
    examples,
    picture_options,
    stacked,
)
from explorer.cli.progress import progress
from explorer.cli.wordfile import words_of
from explorer.questions.query import Parameter, Query, about, parameters
from indexer.store.errors import on_command_line

Given = dict[str, Any]
"""By field, what was given on the command line."""

_COMPLETED: Mapping[str, Any] = {
    "space": spaces,
    "depth": depths,
    "side": sides,
    "layer": layers,
    "layers": layers,
    "head": heads,
    "group": groups,
    "file": files,
    "table": tables,
}
_WRITTEN = frozenset({"expression", "word", "neuron"})
"""What is written as expressions are, which the help then tells of."""


class QuestionCommand(click.Command):
    """A command whose expression may begin with a minus, as `- man + woman` and `-2*dog` do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, a leading minus for what it is."""
        # The grammar passes over blanks, and what begins with one is no option.
        args = [f" {a}" if re.match(r"-(\s|[\d.]\S*\*)", a) else a for a in args]
        try:
            return super().parse_args(ctx, list(args))
        except click.UsageError as err:
            if "unexpected extra argument" not in err.message:
                raise
            raise click.UsageError(f"{err.message}; {self._in_one(args)}", ctx) from None

    def _in_one(self, args: Sequence[str]) -> str:
        """How what was given as several arguments is given as one."""
        if not any(one.metavar == "NEURON" for one in self.params):
            return "put the whole expression in quotes"
        layer, *units = [one for one in args if one.isdigit()] or ["29"]
        return f"a neuron is one name, such as L{layer}N{units[0] if units else 112}"


def command(
    kind: type[Query[Any]],
    made: Callable[[Given, Mapping[str, Any]], Query[Any]] | None = None,
    extra: Sequence[click.Parameter] = (),
    pictured: bool | None = None,
    ask: Callable[[Mapping[str, Any], Query[Any]], None] | None = None,
    optional: Sequence[str] = (),
) -> click.Command:
    """The command that asks a kind of query.

    Args:
        kind: whose fields it takes.
        made: makes the query of what was given and of all options; of `kind` unless given.
        extra: options, or arguments, that are no field.
        pictured: whether its answers are drawn; as `kind` says unless given.
        ask: asks a query that was made, and writes its answer, unless it is asked as every other.
        optional: arguments that need not be given, though the query has them.
    """
    fields = parameters(kind)
    options = [one.name for one in fields if not one.positional]

    def run(**options: Any) -> None:
        given = _given(fields, options)
        query = kind(**given) if made is None else made(given, options)
        if ask is not None:
            ask(options, query)
            return
        with progress() as tell:
            answer(options, lambda ix: ix.ask(query, tell), kind.computed)

    drawn = kind.pictured if pictured is None else pictured
    shown = stacked(lambda: None, (picture_options, answer_options) if drawn else (answer_options,))
    lists = [_WORD_FILE] if any(one.positional and one.several for one in fields) else []
    epilog = EXPRESSIONS if any(one.takes in _WRITTEN for one in fields) else ""
    text = about(kind)
    return QuestionCommand(
        (kind.command or (kind.question,))[-1],
        callback=run,
        params=[
            *(_argument(one, one.name in optional) for one in fields if one.positional),
            *lists,
            *(_option(one, options) for one in fields if not one.positional),
            *extra,
            *reversed(getattr(shown, "__click_params__", [])),
        ],
        help=_plain(text)
        + _explained(kind)
        + _about_arguments([one for one in fields if one.positional]),
        short_help=_plain(text.split("\n\n")[0]),
        epilog=epilog + kind.more + EXIT_CODES + examples(*kind.examples),
    )


def _explained(kind: type[Query[Any]]) -> str:
    return f"\n\n{kind.explains}" if kind.explains else ""


_WORD_FILE = click.Option(
    ["--file", "word_file"],
    metavar="FILE",
    shell_complete=files,
    help="A file of words, one a line, instead of arguments.",
)


def _argument(one: Parameter, optional: bool) -> click.Argument:
    metavar = f"{one.metavar} {one.metavar}..." if one.several else one.metavar
    needed = one.required and not one.several and not optional
    return click.Argument(
        [one.name],
        metavar=metavar if needed or one.several else f"[{metavar}]",
        nargs=-1 if one.several else 1,
        required=needed,
        shell_complete=_COMPLETED.get(one.takes),
    )


def _option(one: Parameter, options: Collection[str]) -> click.Option:
    spelled = [on_command_line(one.name, None)]
    pair = ["/".join(one.pair)] if one.pair else []
    kind: Any = Listed if one.choices and one.takes == "choice" else Renamed
    flag = one.type is bool
    made: click.Option = kind(
        [*(pair or [*spelled, *one.also]), one.name],
        metavar=None if flag else one.metavar,
        is_flag=flag,
        type=None if flag or one.type is str else one.type,
        multiple=not flag,
        default=None,
        callback=None if flag or one.several else _once,
        help=_help(one, options),
        shell_complete=_COMPLETED.get(one.takes),
    )
    return made


def _once(_: click.Context, option: click.Parameter, given: tuple[Any, ...]) -> Any:
    """The value of an option that takes one; two of them are not one, and none is passed over."""
    if len(given or ()) > 1:
        raise click.UsageError(f"{option.opts[-1]} takes one value here, not {len(given)}")
    return given[0] if given else None


def _about_arguments(fields: Sequence[Parameter]) -> str:
    """What stands for each argument, in lines that click leaves as they are."""
    width = max((len(one.metavar) for one in fields), default=0)
    lines = [
        line
        for one in fields
        for line in textwrap.wrap(
            # No lines can be typed: of a file, its path alone is said.
            f"{one.metavar:<{width}}  {_plain(one.help.removesuffix('; or such lines'))}",
            78,
            initial_indent="  ",
            subsequent_indent=" " * (width + 4),
        )
    ]
    return "\n\n\b\n" + "\n".join(lines) if lines else ""


def _help(one: Parameter, options: Collection[str]) -> str:
    text = _plain(one.help, options)
    if text.split(maxsplit=1)[0].strip(":,;") not in one.choices:  # a value is written as it is
        text = text[:1].upper() + text[1:]
    text = text if text.endswith(".") else f"{text}."
    text += " Repeatable." * one.several
    usual = "folded in table and markdown" if one.folds_forms else _plain(one.usual)
    unsaid = one.default is None or one.default is False or one.default == ()
    if not usual and not unsaid and not one.required:
        default = one.default if one.several else (one.default,)
        usual = ", ".join(f"{each:,}" if one.type is int else str(each) for each in default)
    return f"{text}  [default: {usual}]" if usual else text


def _plain(text: str, options: Collection[str] = ()) -> str:
    """Without backticks; a field stands as the option that it is."""
    for name in options:
        text = text.replace(f"`{name}`", on_command_line(name, None))
    return text.replace("`", "")


def _given(fields: Sequence[Parameter], options: Mapping[str, Any]) -> Given:
    """By field, what was given; what was not has the field's own default."""
    given: Given = {}
    for one in fields:
        value = options[one.name]
        if one.positional and one.several:
            value = words_of(value, options["word_file"])
        elif one.several and one.takes != "word":
            value = tuple(part for each in value or () for part in each.split(","))
        if one.folds_forms and value is None:
            value = options["format"] in ("table", "markdown")
        if value is not None and value != ():
            given[one.name] = value
        elif one.required and one.several:
            given[one.name] = ()
    return given
