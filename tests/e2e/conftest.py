"""The terminal UI in programs of other people: a terminal multiplexer, a browser."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

EXPLORER = str(Path(sys.executable).with_name("explorer"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a program is started with: a state of its own, no index that was named outside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("EXPLORER_", "TMUX"))}
    return kept | {"EXPLORER_STATE": str(tmp_path / "screen.json"), "LC_ALL": "C.UTF-8"}


def program(*names: str) -> str:
    """The first of some programs that is here; the test is skipped where none is."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"{names[0]} is not installed")
