"""A set of rows as Arrow has it, a block at a time: what both databases are filled from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.peers.rows import BLOCK, LABELS, VECTORS, read_names


def blocks(rows: Path) -> pa.RecordBatchReader:
    """Names, and vectors as lists of one length, float32."""
    vectors, names = np.load(rows / VECTORS, mmap_mode="r"), read_names(rows / LABELS)
    width = vectors.shape[1]
    schema = pa.schema([("name", pa.string()), ("vector", pa.list_(pa.float32(), width))])

    def each() -> Iterator[pa.RecordBatch]:
        for first in range(0, len(vectors), BLOCK):
            flat = pa.array(np.ravel(vectors[first : first + BLOCK]))
            lists = pa.FixedSizeListArray.from_arrays(flat, width)
            named = pa.array(names[first : first + BLOCK])
            yield pa.RecordBatch.from_arrays([named, lists], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, each())
