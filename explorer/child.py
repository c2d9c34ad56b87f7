"""How a module of ours is run in a Python of its own, with the same paths as this one.

`python -m` would look for modules in the current folder first, where somebody's `queue.py` may lie.
"""

from __future__ import annotations

import json
import sys

_RUN = (
    "import json, runpy, sys\n"
    "sys.path[:] = json.loads(sys.argv.pop(1))\n"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def command(module: str, *arguments: str) -> list[str]:
    """What to start for a module: `command("indexer.encode", folder)`."""
    return [sys.executable, "-P", "-c", _RUN, json.dumps(sys.path), module, *arguments]
