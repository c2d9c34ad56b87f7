"""`make bench`: every target in one run, as a table, with the machine it ran on.

python -m benchmarks.run [queries|screen|keys|testsets|imports|builds|loading]
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable

from benchmarks import builds, imports, queries, screen, testsets
from benchmarks.measure import Line

PARTS: dict[str, list[Callable[[], list[Line]]]] = {
    "queries": [
        queries.cold,
        queries.warm,
        queries.passes,
        queries.profiles,
        queries.groups,
        queries.batches,
    ],
    "screen": [screen.first, screen.keys],
    "keys": [screen.memory],
    "testsets": [testsets.analogies],
    "imports": [imports.glove],
    "builds": [builds.throughput, builds.memory],
    "loading": [builds.loading],
}


def main() -> None:
    """Measure the parts named, or all of them; exit 1 where a target is missed."""
    names = sys.argv[1:] or list(PARTS)
    if len(names) == 1:
        lines = [line for measure in PARTS[names[0]] for line in measure()]
    else:
        lines = [line for name in names for line in _apart(name)]
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print("| what | measured | target | |\n| --- | --- | --- | --- |")
    for line in lines:
        print(
            f"| {line.what} | {line.figure} | {line.target} | {'met' if line.met else 'MISSED'} |"
        )
    sys.exit(0 if all(line.met for line in lines) else 1)


def _apart(name: str) -> list[Line]:
    """A part in a process of its own: a program's peak memory begins at its parent's."""
    with tempfile.NamedTemporaryFile() as file:
        script = (
            "import json, sys\nfrom benchmarks.run import PARTS\n"
            "lines = [line for measure in PARTS[sys.argv[1]] for line in measure()]\n"
            "json.dump([vars(line) for line in lines], open(sys.argv[2], 'w'))"
        )
        subprocess.run([sys.executable, "-c", script, name, file.name], check=True)
        return [Line(**line) for line in json.load(file)]


if __name__ == "__main__":
    main()
