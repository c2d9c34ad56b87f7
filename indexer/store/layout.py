"""What lies where in an index, and what its manifest says.

Knows names of files and fields; opens nothing but `manifest.json`. The manifest carries a
seal, the SHA-256 of its own content, so that a changed one is told from a sound one. Whoever made
an index sealed it, so that the seal says nothing of what they meant: every field is checked by
itself, and no name of a file can lead out of the folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from indexer.store.errors import DamagedIndex, ForeignIndex
from indexer.store.files import FileEntry, open_regular
from indexer.store.grid import HeadGrid, NeuronGrid, NeuronLayer
from indexer.store.letters import with_plain_dashes
from indexer.store.shards import Shard, listed
from indexer.store.spaces import (
    MOST_ROWS,
    NARROW,
    NEURON_SIDES,
    ItemName,
    Narrow,
    NeuronSide,
    SpaceEntry,
    SpaceKind,
    check_spaces,
    sides_of,
    space_named,
)
from indexer.store.typed import WrongType, read

FORMAT = 8
NARROW_FORMAT = 9
"""The format of an index with rows of 16 bits, which is otherwise that of any other."""
READ = (7, FORMAT, NARROW_FORMAT)
"""Formats that are read: in the 7th each space is one file of rows."""

MANIFEST = "manifest.json"
CATALOG = "catalog.duckdb"
TOKENIZER = "tokenizer.json"
UNEMBEDDING = "unembedding.npz"
"""What the last norm multiplies by and adds, and the unembedding's bias, where there is any."""
SPACES = "spaces"
NEGATIVE = "activations.negative.bits"
"""A row a word, a bit a neuron: whether its activation at the word's last token was below 0."""
ZERO = "activations.zero.bits"
"""The same: whether it was exactly 0. Only where one was."""
FINDINGS = "findings.json"
"""What the explorer found in the index, for people who open it; derived, and outside the seal."""

MEASURES = ("dot", "cosine", "centered", "euclidean")

SIGNS = {"-": -1, "0": 0, "+": 1}
"""How signs are written in a manifest, whose whole numbers are from 0 on."""

IMPORTED = "imported"
"""Key of the manifest's `extra` under which the origin of each imported space stands."""

MACHINES = "machines"
"""Key of the manifest's `extra` under which stands which machine of a cluster did how much."""

ROUNDED = "rounded"
"""Key of the manifest's `extra` under which stands of which spaces how many rows are rounded."""

LARGEST_MANIFEST = 32 << 20
"""Bytes beyond which a manifest is not read: those of the largest models take under a hundredth."""


NormKind = Literal["rms", "layer", "none"]
"""What a norm divides the stream by: its root mean square, that of the stream less its mean, or
nothing."""


@dataclass(frozen=True)
class UnembeddingEntry:
    """How logits are made of the stream that leaves the last block.

    Its vectors are in `unembedding.npz`; those of tokens are the space `unembed`, or `embed` where
    the model ties them. The formula is in `indexer.store.unembedding`.

    Attributes:
        norm: the last norm: `rms`, `layer` (the stream less its mean) or `none`.
        epsilon: what it adds to the mean square before it takes the root.
        gain: whether it multiplies by a vector.
        shift: whether it adds one.
        bias: whether the unembedding adds a number to each token's logit.
        scale: what logits are multiplied by.
        softcap: the c of c tanh(logits / c), after that; None where there is none.
    """

    norm: NormKind
    epsilon: float
    gain: bool
    shift: bool
    bias: bool
    scale: float
    softcap: float | None

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the vectors that are in the file; no file is there for none."""
        return tuple(name for name in ("gain", "shift", "bias") if getattr(self, name))


@dataclass(frozen=True)
class ModelEntry:
    """The model an index was made from.

    An index of imported vectors has none behind it: no layers, heads or vocabulary.

    Attributes:
        source: what `indexer build` was given: a folder, a file, a hub id, `smollm2`; or that
            there is none.
        family: the entry of the table of families.
        revision: of the hub, or of the package; empty where there is none.
        weights_sha256: SHA-256 over the names and contents of its weight files, or of the file
            that was imported.
        n_layers: how many blocks it has.
        d_model: width of its residual stream.
        n_heads: attention heads of a block.
        d_head: dimensions of a head.
        vocabulary: rows of its embedding.
        gated: whether its MLPs are gated.
        tied: whether it unembeds with its embedding.
        encoder: whether it reads both ways.
        unembedding: how it makes logits of the stream; None of an encoder, which is read without
            its head.
        activation: the function between a neuron's reading and writing side; empty where unknown.
        activation_signs: the signs of what it makes of numbers below 0 and of those above, `-`, `0`
            or `+` each, `-+` of SiLU; `?` where that varies, empty where unknown.
        allow_pickle: whether weights in pickle files were let through.
        accepted: config attributes that were let through though the table doesn't know
            them.
        adapter: the adapter that lies beside the weights and is not in them, in one line; empty
            where there is none.
        tokens_without_row: tokens of the tokenizer that the embedding has no row for.
    """

    source: str
    family: str
    revision: str
    weights_sha256: str
    n_layers: int
    d_model: int
    n_heads: int
    d_head: int
    vocabulary: int
    gated: bool
    tied: bool
    encoder: bool
    unembedding: UnembeddingEntry | None
    activation: str = ""
    activation_signs: str = ""
    allow_pickle: bool = False
    accepted: tuple[str, ...] = ()
    adapter: str = ""
    tokens_without_row: int = 0

    @property
    def sign_below(self) -> int | None:
        """The sign of what the activation makes of a number below 0; None where unknown."""
        return SIGNS.get(self.activation_signs[:1])

    @property
    def sign_above(self) -> int | None:
        """The same of a number above 0."""
        return SIGNS.get(self.activation_signs[1:])


@dataclass(frozen=True)
class Imported:
    """Where the vectors of an imported space came from.

    Attributes:
        file: name of the file.
        sha256: of its content.
        format: `npy`, `safetensors`, `word2vec`, `glove` or `parquet`.
        created: when it was imported, UTC, ISO 8601.
        read: what was left out or corrected, in one line; empty where it was taken as it is.
    """

    file: str
    sha256: str
    format: str
    created: str
    read: str = ""


@dataclass(frozen=True)
class PrefixEntry:
    """What stands before every word in the model's context; in an encoder's also what follows it.

    Attributes:
        text: of the prefix.
        token_ids: its tokens.
        chosen: `auto` or `asked`.
        sink_factor: times the layer's median norm, from which a word counts as a sink.
        sample: how many words each candidate was tried on.
        tried: by candidate, how many of them were sinks.
        sink_share: by context space, the share of indexed words that are.
        suffix_ids: tokens that follow a word.
    """

    text: str
    token_ids: tuple[int, ...]
    chosen: str
    sink_factor: float
    sample: int
    tried: dict[str, int]
    sink_share: dict[str, float]
    suffix_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """Everything about an index that is not a vector or a row of a table.

    Attributes:
        name: of the index.
        created: when it was sealed, in UTC.
        model: what it was made from.
        dtype: the precision of the forward passes.
        device: where they ran.
        seed: of what the build drew.
        layers: the blocks that are indexed.
        neurons: what each of them has.
        words: how many words are indexed.
        firing: whether activations were recorded.
        prefix: what stood before every word; None in an index without context spaces.
        conventions: by space, what was folded into its rows.
        spaces: in the order they were built.
        files: by path in the index.
        versions: of the libraries that built it.
        check: by part, the largest relative error of the self-check.
        seconds: by step of the build.
        fingerprint: of everything that decides what the index holds.
        neurons_per_word: how many of the neurons that fire most strongly at a word are kept, at
            either end; 0 where no activations were recorded.
        format: version of the layout on disk.
        extra: anything a later version may add.
    """

    name: str
    created: str
    model: ModelEntry
    dtype: str
    device: str
    seed: int
    layers: tuple[int, ...]
    neurons: tuple[NeuronLayer, ...]
    words: int
    firing: bool
    prefix: PrefixEntry | None
    conventions: dict[str, str]
    spaces: tuple[SpaceEntry, ...]
    files: dict[str, FileEntry]
    versions: dict[str, str]
    check: dict[str, float]
    seconds: dict[str, float]
    fingerprint: str
    neurons_per_word: int = 0
    format: int = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def has_model(self) -> bool:
        """Whether a model is behind it, and so a tokenizer; not where vectors were imported."""
        return self.model.vocabulary > 0

    @property
    def signed(self) -> bool:
        """Whether the sign of every activation was kept."""
        return self.firing and self.model.gated

    @property
    def imported(self) -> dict[str, Imported]:
        """Where the vectors of each imported space came from, by name."""
        return {name: Imported(**one) for name, one in self.extra.get(IMPORTED, {}).items()}

    @property
    def machines(self) -> dict[str, dict[str, float]]:
        """By machine of a cluster, how many `tasks` of the build it did, in how many `seconds`."""
        found: dict[str, dict[str, float]] = self.extra.get(MACHINES, {})
        return found

    @property
    def rounded(self) -> dict[str, int]:
        """How many rows are rounded to the type they are stored in, by space; none are not told."""
        found: dict[str, int] = self.extra.get(ROUNDED, {})
        return dict(found)

    @property
    def neuron_grid(self) -> NeuronGrid:
        """Which neuron is which row of the neuron spaces."""
        return NeuronGrid(self.neurons)

    @property
    def head_grid(self) -> HeadGrid:
        """Which head dimension is which row of the head spaces."""
        return HeadGrid(self.layers, self.model.n_heads, self.model.d_head)

    @property
    def counts(self) -> dict[ItemName, int]:
        """How many items of each kind there are; labels, of which each space has its own, aside."""
        return {
            "token": self.model.vocabulary,
            "word": self.words,
            "neuron": self.neuron_grid.rows,
            "head": self.head_grid.rows if self.of_kind("head", side="value") else 0,
        }

    def space(self, name: str) -> SpaceEntry | None:
        """The entry of one space, or None; `neuron.in` is the reading side of gated neurons too."""
        named = space_named(name, self.sides)
        return next((s for s in self.spaces if s.name == named), None)

    def of_kind(
        self, kind: SpaceKind, layer: int | None = None, side: str | None = None
    ) -> SpaceEntry | None:
        """The entry of the space that is this, whatever its name, or None."""
        return next((s for s in self.spaces if s.what == (kind, layer, side)), None)

    def shards(self, space: SpaceEntry) -> tuple[Shard, ...]:
        """Which rows of a space lie in which file."""
        return listed(rows_file(space.name), self.files, space.rows)

    def files_of(self, space: SpaceEntry) -> dict[str, FileEntry]:
        """The files of a space: of its rows, of its moments and of its codes."""
        shards = self.shards(space)
        whole = (rows_file(space.name), codes_file(space.name), z_codes_file(space.name))
        names = [shard.file(name) for name in whole for shard in shards]
        there = [name for name in (*names, moments_file(space.name)) if name in self.files]
        return {name: self.files[name] for name in there}

    @property
    def embed(self) -> SpaceEntry:
        """The space of tokens' embeddings, which every index has; of imported words, theirs."""
        return next(s for s in self.spaces if s.kind == "embed")

    @property
    def read_off(self) -> SpaceEntry:
        """The space of tokens whose vectors make logits: `unembed`, or `embed` where tied."""
        return self.of_kind("unembed") or self.embed

    @property
    def contexts(self) -> tuple[SpaceEntry, ...]:
        """The context spaces, by layer."""
        found = [(s.layer, s) for s in self.spaces if s.kind == "context" and s.layer is not None]
        return tuple(entry for _, entry in sorted(found, key=lambda one: one[0]))

    @property
    def depths(self) -> tuple[SpaceEntry, ...]:
        """The spaces that a word passes, in order: `embed`, then those of its contexts."""
        return (self.embed, *self.contexts)

    @property
    def sides(self) -> tuple[NeuronSide, ...]:
        """The sides that neurons have here, each a space, the reading side first."""
        there = {s.side for s in self.spaces if s.kind == "neuron"}
        return tuple(side for side in NEURON_SIDES if side in there)

    def to_json(self) -> str:
        """The text of `manifest.json`, sealed."""
        body = dataclasses.asdict(self)
        return json.dumps({**body, "seal": _seal(body)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read and check the manifest of an index folder.

        Raises:
            ForeignIndex: no manifest, no JSON object, or another format version.
            DamagedIndex: the seal does not fit the content.
        """
        try:
            body = json.loads(_text(folder / MANIFEST), parse_constant=_no_number)
        except FileNotFoundError:
            raise ForeignIndex(f"{folder} is not an index: it has no {MANIFEST}") from None
        except RecursionError:
            raise DamagedIndex(f"index {folder.name!r}: {MANIFEST} is nested too deep") from None
        except (OSError, ValueError) as err:
            said = err.strerror if isinstance(err, OSError) and err.strerror else err
            raise DamagedIndex(
                f"index {folder.name!r}: {MANIFEST} cannot be read: {said}"
            ) from None
        if not isinstance(body, dict) or "format" not in body:
            raise ForeignIndex(f"{folder} is not an index of this project: see {MANIFEST}")
        if body["format"] not in READ:
            raise ForeignIndex(
                f"index {folder.name!r} has format {str(body['format'])[:40]}, this version reads "
                f"{' and '.join(map(str, READ))}: {_rebuild(folder, body)}"
            )
        seal = body.pop("seal", None)
        try:
            sealed = seal == _seal(body)
        except UnicodeEncodeError:  # JSON may write half of a character
            raise DamagedIndex(
                f"index {folder.name!r}: {MANIFEST} holds text that is not Unicode"
            ) from None
        if not sealed:
            raise DamagedIndex(f"index {folder.name!r}: {MANIFEST} was changed after it was sealed")
        try:
            manifest = read(cls, body)
            _check(manifest)
        except WrongType as err:
            raise DamagedIndex(f"index {folder.name!r}: {MANIFEST}: {err}") from None
        return manifest


def read_prefix(kept: dict[str, Any] | None) -> PrefixEntry | None:
    """A prefix as JSON has it."""
    return None if kept is None else read(PrefixEntry, kept, "prefix")


def _text(path: Path) -> str:
    """The text of a manifest.

    Raises:
        OSError, ValueError: it cannot be read, is no regular file, or is longer than any is.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_MANIFEST:
            raise ValueError(f"{size:,} bytes are more than any manifest has")
        return file.read(LARGEST_MANIFEST).decode("utf-8")


@dataclass(frozen=True)
class _Extra:
    """What is known of `extra`."""

    imported: dict[str, Imported]
    rounded: dict[str, int]


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _check(manifest: Manifest) -> None:
    """Raise `WrongType` where a manifest's fields don't go together.

    What it says is then safe to act on: every file has one of the names that an index's files
    have, in this folder, and every count follows from the others.
    """
    counts = manifest.counts
    for name, count in counts.items():
        if count > MOST_ROWS:
            raise WrongType(f"{count:,} {name}s are more than the {MOST_ROWS:,} there can be")
    for at, space in enumerate(manifest.spaces):
        if space.measure not in MEASURES:
            raise WrongType(f"spaces[{at}].measure is {space.measure[:40]!r}, which is not known")
    check_spaces(manifest.spaces, counts, manifest.model.d_model, manifest.layers)
    usual = sides_of(manifest.model.gated)
    if manifest.sides not in ((), usual):
        kind = "gated" if manifest.model.gated else "ungated"
        raise WrongType(
            f"spaces: neurons have the sides {', '.join(manifest.sides)}, and those of {kind} MLPs "
            f"have {', '.join(usual)}"
        )
    own = {CATALOG, TOKENIZER}
    for space in manifest.spaces:
        own |= _own_files(manifest, space)
    _check_unembedding(manifest)
    if manifest.model.unembedding is not None and manifest.model.unembedding.arrays:
        own.add(UNEMBEDDING)
    if manifest.signed:
        own |= {NEGATIVE, ZERO}
    for file in manifest.files:
        if file not in own:
            raise WrongType(f"files: {file[:80]!r} is no file of an index with these spaces")
    sealed = bytes_of(manifest.neuron_grid.rows) * manifest.words
    for file in (NEGATIVE, ZERO):
        if file in manifest.files and manifest.files[file].bytes != sealed:
            raise WrongType(f"files: {file} is not of {sealed:,} bytes, a bit a word and neuron")
    read(_Extra, {name: manifest.extra.get(name, {}) for name in (IMPORTED, ROUNDED)}, "extra")
    _check_narrow(manifest)


def format_of(spaces: Iterable[SpaceEntry]) -> int:
    """The format of an index that is written: old readers refuse one with rows of 16 bits."""
    return NARROW_FORMAT if any(space.dtype in NARROW for space in spaces) else FORMAT


def _check_narrow(manifest: Manifest) -> None:
    """Raise `WrongType` where what is said of rows of 16 bits does not go with the spaces."""
    narrow = {space.name: space for space in manifest.spaces if space.dtype in NARROW}
    if narrow and manifest.format < NARROW_FORMAT:
        name, space = next(iter(narrow.items()))
        raise WrongType(f"format is {manifest.format}, and rows of {name} are {space.dtype}")
    for name, count in manifest.rounded.items():
        if name not in narrow or not 0 < count <= narrow[name].rows:
            raise WrongType(f"extra.rounded[{name[:80]!r}] is {count:,}: no space has so many")


def _own_files(manifest: Manifest, space: SpaceEntry) -> set[str]:
    """The files that a space may have; raises `WrongType` where codes are not cut as rows are."""
    rows, shards = rows_file(space.name), manifest.shards(space)
    own = {moments_file(space.name), *(shard.file(rows) for shard in shards)}
    for codes in (codes_file(space.name), z_codes_file(space.name)):
        parts = {shard.file(codes) for shard in shards}
        there = not parts.isdisjoint(manifest.files)
        if there and listed(codes, manifest.files, space.rows) != shards:
            raise WrongType(f"files: {codes} is not cut where {rows} is")
        own |= parts
    return own


def _check_unembedding(manifest: Manifest) -> None:
    """Raise `WrongType` where there is no such way from a stream to logits."""
    model, place = manifest.model, "model.unembedding"
    own = model.unembedding
    if (own is None) != (model.encoder or not manifest.has_model):
        have = "nothing" if own is None else "an object"
        raise WrongType(f"{place} is {have}, where decoders have one and nothing else has")
    if own is None:
        return
    if own.epsilon < 0:
        raise WrongType(f"{place}.epsilon is {own.epsilon:g}, which is below 0")
    for name in ("scale", "softcap"):
        number = getattr(own, name)
        if number is not None and number <= 0:
            raise WrongType(f"{place}.{name} is {number:g}, which is not above 0")
    if own.norm == "none" and (own.gain or own.shift):
        raise WrongType(f"{place}.norm is none, and it has a gain or a shift")
    if model.tied != (manifest.of_kind("unembed") is None):
        raise WrongType("model.tied does not go with the spaces, of which unembed is there or not")


def _rebuild(folder: Path, body: dict[str, Any]) -> str:
    """How an index of another format is made anew, as far as its manifest says it."""
    import shlex  # for this line alone

    model, extra = body.get("model"), body.get("extra")
    said = model if isinstance(model, dict) else {}
    source, vocabulary = said.get("source"), said.get("vocabulary")
    if type(vocabulary) is int and vocabulary == 0:
        return "its vectors were imported: move it away, and give them to `indexer import` again"
    known = isinstance(source, str) and source.isprintable() and source[:1] not in ("", "-")
    asked = shlex.quote(source) if isinstance(source, str) and known else "MODEL"
    rebuilt = f"rebuild it with `indexer build {asked} --name {shlex.quote(folder.name)} --force`"
    imported = isinstance(extra, dict) and bool(extra.get(IMPORTED))
    return f"{rebuilt}, and import again what was imported" if imported else rebuilt


def said_of_rows(manifest: Manifest) -> list[str]:
    """A line on the rows that are stored in 16 bits, and one on those that are rounded to them."""
    lines = []
    rounded = rounded_spaces(manifest)
    for dtype in NARROW:
        there = [space for space in manifest.spaces if space.dtype == dtype]
        lines += [f"stored in {dtype}: {_names(there)}"] if there else []
        lines += [f"rounded to {dtype}: {rounded[dtype]}"] if dtype in rounded else []
    return lines


def rounded_spaces(manifest: Manifest) -> dict[Narrow, str]:
    """By the type that rows are rounded to, of which spaces; of some how many of their rows."""
    counts, found = manifest.rounded, {}
    for dtype in NARROW:
        there = [space for space in manifest.spaces if space.dtype == dtype]
        whole = [space for space in there if counts.get(space.name) == space.rows]
        parts = [_names(whole)] if whole else []
        parts += [
            f"{space.name} ({counts[space.name]:,} of {space.rows:,})"
            for space in there
            if 0 < counts.get(space.name, 0) < space.rows
        ]
        if parts:
            found[dtype] = ", ".join(parts)
    return found


def _names(spaces: Sequence[SpaceEntry]) -> str:
    """The names of some spaces, those of contexts as one run."""
    contexts = [space.name for space in spaces if space.kind == "context"]
    if len(contexts) < 3:
        return ", ".join(space.name for space in spaces)
    run = f"{contexts[0]} to {contexts[-1]}"
    kept = [space for space in spaces if space.kind != "context" or space.name == contexts[0]]
    return ", ".join(run if space.kind == "context" else space.name for space in kept)


def bytes_of(neurons: int) -> int:
    """How many bytes the signs of a word's activations take: a bit a neuron."""
    return -(-neurons // 8)


def _seal(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def rows_file(space: str) -> str:
    """Where the unit rows of a space lie, relative to the index, where one file holds them all.

    Of more `indexer.store.shards` has the names.
    """
    return f"{SPACES}/{space}.faiss"


def codes_file(space: str) -> str:
    """Where the 8-bit codes of a space lie, where it has any, in the same way."""
    return f"{SPACES}/{space}.codes"


def z_codes_file(space: str) -> str:
    """Where the codes of what z compares with words lie, of neurons, relative to the index."""
    return f"{SPACES}/{space}.zcodes"


def moments_file(space: str) -> str:
    """Where a space's norms, mean and covariance lie, relative to the index."""
    return f"{SPACES}/{space}.npz"


def parse_layers(text: str, available: Iterable[int]) -> tuple[int, ...]:
    """`"0-3,7"` -> (0, 1, 2, 3, 7), every one of them among `available`.

    Raises:
        ValueError: the text is no list of numbers and ranges, or names a layer that is not there.
    """
    have = sorted(available)
    chosen: set[int] = set()
    for part in with_plain_dashes(text).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise ValueError(f"layers {text!r} are not numbers and ranges such as 0-3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"layers {part.strip()!r} run backwards; write {last}-{first}")
        if first not in have or last not in have:
            missing = first if first not in have else last
            raise ValueError(
                f"no layer {missing} in {text!r} (there are layers {have[0]} to {have[-1]})"
            )
        chosen.update(layer for layer in have if first <= layer <= last)
    return tuple(sorted(chosen))
