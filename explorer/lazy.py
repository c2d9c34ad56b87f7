"""A module that is imported when something of it is first asked for.

Knows nothing of what it imports; `TYPE_CHECKING` tells a type checker what stands there.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
