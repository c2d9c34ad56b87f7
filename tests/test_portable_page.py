"""The page on vectors in and out: its commands and scripts run in order, and print what it has."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import BIN

PAGE = (Path(__file__).parent.parent / "docs" / "portable.md").read_text("utf-8")
BLOCKS = re.findall(r"```(console|python|text)\n(.*?)```", PAGE, re.DOTALL)


def linked(source: str, target: str) -> None:
    """The same file under another name; a copy across file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def test_the_page_goes_out_and_comes_in() -> None:
    programs = [shlex.split(line)[1] for line in re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)]
    assert {"export", "import", "neighbors"} <= set(programs)


def test_the_page_shows_what_its_commands_and_scripts_print(
    real_indexes: Path, tmp_path: Path
) -> None:
    shutil.copytree(
        real_indexes / "smollm2", tmp_path / "indexes" / "smollm2", copy_function=linked
    )
    printed = ""

    def run(command: list[str]) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("EXPLORER_")}
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    for kind, body in BLOCKS:
        if kind == "python":
            printed = run([sys.executable, "-c", body])
        elif kind == "text":
            assert body == printed
        else:
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
                program, *arguments = shlex.split(command)
                assert run([str(BIN / program), *arguments]).strip() == shown.strip(), command
