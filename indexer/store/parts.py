"""What is being written, beside where it goes: named after it and its process, gone with either.

Knows names and processes; knows nothing of what is written. A process that is killed leaves its
part behind, which the next one that writes under the same name removes.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path


def part_of(target: Path) -> Path:
    """Where this process writes what is to be `target`, once those that are gone are cleared."""
    clear(target)
    return target.with_name(f"{prefix(target)}part")


def prefix(target: Path) -> str:
    """How the names of this process's parts of a file begin; they end in `.part`."""
    return f".{target.name}.{os.getpid()}."


def clear(target: Path) -> None:
    """Remove the parts of a file whose processes are gone."""
    named = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.(.*\.)?part", re.DOTALL)
    with suppress(OSError):
        for name in os.listdir(target.parent):
            found = named.fullmatch(name)
            if found is not None and not _runs(int(found[1])):
                left = target.parent / name
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()


def _runs(process: int) -> bool:
    """Whether a process is there; so where the system does not tell."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True
