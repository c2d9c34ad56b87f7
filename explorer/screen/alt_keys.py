"""Alt with a letter, taken for what it is at once.

A terminal sends alt+n as an escape and an n. Textual knows no such sequence, and waits for a pause
of a tenth of a second before it tells them apart from others; whoever types on more quickly, and
then presses an arrow, has typed `^n` and letters. An escape and a character that begins no sequence
can be nothing but alt with that character. Knows the bytes of terminals; knows no app.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser

BEGINS = frozenset("\x1b[]OPX^_N")
"""What may follow an escape within a longer sequence (ECMA-48's C1 controls, and SS2, SS3)."""

_others = XTermParser._sequence_to_key_events


def _keys(parser: XTermParser, sequence: str, alt: bool = False) -> Iterable[events.Key]:
    known = len(sequence) != 2 or sequence in ANSI_SEQUENCES_KEYS
    if known or sequence[0] != "\x1b" or sequence[1] in BEGINS or not sequence[1].isprintable():
        return _others(parser, sequence, alt)
    return _others(parser, sequence[1], alt=True)


def install() -> None:
    """Have Textual read keys so, from now on."""
    XTermParser._sequence_to_key_events = _keys  # type: ignore[method-assign,assignment]
