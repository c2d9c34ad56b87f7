"""How an open index looks as a table: its model above, its spaces below."""

from __future__ import annotations

from explorer.tables.layout import Column, Layout
from indexer.store.layout import Manifest


def index(manifest: Manifest) -> Layout:
    """What the index is of, and the spaces that can be asked."""
    model = manifest.model
    head = [
        f"index {manifest.name}",
        f"  model {model.source}, {model.family}: {model.n_layers} layers, d_model {model.d_model}",
    ]
    if manifest.words:
        head.append(f"  {manifest.words:,} indexed words")
    if manifest.neurons:
        head.append(f"  neurons in each layer: {manifest.neuron_grid.shape}")
    columns = [
        Column("space", lambda s: str(s.name)),
        Column("items", lambda s: str(s.item)),
        Column("rows", lambda s: f"{s.rows:,}", right=True),
        Column("measure", lambda s: str(s.measure)),
        Column("convention", lambda s: str(s.convention), folds=True),
    ]
    return Layout(head, columns, [f"built {manifest.created}"], manifest.spaces)
