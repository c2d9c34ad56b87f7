"""A letter and its marks are one character or several, and either way the same word; so are dashes.

A keyboard gives *é* as one character, the names of a file may have it as two; both look alike. A
word processor writes a dash of its own where a hyphen was typed. Knows Unicode's normal forms (NFC,
NFD) and its dashes; knows no index.
"""

from __future__ import annotations

import unicodedata

DASHES = "\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{FIGURE DASH}\N{HYPHEN}\N{FULLWIDTH HYPHEN-MINUS}"
"""What stands in the place of ASCII's own."""


def with_plain_dashes(text: str) -> str:
    """A text with ASCII's dash for each that stands in its place."""
    return text.translate(dict.fromkeys(map(ord, DASHES), "-"))


def composed(text: str) -> str:
    """A text with its letters and marks in one character each, where there is one (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spellings(text: str) -> tuple[str, ...]:
    """A text as it is, with its letters and marks composed, and with them decomposed."""
    if text.isascii():
        return (text,)
    return tuple(dict.fromkeys([text, composed(text), unicodedata.normalize("NFD", text)]))
