"""What is shown, written to a file or copied: the same forms that the command line writes.

Knows answers and files; knows no widget.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import QueryError

if TYPE_CHECKING:
    from explorer.show.shapes import Picture
    from explorer.views.place import Place

FORMATS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".html": "html",
    ".txt": "table",
}
PICTURES = (".svg", ".png")
WIDTH = 160


def suggested(place: Place) -> str:
    """A name for what is shown at a place."""
    words = re.findall(r"\w+", place.text)[:6]
    return "-".join([place.view, *words]) + ".csv"


def export(name: str, answer: Any, pictures: tuple[Picture, ...], screen: str) -> str:
    """Write what is shown; what was written, in a line.

    Args:
        name: a file; its ending says how: a table's form, or a picture's.
        answer: what the table shows.
        pictures: what is drawn beside it; where nothing is, `.svg` is the screen itself.
        screen: the screen as SVG.

    Raises:
        QueryError: no such form, or nothing to write.
        MachineError: it cannot be written.
    """
    from explorer.outfile import check_target, write_bytes

    path = _path(name)
    _check_ending(name)
    check_target(str(path))
    made = contents(name, answer, pictures, screen)
    write_bytes(str(path), made.data)
    return f"wrote {made.what}{path}"


@dataclass(frozen=True)
class Contents:
    """A file to be: its bytes, and what it is besides a table, with a blank and `to`."""

    data: bytes
    what: str = ""


def contents(name: str, answer: Any, pictures: tuple[Picture, ...], screen: str) -> Contents:
    """What a file of that name would hold; see `export`.

    Raises:
        QueryError: no such form, or nothing to write.
    """
    _check_ending(name)
    ending = Path(name).suffix.lower()
    if ending not in PICTURES:
        return Contents(_text(answer, FORMATS[ending]).encode())
    if pictures:
        from explorer.show.draw.file import as_bytes, figure

        return Contents(as_bytes(figure(pictures), ending[1:]), "the picture to ")
    if ending == ".png":
        raise QueryError("there is no picture of this answer; .svg writes the screen")
    return Contents(screen.encode(), "the screen to ")


def is_there(name: str) -> bool:
    """Whether something would be written over.

    Raises:
        QueryError: the name begins with the home of nobody.
    """
    return os.path.lexists(_path(name))


def name_for_a_browser(name: str) -> str:
    """A file's name alone, of characters that need no quotes in a header."""
    return re.sub(r"[^\w.-]+", "-", Path(name).name, flags=re.ASCII)


def _path(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise QueryError(f"{name!r}: there is no such home") from None


def _check_ending(name: str) -> None:
    if Path(name).suffix.lower() not in [*FORMATS, *PICTURES]:
        raise QueryError(f"{name!r}: end it in {', '.join([*FORMATS, *PICTURES])}")


def _text(answer: Any, format: str) -> str:
    from explorer.questions import Result
    from explorer.show.formats import render

    if isinstance(answer, Result):
        return render(answer, format, WIDTH)
    if answer is None:
        raise QueryError("there is no answer yet")
    if format != "json":
        raise QueryError("what an index holds is written as .json")
    return str(answer.to_json())


def spelled(answer: Any, index: str) -> list[tuple[str, str]]:
    """The question of an answer for each way of asking it: what that is, and the line."""
    from explorer.questions import Result
    from explorer.questions.written import as_command, as_python
    from explorer.sql.written import as_sql

    if not isinstance(answer, Result):
        return []
    query = answer.query  # type: ignore[attr-defined]  # every result has a query
    lines = [("command", as_command(query, index)), ("Python", as_python(query))]
    statement = as_sql(query)
    return [*lines, ("SQL", statement)] if statement is not None else lines


def table(answer: Any) -> str:
    """A table to be pasted into a page."""
    return _text(answer, "markdown")
