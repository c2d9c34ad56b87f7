"""A letter and its marks are one character or several, and either way the same word.

A keyboard gives *é* as one character, the names of a file may have it as two; both look alike.
Knows Unicode's normal forms (NFC, NFD); knows no index.
"""

from __future__ import annotations

import unicodedata


def composed(text: str) -> str:
    """A text with its letters and marks in one character each, where there is one (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def spellings(text: str) -> tuple[str, ...]:
    """A text as it is, with its letters and marks composed, and with them decomposed."""
    if text.isascii():
        return (text,)
    return tuple(dict.fromkeys([text, composed(text), unicodedata.normalize("NFD", text)]))
