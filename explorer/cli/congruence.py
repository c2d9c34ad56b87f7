"""`explorer congruence`: a row a space, or with --anchor and --space a row a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.cli.question import Given, command
from explorer.questions import AnchoredQuery, CongruenceQuery


def _made(given: Given, _: Mapping[str, Any]) -> CongruenceQuery | AnchoredQuery:
    by_word = "anchor" in given and "space" in given
    return AnchoredQuery(**given) if by_word else CongruenceQuery(**given)


congruence = command(CongruenceQuery, made=_made)
