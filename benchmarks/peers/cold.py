"""A process of one library: it makes its files, or opens them, answers one word and ends.

python -m benchmarks.peers.cold make LIBRARY ROWS FOLDER
python -m benchmarks.peers.cold answer LIBRARY ROWS FOLDER WORD
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.libraries import library


def main() -> None:
    """Do one of the two."""
    what, name, rows, folder, *words = sys.argv[1:]
    one = library(name)
    if what == "make":
        one.make(Path(rows), Path(folder))
        return
    one.open(Path(rows), Path(folder), cold=True)
    for found in one.near(*words):
        print(*found)


if __name__ == "__main__":
    main()
