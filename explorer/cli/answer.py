"""Ask, and write the answer where it was wanted: stdout is data, stderr is narration."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.progress import watched
from indexer.store.errors import MachineError

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.results import Result


def answer(options: dict[str, Any], ask: Callable[[Explorer, int, bool], Result]) -> None:
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
    index = open_index(options["index"], options["indexes"])
    with Explorer(index, announce=say, watch=watched) as ix:
        result = ask(ix, k, distinct)
        text = render(result, format, _width())
    _write(text, options["output"])
    if format in ("csv", "jsonl"):
        _say_what_it_rests_on(result)


def _say_what_it_rests_on(result: Result) -> None:
    """Rows alone say neither what words were taken to be nor what was searched; stderr does."""
    from explorer.tables import resolved_lines

    meta = result.meta  # type: ignore[attr-defined]  # every result has meta
    say(f"{meta.space} by {meta.measure}, index {meta.index}")
    for line in resolved_lines(meta):
        say(line.strip())


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


def say(line: str) -> None:
    """One line of narration."""
    print(f"explorer: {line}", file=sys.stderr, flush=True)
