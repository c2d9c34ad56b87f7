"""An open index as a table: its model above, its spaces below."""

from __future__ import annotations

import dataclasses
from itertools import groupby

from explorer.show.layout import Column, Layout
from indexer.store.layout import Manifest, said_of_rows
from indexer.store.spaces import SpaceEntry


def index(manifest: Manifest) -> Layout:
    """What the index is of, and the spaces that can be asked; those of one kind on one line."""
    model = manifest.model
    size = f"{model.family}: {model.n_layers} layers, d_model {model.d_model}"
    if not manifest.has_model:
        size = f"{model.d_model} wide"
    head = [f"index {manifest.name}", f"  model {model.source}, {size}"]
    if manifest.words:
        head.append(f"  {manifest.words:,} indexed words")
    head += [f"  rows {line}" for line in said_of_rows(manifest)]
    columns = [
        Column("space", lambda s: str(s.name)),
        Column("items", lambda s: str(s.item)),
        Column("rows", lambda s: f"{s.rows:,}", right=True),
        Column("measure", lambda s: str(s.measure)),
        Column("convention", lambda s: str(s.convention), folds=True),
    ]
    return Layout(head, columns, _spans(manifest.spaces), [f"built {manifest.created}"])


def _spans(spaces: tuple[SpaceEntry, ...]) -> list[SpaceEntry]:
    """The spaces, runs of context spaces that differ in nothing but the layer as one."""
    shown = []
    for _, run in groupby(
        spaces, lambda s: dataclasses.replace(s, name="", layer=0) if s.layer is not None else s
    ):
        several = list(run)
        first, last = several[0], several[-1]
        name = f"{first.name} to {last.name}" if first is not last else first.name
        shown.append(dataclasses.replace(first, name=name))
    return shown
