"""A file an answer is written to: whole or not at all, and told before any work if it cannot be.

Knows paths; knows no answer.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from indexer.store.errors import MachineError
from indexer.store.parts import part_of


def check_target(name: str) -> None:
    """Raise `MachineError` where no file can be written under a name."""
    path = Path(os.path.realpath(name))
    if not name or path.is_dir():
        raise MachineError(f"cannot write {name!r}: that is no name of a file")
    if not path.parent.is_dir():
        raise MachineError(f"cannot write {name!r}: there is no folder {str(path.parent)!r}")


def write_text(name: str, text: str) -> None:
    """Write a text under a name, in place of what was there.

    Raises:
        MachineError: it cannot be written; what was there is left.
    """
    write_bytes(name, text.encode())


def write_bytes(name: str, data: bytes) -> None:
    """Write a file under a name, in place of what was there.

    Raises:
        MachineError: it cannot be written; what was there is left.
    """
    path = Path(os.path.realpath(name))
    part = part_of(path)
    try:
        if path.exists() and not path.is_file():
            _into(path, data)  # a device or a pipe is written to, never replaced
            return
        part.unlink(missing_ok=True)
        with part.open("xb") as file:  # never through a link that somebody left there
            file.write(data)
        part.replace(path)
    except OSError as err:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        nobody = err.errno == errno.ENXIO and path.is_fifo()
        why = "it is a pipe that nobody reads" if nobody else err.strerror
        raise MachineError(f"cannot write {name!r}: {why}") from None


def _into(path: Path, data: bytes) -> None:
    """Write into what is no file, without waiting for somebody to read it."""
    number = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    with open(number, "wb") as file:
        os.set_blocking(number, True)
        file.write(data)
