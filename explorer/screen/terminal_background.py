"""Whether the terminal's background is light, asked while everything else is still being imported.

The terminal is asked for its colour (OSC 11), and then who it is (DA1), which every terminal
answers: once that answer is there, nothing more is waited for. Knows escape sequences; knows no
app.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import time
from dataclasses import dataclass
from typing import Any

PATIENCE = 1.0
"""Seconds that a terminal may take, which is far away or answers nothing at all."""

_ASKED = "\x1b]11;?\x1b\\\x1b[c"
_COLOUR = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F/]+)(?:\x07|\x1b\\)")
_WHO = re.compile(rb"\x1b\[\?[0-9;]*c")
_LFLAG, _CC = 3, 6
_MIDDLE = 0.5


@dataclass(frozen=True)
class Background:
    """What was learnt.

    Attributes:
        light: whether the background is; False where the terminal doesn't say.
        typed: what a person typed meanwhile, which is the app's.
    """

    light: bool
    typed: str = ""


class BackgroundQuery:
    """A question that the terminal at stdin and stderr was asked; `answer` has to be called."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        if os.environ.get("TERM", "dumb") == "dumb":
            return
        try:
            self._before = termios.tcgetattr(sys.stdin.fileno())
            quiet = termios.tcgetattr(sys.stdin.fileno())
            quiet[_LFLAG] &= ~(termios.ICANON | termios.ECHO)
            quiet[_CC][termios.VMIN], quiet[_CC][termios.VTIME] = 1, 0
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, quiet)
            os.write(sys.stderr.fileno(), _ASKED.encode())
        except (OSError, termios.error):
            self._forget()
        self._asked = time.monotonic()

    def answer(self) -> Background:
        """What the terminal said; the terminal is as it was before."""
        if self._before is None:
            return Background(_by_environment())
        stdin, said = sys.stdin.fileno(), b""
        try:
            while not _WHO.search(said):
                left = self._asked + PATIENCE - time.monotonic()
                if not select.select([stdin], [], [], max(left, 0))[0]:
                    break
                if not (more := os.read(stdin, 4096)):
                    break
                said += more
        except OSError:
            pass
        finally:
            self._forget()
        return read(said)

    def _forget(self) -> None:
        if self._before is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._before)
            self._before = None


def read(said: bytes) -> Background:
    """What a terminal's bytes say: its colour, and what a person typed between its answers."""
    colour = _COLOUR.search(said)
    light = _is_light(colour[1].decode()) if colour is not None else _by_environment()
    typed = _WHO.sub(b"", _COLOUR.sub(b"", said))
    return Background(light, typed.decode("utf-8", "replace"))


def _is_light(channels: str) -> bool:
    """`ffff/ffff/ffff`, each channel of one to four digits, by its brightness (Rec. 601)."""
    try:
        red, green, blue = (int(c, 16) / (16 ** len(c) - 1) for c in channels.split("/")[:3])
        # An alpha, which `rgba:` has, says nothing of how light it is.
    except (ValueError, ZeroDivisionError):
        return _by_environment()
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > _MIDDLE)


def _by_environment() -> bool:
    """`COLORFGBG=0;15`: rxvt, Konsole and others say the background's number last."""
    return os.environ.get("COLORFGBG", "").split(";")[-1] in ("7", "15")
