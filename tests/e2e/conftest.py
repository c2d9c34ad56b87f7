"""The terminal UI in programs of other people: a terminal multiplexer, a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 120.0
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


@pytest.fixture
def address(real_indexes: Path, environment: dict[str, str]) -> Iterator[str]:
    """The terminal UI, served: where a browser opens it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [EXPLORER, "tui", "--web", "--port", str(port), "--indexes", str(real_indexes)],
        env=environment,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    printed = re.fullmatch(
        rf"explorer: open (http://127\.0\.0\.1:{port}/\?token=[\w-]{{43}}) in a browser; .*\n",
        server.stdout.readline().decode(),
    )
    assert printed is not None
    yield printed[1]
    server.send_signal(signal.SIGINT)
    assert server.wait(PATIENCE) == 0
