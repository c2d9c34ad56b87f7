"""gensim's KeyedVectors as `KeyedVectors.load` opens them: written only.

The only module that knows gensim. Reading is left out on purpose: the file is a pickle, which can
run code when it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from indexer.errors import MissingExtra
from indexer.portable.vectors import Float32, Labelled, Put


def files(target: Path) -> list[Path]:
    """The pickle, and the array that gensim keeps beside it, so that it can be mapped."""
    return [target, target.with_name(f"{target.name}.vectors.npy")]


@contextmanager
def write(paths: Sequence[Path], what: Labelled) -> Iterator[Put]:
    """Fill the array where it will lie, then have gensim write the rest.

    Raises:
        MissingExtra: gensim is not installed.
    """
    try:
        from gensim.models import KeyedVectors
    except ImportError:
        raise MissingExtra(
            "writing a file of gensim needs gensim: `pip install 'semantic-explorer[gensim]'`, or "
            "export to word2vec, which gensim opens too"
        ) from None
    # A file of its own, mapped: gensim holds all vectors at once, and copies them as it saves.
    scratch = paths[1].with_suffix(".part")
    vectors = np.lib.format.open_memmap(scratch, "w+", np.float32, (what.rows, what.width))
    at = 0

    def put(block: Float32) -> None:
        nonlocal at
        vectors[at : at + len(block)] = block
        at += len(block)

    yield put
    keyed = KeyedVectors(what.width, dtype=np.float32)
    keyed.index_to_key = what.labels
    keyed.key_to_index = {label: row for row, label in enumerate(what.labels)}
    keyed.next_index = what.rows
    keyed.vectors = vectors
    keyed.save(str(paths[0]), separately=["vectors"])
    scratch.unlink()
