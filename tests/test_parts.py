"""What a killed process left of a file is removed by the next that writes under its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.store.parts import clear, part_of, prefix

KILLED = """
import os, signal, sys
from pathlib import Path
from indexer.store.parts import part_of
part_of(Path(sys.argv[1])).write_text("half")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "it [1].svg"


def test_what_a_killed_process_left_is_removed(target: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = target.parent.iterdir()
    assert left.name.startswith(".it [1].svg.")
    folder = target.with_name(left.name.removesuffix("part") + "more.part")
    folder.mkdir()
    (folder / "file").touch()
    assert part_of(target).name == f".it [1].svg.{os.getpid()}.part"
    assert list(target.parent.iterdir()) == []


def test_parts_of_others_at_work_and_other_files_stay(target: Path) -> None:
    kept = [
        target.with_name(f"{prefix(target)}part"),
        target.with_name(f".it [1].svg.{os.getppid()}.part"),
        target.with_name(".other.svg.999999999.part"),
        target.with_name(".it [1].svg.mine.part"),
        target,
    ]
    for path in kept:
        path.touch()
    clear(target)
    assert sorted(target.parent.iterdir()) == sorted(kept)


def test_a_folder_that_is_not_there_is_nobodys(tmp_path: Path) -> None:
    clear(tmp_path / "none" / "a.svg")
