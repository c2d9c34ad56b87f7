"""`explorer neighbors`."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.answer import answer, say
from explorer.cli.options import (
    EXIT_CODES,
    EXPRESSIONS,
    Question,
    forms,
    inputs,
    measure,
    rows_options,
    space,
)
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.streams import put

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Neighbors

AT_ONCE = 256
"""Expressions of stdin that walk over the rows together."""


@click.command(cls=Question, epilog=EXPRESSIONS + EXIT_CODES)
@click.argument("expression", metavar="[EXPR]", required=False)
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Ask an expression a line of stdin; one line of JSON each, as soon as it is known.",
)
@space
@measure
@inputs
@forms
@rows_options
def neighbors(expression: str | None, from_stdin: bool, **options: Any) -> None:
    """Which items of a space are nearest to EXPR?"""
    from explorer.errors import QueryError

    if from_stdin:
        if expression is not None:
            raise QueryError("--stdin asks what stdin holds; leave out the expression")
        _each_of_stdin(options)
        return
    if expression is None:
        raise QueryError("name an expression, such as: neighbors large")
    asked = expression
    answer(
        options,
        lambda ix, k, distinct: ix.neighbors(
            asked,
            options["space"],
            measure=options["measure"],
            k=k,
            include_inputs=options["include_inputs"],
            distinct=distinct,
        ),
    )


def _each_of_stdin(options: dict[str, Any]) -> None:
    """A line of JSON for each line of stdin, in order; one that cannot be asked has an error.

    What was answered is written before more is read, so that a program may ask line by line.
    """
    import json

    from explorer.errors import QueryError

    require_address_space(ANSWERING)
    from explorer.api import Explorer
    from indexer.store.read import open_index

    if options["output"] is not None or options["format"] not in ("table", "jsonl"):
        raise QueryError("--stdin writes JSON lines to stdout; leave out --output and --format")
    failed = 0
    with Explorer(open_index(options["index"], options["indexes"]), announce=say) as ix:
        ix.neighbors(
            (), options["space"], measure=options["measure"], k=_k(options)
        )  # what is wrong at all
        for lines in _batches():
            for line, found in zip(lines, _answers(ix, lines, options), strict=True):
                told: dict[str, Any] = {"expression": line}
                if isinstance(found, str):
                    told["error"] = found
                    failed += 1
                else:
                    told |= {"rows": found.to_dicts()}
                put(json.dumps(told, ensure_ascii=False, allow_nan=False) + "\n", "jsonl")
    if failed:
        raise QueryError(
            f"{failed:,} expression{'' if failed == 1 else 's'} could not be asked; their lines "
            "say why in `error`"
        )


def _answers(ix: Explorer, lines: list[str], options: dict[str, Any]) -> list[Neighbors | str]:
    """Answers together; where one of them cannot be asked, each on its own, or what is wrong."""
    from indexer.store.errors import SemanticError

    how = {name: options[name] for name in ("space", "measure", "include_inputs")}
    how |= {"k": _k(options), "distinct": bool(options["distinct"])}
    try:
        return list(ix.neighbors(lines, **how))
    except SemanticError as err:
        if len(lines) == 1:
            if err.exit_code != 2:
                raise
            return [str(err)]
        half = len(lines) // 2
        return [*_answers(ix, lines[:half], options), *_answers(ix, lines[half:], options)]


def _k(options: dict[str, Any]) -> int:
    return 10 if options["k"] is None else int(options["k"])


def _batches() -> Iterator[list[str]]:
    """The lines of stdin that are there when they are asked for, at least one, at most `AT_ONCE`.

    Empty ones are passed over.
    """
    lines: queue.Queue[str | None] = queue.Queue(4 * AT_ONCE)

    def read() -> None:
        for raw in sys.stdin.buffer:
            if text := raw.decode("utf-8", "replace").strip():
                lines.put(text)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (line := lines.get()) is not None:
        batch = [line]
        while len(batch) < AT_ONCE and not lines.empty():
            if (line := lines.get()) is None:
                lines.put(None)  # seen again above, where it ends the whole
                break
            batch.append(line)
        yield batch
