"""`make bench`: every target in one run, as a table, with the machine it ran on.

python -m benchmarks.run [queries|testsets|imports|builds|loading]
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from benchmarks import builds, imports, queries, testsets
from benchmarks.measure import Line

PARTS: dict[str, list[Callable[[], list[Line]]]] = {
    "queries": [queries.cold, queries.warm, queries.profiles, queries.groups, queries.batches],
    "testsets": [testsets.analogies],
    "imports": [imports.glove],
    "builds": [builds.throughput, builds.memory],
    "loading": [builds.loading],
}


def main() -> None:
    """Measure the parts named, or all of them; exit 1 where a target is missed."""
    names = sys.argv[1:] or list(PARTS)
    lines = [line for name in names for measure in PARTS[name] for line in measure()]
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print("| what | measured | target | |\n| --- | --- | --- | --- |")
    for line in lines:
        print(
            f"| {line.what} | {line.figure} | {line.target} | {'met' if line.met else 'MISSED'} |"
        )
    sys.exit(0 if all(line.met for line in lines) else 1)


if __name__ == "__main__":
    main()
