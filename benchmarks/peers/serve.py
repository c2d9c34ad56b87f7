"""A process of one library that is asked again and again, and times each answer itself.

    python -m benchmarks.peers.serve LIBRARY ROWS FOLDER

A line of JSON in, a line out: a word, or a list of words. The first line out says that it is open.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from benchmarks.peers.libraries import library


def main() -> None:
    """Answer until there is nothing more to read."""
    # What libraries print goes to stderr: stdout is for answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, rows, folder = sys.argv[1:]
    one = library(name)
    one.open(Path(rows), Path(folder), cold=False)
    print(json.dumps({"note": one.note}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        start = time.perf_counter()
        found = one.near(asked) if isinstance(asked, str) else one.near_each(asked)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "found": found}), file=answers, flush=True)


if __name__ == "__main__":
    main()
