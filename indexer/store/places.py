"""Where indexes lie, and which of them is meant.

Knows folders, names, paths and the environment; of an index only that its folder holds a manifest.
Indexes are looked for in one folder that was named (`--indexes`), or else in that of
`EXPLORER_INDEXES`, or `indexes/` here, and after it in the user's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.store.errors import IndexNotFound, SemanticError, did_you_mean, nearest
from indexer.store.layout import MANIFEST, Manifest

HERE = "indexes"
"""The folder of indexes in the current folder."""


@dataclass(frozen=True)
class Lying:
    """An index that was found.

    Attributes:
        folder: the index itself; its last part is its name.
        hidden: whether one of the same name is found before it, so that only its path names it.
    """

    folder: Path
    hidden: bool

    @property
    def name(self) -> str:
        """Of the index."""
        return name_of(self.folder)


def places(asked: str | Path | None = None) -> tuple[Path, ...]:
    """The folders that indexes are looked for in, first to last; they need not be there.

    Args:
        asked: a folder of indexes; alone then.

    Raises:
        IndexNotFound: one of them is a file, or an index itself.
    """
    return tuple(_places(asked))


def place_to_build(asked: str | Path | None = None) -> Path:
    """The folder that a new index is made in; it need not be there.

    As asked, or of `EXPLORER_INDEXES`, or `indexes/` where the current folder has one, else the
    user's own.

    Raises:
        IndexNotFound: it is a file, or an index itself.
    """
    first = next(_places(asked))
    if asked or os.environ.get("EXPLORER_INDEXES") or first.is_dir():
        return first
    return _checked(users_place() or first)


def name_to_build(model: str, asked: str | None = None) -> str:
    """The name of an index that is to be built: what was asked for, or after its model.

    Raises:
        SemanticError: it cannot be a folder's name everywhere.
    """
    return checked_name(asked or re.sub(r"\.gguf$", "", Path(model).name))


def checked_name(name: str) -> str:
    """The name of an index.

    Raises:
        SemanticError: it cannot be a folder's name everywhere.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise SemanticError(
            f"an index cannot be named {name!r}: use letters, digits, '.', '_' and '-' (--name)"
        )
    return name


def users_place() -> Path | None:
    """The folder of the user's own indexes; None where the user has no home."""
    from platformdirs import user_data_path

    place = user_data_path("semantic-explorer", appauthor=False) / "indexes"
    return place if place.is_absolute() else None


def index_names(place: Path) -> list[str]:
    """Names of the sealed indexes in a folder, sorted; none where it is not there.

    One that a swap cut short had set aside is among them.
    """
    if not os.path.isdir(place):  # Path.is_dir raises where the user may not look
        return []
    there = [
        name for name in os.listdir(place) if os.path.isfile(os.path.join(place, name, MANIFEST))
    ]
    names = {name for name in there if not name.startswith(".")}
    names |= {aside[1] for name in there if (aside := _RETIRED.fullmatch(name))}
    return sorted(names)


def retired(place: Path, name: str) -> Path:
    """Where an index is set aside for the moment in which another takes its name."""
    return place / f".{name}.retired"


_RETIRED = re.compile(r"\.(.+)\.retired", re.DOTALL)


def index_folder(place: Path, name: str) -> Path:
    """Where the index of a name lies: under it, or where a swap cut short had set it aside."""
    folder = place / name
    if not os.path.lexists(folder) and os.path.isfile(retired(place, name) / MANIFEST):
        return retired(place, name)
    return folder


Print = tuple[int, int, int]
"""What tells one index from another that takes its place."""


def print_of(folder: Path) -> Print | None:
    """The print of the index that lies in a folder now, or is set aside for it; None of none."""
    try:
        found = (index_folder(folder.parent, folder.name) / MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def name_of(folder: Path) -> str:
    """The name of the index in a folder."""
    aside = _RETIRED.fullmatch(folder.name)
    return aside[1] if aside else folder.name


def lying(asked: str | Path | None = None) -> list[Lying]:
    """Every index in every place, in the order in which they are found.

    Raises:
        IndexNotFound: a place is a file, or an index itself.
    """
    found: list[Lying] = []
    for place in _places(asked):
        before = {one.name for one in found}
        found += [Lying(index_folder(place, name), name in before) for name in index_names(place)]
    return found


def find_index(name: str | Path | None = None, root: str | Path | None = None) -> Path:
    """The folder of an index: by name or path, or `EXPLORER_INDEX`, or the only one there.

    A name is looked for in every place; the first one that has it counts. Where none is given, the
    first place that holds any index must hold one alone.

    Args:
        name: a name; or a path, which is what holds a separator, or begins with `~`.
        root: where to look instead; see `places`.

    Raises:
        IndexNotFound: no such index, none at all, or several and none named.
    """
    asked = name or os.environ.get("EXPLORER_INDEX")
    if asked is None:
        return _only(root)
    if isinstance(asked, Path) or _is_path(asked):
        return _at(str(asked), root)
    for place in _places(root):
        if asked in index_names(place):
            return index_folder(place, asked)
    for place in _places(root):
        if os.path.isdir(place / asked):
            Manifest.load(place / asked)  # raises with what is wrong with that folder
    raise IndexNotFound(f"no index {asked!r} in {_said(root)}{_instead(asked, root)}")


def find_folder(name: str | Path | None = None, root: str | Path | None = None) -> Path:
    """As `find_index`, for what may be damaged: a folder of that name counts, whatever is in it.

    Raises:
        IndexNotFound: as `find_index`, where there is no folder of that name.
    """
    asked = name or os.environ.get("EXPLORER_INDEX")
    if asked is None:
        return find_index(None, root)
    path = isinstance(asked, Path) or _is_path(asked)
    named = [_home_for_tilde(asked)] if path else [place / asked for place in _places(root)]
    return next((one for one in named if os.path.isdir(one)), None) or find_index(asked, root)


def _places(asked: str | Path | None) -> Iterator[Path]:
    if asked:
        yield _checked(Path(asked))
        return
    first = Path(os.environ.get("EXPLORER_INDEXES") or HERE)
    yield _checked(first)
    own = users_place()
    if own is not None and own != first.absolute():
        yield _checked(own)


def _checked(place: Path) -> Path:
    """A folder that holds indexes, or nothing yet."""
    if os.path.exists(place) and not os.path.isdir(place):
        raise IndexNotFound(
            f"{str(place)!r} is a file; --indexes names a folder that holds indexes"
        )
    if os.path.isfile(place / MANIFEST):
        raise IndexNotFound(
            f"{str(place)!r} is an index itself: --index {place} asks it; --indexes names a folder "
            "that holds indexes"
        )
    return place


def _only(root: str | Path | None) -> Path:
    """The only index of the first place that holds any."""
    for place in _places(root):
        names = index_names(place)
        if len(names) == 1:
            return index_folder(place, names[0])
        if names:
            raise IndexNotFound(
                f"several indexes in {place}/ ({', '.join(names)}); name one with --index"
            )
    raise IndexNotFound(
        f"no index in {_said(root)}; build one with `indexer build smollm2`, "
        "or say where indexes are with --indexes DIR or EXPLORER_INDEXES"
    )


def _is_path(asked: str) -> bool:
    return asked in (".", "..") or asked.startswith("~") or "/" in asked or os.sep in asked


def _home_for_tilde(asked: str | Path) -> Path:
    try:
        return Path(asked).expanduser()
    except RuntimeError:  # of a user who isn't there
        return Path(asked)


def _at(asked: str, root: str | Path | None) -> Path:
    """The index in the folder of a path.

    Raises:
        IndexNotFound: there is none; says what lies there.
    """
    folder = _home_for_tilde(asked)
    folder = folder.absolute() if folder.name not in ("", "..") else folder.resolve()
    folder = index_folder(folder.parent, folder.name)
    if os.path.isfile(folder / MANIFEST):
        return folder
    if not os.path.lexists(folder):
        why = "there is no such folder" + _instead(asked, root)
    elif not os.path.isdir(folder):
        why = "that is no folder"
    elif names := index_names(folder):
        why = f"that folder holds indexes: --indexes {asked} --index {names[0]}"
    else:
        why = f"that folder has no {MANIFEST}"
    raise IndexNotFound(f"no index {asked!r}: {why}")


def _said(root: str | Path | None) -> str:
    """`indexes/ or /home/me/.local/share/semantic-explorer/indexes/`."""
    return " or ".join(f"{str(place).rstrip(os.sep)}/" for place in _places(root))


def _close(asked: str, names: list[str]) -> list[str]:
    """The name that a name, or the end of a path, is most like; the same name for a path."""
    last = Path(asked).name
    return [last] if last != asked and last in names else nearest(last, names, limit=1)


def _instead(asked: str, root: str | Path | None) -> str:
    """What an unknown name may have meant, and what there is."""
    names = list(dict.fromkeys(one.name for one in lying(root)))
    if os.path.isfile(Path(asked) / MANIFEST):
        hint = f"; the one in this folder is --index {os.path.join('.', asked)}"
    else:
        hint = did_you_mean(asked, _close(asked, names))
    return hint + (f" (there are: {', '.join(names)})" if names else " (there are none)")
