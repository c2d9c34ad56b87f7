"""Run the commands of `docs/results` and `docs/notes.md` anew, and write what they print below.

    python docs/results.py [PAGE...]

Knows pages with a command in a console block and, below it, the lines between
`<!-- printed -->` and `<!-- end -->`. Commands are run where gensim keeps the test sets, on the
index `smollm2` of `EXPLORER_INDEXES`, or of `indexes/`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"(```console\n\$ (?P<command>explorer [^\n]*)\n```\n\n<!-- printed -->\n).*?(<!-- end -->)",
    re.DOTALL,
)


def printed(command: str) -> str:
    """What a command prints; its narration goes to stderr as ever."""
    from gensim.test.utils import module_path

    indexes = os.environ.get("EXPLORER_INDEXES", str(ROOT / "indexes"))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "explorer"), *shlex.split(command)[1:]],
        cwd=Path(module_path) / "test_data",
        env={**os.environ, "EXPLORER_INDEXES": str(Path(indexes).resolve())},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command}: exit code {done.returncode}")
    return done.stdout


def main() -> None:
    """Write the pages named, or all of them."""
    every = [*sorted((ROOT / "docs/results").glob("*.md")), ROOT / "docs/notes.md"]
    pages = [Path(page) for page in sys.argv[1:]] or every
    for page in pages:
        text = page.read_text("utf-8")
        page.write_text(BLOCK.sub(lambda m: f"{m[1]}{printed(m['command'])}{m[3]}", text), "utf-8")


if __name__ == "__main__":
    main()
