"""The one door to the model: words that are not indexed, asked of a context space.

Knows how to run `python -m indexer.encode` and read what it prints; imports no model library, so
the process that answers questions never holds one.
"""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.child import command
from explorer.errors import ModelFailed, ModelUnavailable
from indexer.store.arrays import whole


def encode(folder: Path, words: Sequence[str]) -> NDArray[np.float32]:
    """Run the index's own model, prefix and dtype on some words, in a process of its own.

    Returns:
        (words, context spaces, d_model) float32, spaces in the order of the index.

    Raises:
        ModelUnavailable: the libraries of the `[index]` extra are not installed here.
        ModelFailed: the process failed; the message is the last line it wrote.
    """
    said = ", ".join(map(repr, words))
    missing = [n for n in ("torch", "transformers") if importlib.util.find_spec(n) is None]
    if missing:
        raise ModelUnavailable(
            f"{said} is not indexed, and running the model on it needs {' and '.join(missing)}: "
            "install `pip install 'semantic-explorer[index]'`, or rebuild with it in --words FILE"
        )
    result = subprocess.run(
        command("indexer.encode", str(folder)),
        input=json.dumps(list(words)).encode(),
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        lines = result.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ModelFailed(f"the model could not be run on {said}: {lines[-1]}")
    try:
        states: NDArray[np.float32] = whole(
            lambda: np.load(io.BytesIO(result.stdout), allow_pickle=False)
        )
    except (ValueError, EOFError) as err:
        raise ModelFailed(
            f"the model was run on {said}, but what it printed is no array: {err}"
        ) from None
    return states.swapaxes(0, 1)
