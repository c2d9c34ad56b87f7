"""`explorer`: one thin command a question, over `explorer.api`.

Knows options, files and exit codes; each command imports what it needs when it runs. stdout is
data, stderr is narration.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from explorer.errors import QueryError
from indexer.store.errors import MachineError, at_the_edge

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.results import Result

EXIT_CODES = """
\b
Exit codes: 0 answered · 1 the machine failed (a full disk, the model's process) ·
2 what was asked for cannot be had · 130 interrupted
"""

EXPRESSIONS = """
\b
Expressions (operators stand between blanks):
  king - man + woman      words, added and taken away
  "Great Dane" + small    a text in double quotes; need not be indexed
  0.5*dog                 a weight
  L29N112.out             one side of a neuron: in, up or out
  L3H5D7.output           a dimension of an attention head: value or output
  dog@context.12          the vector taken from another space
  token:"large"  #1507    exactly this token; the token of that id
A bare word means its form with a leading space where the vocabulary has one.
"""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every question that has a best so many."""
    option = click.option(
        "-k", type=int, default=None, metavar="N", help="How many rows.  [default: 10]"
    )
    return option(_whole(command))


def _whole(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every question has."""
    options = [
        click.option(
            "--index",
            metavar="NAME",
            help="The index to ask; EXPLORER_INDEX, or the only one there, unless given.",
        ),
        click.option(
            "--indexes",
            metavar="DIR",
            help="Where indexes are; EXPLORER_INDEXES, or indexes/ here, unless given.",
        ),
        click.option(
            "--format",
            default="table",
            show_default=True,
            metavar="table|json|jsonl|csv",
            help="How the answer is written.",
        ),
        click.option(
            "-o", "--output", metavar="FILE", help="Write the answer there, not to stdout."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


_forms = click.option(
    "--distinct/--all-forms",
    "distinct",
    default=None,
    help="Fold forms that differ only in case or leading space into one row (the way of tables), "
    "or show each (the way of JSON and CSV).",
)
_inputs = click.option("--include-inputs", is_flag=True, help="Keep the query's own items.")
_measure = click.option(
    "--measure",
    metavar="dot|cosine|centered|euclidean",
    help="How vectors are scored; centered in context.*, cosine elsewhere, unless given.",
)
_space = click.option(
    "--space", default="embed", show_default=True, help="Where to look: `indexer show` lists them."
)


class _Question(click.Command):
    """A command whose expression may begin with a minus, as `- man + woman` and `-2*dog` do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # The grammar passes over blanks, and what begins with one is no option.
        args = [f" {a}" if re.match(r"-(\s|[\d.]\S*\*)", a) else a for a in args]
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as err:
            if "unexpected extra argument" not in err.message:
                raise
            said = f"{err.message}; put the whole expression in quotes"
            raise click.UsageError(said, ctx) from None


@click.group(
    epilog=EXPRESSIONS + EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="semantic-explorer")
def cli() -> None:
    """Ask a language model's index how it represents meaning."""


@cli.command(cls=_Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("expression", metavar="EXPR")
@_space
@_measure
@_inputs
@_forms
@_options
def neighbors(expression: str, **options: Any) -> None:
    """Which items of a space are nearest to EXPR?"""
    _answer(
        options,
        lambda ix, k, distinct: ix.neighbors(
            expression,
            options["space"],
            options["measure"],
            k,
            options["include_inputs"],
            distinct,
        ),
    )


@cli.command(cls=_Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("words", metavar="WORD WORD...", nargs=-1)
@click.option("--not", "avoid", multiple=True, metavar="WORD", help="A word to avoid; repeatable.")
@click.option("--side", default="in", show_default=True, metavar="in|up|out", help="Side to score.")
@click.option(
    "--score",
    default="z",
    show_default=True,
    metavar="z|dot|cosine",
    help="z is standardised: deviations above what the neuron gives a random word-like token.",
)
@click.option(
    "--combine",
    default="min",
    show_default=True,
    metavar="min|mean",
    help="A neuron's score: the least of the words' scores, or their mean.",
)
@click.option("--layers", metavar="0-28", help="Only these layers.")
@click.option("--per-layer", type=int, metavar="N", help="The best N of each layer.")
@_options
def middleman(words: tuple[str, ...], **options: Any) -> None:
    """Which neurons answer to every WORD?"""
    _answer(
        options,
        lambda ix, k, _: ix.middleman(
            *words,
            avoid=options["avoid"],
            side=options["side"],
            score=options["score"],
            combine=options["combine"],
            layers=options["layers"],
            per_layer=options["per_layer"],
            k=k,
        ),
    )


@cli.command(cls=_Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("expression", metavar="EXPR")
@click.option("--target", metavar="WORD", help="Where does this word stand?")
@click.option("--against", metavar="EXPR", help="Another expression to compare the target under.")
@click.option("--space", metavar="S", help="Where to look.  [default: embed]")
@click.option("--all-layers", is_flag=True, help="In embed and every context space, a row each.")
@click.option(
    "--method",
    default="add",
    show_default=True,
    metavar="add|mul",
    help="3CosAdd, or 3CosMul.",
)
@_measure
@_inputs
@_forms
@_options
def analogy(expression: str, **options: Any) -> None:
    """What does EXPR lead to, and how close does it come to a target?"""
    if options["all_layers"] and options["space"] is not None:
        raise QueryError("--all-layers asks every space; leave out --space")

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

    _answer(options, ask)


@cli.command(cls=_Question, epilog=EXIT_CODES)
@click.argument("name", metavar="NEURON")
@_options
def neuron(name: str, **options: Any) -> None:
    """What is NEURON (L29N112): norms, nearest tokens of each side, nearest neurons?"""
    _answer(options, lambda ix, k, _: ix.neuron(name, k))


@cli.command(cls=_Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("word", metavar="WORD")
@click.option("--layer", type=int, metavar="L", help="Only this block's heads.")
@click.option("--head", type=int, metavar="H", help="Only this head of that block.")
@click.option("--to", metavar="WORD", help="Rank heads by how strongly they carry WORD to this.")
@_options
def ov(word: str, **options: Any) -> None:
    """What does each attention head write for WORD, if it attends to it fully?"""
    _answer(
        options,
        lambda ix, _, __: ix.ov(
            word, options["layer"], options["head"], options["to"], options["k"]
        ),
    )


@cli.command(cls=_Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("expression", metavar="EXPR")
@click.argument("target", required=False)
@_measure
@_forms
@_options
def layers(expression: str, target: str | None, **options: Any) -> None:
    """What is near EXPR at every layer, where does TARGET stand, and what changes where?"""
    _answer(
        options,
        lambda ix, k, distinct: ix.layers(
            expression, target, options["measure"], 5 if options["k"] is None else k, distinct
        ),
    )


@cli.command(epilog=EXIT_CODES)
@click.option(
    "--space",
    metavar="S",
    help="Only this one, by every measure.  [default: embed and every context space]",
)
@_measure
@click.option(
    "--pairs", type=int, default=50_000, show_default=True, metavar="N", help="How many are drawn."
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of the draw.")
@_whole
def baseline(**options: Any) -> None:
    """What do two unrelated words score, per space and measure?"""
    _answer(
        options,
        lambda ix, _, __: ix.baseline(
            options["space"], options["measure"], options["pairs"], options["seed"]
        ),
    )


def _answer(options: dict[str, Any], ask: Callable[[Explorer, int, bool], Result]) -> None:
    """Open the index, ask, and write the answer where it was wanted."""
    from explorer.api import Explorer
    from explorer.render import check_format, render
    from indexer.store.read import open_index

    format = options["format"]
    check_format(format)
    k = 10 if options.get("k") is None else options["k"]
    distinct = options.get("distinct")
    if distinct is None:
        distinct = format == "table"
    with Explorer(open_index(options["index"], options["indexes"]), announce=_say) as ix:
        result = ask(ix, k, distinct)
        text = render(result, format, _width())
    _write(text, options["output"])
    if format in ("csv", "jsonl"):
        _say_what_it_rests_on(result)


def _say_what_it_rests_on(result: Result) -> None:
    """Rows alone say neither what words were taken to be nor what was searched; stderr does."""
    from explorer.render import resolved_lines

    meta = result.meta  # type: ignore[attr-defined]  # every result has meta
    _say(f"{meta.space} by {meta.measure}, index {meta.index}")
    for line in resolved_lines(meta):
        _say(line.strip())


def _write(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(os.path.realpath(output))
    if not output or path.is_dir():
        raise MachineError(f"cannot write {output!r}: that is no name of a file")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, "utf-8")  # a device or a pipe is written to, never replaced
        else:
            part.write_text(text, "utf-8")
            part.replace(path)
    except OSError as err:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise MachineError(f"cannot write {output!r}: {err.strerror}") from None


def _width() -> int:
    """Of the terminal; wide where there is none, so that nothing in a file is cut."""
    if sys.stdout.isatty():
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns)
    return 160


def _say(line: str) -> None:
    print(f"explorer: {line}", file=sys.stderr, flush=True)


def main() -> NoReturn:
    """Run a command; every error a person may meet is one line on stderr."""
    try:
        cli.main(standalone_mode=False)
    except BrokenPipeError:
        # The reader of a pipe has what it wanted; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except click.exceptions.Abort:
        _fail(130, "interrupted")
    except click.exceptions.NoArgsIsHelpError:
        commands = ", ".join(sorted(cli.commands))
        _fail(2, f"ask something: {commands} (`explorer --help` says what each answers)")
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
    _say(line)
    sys.exit(code)
