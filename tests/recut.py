"""An index as it would be if a file held fewer bytes: the same rows, in more files.

faiss itself reads the whole files and writes the others, so that these are what it has for so many
rows.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss

from indexer.store.files import FileEntry
from indexer.store.layout import Manifest, codes_file, rows_file, z_codes_file
from indexer.store.shards import Shard, cut
from indexer.store.spaces import SpaceEntry


def recut(whole: Path, folder: Path) -> Path:
    """Copy an index whose spaces are each in one file to `folder`, cut by the rule as it is now."""
    (folder / "spaces").mkdir(parents=True)
    manifest = Manifest.load(whole)
    files = {}
    for name in (*manifest.files, "findings.json"):
        if not name.endswith((".faiss", ".codes", ".zcodes")) and (whole / name).exists():
            os.link(whole / name, folder / name)
    for name, entry in manifest.files.items():
        if (folder / name).exists():
            files[name] = entry
    for space in manifest.spaces:
        shards = cut(space.rows, space.width, layers_of(manifest, space))
        for name in (rows_file(space.name), codes_file(space.name), z_codes_file(space.name)):
            if name in manifest.files:
                files |= _in_shards(whole / name, folder, name, shards)
    (folder / "manifest.json").write_text(dataclasses.replace(manifest, files=files).to_json())
    return folder


def layers_of(manifest: Manifest, space: SpaceEntry) -> Sequence[int]:
    """How many rows each layer of a space has, where rows lie in layers."""
    model = manifest.model
    return {
        "neuron": [layer.rows for layer in manifest.neurons],
        "head": [model.n_heads * model.d_head] * len(manifest.layers),
    }.get(space.kind, [])


def _in_shards(
    path: Path, folder: Path, name: str, shards: Sequence[Shard]
) -> dict[str, FileEntry]:
    whole: Any = faiss.read_index(str(path))
    codes = faiss.vector_to_array(whole.codes).reshape(whole.ntotal, -1)
    files = {}
    for shard in shards:
        part: Any = faiss.IndexFlatIP(whole.d)
        if isinstance(whole, faiss.IndexScalarQuantizer):
            kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
            part = faiss.IndexScalarQuantizer(whole.d, kind, faiss.METRIC_INNER_PRODUCT)
        part.add_sa_codes(codes[shard.first : shard.end])
        faiss.write_index(part, str(folder / shard.file(name)))
        files[shard.file(name)] = FileEntry.of(folder / shard.file(name), shard.first, shard.rows)
    return files
