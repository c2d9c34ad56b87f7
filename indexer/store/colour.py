"""Colour in a terminal: whether it is wanted, and how what holds it is written.

Knows what people set for every program (https://no-color.org, https://bixense.com/clicolors) and
the codes of a terminal; which words have which colour is for who writes them to say.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TextIO

from indexer.store.shown import lines

_CODE = re.compile(r"(\x1b\[[0-9;]*m)")


def wanted(stream: TextIO) -> bool:
    """Whether what is written there may have colours: in a terminal, unless somebody says not.

    `NO_COLOR` says not, whatever else is set; `FORCE_COLOR` and `CLICOLOR_FORCE` ask for colours in
    a pipe too; `CLICOLOR=0`, `FORCE_COLOR=0` and a terminal without any say not.
    """
    said = os.environ.get
    if said("NO_COLOR"):
        return False
    if any(said(name, "") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if "0" in (said("FORCE_COLOR"), said("CLICOLOR")) or said("TERM") in ("dumb", "unknown"):
        return False
    return stream.isatty()


def put_coloured(text: str) -> None:
    """Write whole lines to stdout, now, with the colours that stand in them and no other code.

    Raises:
        OSError: it cannot be written.
        ReaderLeft: nobody reads it any more.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="explorer.letters")
    parts = _CODE.split(text)
    sys.stdout.write("".join(part if at % 2 else lines(part) for at, part in enumerate(parts)))
    sys.stdout.flush()


def failing(name: str) -> str:
    """What stands before a line that says what failed."""
    return f"\x1b[31m{name}:\x1b[0m" if wanted(sys.stderr) else f"{name}:"
