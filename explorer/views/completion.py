"""How what is being typed may go on: words by frequency, tokens, spaces after `@`.

Knows the catalog; knows no screen. Every answer is the whole text, to stand in its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explorer.views.terms import item

if TYPE_CHECKING:
    from explorer.api import Explorer

_LAST = re.compile(r'(?:^|(?<=[\s,*]))(?:[^\s,"@*]+|"[^"]*)(?:@\S*)?$')
MOST = 8


def completions(ix: Explorer, text: str, most: int = MOST) -> tuple[str, ...]:
    """What `text` may become, most frequent first; nothing after a blank or an operator."""
    last = _LAST.search(text)
    if last is None:
        return ()
    before, begun = text[: last.start()], last.group()
    stem, at, space = begun.partition("@")
    if at:
        found = [f"{stem}@{name}" for name in ix.spaces if name.startswith(space)]
    elif begun.startswith('"'):
        found = [f'"{word}"' for word in _words(ix, begun[1:], most)]
    else:
        found = [item(word) for word in _words(ix, begun, most)]
    return tuple(before + one for one in found[:most] if one != begun)


def completed(ix: Explorer, text: str) -> str | None:
    """What `text` most likely becomes; None where it ends in a whole word, or in none that is."""
    last = _LAST.search(text)
    if last is None:
        return None
    stem, at, space = last.group().partition("@")
    whole = space in ix.spaces if at else _words(ix, stem, 1) == [stem]
    return None if whole else next(iter(completions(ix, text)), None)


def _words(ix: Explorer, begun: str, most: int) -> list[str]:
    if not begun.strip() or begun in "+-":
        return []
    return list(ix.beginning(begun, k=most))
