"""How a long question tells how far it has come; what is done with it is for who asks to say."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps of it are done, and how many there are."""


def untold(what: str, done: int, total: int) -> None:
    """Nobody listens."""
