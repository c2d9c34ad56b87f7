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
from indexer.portable.unpacked import Unpacked
from indexer.portable.vectors import ROWS, Block, Float32, Labelled, Put, VectorSource
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


def read(source: Unpacked, asked: VectorSource) -> ArrayReader:
    """Open a tensor, mapped.

    Raises:
        BadVectors: it is no such file, is cut short, or the tensor is not to be had.
    """
    name, size = source.name, source.size
    entries, start = _header(source)
    metadata = entries.pop("__metadata__", None)
    if metadata is not None and not isinstance(metadata, dict):
        raise BadVectors(f"{name} is no file of safetensors: its metadata is damaged")
    tensor = _chosen(name, entries, asked.tensor)
    ends = max(_described(name, one, entry)[3] for one, entry in entries.items())
    kind, shape, first, last = _described(name, tensor, entries[tensor])
    if kind not in _TYPES:
        raise BadVectors(f"{name}: tensor {tensor!r} holds {kind}; vectors are {', '.join(_TYPES)}")
    dtype = np.dtype(_TYPES[kind])
    if last - first != math.prod(shape) * dtype.itemsize:
        raise BadVectors(f"{name}: tensor {tensor!r} of shape {shape} has another number of bytes")
    if start + last > size:
        raise BadVectors(
            f"{name} is cut short: tensor {tensor!r} ends at byte {start + last:,} of {size:,}"
        )
    if start + ends < size:
        raise BadVectors(
            f"{name}: {size - start - ends:,} bytes follow the last tensor: its header is damaged, "
            "or the file is none of safetensors"
        )
    if last == first:
        raise BadVectors(f"{name} holds no vectors: the shape of {tensor!r} is {shape}")
    array: NDArray[Any] = np.memmap(source.file, dtype, "r", start + first, shape)
    labels = _labels((metadata or {}).get(LABELS))
    if kind == "BF16":
        return _Bfloat16(array.view(np.float16), asked, labels)
    return ArrayReader(array, asked, labels)


class _Bfloat16(ArrayReader):
    """Numbers of 16 bits that are the upper halves of float32."""

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        halves = self._array.view(np.uint16)
        for first in range(0, self.rows, ROWS):
            labels = self._labels[first : min(first + ROWS, self.rows)]
            wide = np.array(halves[first : first + len(labels)], np.uint32) << 16
            yield Block(labels, wide.view(np.float32))


def _header(source: Unpacked) -> tuple[dict[str, Any], int]:
    """What the header says, and where the numbers begin."""
    name, file = source.name, source.file
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if source.size < 8 or not 2 <= length <= min(_LONGEST, source.size - 8):
        raise BadVectors(f"{name} is no file of safetensors, or is cut short")
    try:
        entries = json.loads(file.read(length))
    except (ValueError, RecursionError):
        raise BadVectors(f"{name} is no file of safetensors: no header of JSON") from None
    if not isinstance(entries, dict):
        raise BadVectors(f"{name} is no file of safetensors: its header names no tensors")
    return entries, 8 + length


def _described(name: str, tensor: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """What the header says of a tensor: type, shape, first byte and the one after its last."""
    try:
        kind, shape, (first, last) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        whole = all(type(n) is int and n >= 0 for n in (*shape, first, last))
        if whole and isinstance(kind, str) and first <= last:
            return kind, shape, first, last
    except (KeyError, TypeError, ValueError):
        pass
    raise BadVectors(f"{name}: tensor {tensor[:40]!r} is not described as it should be")


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
    except (ValueError, RecursionError):
        return None
    return labels if isinstance(labels, list) and all(isinstance(x, str) for x in labels) else None
