"""A file that is read whole, where a person named it: its bytes, or what it is instead.

Knows kinds of files; knows nothing of what they hold. Whatever else a name may lead to (a device, a
pipe that nobody writes to) would be waited for, or read without end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MOST = 256 << 20
"""Bytes of a list of words or questions: a hundred times what a long one has."""


def read_whole(path: Path, most: int = MOST) -> bytes:
    """The bytes of a file, or of a pipe that somebody writes to.

    Raises:
        OSError: it cannot be read, is neither, or is longer than `most`; `strerror` says which.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(number, "rb") as file:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise _refused(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise _refused(errno.EINVAL, "it is a device, not a file", path)
        data = b""
        if stat.S_ISFIFO(mode):
            data = _begun(number, path)
            os.set_blocking(number, True)
        data += file.read(most + 1)
    if len(data) > most:
        raise _refused(errno.EFBIG, f"it is longer than {most >> 20:,} MiB", path)
    return data


def require_regular(path: Path) -> None:
    """Raise `OSError` where a path leads to something other than a file that can be read."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise _refused(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        kind = "pipe" if stat.S_ISFIFO(mode) else "device"
        raise _refused(errno.EINVAL, f"it is a {kind}, not a file", path)


def _begun(number: int, path: Path) -> bytes:
    """What stands in a pipe already; refuses one that nobody has open for writing."""
    try:
        first = os.read(number, 1 << 16)
    except BlockingIOError:  # somebody has, and has written nothing yet
        return b""
    if not first:
        raise _refused(errno.EINVAL, "it is a pipe that nobody writes to", path)
    return first


def _refused(number: int, why: str, path: Path) -> OSError:
    return OSError(number, why, str(path))
