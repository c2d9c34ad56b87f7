"""What was asked of a build, and the fingerprint that tells one build from another.

Knows options; loads no model. Two builds with one fingerprint give the same index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from indexer.extract.firing import NEURONS_PER_WORD
from indexer.source import Source
from indexer.store.errors import SemanticError, unknown
from indexer.store.groups import example_groups
from indexer.store.layout import FORMAT
from indexer.store.spaces import RowType, check_store


@dataclass(frozen=True)
class Request:
    """What was asked of a build; every field is recorded in the index."""

    model: str
    root: Path
    name: str
    words: int | Path = 20_000
    layers: str = "all"
    spaces: str = "all"
    dtype: str = "auto"
    device: str = "auto"
    prefix: str = "auto"
    seed: int = 0
    raw: bool = False
    accept_config: tuple[str, ...] = ()
    force: bool = False
    offline: bool = False
    allow_pickle: bool = False
    allow_few_words: bool = False
    neurons_per_word: int = NEURONS_PER_WORD
    store: RowType = "float32"

    def __post_init__(self) -> None:
        if isinstance(self.words, int) and self.words < 0:
            raise SemanticError(
                f"--words {self.words}: give how many (0 or more), or a file of words"
            )
        check_store(self.store)


SPACES = ("embed", "context", "neuron", "head")
"""What can be asked for with `--spaces`; `embed` is in every index, `unembed` comes with it."""


def chosen_spaces(request: Request) -> frozenset[str]:
    """The kinds of spaces asked for.

    Raises:
        SemanticError: one of them does not exist.
    """
    if request.spaces == "all":
        return frozenset(SPACES)
    asked = [name.strip() for name in request.spaces.split(",")]
    for name in asked:
        if name not in SPACES:
            raise SemanticError(f"--spaces: {unknown('kind of space', name, SPACES)}")
    return frozenset(["embed", *asked])


def placement(request: Request) -> tuple[str, str]:
    """Device and dtype of the forward passes."""
    import torch

    device = request.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as err:  # each backend has errors of its own for not being there
        first = (str(err) or type(err).__name__).splitlines()[0]
        raise SemanticError(f"no device {device!r} here ({first}); there is always 'cpu'") from None
    dtype = request.dtype
    if dtype == "auto":
        narrow = device.startswith("cuda") and not torch.cuda.is_bf16_supported()
        dtype = "float32" if device == "cpu" else "float16" if narrow else "bfloat16"
    return device, dtype


def options(request: Request) -> dict[str, Any]:
    """The options that are recorded: all but where the index lies and how it was fetched."""
    asked = dataclasses.asdict(request)
    for name in ("root", "force", "offline"):
        del asked[name]
    return {**asked, "words": str(asked["words"])}


def fingerprint(request: Request, source: Source, words: int | list[str]) -> str:
    """Everything that decides what an index holds; where it was built does not."""
    asked = options(request)
    del asked["model"], asked["name"]
    if asked["store"] == "float32":  # as before there was a choice
        del asked["store"]
    kinds = chosen_spaces(request)  # in whatever order they are written
    asked["spaces"] = "all" if kinds == set(SPACES) else sorted(kinds)
    parts = [FORMAT, source.sha256(), {**asked, "words": words}, example_groups(), versions()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions of what an index's content depends on."""
    names = (
        "semantic-explorer",
        "torch",
        "transformers",
        "tokenizers",
        "numpy",
        "duckdb",
        "wordfreq",
    )
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def source_name(source: Source) -> str:
    """How to find the model again: a hub id or package name as asked, a path made absolute."""
    path = Path(source.asked).expanduser()
    return str(path.resolve()) if path.exists() else source.asked
