"""What a terminal says of its background, and what a person typed while it was asked."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from explorer.screen.terminal_background import Background, read

WHO = b"\x1b[?62;c"


@pytest.mark.parametrize(
    ("said", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", True),
        (b"\x1b]11;rgb:fdfd/f6f6/e3e3\x07", True),
        (b"\x1b]11;rgb:ff/ff/ff\x07", True),
        (b"\x1b]11;rgba:ffff/ffff/ffff/0000\x07", True),
        (b"\x1b]11;rgb:0000/0000/0000\x1b\\", False),
        (b"\x1b]11;rgb:0000/2b2b/3636\x07", False),
        (b"\x1b]11;rgb:1/1/1\x07", False),
        (b"\x1b]11;rgb:////\x07", False),
        (b"", False),
    ],
)
@pytest.mark.parametrize(("first", "last"), [("", ""), ("la", "rge"), ("\x1b[A", "é")])
def test_the_colour_is_read_and_what_was_typed_is_kept(
    said: bytes, light: bool, first: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLORFGBG", raising=False)
    assert read(first.encode() + said + WHO + last.encode()) == Background(light, first + last)
    assert read(first.encode() + said + last.encode() + WHO) == Background(light, first + last)


@pytest.mark.parametrize(("colours", "light"), [("0;15", True), ("0;default;7", True), ("15;0", 0)])
def test_a_terminal_that_says_it_in_the_environment(
    colours: str, light: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORFGBG", colours)
    assert read(WHO).light == light
    assert read(b"\x1b]11;rgb:0000/0000/0000\x07" + WHO).light is False  # asked is better than told


ASKS = """
import os, sys, termios
from explorer.screen import terminal_background
terminal_background.PATIENCE = float(sys.argv[1])
before = termios.tcgetattr(0)
query = terminal_background.BackgroundQuery()
found = query.answer()
assert termios.tcgetattr(0) == before
os.write(1, f"{found}".encode())
"""


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\x" + WHO, Background(True, "x")),
        (WHO, Background(False)),
        (None, Background(False)),  # one that answers nothing is not waited for for long
    ],
)
def test_a_terminal_is_asked(answers: bytes | None, expected: Background, tmp_path: Path) -> None:
    keys, screen = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("COLORFGBG", None)

    def answer() -> None:
        asked = b""
        while not asked.endswith(b"\x1b[c"):
            asked += os.read(keys, 100)
        if answers is not None:
            os.write(keys, answers)

    person = threading.Thread(target=answer, daemon=True)
    person.start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASKS, "0.05" if answers is None else "60"],
            stdin=screen,
            stderr=screen,
            stdout=subprocess.PIPE,
            env=environment,
            check=True,
        )
    finally:
        os.close(screen)
    person.join()
    os.close(keys)
    assert done.stdout.decode() == str(expected)
