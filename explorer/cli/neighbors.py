"""`explorer neighbors`."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.answer import answer, say
from explorer.cli.question import Given, command
from explorer.errors import QueryError
from explorer.questions import NeighborsQuery
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.streams import put

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Neighbors

AT_ONCE = 256
"""Expressions of stdin that walk over the rows together."""


def _made(given: Given, options: Mapping[str, Any]) -> NeighborsQuery:
    asked = given.get("expression")
    if options["from_stdin"]:
        if asked is not None:
            raise QueryError("--stdin asks what stdin holds; leave out the expression")
        folds = bool(options["distinct"])  # lines of JSON are read by programs
        return NeighborsQuery(**given | {"expression": "", "distinct": folds})
    if asked is None:
        raise QueryError("name an expression, such as: neighbors large")
    return NeighborsQuery(**given)


def _ask(options: Mapping[str, Any], query: Any) -> None:
    if options["from_stdin"]:
        _each_of_stdin(options, query)
    else:
        answer(options, lambda ix: ix.ask(query))


def _each_of_stdin(options: Mapping[str, Any], how: NeighborsQuery) -> None:
    """A line of JSON for each line of stdin, in order; one that cannot be asked has an error.

    What was answered is written before more is read, so that a program may ask line by line.
    """
    import json

    require_address_space(ANSWERING)
    from explorer.api import Explorer
    from indexer.store.read import open_index

    if options["output"] is not None or options["format"] not in ("table", "jsonl"):
        raise QueryError("--stdin writes JSON lines to stdout; leave out --output and --format")
    failed = 0
    with Explorer(open_index(options["index"], options["indexes"]), announce=say) as ix:
        _check(ix, how)
        for lines in _batches():
            for line, found in zip(lines, _answers(ix, lines, how), strict=True):
                told: dict[str, Any] = {"expression": line}
                if isinstance(found, str):
                    told["error"] = found
                    failed += 1
                else:
                    told |= {"rows": found.to_dicts(), "notes": list(found.told())}
                put(json.dumps(told, ensure_ascii=False, allow_nan=False) + "\n", "jsonl")
    if failed:
        raise QueryError(
            "1 expression could not be asked; its line says why in `error`"
            if failed == 1
            else f"{failed:,} expressions could not be asked; their lines say why in `error`"
        )


def _answers(ix: Explorer, lines: list[str], how: NeighborsQuery) -> list[Neighbors | str]:
    """Answers together; where one of them cannot be asked, each on its own, or what is wrong."""
    from indexer.store.errors import SemanticError, on_command_line

    try:
        return list(ix.ask_each([replace(how, expression=line) for line in lines]))
    except SemanticError as err:
        if len(lines) == 1:
            if err.exit_code != 2:
                raise
            return [err.line(on_command_line)]
        half = len(lines) // 2
        return [*_answers(ix, lines[:half], how), *_answers(ix, lines[half:], how)]


def _check(ix: Explorer, how: NeighborsQuery) -> None:
    """Raise what is wrong with every question alike, before any is read."""
    import numpy as np

    none = np.empty((0, ix.index.space(how.space).entry.width))
    ix.search(how.space, none, measure=how.measure, k=how.k)


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


neighbors = command(
    NeighborsQuery,
    made=_made,
    extra=[
        click.Option(
            ["--stdin", "from_stdin"],
            is_flag=True,
            help="Ask an expression a line of stdin; one line of JSON each, as soon as it is "
            "known.",
        )
    ],
    ask=_ask,
    optional=["expression"],
)
