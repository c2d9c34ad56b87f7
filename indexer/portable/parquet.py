"""Parquet tables: a column of labels, a column of vectors, and what else is known of each row.

The only module that knows pyarrow's files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from indexer.errors import BadVectors, reason
from indexer.portable.unpacked import Unpacked
from indexer.portable.vectors import ROWS, Block, Float32, Labelled, Put, VectorSource
from indexer.store.errors import unknown

LABEL, VECTOR = "label", "vector"

_DENSEST = 1000
"""Rows that a byte of a file can stand for; compression gets no further."""

_LABELS = (LABEL, "text", "word", "token", "name", "key")
_VECTORS = (VECTOR, "vectors", "embedding", "embeddings")


def files(target: Path) -> list[Path]:
    """The one file, named as asked."""
    return [target]


@contextmanager
def write(paths: Sequence[Path], what: Labelled) -> Iterator[Put]:
    """Write `label`, `vector` (a list of fixed size, float32) and the further columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array(values) for name, values in what.columns.items()}
    schema = pa.schema(
        [
            pa.field(LABEL, pa.string()),
            pa.field(VECTOR, pa.list_(pa.float32(), what.width)),
            *(pa.field(name, column.type) for name, column in columns.items()),
        ],
        metadata={"space": what.space},
    )
    at = 0
    with pq.ParquetWriter(paths[0], schema, write_page_checksum=True) as writer:

        def put(vectors: Float32) -> None:
            nonlocal at
            flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
            here = slice(at, at + len(vectors))
            rows = [
                pa.array(what.labels[here], pa.string()),
                pa.FixedSizeListArray.from_arrays(flat, what.width),
                *(column[here.start : here.stop] for column in columns.values()),
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(rows, schema=schema))
            at += len(vectors)

        yield put


class ParquetReader:
    """Two columns of a table.

    Raises:
        BadVectors: it is no such table, or has no column that could be meant.
    """

    def __init__(self, source: Unpacked, asked: VectorSource) -> None:
        import pyarrow.parquet as pq

        self._name, self._path = source.name, asked.path
        self.notes: list[str] = []
        with _told(f"{self._name} is no file of Parquet"):
            self._file = pq.ParquetFile(source.file, page_checksum_verification=True)
            schema, said = self._file.schema_arrow, self._file.metadata.num_rows
        self._label = self._column(schema, asked.label_column, _is_text, _LABELS, "label")
        self._vector = self._column(schema, asked.vector_column, _is_list, _VECTORS, "vector")
        if not said:
            raise BadVectors(f"{self._name} holds no vectors")
        if said < 0 or said > source.size * _DENSEST:
            raise BadVectors(
                f"{self._name}: its header tells of {said:,} rows, which {source.size:,} bytes "
                "cannot hold"
            )
        self.rows, self._most = said, min(said, asked.limit or said)
        found = sum(len(names) for names in self.names()) if asked.limit is None else self._most
        if found != said and asked.limit is None:
            raise BadVectors(
                f"{self._name}: its header tells of {said:,} rows, and {found:,} labels follow"
            )
        self.rows = self._most
        first = next(self._batches([self._vector], 1), None)
        self.width = len(first[0].column(0)[0].values or ()) if first is not None else 0
        if not self.width:
            raise BadVectors(f"{self._name}: row 0 of {self._vector!r} is empty")

    def place(self, row: int) -> str:
        """Rows are counted from 0."""
        return f"row {row}"

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        # Both columns by name: a table has them in an order of its own.
        for batch, row in self._batches([self._label, self._vector], ROWS):
            labels, vectors = batch.column(self._label), batch.column(self._vector)
            yield Block(self._texts(labels, row), self._floats(vectors, row))

    def names(self) -> Iterator[list[str]]:
        """All names, in order."""
        for batch, row in self._batches([self._label], ROWS):
            yield self._texts(batch.column(0), row)

    def _batches(self, columns: list[str], rows: int) -> Iterator[tuple[Any, int]]:
        """Some columns, `rows` rows at a time, their offsets checked, and the first row."""
        row = 0
        batches = self._file.iter_batches(rows, columns=columns)
        while row < self._most:
            with _told(f"{self._name}: {self.place(row)}: cannot be read"):
                batch = next(batches, None)
                if batch is not None:
                    batch = batch.slice(0, self._most - row)
                    batch.validate()
            if not batch:
                return
            yield batch, row
            row += len(batch)

    def _texts(self, column: Any, row: int) -> list[str]:
        try:
            return [text if text is not None else "" for text in column.to_pylist()]
        except UnicodeDecodeError:  # Arrow takes any bytes for text
            for at, label in enumerate(column):
                try:
                    label.as_py()
                except UnicodeDecodeError:
                    raise BadVectors(
                        f"{self._name}: {self.place(row + at)}: the label is not UTF-8"
                    ) from None
            raise

    def _floats(self, column: Any, row: int) -> Float32:
        import pyarrow.compute as pc

        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        if column.null_count:
            valid = column.is_valid().to_numpy(zero_copy_only=False)
            lengths = np.where(valid, lengths, 0)
        wrong = np.flatnonzero(lengths != self.width)
        if len(wrong):
            at = int(wrong[0])
            raise BadVectors(
                f"{self._name}: {self.place(row + at)}: {int(lengths[at]):,} numbers where "
                f"{self.width:,} belong"
            )
        with np.errstate(over="ignore"):  # what is too large is told as not finite
            flat = column.flatten().to_numpy(zero_copy_only=False)
            numbers: Float32 = flat.astype(np.float32)
        return numbers.reshape(len(column), self.width)

    def _column(
        self, schema: Any, asked: str | None, fits: Any, usual: Sequence[str], what: str
    ) -> str:
        """The column that was asked for, or the only one that can be meant."""
        names = [field.name for field in schema if fits(field.type)]
        if asked is not None:
            if asked not in schema.names:
                raise BadVectors(f"{self._name}: {unknown('column', asked, schema.names)}")
            if asked not in names:
                kind = schema.field(asked).type
                raise BadVectors(f"{self._name}: column {asked!r} is {kind}, which no {what} is")
            return asked
        usually = [name for name in usual if name in names]
        if len(names) == 1 or usually:
            return usually[0] if usually else names[0]
        there = ", ".join(names or schema.names)
        raise BadVectors(
            f"{self._name}: {'no' if not names else 'which'} column of {what}s? "
            f"Name it with --{what}-column (there are: {there})"
        )


def read(source: Unpacked, asked: VectorSource) -> ParquetReader:
    """Open a table."""
    return ParquetReader(source, asked)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what Arrow says in one line: of a damaged file it raises anything."""
    import pyarrow as pa

    try:
        yield
    except Exception as err:
        if isinstance(err, MemoryError) and not isinstance(err, pa.ArrowException):
            raise
        raise BadVectors(f"{what}: {reason(err)}") from None


def _is_text(kind: Any) -> bool:
    import pyarrow.types as t

    value = kind.value_type if t.is_dictionary(kind) else kind
    return bool(t.is_string(value) or t.is_large_string(value) or t.is_string_view(value))


def _is_list(kind: Any) -> bool:
    import pyarrow.types as t

    lists = t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)
    return bool(lists and t.is_floating(kind.value_type))
