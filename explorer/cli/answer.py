"""Ask, and write the answer where it was wanted: stdout is data, stderr is narration."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from explorer.cli.process import collect_as_usual
from indexer.store.colour import put_coloured, wanted
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.shown import lines, one_line
from indexer.store.streams import loses, put

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import Result
    from indexer.store.read import Index


def answer(
    options: Mapping[str, Any],
    ask: Callable[[Explorer], Result[Any]],
    computed: bool = True,
) -> None:
    """Open the index, ask, and write the answer where it was wanted.

    Args:
        options: of the command.
        ask: asks.
        computed: whether vectors and the catalog are read here, so that both are opened at once.
    """
    require_address_space(ANSWERING)
    from explorer.show.formats import check_format, render

    format = options["format"]
    check_format(format)
    check_pictures(options)
    check_targets(options)
    index = _opened(options, computed)
    from explorer.api import Explorer

    with Explorer(index, announce=say) as ix:
        collect_as_usual()
        result = ask(ix)
        to_file = options["output"] is not None
        coloured = format == "table" and not to_file and wanted(sys.stdout)
        text = render(result, format, _width(to_file), options["raw_cells"], coloured)
    text += _drawings(result, options)
    if options.get("plot") is not None:
        result.plot(options["plot"])
    _write(text, options["output"], format, coloured)
    if format in ("csv", "jsonl"):
        _say_what_it_rests_on(result)
    if options["explain"]:
        _explain(result)


def _opened(options: Mapping[str, Any], computed: bool) -> Index:
    where = options["index"], options["indexes"]
    if computed:
        from indexer.store.ahead import opened_ahead

        return opened_ahead(*where)
    from indexer.store.read import open_index

    return open_index(*where)


def check_pictures(options: Mapping[str, Any]) -> None:
    """Raise `QueryError`, before any work, where the pictures asked for cannot be had."""
    from explorer.errors import QueryError

    if options.get("draw") and options["format"] != "table":
        raise QueryError("--draw stands under a table; leave out --format, or write to --plot FILE")
    if options.get("plot") is not None:
        from explorer.show.draw.file import check_file, require_matplotlib

        check_file(options["plot"])
        require_matplotlib()


def check_targets(options: Mapping[str, Any]) -> None:
    """Raise `MachineError`, before any work, where no file can be written under a name."""
    for name in (options["output"], options.get("plot")):
        if name is not None:
            from explorer.outfile import check_target

            check_target(name)


def _drawings(result: Result[Any], options: Mapping[str, Any]) -> str:
    """Pictures below a table: all with --draw; in a terminal, unasked, a histogram alone."""
    wanted = options.get("draw")
    looked_at = options["output"] is None and sys.stdout.isatty()
    if "draw" not in options or options["format"] != "table" or wanted is False:
        return ""
    if not wanted and not looked_at:
        return ""
    from explorer.errors import QueryError
    from explorer.show.draw.terminal import drawn
    from explorer.show.shapes import Histogram

    pictures = result.pictures()
    if wanted and not pictures:
        raise QueryError("this answer has no picture; its table says all there is")
    shown = [one for one in pictures if wanted or isinstance(one, Histogram)]
    width = _width(options["output"] is not None)
    return lines("".join("\n" + drawn(one, width) for one in shown))


def _say_what_it_rests_on(result: Result[Any]) -> None:
    """Rows alone say neither what words were taken to be nor what was searched; stderr does."""
    from explorer.questions import Meta
    from explorer.questions.lines import resolved_lines

    meta = result.meta  # type: ignore[attr-defined]  # every result has meta
    if not isinstance(meta, Meta):  # a statement says itself what it asks
        for line in result.told():
            say(line)
        return
    say(f"{meta.space} by {meta.measure}, index {meta.index}")
    for line in resolved_lines(meta):
        say(line.strip())
    for line in meta.fewer:
        say(line)


def _explain(result: Result[Any]) -> None:
    """How scores were found, in a line."""
    from explorer.questions.lines import scoring_line

    say(scoring_line(getattr(result, "meta", None)))


def _write(text: str, output: str | None, format: str, coloured: bool) -> None:
    if output is not None:
        from explorer.outfile import write_text

        write_text(output, text)
        return
    if coloured:
        put_coloured(text)
        return
    put(text, format)
    if format == "csv" and (lost := loses(text, format)):
        say(
            f"stdout cannot say {lost!a} and such in {sys.stdout.encoding}: they stand "
            "there as others or as escapes; -o FILE writes UTF-8"
        )


WIDE = 160
"""Columns of a table where nobody says how many: in a file little is left out."""


def _width(to_file: bool) -> int:
    """Columns: as `COLUMNS` says, else those of the terminal that is written to."""
    from explorer.show.text import NARROWEST

    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said) > 0:
        return max(NARROWEST, int(said))
    if not to_file and sys.stdout.isatty():
        return max(NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns or WIDE)
    return WIDE


def say(line: str, name: str = "explorer:") -> None:
    """One line of narration."""
    print(f"{name} {one_line(line)}", file=sys.stderr, flush=True)
