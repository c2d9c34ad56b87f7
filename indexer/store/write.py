"""A build in progress: a hidden folder that becomes an index by one rename.

Knows how each file is written, what is finished, and how to go on after a kill; knows nothing of
models. Steps keep their results as small JSON files under `steps/`, which the seal removes.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from indexer.store.codes import CodesWriter, Compared, write_codes, write_z_codes
from indexer.store.coding import Source, Standardised, is_coded, is_z_coded, z_factors
from indexer.store.errors import MachineError, SemanticError
from indexer.store.files import FileEntry
from indexer.store.layout import (
    CATALOG,
    MANIFEST,
    SPACES,
    UNEMBEDDING,
    Manifest,
    UnembeddingEntry,
    codes_file,
    moments_file,
    rows_file,
    z_codes_file,
)
from indexer.store.moments import Moments, Part
from indexer.store.narrow_writer import NarrowWriter
from indexer.store.rows import Float32, ShardsWriter
from indexer.store.shards import Shard, cut, listed
from indexer.store.sixteen import decoding_of
from indexer.store.spaces import RowType, SpaceEntry, narrow
from indexer.store.swap import Held, put_in_place, restore_retired

_IN_CACHE = 256  # rows whose float64 copies stay in the processor's cache
_STEPS = "steps"
_ARRAYS = "arrays_to_insert"


class Staging:
    """The folder `.NAME.building` under the root, held by one process at a time.

    A build with the same fingerprint takes up what the last one finished; with another
    fingerprint it starts anew. `resumed` tells which; `complete` tells that only `seal` is left
    to do. An import has a folder of its own, `.NAME.importing`, so that it leaves what a build
    has finished where it is.

    Raises:
        MachineError: another process is building the same name.
    """

    def __init__(self, root: Path, name: str, fingerprint: str, doing: str = "building") -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.name = root, name
        self.folder = root / f".{name}.{doing}"
        self._aside = root / f".{name}.steps"
        self._held: Held | None = Held(root, name)
        restore_retired(root, name)
        marker = self.folder / _STEPS / "fingerprint"
        known = marker.read_text() if marker.exists() else None
        self.complete = _complete(self.folder, fingerprint)
        self.resumed = known == fingerprint or self.complete
        if not self.resumed:
            shutil.rmtree(self.folder, ignore_errors=True)
            (self.folder / SPACES).mkdir(parents=True)
            (self.folder / _STEPS).mkdir()
            marker.write_text(fingerprint)

    @classmethod
    def joined(cls, root: Path, name: str, fingerprint: str) -> Staging:
        """The folder of a build that another process holds, for whoever works for it.

        Raises:
            MachineError: there is no such build under way where this process looks.
        """
        staging = cls.__new__(cls)
        staging.root, staging.name = root, name
        staging.folder, staging._held = root / f".{name}.building", None
        staging.resumed, staging.complete = True, False
        marker = staging.folder / _STEPS / "fingerprint"
        if not marker.exists() or marker.read_text() != fingerprint:
            raise MachineError(f"{staging.folder} is not the build that is under way")
        return staging

    @property
    def held(self) -> bool:
        """Whether this process holds the name, and does not work for another that does."""
        return self._held is not None

    def step(self, name: str) -> Any:
        """What a finished step kept, or None."""
        path = self.folder / _STEPS / f"{name}.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def keep(self, name: str, value: Any) -> None:
        """Record a step's result; it is there wholly or not at all."""
        path = self.folder / _STEPS / f"{name}.json"
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def folder_of(self, name: str) -> Path:
        """A folder of this build for files of others' making; gone with the seal."""
        folder = self.folder / _STEPS / name
        folder.mkdir(exist_ok=True)
        return folder

    def array(self, name: str, only: Sequence[str] | None = None) -> dict[str, NDArray[Any]] | None:
        """Named arrays kept by a finished step, all or only some of them; or None."""
        path = self.folder / _STEPS / f"{name}.npz"
        if not path.exists():
            return None
        with np.load(path) as kept:
            return {key: kept[key] for key in (kept.files if only is None else only)}

    def parts_of_array(self, name: str, rows: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Named arrays kept by a finished step, so many rows of each at a time."""
        with ExitStack() as opened:
            archive = opened.enter_context(ZipFile(self.folder / _STEPS / f"{name}.npz"))
            files = {
                member.removesuffix(".npy"): opened.enter_context(archive.open(member))
                for member in archive.namelist()
            }
            heads = {}
            for key, file in files.items():
                np.lib.format.read_magic(file)
                heads[key] = np.lib.format.read_array_header_1_0(file)
            ((count, *_), _, _), *_ = heads.values()
            for first in range(0, count, rows):
                here = min(rows, count - first)
                yield {
                    key: np.frombuffer(
                        files[key].read(here * prod(shape[1:]) * dtype.itemsize), dtype
                    ).reshape(here, *shape[1:])
                    for key, (shape, _, dtype) in heads.items()
                }

    def keep_array(self, name: str, **arrays: NDArray[Any]) -> None:
        """Record named arrays; they are there wholly or not at all."""
        _save_npz(self.folder / _STEPS / f"{name}.npz", arrays)

    def has_array(self, name: str) -> bool:
        """Whether a step kept arrays of that name."""
        return (self.folder / _STEPS / f"{name}.npz").exists()

    def drop_array(self, name: str) -> None:
        """Forget what a step kept, once a later one has taken its place."""
        (self.folder / _STEPS / f"{name}.npz").unlink(missing_ok=True)

    def scratch(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """A float32 array in a file of this build: kept over a kill, gone with the seal."""
        path = self.folder / _STEPS / f"{name}.npy"
        if not path.exists():
            # Zeros are written out: a full disk is an error here, but kills whoever maps a hole.
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.save(file, np.zeros(shape, np.float32))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        mapped: NDArray[np.float32] = np.lib.format.open_memmap(path, mode="r+")
        return mapped

    def rows(
        self,
        space: str,
        rows: int,
        width: int,
        layers: Sequence[int] = (),
        dtype: RowType = "float32",
    ) -> ShardsWriter:
        """The files of rows of one space, opened for writing where the last run left them.

        Args:
            space: its name.
            rows: how many it has.
            width: of a row.
            layers: how many rows each layer has, in order, where rows lie in layers.
            dtype: how they are stored.
        """
        file, kept = rows_file(space), narrow(dtype)
        if kept is None:
            return ShardsWriter(self.folder, file, cut(rows, width, layers), width)
        return NarrowWriter(self.folder, file, cut(rows, width, layers, 2), width, kept)

    def finish_space(
        self,
        entry: SpaceEntry,
        writer: ShardsWriter,
        norms: Float32,
        population: NDArray[np.bool_] | None = None,
        **extra: NDArray[Any],
    ) -> dict[str, NDArray[Any]]:
        """Write norms, moments and codes beside the rows, and record the space as finished.

        Args:
            entry: what the manifest will say of the space.
            writer: its rows, all of them put.
            norms: (rows,) float32, the length each unit row had.
            population: (rows,) bool, whose mean and covariance are taken; all rows where None.
            **extra: further arrays with one entry a row; with `embed_std` among them, the
                deviation of its products with words, the space may get codes of what z compares.

        Returns:
            The arrays written: `norms`, `centered_norms` (rows,) float32, the latter |x - mu|;
            `mean` (width,) float64; `covariance` (width, width) float64, divided by n; and what
            `indexer.store.codes` has of a space that gets codes.

        Raises:
            MachineError: a row or norm is not finite.
        """
        if not np.isfinite(norms).all():
            row = int(np.flatnonzero(~np.isfinite(norms))[0])
            raise MachineError(f"space {entry.name!r}: the norm of row {row} is not finite")
        with ThreadPoolExecutor(1, "sealing") as aside:
            sealing = aside.submit(self._sealed, rows_file(entry.name), writer)
            source = Source(
                entry, writer.get, norms, np.empty(entry.rows, np.float32), np.empty(entry.width)
            )
            arrays, files = self._beside(source, writer.shards, population)
            if "embed_std" in extra:
                more = self._z_coded(source, writer.shards, extra["embed_std"])
                arrays, files = arrays | more[0], files | more[1]
            files = sealing.result() | files
            rounded = writer.rounded
        writer.close()
        beside = moments_file(entry.name)
        _save_npz(self.folder / beside, arrays | extra | writer.arrays())
        files[beside] = self.file_entry(beside)
        self.keep(
            f"space {entry.name}",
            {
                "entry": vars(entry),
                "files": {name: vars(file) for name, file in files.items()},
                "rounded": rounded,
            },
        )
        return arrays | extra

    def _beside(
        self, source: Source, shards: Sequence[Shard], population: NDArray[np.bool_] | None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, FileEntry]]:
        """What stands beside the rows of a space, codes written; and the entries of their files.

        The mean and the centred norms of `source` are filled in as they are found.
        """
        entry, coded = source.entry, is_coded(source.entry)
        # Cosines compare the rows whatever their mean is, so that one walk finds both moments.
        compared = Compared(entry.width) if coded and entry.measure == "cosine" else None
        # Of vectors that are all of one length, they are the same but for it.
        alone = compared is not None and population is None
        length = _length_of_all(source.norms) if alone else None
        found = Moments(entry.width)

        def parts(first: int) -> tuple[Part, tuple[Float32, Part] | None]:
            unit = source.rows(first)
            _require_finite(entry, first, unit)
            also = None
            if compared is not None:
                alike = source.compared(first, unit)
                also = Compared.part_of(source, alike)
                if length is not None:
                    return Part.of_mean(alike, source.norms[first : first + len(unit)]), also
            vectors = source.lengthened(first, unit)
            if population is not None:
                vectors = vectors[population[first : first + len(unit)]]
            return Part.of(vectors), also

        for _, (part, also) in source.walk(parts):
            found.add(part)
            if compared is not None and also is not None:
                compared.add(*also)
        source.mean[:], covariance = found.found()
        if compared is None:  # else the walk that writes codes finds them
            source.center_all()
        elif length is not None:
            covariance = compared.moments()[1] * length**2
        arrays: dict[str, NDArray[Any]] = {
            "norms": source.norms,
            "centered_norms": source.centered_norms,
            "mean": source.mean,
            "covariance": covariance,
        }
        if not coded:
            return arrays, {}
        file = codes_file(entry.name)
        arrays |= write_codes(CodesWriter(self.folder, file, shards, entry.width), source, compared)
        return arrays, self._entries(file, shards)

    def _z_coded(
        self, source: Source, shards: Sequence[Shard], deviations: NDArray[np.float64]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, FileEntry]]:
        """The same of the codes of what gives z, where neurons get any.

        Args:
            source: the rows.
            shards: which of them lie in which file.
            deviations: of each one's products with the words, (rows,) float64.
        """
        entry, lengths = source.entry, source.norms.astype(np.float64)
        factors = z_factors(lengths, deviations)
        if not is_z_coded(entry, lengths, factors):
            return {}, {}
        file, scaled = z_codes_file(entry.name), Standardised(entry, source.block, factors)
        writer = CodesWriter(self.folder, file, shards, entry.width)
        return write_z_codes(writer, scaled), self._entries(file, shards)

    def _sealed(self, file: str, writer: ShardsWriter) -> dict[str, FileEntry]:
        """What is to be said of the files of rows, once all of them is on the disk."""
        found = self._entries(file, writer.shards)
        writer.sync()
        return found

    def _entries(self, file: str, shards: Sequence[Shard]) -> dict[str, FileEntry]:
        """What is to be said of the files of some shards; `file` where one is the only one."""
        names = [(shard.file(file), shard) for shard in shards]
        return {
            name: FileEntry.of(self.folder / name, shard.first, shard.rows) for name, shard in names
        }

    def finished(self, space: str) -> tuple[SpaceEntry, dict[str, FileEntry]] | None:
        """Entry and files of a finished space, or None."""
        kept = self.step(f"space {space}")
        if kept is None:
            return None
        files = {path: FileEntry(**file) for path, file in kept["files"].items()}
        return SpaceEntry(**kept["entry"]), files

    def finished_rows(self, space: str) -> ShardsWriter:
        """The files of rows of a finished space, cut as they were; to be read back and closed."""
        finished = self.finished(space)
        if finished is None:
            raise ValueError(f"{space} is read back before it is finished")
        entry, files = finished
        file = rows_file(space)
        shards, dtype = listed(file, files, entry.rows), narrow(entry.dtype)
        if dtype is None:
            return ShardsWriter(self.folder, file, shards, entry.width)
        with np.load(self.folder / moments_file(space)) as kept:
            decoding = decoding_of(
                dtype, lambda name: kept[name] if name in kept.files else None, space
            )
        return NarrowWriter(self.folder, file, shards, entry.width, dtype, decoding)

    def rounded(self, space: str) -> int:
        """How many rows of a finished space are rounded to the type that they are stored in."""
        return int((self.step(f"space {space}") or {}).get("rounded", 0))

    def finish_unembedding(self, entry: UnembeddingEntry, arrays: dict[str, NDArray[Any]]) -> None:
        """Write what makes logits of a stream, and record it as finished.

        Args:
            entry: what the manifest will say of it.
            arrays: those that it names: `gain` and `shift` (d_model,) float64, `bias`
                (vocabulary,) float32.

        Raises:
            MachineError: a number is not finite.
        """
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                at = int(np.flatnonzero(~np.isfinite(array))[0])
                raise MachineError(f"{UNEMBEDDING}: number {at} of {name} is not finite")
        files = {}
        if arrays:
            _save_npz(self.folder / UNEMBEDDING, arrays)
            files[UNEMBEDDING] = vars(FileEntry.of(self.folder / UNEMBEDDING))
        self.keep("unembedding", {"entry": vars(entry), "files": files})

    def unembedding(self) -> tuple[UnembeddingEntry, dict[str, FileEntry]] | None:
        """What was written of it, and its file; None before, and of a model without logits."""
        kept = self.step("unembedding")
        if kept is None:
            return None
        files = {path: FileEntry(**file) for path, file in kept["files"].items()}
        return UnembeddingEntry(**kept["entry"]), files

    def moments(self, space: str, name: str) -> NDArray[Any]:
        """One of the arrays beside a finished space's rows."""
        with np.load(self.folder / moments_file(space)) as kept:
            array: NDArray[Any] = kept[name]
        return array

    def stored(self, space: str, first: int, count: int) -> NDArray[np.float64]:
        """Vectors of a finished space as they are on disk, (count, d_model) float64."""
        return self.stored_rows(space, range(first, first + count))

    def stored_rows(self, space: str, positions: Sequence[int]) -> NDArray[np.float64]:
        """The same for chosen rows, (len(positions), d_model) float64."""
        writer = self.finished_rows(space)
        norms = self.moments(space, "norms")
        if isinstance(positions, range):
            unit = writer.get(positions.start, len(positions))
        else:
            unit = np.concatenate([writer.get(at, 1) for at in positions])
        writer.close()
        lengths = norms[np.asarray(positions), None]
        vectors: NDArray[np.float64] = unit.astype(np.float64) * lengths
        return vectors

    def files(self, step: str) -> dict[str, FileEntry]:
        """The files that a finished step kept the entries of, by path; none before it."""
        return {path: FileEntry(**entry) for path, entry in (self.step(step) or {}).items()}

    def file_entry(self, path: str) -> FileEntry:
        """Size and checksum of a file of this build."""
        return FileEntry.of(self.folder / path)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest; the folder is then complete, though not yet under its name."""
        with (self.folder / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(manifest.to_json())
            file.flush()
            os.fsync(file.fileno())

    def seal(self) -> Path:
        """Set the steps aside, and give the folder its name in one step.

        Raises:
            ForeignIndex: what has that name is no index, or holds files that are no index's own.
        """
        target = self.root / self.name
        if not self.complete:
            for left in self.folder.rglob("*.part"):  # by what was killed while it wrote
                left.unlink(missing_ok=True)
            shutil.rmtree(self._aside, ignore_errors=True)
            (self.folder / _STEPS).rename(self._aside)
            self.complete = True
        put_in_place(self.folder, target)
        shutil.rmtree(self._aside, ignore_errors=True)
        self.close()
        return target

    def discard(self) -> None:
        """Remove what is not sealed; a swap that was interrupted gives the old index its name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        restore_retired(self.root, self.name)

    def close(self) -> None:
        """Let another process build this name; what is finished stays."""
        if self._held is not None:
            self._held.close()


def _complete(folder: Path, fingerprint: str) -> bool:
    """Whether a build got as far as its seal: a whole manifest, and the steps set aside."""
    if (folder / _STEPS).exists():
        return False
    try:
        return Manifest.load(folder).fingerprint == fingerprint
    except SemanticError:
        return False


def unit_rows(raw: NDArray[np.floating[Any]]) -> tuple[Float32, Float32]:
    """(n, width) vectors -> their unit rows and norms, both float32.

    The zero vector has no direction: its row stays zero, and every cosine with it is 0.
    """
    unit = np.empty(raw.shape, np.float32)
    norms = np.empty(len(raw), np.float32)
    for first in range(0, len(raw), _IN_CACHE):
        here = slice(first, first + _IN_CACHE)
        wide = raw[here].astype(np.float64)
        lengths = np.sqrt(np.linalg.vecdot(wide, wide))
        norms[here] = lengths
        lengths[lengths == 0] = 1
        with np.errstate(invalid="ignore"):  # what is not finite is refused when it is finished
            np.divide(wide, lengths[:, None], out=unit[here], casting="same_kind")
    return unit, norms


def _require_finite(entry: SpaceEntry, first: int, rows: Float32) -> None:
    """Raise `MachineError` where a number of some rows, the first of them given, is none."""
    finite = np.isfinite(rows)
    if not finite.all():
        row = first + int(np.flatnonzero(~finite.all(axis=1))[0])
        raise MachineError(f"space {entry.name!r}: row {row} is not finite")


def _length_of_all(norms: Float32) -> float | None:
    """The length of all vectors, where it is the same but for what float32 leaves of it.

    What was made unit in float32 is off by some last bits, which is less than products that
    float32 adds up are off by.
    """
    least, most = float(norms.min()), float(norms.max())
    if most - least > 2**-20 * least:
        return None
    return float(norms.mean(dtype=np.float64))


Columns = dict[str, Any]
"""Of a table, or of some of its rows: a column by name."""


def write_catalog(
    folder: Path, tables: Mapping[str, Columns | Iterable[Columns]], modelled: bool = True
) -> None:
    """Write `catalog.duckdb`: per table of schema.sql, its columns by name, or some rows at a time.

    Without a model behind it (`modelled` False) some columns mean less; words.sql says so.

    A column is an array of NumPy or Arrow or a list with one value a row, or a text of SQL whose
    value every row has; where one is a list, so are all others.

    Raises:
        MachineError: the file cannot be written, for want of room or otherwise.
    """
    import duckdb

    path = folder / CATALOG
    part = path.with_suffix(".part")
    for left in (part, part.with_suffix(".part.wal")):
        left.unlink(missing_ok=True)
    schema = (Path(__file__).parent / "schema.sql").read_text("utf-8")
    try:
        with duckdb.connect(str(part), config={"threads": 2, "memory_limit": "400MB"}) as con:
            con.execute(schema)
            if not modelled:
                con.execute((Path(__file__).parent / "words.sql").read_text("utf-8"))
            for name, columns in tables.items():
                for some in [columns] if isinstance(columns, dict) else columns:
                    insert(con, name, some)
            # What a bare word costs: a look-up by text, 0.4 ms with an index and 4 ms without.
            con.execute("CREATE INDEX token_text ON token(text)")
            con.execute("CREATE INDEX word_text ON word(text)")
            con.execute("CHECKPOINT")
    except duckdb.ProgrammingError:
        raise
    except duckdb.Error as err:
        raise MachineError(f"{CATALOG} cannot be written: {str(err).splitlines()[0]}") from None
    part.replace(path)


def insert(con: Any, table: str, columns: Columns) -> None:
    """Append rows to a table, given as `write_catalog` has it.

    Raises:
        ValueError: the columns are not those of the table.
    """
    types: dict[str, str] = dict(
        con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table]
        ).fetchall()
    )
    import pyarrow as pa

    names = list(columns)
    if set(names) != set(types):
        raise ValueError(f"table {table}: columns {names} are not those of the schema")
    if not any(isinstance(column, list) for column in columns.values()):
        arrays = {name: column for name, column in columns.items() if not isinstance(column, str)}
        said = {name: name if name in arrays else columns[name] for name in names}
        picked = ", ".join(f"{said[name]}::{_sql_type(types[name])}" for name in names)
        con.register(_ARRAYS, pa.table(arrays))
        con.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {picked} FROM {_ARRAYS}")
        con.unregister(_ARRAYS)
        return
    rows = len(columns[names[0]])
    picked = ", ".join(f"unnest(?::{_sql_type(types[name])}[])" for name in names)
    for first in range(0, rows, 20_000):
        part = [_listed(columns[name][first : first + 20_000]) for name in names]
        con.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {picked}", part)


def _listed(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _sql_type(declared: str) -> str:
    return "side" if declared.startswith("ENUM") else declared


def _save_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    # Another machine that was given up may be writing the same yet.
    part = path.with_suffix(f".{secrets.token_hex(4)}.part")
    with part.open("wb") as file:
        # One argument a name is np.savez's own interface; its stub takes them for flags.
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
