"""safetensors: a header of JSON and the numbers after it; labels in its metadata.

Knows the layout, which is small enough to be read and written a block at a time without the
library (that would hold a tensor whole, and knows no bfloat16 without torch); the tests hold both
directions against the library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BadVectors
from indexer.portable.npy import ArrayReader
from indexer.portable.vectors import ROWS, Asked, Block, Float32, Labelled, Put
from indexer.store.errors import SemanticError, unknown

LABELS = "labels"
"""Key of the metadata under which the labels stand, as JSON text of a list."""

_LONGEST = 100_000_000
"""Bytes of a header; the library takes no more."""

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def files(target: Path) -> list[Path]:
    """The one file, named as asked."""
    return [target]


@contextmanager
def write(paths: Sequence[Path], what: Labelled) -> Iterator[Put]:
    """Write one tensor named after the space, (rows, width) float32.

    Raises:
        SemanticError: the labels do not fit into a header.
    """
    size = what.rows * what.width * 4
    tensor = {"dtype": "F32", "shape": [what.rows, what.width], "data_offsets": [0, size]}
    metadata = {"space": what.space, LABELS: json.dumps(what.labels, ensure_ascii=False)}
    body = {"__metadata__": metadata, what.space: tensor}
    header = json.dumps(body, ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # numbers begin at a multiple of 8
    if len(header) > _LONGEST:
        raise SemanticError(
            f"{what.rows:,} labels are too long for a header of safetensors: export to npy"
        )
    with paths[0].open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)

        def put(vectors: Float32) -> None:
            file.write(np.ascontiguousarray(vectors, "<f4").data)

        yield put


def read(asked: Asked) -> ArrayReader:
    """Open a tensor, mapped.

    Raises:
        BadVectors: it is no such file, is cut short, or the tensor is not to be had.
    """
    name = asked.path.name
    entries, start, size = _header(asked.path)
    metadata = entries.pop("__metadata__", None) or {}
    tensor = _chosen(name, entries, asked.tensor)
    entry = entries[tensor]
    try:
        kind, shape = str(entry["dtype"]), tuple(int(n) for n in entry["shape"])
        first, last = (int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise BadVectors(f"{name}: tensor {tensor!r} is not described as it should be") from None
    if kind not in _TYPES:
        raise BadVectors(f"{name}: tensor {tensor!r} holds {kind}; vectors are {', '.join(_TYPES)}")
    dtype = np.dtype(_TYPES[kind])
    if last - first != math.prod(shape) * dtype.itemsize or not 0 <= first <= last:
        raise BadVectors(f"{name}: tensor {tensor!r} of shape {shape} has another number of bytes")
    if start + last > size:
        raise BadVectors(
            f"{name} is cut short: tensor {tensor!r} ends at byte {start + last:,} of {size:,}"
        )
    array: NDArray[Any] = (
        np.memmap(asked.path, dtype, "r", start + first, shape) if last > first else np.empty(shape)
    )
    labels = _labels(metadata.get(LABELS))
    if kind == "BF16":
        return _Bfloat16(array.view(np.float16), asked, labels)
    return ArrayReader(array, asked, labels)


class _Bfloat16(ArrayReader):
    """Numbers of 16 bits that are the upper halves of float32."""

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        halves = self._array.view(np.uint16)
        for first in range(0, self.rows, ROWS):
            wide = np.array(halves[first : first + ROWS], np.uint32) << 16
            yield Block(self._labels[first : first + ROWS], wide.view(np.float32))


def _header(path: Path) -> tuple[dict[str, Any], int, int]:
    """What the header says, where the numbers begin, and the size of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(_LONGEST, size - 8):
            raise BadVectors(f"{path.name} is no file of safetensors, or is cut short")
        try:
            entries = json.loads(file.read(length))
        except ValueError:
            raise BadVectors(f"{path.name} is no file of safetensors: no header of JSON") from None
    if not isinstance(entries, dict):
        raise BadVectors(f"{path.name} is no file of safetensors: its header names no tensors")
    return entries, 8 + length, size


def _chosen(name: str, entries: dict[str, Any], asked: str | None) -> str:
    tensors = sorted(entries)
    if asked is not None:
        if asked not in entries:
            raise BadVectors(f"{name}: {unknown('tensor', asked, tensors)}")
        return asked
    if len(tensors) != 1:
        raise BadVectors(
            f"{name} holds {len(tensors)} tensors ({', '.join(tensors[:8])}"
            f"{', ...' if len(tensors) > 8 else ''}); name one with --tensor"
            if tensors
            else f"{name} holds no tensor"
        )
    return tensors[0]


def _labels(text: object) -> list[str] | None:
    """Labels as we write them, or None."""
    if not isinstance(text, str):
        return None
    try:
        labels = json.loads(text)
    except ValueError:
        return None
    return labels if isinstance(labels, list) and all(isinstance(x, str) for x in labels) else None
