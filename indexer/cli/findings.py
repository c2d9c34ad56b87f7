"""What there is to see in an index that was just made, found by the explorer in its own process.

Knows a command line; knows nothing of the explorer, without which an index is as whole. Nothing
that goes wrong there is more than a line.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from indexer.progress import Narrator
from indexer.store.layout import FINDINGS

LONGEST = 600
"""Seconds that it may take: those of the packaged model take 15."""


def find(folder: Path, narrator: Narrator) -> None:
    """Have the lines that the terminal UI opens on found and kept, unless they lie there already.

    Args:
        folder: of a sealed index.
        narrator: told before, and where it fails.
    """
    if (folder / FINDINGS).exists():
        return
    narrator.say("looking at what there is to see in it")
    # With -P: the current folder may hold somebody's queue.py.
    asked = [sys.executable, "-P", "-m", "explorer", "findings", "--keep"]
    try:
        done = subprocess.run(
            [*asked, "--index", str(folder.absolute()), "--format", "jsonl"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        why = f"it took more than {LONGEST} s"
    except OSError as err:
        why = str(err)
    else:
        if not done.returncode:
            return
        lines = done.stderr.decode(errors="replace").splitlines()
        why = lines[-1] if lines else f"exit code {done.returncode}"
    narrator.conclude(f"the index is whole, but what there is to see was not found: {why}")
