"""The spaces made of a model's weights: tokens, neurons and heads, extracted, written and checked.

Knows what is stored beside each neuron (its scores with the vocabulary, its nearest tokens);
where a family keeps its matrices is `indexer.extract`'s to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from indexer import check
from indexer.errors import CheckFailed
from indexer.extract.heads import head_rows
from indexer.extract.logits import unembedding
from indexer.extract.nearest import DEPTH, Extremes, NearestTokens
from indexer.extract.neurons import neuron_rows
from indexer.extract.norms import Float32, Float64, convention
from indexer.extract.threads import threads_apart
from indexer.extract.tokens import token_rows, token_spaces
from indexer.model import Model
from indexer.progress import Narrator
from indexer.store.grid import HeadGrid, NeuronGrid
from indexer.store.layout import UNEMBEDDING
from indexer.store.rows import ShardsWriter
from indexer.store.sixteen import Narrowed, Raw, apart
from indexer.store.spaces import (
    EMBED,
    HEAD_SIDES,
    HeadSide,
    NeuronSide,
    RowType,
    SpaceEntry,
    TokenSpace,
    head_space,
    narrow,
    neuron_space,
    token_space,
)
from indexer.store.unembedding import Unembedding, read_unembedding
from indexer.store.write import Staging, unit_rows

_NEURONS_AT_ONCE = 256
_TOKENS_SHOWN = 4  # of a neuron's side, beside an answer that names the neuron


@dataclass(frozen=True)
class _Measured:
    """What is written of some neurons' rows: unit rows and norms, and what tokens give them."""

    unit: Float32
    norms: Float32
    mean: Float64
    std: Float64
    ends: Extremes

    @classmethod
    def of(
        cls, rows: Float32, mu: Float64, covariance: Float64, nearest: NearestTokens
    ) -> _Measured:
        import torch

        unit, norms = unit_rows(rows)
        wide = torch.from_numpy(rows.astype(np.float64))
        mean = wide @ torch.from_numpy(mu)
        # By torch, which keeps to this thread, where NumPy's library has others to wait for.
        variance = ((wide @ torch.from_numpy(covariance)) * wide).sum(dim=1)
        std = variance.clamp(min=0).sqrt()
        return cls(unit, norms, mean.numpy(), std.numpy(), nearest.extremes(rows))


@dataclass(frozen=True)
class NeuronsOfLayer:
    """One side of a layer's neurons, or of those of one of its experts.

    Attributes:
        side: which.
        layer: block, from 0.
        expert: which; None in a block without experts.
        units: how many neurons they are.
    """

    side: NeuronSide
    layer: int
    expert: int | None
    units: int

    @property
    def name(self) -> str:
        """What a build calls them where it keeps what was measured of them."""
        expert = "" if self.expert is None else f"E{self.expert}"
        return f"neuron.{self.side} L{self.layer}{expert}"


class Measurer:
    """Measures neurons' rows, or finds what another process kept of them.

    Args:
        weights: whose neurons they are.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def measured(
        self, which: NeuronsOfLayer, pool: ThreadPoolExecutor, vectors: Float32 | None = None
    ) -> Iterator[_Measured]:
        """One side of a layer's neurons, some at a time.

        Args:
            which: of which layer.
            pool: threads that compute beside each other.
            vectors: theirs, as they are stored; found here unless given.
        """
        weights = self._weights
        kept = weights.staging.array(which.name)
        if kept is not None:
            ends = Extremes(**{name: kept.pop(name) for name in Extremes.__annotations__})
            yield _Measured(**kept, ends=ends)
            return
        rows = weights.stored(which) if vectors is None else vectors
        starts = range(0, len(rows), _NEURONS_AT_ONCE)
        some = [rows[at : at + _NEURONS_AT_ONCE] for at in starts]
        yield from pool.map(self._measure, some)

    @cached_property
    def _measure(self) -> Callable[[Float32], _Measured]:
        staging = self._weights.staging
        mu, covariance = (staging.moments(EMBED, n) for n in ("mean", "covariance"))
        nearest = NearestTokens(self._word_like_embeddings(), _NEURONS_AT_ONCE)
        return lambda rows: _Measured.of(rows, mu, covariance, nearest)

    def _word_like_embeddings(self) -> NDArray[np.float32]:
        weights = self._weights
        if weights.staging.rounded(EMBED):  # what neurons are measured by is what is stored
            stored = weights.staging.stored_rows(EMBED, range(len(weights.word_like)))
            return stored[weights.word_like].astype(np.float32)
        parts, first = [], 0
        for block in token_rows(weights.model, "embed"):
            parts.append(block[weights.word_like[first : first + len(block)]])
            first += len(block)
        return np.concatenate(parts)


@dataclass(frozen=True)
class Weights:
    """The weight spaces of one build; each step returns at once where an earlier run finished it.

    Attributes:
        staging: where they are written.
        narrator: told what is being done.
        model: on the CPU.
        grid: which neuron is which row.
        heads: which head dimension is which row.
        word_like: (vocabulary,) bool.
        folded: whether the norms' gains are folded into the rows.
        dtype: how rows are stored.
    """

    staging: Staging
    narrator: Narrator
    model: Model
    grid: NeuronGrid
    heads: HeadGrid
    word_like: NDArray[np.bool_]
    folded: bool
    dtype: RowType = "float32"

    def tokens(self) -> None:
        """`embed`, and `unembed` where the model has one of its own."""
        for kind in token_spaces(self.model):
            name = token_space(kind)
            if self.staging.finished(name):
                continue
            entry = SpaceEntry(
                name=name,
                kind=kind,
                layer=None,
                side=None,
                item="token",
                dtype=self.dtype,
                rows=len(self.word_like),
                width=self.model.d_model,
                measure="cosine",
                population="word-like tokens",
                population_rows=int(self.word_like.sum()),
                convention=self._token_convention(kind),
            )
            writer = self.staging.rows(name, entry.rows, entry.width, dtype=self.dtype)
            norms = np.empty(entry.rows, np.float32)
            first = 0
            with self.narrator.bar(name, entry.rows, "tokens") as bar:
                for block in token_rows(self.model, kind):
                    unit, norms[first : first + len(block)] = unit_rows(block)
                    writer.put(first, unit, Raw(block))
                    first += len(block)
                    bar.update(len(block))
            self.staging.finish_space(entry, writer, norms, self.word_like)

    def unembedding(self) -> None:
        """What makes logits of the stream, beside the rows of tokens; nothing of an encoder."""
        if self.staging.unembedding() is None:
            found = unembedding(self.model)
            if found is not None:
                self.staging.finish_unembedding(found.entry, found.arrays)

    def neurons(self) -> None:
        """The space of each side of the neurons, with the tokens nearest to each neuron."""
        measurer = Measurer(self)
        with threads_apart() as pool:
            for side in self.unfinished_sides():
                self.neuron_side(side, measurer, pool)

    def unfinished_sides(self) -> list[NeuronSide]:
        """The sides of the neurons whose spaces are to be made yet."""
        return [s for s in self.model.family.sides if not self.staging.finished(neuron_space(s))]

    def layers_to_measure(self) -> list[NeuronsOfLayer]:
        """What `measure_layer` is to be given before `neuron_side` has nothing but to write."""
        every = [
            NeuronsOfLayer(side, group.layer, expert, group.units)
            for side in self.unfinished_sides()
            for group, expert in self.grid.groups()
        ]
        return [one for one in every if not self.staging.has_array(one.name)]

    def raw(self, which: NeuronsOfLayer) -> Raw:
        """One side of a layer's neurons as the model has them, and what is folded in."""
        return neuron_rows(self.model, which.layer, which.side, self.folded, which.expert)

    def stored(self, which: NeuronsOfLayer) -> Float32:
        """The same as they are stored: (units, d_model) float32, at their own lengths."""
        raw, kept_as = self.raw(which), narrow(self.dtype)
        vectors = raw.folded()
        if kept_as is None:
            return vectors
        unit, lengths = unit_rows(vectors)
        return _lengthened(Narrowed.of(unit, kept_as, raw).unit, unit, lengths, vectors)

    def measure_layer(
        self, which: NeuronsOfLayer, measurer: Measurer, pool: ThreadPoolExecutor
    ) -> None:
        """Keep what is written of a layer's neurons, for `neuron_side` in whatever process."""
        parts = list(measurer.measured(which, pool))
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("unit", "norms", "mean", "std")
        }
        for name in vars(parts[0].ends):
            arrays[name] = np.concatenate([getattr(part.ends, name) for part in parts])
        self.staging.keep_array(which.name, **arrays)

    def neuron_side(self, side: NeuronSide, measurer: Measurer, pool: ThreadPoolExecutor) -> None:
        """The space of one side of the neurons."""
        units = self.grid.rows
        entry = SpaceEntry(
            name=neuron_space(side),
            kind="neuron",
            layer=None,
            side=side,
            item="neuron",
            dtype=self.dtype,
            rows=units,
            width=self.model.d_model,
            measure="cosine",
            population="neurons",
            population_rows=units,
            convention=convention(self.model, self.model.family.mlp, side == "out", self.folded),
        )
        layers = [layer.rows for layer in self.grid.layers]
        writer = self.staging.rows(entry.name, entry.rows, entry.width, layers, self.dtype)
        norms = np.empty(units, np.float32)
        mean, std = np.empty(units), np.empty(units)
        depth = min(DEPTH, int(self.word_like.sum()))
        tokens = np.flatnonzero(self.word_like).astype(np.int32)
        nearest = np.empty((units, 2, depth), np.int32)
        z = np.empty((units, 2, depth), np.float32)
        first = 0
        layers_kept = []
        with self.narrator.bar(entry.name, units, "neurons") as bar:
            for group, expert in self.grid.groups():
                which = NeuronsOfLayer(side, group.layer, expert, group.units)
                layers_kept.append(which.name)
                begins, stored, own = first, None, None
                if narrow(self.dtype):  # a whole matrix at a time: its rows share a gain
                    stored, own = _put(writer, first, self.raw(which))
                for part in measurer.measured(which, pool, stored):
                    here = slice(first, first + len(part.norms))
                    if stored is None:
                        writer.put(first, part.unit)
                    norms[here], mean[here], std[here] = part.norms, part.mean, part.std
                    ends = part.ends
                    nearest[here] = tokens[np.stack([ends.high, ends.low], axis=1)]
                    scores = np.stack([ends.high_scores, ends.low_scores], axis=1)
                    scale = np.where(std[here] > 0, std[here], 1.0)[:, None, None]
                    z[here] = (scores - mean[here, None, None]) / scale
                    first = here.stop
                    bar.update(len(part.norms))
                if own is not None:
                    norms[begins:first] = own
        self.staging.keep_array(f"nearest.{side}", token=nearest, z=z)
        self.staging.finish_space(
            entry,
            writer,
            norms,
            embed_mean=mean,
            embed_std=std,
            nearest_tokens=np.pad(
                nearest[:, 0, :_TOKENS_SHOWN],
                [(0, 0), (0, max(0, _TOKENS_SHOWN - depth))],
                constant_values=-1,
            ),
        )
        for name in layers_kept:
            self.staging.drop_array(name)

    def attention(self) -> None:
        """`head.value` and `head.output`: a row per layer, head and head dimension."""
        for side in self.unfinished_heads():
            self.head_side(side)

    def unfinished_heads(self) -> list[HeadSide]:
        """The sides of the heads whose spaces are to be made yet."""
        return [side for side in HEAD_SIDES if not self.staging.finished(head_space(side))]

    def head_side(self, side: HeadSide) -> None:
        """The space of one side of the heads."""
        name, family = head_space(side), self.model.family
        size = self.heads.heads * self.heads.width
        entry = SpaceEntry(
            name=name,
            kind="head",
            layer=None,
            side=side,
            item="head",
            dtype=self.dtype,
            rows=self.heads.rows,
            width=self.model.d_model,
            measure="cosine",
            population="head dimensions",
            population_rows=self.heads.rows,
            convention=convention(self.model, family.attention, side == "output", self.folded),
        )
        layers = [size] * len(self.heads.layers)
        writer = self.staging.rows(name, entry.rows, entry.width, layers, self.dtype)
        norms = np.empty(entry.rows, np.float32)
        with self.narrator.bar(name, entry.rows, "dimensions") as bar:
            for at, layer in enumerate(self.heads.layers):
                here = slice(at * size, (at + 1) * size)
                raw = head_rows(self.model, layer, side, self.folded)
                unit, norms[here] = unit_rows(raw.folded())
                writer.put(here.start, unit, raw)
                bar.update(size)
        self.staging.finish_space(entry, writer, norms)

    def _token_convention(self, kind: TokenSpace) -> str:
        family = self.model.family
        parts = []
        if self.model.projected(kind):
            parts.append("projected to the stream's width")
        if kind == "embed" and family.embedding_note:
            parts.append(f"as stored; {family.embedding_note}")
        return ": ".join(parts)

    def check(self, words: Sequence[Sequence[int]], spaces: Sequence[str]) -> dict[str, float]:
        """The stored rows reproduce the model's matrices and, run on some words, every layer.

        Args:
            words: token ids, all of one length.
            spaces: which of `neuron` and `head` were extracted.

        Returns:
            The greatest relative error of each part: `embed`, `mlp`, `attention`, `logits`.
        """
        kept: dict[str, float] | None = self.staging.step("check weights")
        if kept is None:
            self.narrator.say("checking the extracted weights against the model")
            stored = self._checked
            made = {"embed": check.check_embedding(self.model, stored, token_spaces(self.model))}
            if "neuron" in spaces:
                made["mlp"] = check.check_mlp(self.model, stored, self.grid, self.folded, words)
            if "head" in spaces:
                tokens, heads = [ids[0] for ids in words], self.heads
                made["attention"] = check.check_heads(
                    self.model, stored, heads, self.folded, tokens
                )
            if (own := self._stored_unembedding()) is not None:
                made["logits"] = check.check_logits(self.model, own, words)
            kept = {part: max(errors.values()) for part, errors in made.items()}
            self.staging.keep("check weights", kept)
        return kept

    def _checked(self, space: str, first: int, count: int) -> Float64:
        """Vectors of a finished space for the check: as stored, or before they were rounded.

        The latter are extracted anew, and what is stored must be no farther from them than it is
        rounded. So the check itself is as strict as of rows that are not.

        Raises:
            CheckFailed: a row is farther off.
        """
        stored, dtype = self.staging.stored(space, first, count), narrow(self.dtype)
        if dtype is None or not self.staging.rounded(space):
            return stored
        own = self._extracted(space, first, count).astype(np.float64)
        off = np.linalg.norm(stored - own, axis=1)
        # As much as float32 leaves of a length, and of a unit row, is allowed for too.
        most = (apart(dtype, own.shape[1]) + 1e-6) * np.linalg.norm(own, axis=1)
        wrong = np.flatnonzero(~(off <= most))
        if len(wrong):
            raise CheckFailed(
                f"the extracted weights are not the model's: row {first + int(wrong[0]):,} of "
                f"{space} is farther from its own than {dtype} rounds"
            )
        return own

    def _extracted(self, space: str, first: int, count: int) -> Float32:
        """Vectors of a space as the model has them, a block of rows that share a matrix."""
        for kind in token_spaces(self.model):
            if space == token_space(kind):
                found: Float32 = self.model.token_rows(kind, first, count).numpy()
                return found
        for head in HEAD_SIDES:
            if space == head_space(head):
                layer = self.heads.layers[first // (self.heads.heads * self.heads.width)]
                return head_rows(self.model, layer, head, self.folded).folded()
        side = next(side for side in self.model.family.sides if space == neuron_space(side))
        at = 0
        for group, expert in self.grid.groups():
            if at == first:
                return neuron_rows(self.model, group.layer, side, self.folded, expert).folded()
            at += group.units
        raise ValueError(f"row {first} of {space} begins no matrix")

    def _stored_unembedding(self) -> Unembedding | None:
        """What makes logits, read back as it is on the disk."""
        finished = self.staging.unembedding()
        if finished is None:
            return None
        entry, files = finished
        space = token_space(token_spaces(self.model)[-1])
        return read_unembedding(
            self.staging.folder,
            entry,
            files.get(UNEMBEDDING),
            space,
            (self.model.vocabulary, self.model.d_model),
            partial(self._checked, space),
        )


def _put(writer: ShardsWriter, first: int, raw: Raw) -> tuple[Float32, Float32]:
    """Store one matrix in 16 bits; the vectors that are stored, (n, width) float32, and norms."""
    vectors = raw.folded()
    unit, lengths = unit_rows(vectors)
    return _lengthened(writer.put(first, unit, raw), unit, lengths, vectors), lengths


def _lengthened(stored: Float32, unit: Float32, lengths: Float32, vectors: Float32) -> Float32:
    """Rows that are stored, at their own lengths; the vectors themselves where none is rounded."""
    if np.array_equal(stored, unit):
        return vectors
    return (stored * lengths[:, None].astype(np.float64)).astype(np.float32)
