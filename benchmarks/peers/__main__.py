"""`make bench-peers`: other libraries measured beside this one; docs/benchmarks.md is written.

python -m benchmarks.peers [49152|262144|1000000|model|middleman|import|growth]

A part writes its own tables into the page as soon as it is done, so that what was broken off is
taken up by naming the parts that are left. Exit 1 where a target is missed; an exact library that
gives other neighbours than we do ends the run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial

from benchmarks.peers import growth, importing, middlemen, model, page, sizes
from benchmarks.peers.agreement import Disagreement
from benchmarks.peers.rows import SIZES

PARTS: dict[str, Callable[[], page.Part]] = {
    **{name: partial(sizes.size, name) for name in SIZES},
    "model": model.cold,
    "middleman": middlemen.products,
    "import": importing.npy,
    "growth": growth.grown,
}

FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""A kernel that the environment forces on NumPy would hold back whoever uses it most."""


def main() -> None:
    """Measure the parts named, or all of them."""
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no part {unknown[0]!r}: {', '.join(PARTS)}")
    for name in FORCED:
        os.environ.pop(name, None)
    missed = 0
    for name in names:
        start = time.perf_counter()
        try:
            part = PARTS[name]()
        except Disagreement as err:
            sys.exit(f"{name}: {err}")
        page.write(name, part)
        for line in part.lines:
            missed += not line.met
            state = "met" if line.met else "MISSED"
            print(f"{state:7} {line.what}: {line.figure} (target {line.target})", flush=True)
        print(f"        {name}: {time.perf_counter() - start:.0f} s", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
