"""An index of weights alone, which a build of the same with words in context goes on from.

Knows which files and steps of a build an index stands for; nothing of what is in it is extracted
again.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np

from indexer.request import Request, chosen_spaces, fingerprint
from indexer.source import Source
from indexer.store.catalog_file import ALIAS, opened_locked
from indexer.store.layout import UNEMBEDDING, Manifest
from indexer.store.spaces import SpaceEntry
from indexer.store.write import Staging

_LATER = "context"


def holds(manifest: Manifest, request: Request, source: Source, words: int | list[str]) -> bool:
    """Whether an index is what was asked for, or that with words in context besides."""
    asked = chosen_spaces(request)
    wider = _with_spaces(request, asked | {_LATER})
    return any(manifest.fingerprint == fingerprint(r, source, words) for r in (request, wider))


def begun(manifest: Manifest, request: Request, source: Source, words: int | list[str]) -> bool:
    """Whether an index is what was asked for but for the words in context."""
    asked = chosen_spaces(request)
    if _LATER not in asked or manifest.imported:
        return False
    without = _with_spaces(request, asked - {_LATER})
    return manifest.fingerprint == fingerprint(without, source, words)


def _with_spaces(request: Request, kinds: frozenset[str]) -> Request:
    return dataclasses.replace(request, spaces=",".join(sorted(kinds)))


def take_over(staging: Staging, folder: Path, manifest: Manifest) -> None:
    """Have a build begin with the finished spaces of an index, its files under a second name.

    The index stays as it is and can be asked meanwhile: what is finished is never written again.
    What an interrupted build took over already stays.
    """
    for entry in manifest.spaces:
        if staging.finished(entry.name):
            continue
        if entry.kind == "neuron":
            _keep_nearest(staging, folder, manifest, entry)
        files = manifest.files_of(entry)
        for path in files:
            _link(folder / path, staging.folder / path)
        kept = {path: vars(file) for path, file in files.items()}
        rounded = manifest.rounded.get(entry.name, 0)
        step = {"entry": vars(entry), "files": kept, "rounded": rounded}
        staging.keep(f"space {entry.name}", step)
    unembedding = manifest.model.unembedding
    if unembedding is not None and staging.unembedding() is None:
        kept = {}
        if UNEMBEDDING in manifest.files:
            _link(folder / UNEMBEDDING, staging.folder / UNEMBEDDING)
            kept[UNEMBEDDING] = vars(manifest.files[UNEMBEDDING])
        staging.keep("unembedding", {"entry": vars(unembedding), "files": kept})
    if staging.step("seconds") is None:
        staging.keep("seconds", manifest.seconds)
    if staging.step("check weights") is None:
        staging.keep("check weights", manifest.check)


def _keep_nearest(staging: Staging, folder: Path, manifest: Manifest, entry: SpaceEntry) -> None:
    """The tokens nearest to one side of every neuron, as the catalog has them."""
    with opened_locked(folder, manifest) as con:
        found = con.execute(
            f"SELECT token, score FROM {ALIAS}.neuron_token WHERE side = ? "
            "ORDER BY neuron, rank < 0, abs(rank)",
            [entry.side],
        ).fetchnumpy()
    shape = (entry.rows, 2, -1)
    staging.keep_array(
        f"nearest.{entry.side}",
        token=np.asarray(found["token"], np.int32).reshape(shape),
        z=np.asarray(found["score"], np.float32).reshape(shape),
    )


def _link(source: Path, target: Path) -> None:
    """One file under two names; a copy where the file system has no links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
