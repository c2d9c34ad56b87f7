"""The project's own example groups of words: size, colours, months, ...

Knows their words as a reader would meet them; knows no vocabulary. A build indexes them all.
"""

from __future__ import annotations

import tomllib
from pathlib import Path


def example_groups() -> dict[str, list[str]]:
    """The words of each group, by its name."""
    path = Path(__file__).parent / "groups.toml"
    return {name: list(words) for name, words in tomllib.loads(path.read_text("utf-8")).items()}
