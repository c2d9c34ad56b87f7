"""A text file as lines, and what can be wrong with it.

Knows UTF-8 and file names; knows nothing of what the lines mean.
"""

from __future__ import annotations

from pathlib import Path

from explorer.errors import QueryError
from indexer.store.errors import did_you_mean as suggestion
from indexer.store.errors import nearest
from indexer.store.whole_file import read_whole


def lines_of(path: str | Path) -> list[str]:
    """The lines of a UTF-8 file, without their ends.

    Raises:
        QueryError: there is no such file (names the nearest beside it), it cannot be read, or it
            is not UTF-8 text (names the line).
    """
    file = Path(path)
    try:
        text = read_whole(file).decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = err.object[: err.start].count(b"\n") + 1
        raise QueryError(f"{file.name} is not UTF-8: line {line} holds other bytes") from None
    except OSError as err:
        said = err.strerror or str(err)
        said = said[:1].lower() + said[1:]
        raise QueryError(f"cannot read {str(path)!r}: {said}{did_you_mean(file)}") from None
    except ValueError:
        raise QueryError(f"cannot read {str(path)!r}: that is no name of a file") from None
    return text.splitlines()


def did_you_mean(path: Path) -> str:
    """The file beside it that is called most alike, as a question; empty where none is."""
    if path.exists() or not path.parent.is_dir():
        return ""
    close = nearest(path.name, (p.name for p in path.parent.iterdir() if p.is_file()), limit=1)
    return suggestion(str(path), [str(path.with_name(name)) for name in close])
