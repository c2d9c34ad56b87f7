"""An index takes another's place, and nothing that is not an index's own is ever deleted.

Knows which files of a folder are an index's, and how two folders exchange their names in one step;
knows nothing of how an index is built. Where the file system cannot exchange names, the old index
is set aside for a moment as `.NAME.retired`, where it is found all the same.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from indexer.store.errors import ForeignIndex, MachineError
from indexer.store.files import open_regular
from indexer.store.layout import (
    CATALOG,
    FINDINGS,
    MANIFEST,
    NEGATIVE,
    SPACES,
    TOKENIZER,
    UNEMBEDDING,
    ZERO,
)
from indexer.store.places import retired

_LARGEST = 64 << 20  # bytes of a JSON file that is looked into
_PART_OF_FINDINGS = re.compile(rf"\.{re.escape(FINDINGS)}\.\d+\.part")
_LITTER = re.compile(r"\.(.+)\.(steps|retired|importing)", re.DOTALL)
_RENAME_EXCHANGE = 2  # linux/fs.h; RENAME_SWAP of macOS's sys/stdio.h is the same number
_AT_FDCWD = -100  # linux/fcntl.h


class Held:
    """The name of an index, held by one process at a time until it is closed.

    Raises:
        MachineError: another process holds it.
    """

    def __init__(self, root: Path, name: str) -> None:
        self._file = (root / f".{name}.lock").open("wb")
        try:
            import fcntl
        except ImportError:  # no advisory locks on this system: two builds of one name are on you
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise MachineError(f"another process is building {name!r} in {root}/") from None

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()


def put_in_place(new: Path, target: Path) -> None:
    """Give a whole index its name, in place of what has it; the old index is removed.

    Raises:
        ForeignIndex: what has the name is no index, or holds files that are not an index's own.
    """
    root, name = target.parent, target.name
    aside = retired(root, name)
    if os.path.lexists(target):
        require_own(target)
        remove(aside)
        if os.path.lexists(aside):
            raise ForeignIndex(f"{aside} holds what is not an index's own: move it away")
        if exchange(new, target):
            new.rename(aside)
        else:
            target.rename(aside)
            new.rename(target)
    else:
        new.rename(target)
    remove(aside)


def restore_retired(root: Path, name: str) -> None:
    """Give back its name to the index that a swap cut short had set aside."""
    aside, target = retired(root, name), root / name
    if aside.exists() and not os.path.lexists(target):
        aside.rename(target)


def sweep(root: Path) -> None:
    """Remove what killed commands left under a folder of indexes, where no other is at work.

    That is steps of builds that were sealed, indexes that were replaced, and imports, none of which
    is ever taken up again. What a build can resume stays.
    """
    for entry in sorted(os.listdir(root)) if root.is_dir() else []:
        found = _LITTER.fullmatch(entry)
        if found is None:
            continue
        name, kind = found.groups()
        with suppress(MachineError, OSError), closing(Held(root, name)):
            restore_retired(root, name)
            if kind == "retired":
                remove(root / entry)
            else:
                shutil.rmtree(root / entry, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Have two folders exchange their names in one step; False where the system cannot."""
    call = _exchange()
    return call is not None and call(os.fsencode(one), os.fsencode(other)) == 0


def _exchange() -> Any:
    try:
        library = ctypes.CDLL(None)
        if sys.platform == "linux":
            linux = library.renameat2
            return lambda one, other: linux(
                _AT_FDCWD, one, _AT_FDCWD, other, ctypes.c_uint(_RENAME_EXCHANGE)
            )
        apple = library.renamex_np
        return lambda one, other: apple(one, other, ctypes.c_uint(_RENAME_EXCHANGE))
    except (OSError, AttributeError, TypeError):
        return None


# -- what is an index's own ---------------------------------------------------------------------


def require_own(folder: Path) -> None:
    """Raise `ForeignIndex` unless a folder is an index, sound or not, and holds nothing else."""
    if folder.is_symlink():
        return  # only the link is taken away
    if not folder.is_dir() or not _is_index(folder):
        raise ForeignIndex(
            f"{folder} is not an index, so --force does not replace it: "
            "give another --name, or remove it yourself"
        )
    others = foreign(folder)
    if others:
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        raise ForeignIndex(
            f"{folder} holds what is not the index's own ({others[0]}{more}), which would be "
            "deleted with it: move it away, or give another --name"
        )


def foreign(folder: Path) -> list[str]:
    """What lies in the folder of an index and is no file of it: paths in it, sorted."""
    own, spaces = _own(folder)
    others = []
    for entry in sorted(os.listdir(folder)):
        path = folder / entry
        if entry == SPACES and path.is_dir() and not path.is_symlink():
            others += [f"{SPACES}/{one}" for one in sorted(os.listdir(path)) if not spaces(one)]
        elif _PART_OF_FINDINGS.fullmatch(entry) and path.is_file():
            continue  # of a process that was killed as it wrote them
        elif entry not in own or (path.is_dir() and not path.is_symlink()):
            others.append(entry)
    return others


def remove(folder: Path) -> None:
    """Remove an index that was replaced: its own files, and its folder once that is empty."""
    if folder.is_symlink():
        folder.unlink()
        return
    if not folder.is_dir():
        return
    others = {folder / name for name in foreign(folder)}
    with suppress(OSError):
        if not (folder / SPACES).is_symlink():
            for path in (folder / SPACES).iterdir():
                if path not in others:
                    path.unlink()
            (folder / SPACES).rmdir()
    with suppress(OSError):
        # The manifest last: what is left by a kill is still known for an index.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
            if path not in others and (path.is_symlink() or not path.is_dir()):
                path.unlink()
        folder.rmdir()


def _is_index(folder: Path) -> bool:
    """Whether a folder was an index once, damaged or of another format as it may be."""
    if os.path.isfile(folder / CATALOG):
        return True
    body = _manifest(folder)
    return body is not None and "format" in body and "spaces" in body


def _own(folder: Path) -> tuple[set[str], Any]:
    """The names of an index's files beside `spaces/`, and which names are its own in there."""
    own = {MANIFEST, CATALOG, f"{CATALOG}.wal", TOKENIZER, UNEMBEDDING, NEGATIVE, ZERO, FINDINGS}
    body = _manifest(folder)
    listed = body.get("files") if body is not None else None
    if isinstance(listed, dict):
        return own, lambda name: f"{SPACES}/{name}" in listed
    parts = (".faiss", ".npz", ".codes", ".zcodes")
    return own, lambda name: name.endswith(parts)  # no manifest says which


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of whatever format, believed in nothing; None where there is none to be read."""
    try:
        with open_regular(folder / MANIFEST) as file:
            body = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
