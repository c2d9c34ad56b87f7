"""What is shown, written to a file or copied: the same forms that the command line writes.

Knows answers and files; knows no widget.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import QueryError

if TYPE_CHECKING:
    from explorer.pictures import Picture
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
    from explorer.outfile import check_target, write_text

    path = Path(name).expanduser()
    ending = path.suffix.lower()
    if ending not in FORMATS and ending not in PICTURES:
        raise QueryError(f"{name!r}: end it in {', '.join([*FORMATS, *PICTURES])}")
    check_target(str(path))
    if ending in PICTURES:
        if pictures:
            from explorer.draw.file import figure, save

            save(figure(pictures), str(path))
            return f"wrote the picture to {path}"
        if ending == ".png":
            raise QueryError("there is no picture of this answer; .svg writes the screen")
        write_text(str(path), screen)
        return f"wrote the screen to {path}"
    write_text(str(path), _text(answer, FORMATS[ending]))
    return f"wrote {path}"


def _text(answer: Any, format: str) -> str:
    from explorer.render import render
    from explorer.results import Result

    if isinstance(answer, Result):
        return render(answer, format, WIDTH)
    if answer is None:
        raise QueryError("there is no answer yet")
    if format != "json":
        raise QueryError("what an index holds is written as .json")
    return str(answer.to_json())


def table(answer: Any) -> str:
    """A table to be pasted into a page."""
    return _text(answer, "markdown")
