"""The recipe, from top to bottom: load, extract, check, write, seal.

Knows the order of things and what a resumed build may skip; each step's work is in the module it
is named after. Weights are extracted and checked in float32; then the model is given the dtype
and device that words are run in.
"""

from __future__ import annotations

import dataclasses
import errno
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import check
from indexer.catalog import Catalog
from indexer.errors import BadWords, CheckFailed, IndexExists
from indexer.extract.context import LastTokenStream, batches, context_layers
from indexer.extract.neurons import DEPTH, NearestTokens, convention, neuron_rows
from indexer.extract.tokens import token_rows, token_spaces
from indexer.model import Source, load, locate, require_extra
from indexer.progress import Narrator
from indexer.request import Request, fingerprint, placement, source_name, versions
from indexer.store.errors import ForeignIndex, MachineError, SemanticError
from indexer.store.layout import (
    CATALOG,
    MANIFEST,
    TOKENIZER,
    Manifest,
    ModelEntry,
    PrefixEntry,
    SpaceEntry,
    parse_layers,
)
from indexer.store.rows import RowsWriter
from indexer.store.vocabulary import Vocabulary, is_word_like
from indexer.store.write import Staging, unit_rows
from indexer.words import (
    Choice,
    choose,
    find_prefix,
    prefix_candidates,
    read_words,
    sink_flags,
)

SYNC_SECONDS = 15.0
"""How much extraction a kill may cost."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NEURONS_AT_ONCE = 512
_TOKENS_SHOWN = 4  # of a neuron's side, beside an answer that names the neuron
_CHECKED_WORDS = 24


def build(request: Request, narrator: Narrator) -> tuple[Path, bool]:
    """Make an index, or take up where an interrupted build of it stopped.

    Returns:
        Its folder, and whether anything had to be done: False where the very index that was
        asked for is already there.

    Raises:
        SemanticError: with the reason in one line; what is finished stays for the next try.
    """
    require_extra()
    asked_words = read_words(request.words) if isinstance(request.words, Path) else request.words
    source = locate(request.model, request.offline, request.allow_pickle)
    identity = fingerprint(request, source, asked_words)
    target = request.root / request.name
    if target.exists():
        if not request.force:
            return _existing(target, identity), False
        _require_replaceable(target)

    staging = Staging(request.root, request.name, identity)
    try:
        if target.exists() and not request.force:  # put back, or sealed by another, just now
            return _existing(target, identity), False
        if staging.complete:
            return staging.seal(), True
        if staging.resumed:
            narrator.say(f"resuming the build of {request.name!r} that was interrupted")
        return _Build(request, source, asked_words, identity, staging, narrator).run(), True
    except OSError as err:
        if err.errno not in _NO_ROOM:
            raise
        raise MachineError(
            f"no room for the index in {request.root}/ ({err.strerror}); what is finished stays: "
            "make room and give the same command again"
        ) from None
    finally:
        staging.close()


class _Build:
    """One build under way: what is known so far, and the steps in order."""

    def __init__(
        self,
        request: Request,
        source: Source,
        asked_words: int | list[str],
        identity: str,
        staging: Staging,
        narrator: Narrator,
    ) -> None:
        self.request, self.source, self.asked_words = request, source, asked_words
        self.identity, self.staging, self.narrator = identity, staging, narrator
        self.seconds: dict[str, float] = staging.step("seconds") or {}
        self.errors: dict[str, float] = {}

    def run(self) -> Path:
        """All steps; each returns at once where an earlier run finished it."""
        self.device, self.dtype = placement(self.request)
        with self.timed("load"):
            self.narrator.say(f"loading {self.source.asked}")
            self.model = load(self.source)
        self.blocks = self._blocks()
        self.layers = context_layers(self.blocks)
        with self.timed("words"):
            self.vocabulary = self._tokenizer()
            self.texts = self.vocabulary.texts(self.model.embedding.shape[0])
            self.word_like = np.array([is_word_like(text) for text in self.texts])
            self.words = self._words()
        self._require_space()
        with self.timed("tokens"):
            self.extract_tokens()
        with self.timed("neurons"):
            self.extract_neurons()
        with self.timed("check"):
            self.check_weights()
        self.model.to(self.device, self.dtype)
        with self.timed("prefix"):
            self.prefix = self.choose_prefix()
        with self.timed("context"):
            self.extract_context()
            self.finish_context()
        with self.timed("check"):
            self.check_context()
        with self.timed("catalog"):
            manifest = self.manifest()
            self.narrator.say("writing the catalog")
            self.catalog().write(manifest)
        with self.timed("verify"):
            self.staging.write_manifest(self.completed(manifest))
            self.verify()
        return self.staging.seal()

    # -- before anything is extracted -------------------------------------------------------

    def _blocks(self) -> tuple[int, ...]:
        there = range(len(self.model.blocks))
        if self.request.layers == "all":
            return tuple(there)
        try:
            return parse_layers(self.request.layers, there)
        except ValueError as err:
            raise SemanticError(f"--layers: {err}") from None

    def _tokenizer(self) -> Vocabulary:
        backend = getattr(self.model.tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise MachineError(
                f"the tokenizer of {self.source.asked!r} has no fast form (tokenizer.json)"
            )
        path = self.staging.folder / TOKENIZER
        path.write_text(backend.to_str(pretty=True), "utf-8")
        return Vocabulary(path)

    def _words(self) -> list[Choice]:
        kept = self.staging.step("words")
        if kept is None:
            chosen = choose(self.asked_words, self.vocabulary, self.texts)
            kept = [[c.text, list(c.token_ids), c.zipf] for c in chosen]
            self.staging.keep("words", kept)
        words = [Choice(text, tuple(ids), zipf) for text, ids, zipf in kept]
        self._require_room(words[-1])
        return words

    def _require_room(self, longest: Choice) -> None:
        """Fail where the model has fewer positions than the longest word and prefix take."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        before = max(len(self.vocabulary.text_ids(text)) for text in self._prefixes())
        tokens = len(longest.token_ids)
        if positions is not None and before + tokens > positions:
            shown = longest.text if len(longest.text) <= 40 else f"{longest.text[:40]}..."
            raise BadWords(
                f"word {shown!r} is {tokens:,} tokens long, after a prefix of up to {before:,}: "
                f"the model takes {positions:,} in all"
            )

    def _prefixes(self) -> list[str]:
        """The prefix asked for, or those to be tried, in order."""
        if self.request.prefix != "auto":
            return [self.request.prefix]
        tokenizer = self.model.tokenizer
        named = [t for t in (tokenizer.bos_token, tokenizer.eos_token) if t]
        return prefix_candidates(self.vocabulary, self.texts, named)

    def _require_space(self) -> None:
        """Fail before the work, not at the end of it, where the disk is clearly too small."""
        model = self.model
        rows = len(self.texts) * len(token_spaces(model)) + len(self.words) * len(self.layers)
        rows += len(self.blocks) * model.d_mlp * len(model.family.sides)
        needed = rows * model.d_model * 4 + 64_000_000
        there = sum(f.stat().st_size for f in self.staging.folder.rglob("*") if f.is_file())
        free = shutil.disk_usage(self.staging.folder).free + there
        if free < needed:
            raise MachineError(
                f"the index needs about {needed / 1e9:.1f} GB and {self.request.root}/ has "
                f"{free / 1e9:.1f} GB free; make room, or ask for fewer --words or --layers"
            )

    # -- weights ----------------------------------------------------------------------------

    def extract_tokens(self) -> None:
        """`embed`, and `unembed` where the model has one of its own."""
        for name in token_spaces(self.model):
            if self.staging.finished(name):
                continue
            entry = SpaceEntry(
                name,
                "token",
                len(self.texts),
                self.model.d_model,
                "cosine",
                "word-like tokens",
                int(self.word_like.sum()),
            )
            writer = self.staging.rows(name, entry.rows, entry.width)
            norms = np.empty(entry.rows, np.float32)
            first = 0
            with self.narrator.bar(name, entry.rows, "tokens") as bar:
                for block in token_rows(self.model, name):
                    unit, norms[first : first + len(block)] = unit_rows(block)
                    writer.put(first, unit)
                    first += len(block)
                    bar.update(len(block))
            self.staging.finish_space(entry, writer, norms, self.word_like)

    def extract_neurons(self) -> None:
        """`neuron.in`, `neuron.up` and `neuron.out`, with the tokens nearest to each neuron."""
        sides = [s for s in self.model.family.sides if not self.staging.finished(f"neuron.{s}")]
        if not sides:
            return
        mu, covariance = (self.staging.moments("embed", n) for n in ("mean", "covariance"))
        tokens = NearestTokens(self._word_like_embeddings(), _NEURONS_AT_ONCE)
        units = self.model.d_mlp * len(self.blocks)
        for side in sides:
            with self.narrator.bar(f"neuron.{side}", units, "neurons") as bar:
                self._neuron_side(side, (mu, covariance), tokens, units, bar)

    def _neuron_side(
        self,
        side: str,
        population: tuple[NDArray[Any], NDArray[Any]],
        tokens: NearestTokens,
        units: int,
        bar: Any,
    ) -> None:
        folded = not self.request.raw
        entry = SpaceEntry(
            f"neuron.{side}",
            "neuron",
            units,
            self.model.d_model,
            "cosine",
            "neurons",
            units,
            convention(self.model, side, folded),
        )
        writer = self.staging.rows(entry.name, entry.rows, entry.width)
        norms = np.empty(units, np.float32)
        mean, deviation = np.empty(units), np.empty(units)
        depth = min(DEPTH, int(self.word_like.sum()))
        nearest = np.empty((units, 2, depth), np.int32)
        scores = np.empty((units, 2, depth), np.float32)
        first = 0
        for layer in self.blocks:
            rows = neuron_rows(self.model, layer, side, folded)
            for start in range(0, len(rows), _NEURONS_AT_ONCE):
                part = rows[start : start + _NEURONS_AT_ONCE]
                here = slice(first, first + len(part))
                unit, norms[here] = unit_rows(part)
                writer.put(first, unit)
                wide = part.astype(np.float64)
                mean[here] = wide @ population[0]
                variance = np.einsum("ij,ij->i", wide @ population[1], wide)
                deviation[here] = np.sqrt(np.maximum(variance, 0))
                ends = tokens.extremes(part)
                nearest[here] = np.stack([ends.high, ends.low], axis=1)
                scores[here] = np.stack([ends.high_scores, ends.low_scores], axis=1)
                first += len(part)
                bar.update(len(part))
        scale = np.where(deviation > 0, deviation, 1.0)[:, None, None]
        z = (scores.astype(np.float64) - mean[:, None, None]) / scale
        token = np.flatnonzero(self.word_like).astype(np.int32)[nearest]
        self.staging.keep_array(f"nearest.{side}", token=token, z=z.astype(np.float32))
        self.staging.finish_space(
            entry,
            writer,
            norms,
            embed_mean=mean,
            embed_deviation=deviation,
            nearest_tokens=token[:, 0, :_TOKENS_SHOWN],
        )

    def _word_like_embeddings(self) -> NDArray[np.float32]:
        parts, first = [], 0
        for block in token_rows(self.model, "embed"):
            parts.append(block[self.word_like[first : first + len(block)]])
            first += len(block)
        return np.concatenate(parts)

    def check_weights(self) -> None:
        """The stored rows reproduce the model's matrices and every layer's MLP."""
        kept = self.staging.step("check weights")
        if kept is None:
            self.narrator.say("checking the extracted weights against the model")
            ids = [
                c.token_ids for c in self.words if len(c.token_ids) == len(self.words[0].token_ids)
            ]
            kept = check.check_embedding(self.model, self.stored, token_spaces(self.model))
            kept |= check.check_mlp(
                self.model, self.stored, self.blocks, not self.request.raw, ids[:_CHECKED_WORDS]
            )
            self.staging.keep("check weights", kept)
        self.errors |= kept

    def stored(self, space: str, first: int, count: int) -> NDArray[np.float64]:
        """Vectors of a finished space as they are on disk, (count, d_model) float64."""
        finished = self.staging.finished(space)
        assert finished is not None, f"{space} is read back before it is finished"
        writer = self.staging.rows(space, finished[0].rows, finished[0].width)
        norms = self.staging.moments(space, "norms")[first : first + count, None]
        vectors: NDArray[np.float64] = writer.get(first, count).astype(np.float64) * norms
        writer.close()
        return vectors

    # -- words in context -------------------------------------------------------------------

    def choose_prefix(self) -> PrefixEntry:
        """The prefix asked for, or the first that makes no sampled word a sink."""
        kept = self.staging.step("prefix")
        if kept is not None:
            return PrefixEntry(**{**kept, "token_ids": tuple(kept["token_ids"])})
        self.narrator.say("choosing the prefix that stands before every word")
        chosen = "auto" if self.request.prefix == "auto" else "asked"
        found = find_prefix(
            self.words, self._prefixes(), self.vocabulary, self._norms, self.request.seed, chosen
        )
        sinks = found.tried[found.text]
        if sinks:
            self.narrator.say(
                f"warning: after prefix {found.text!r}, {sinks} of {found.sample} sampled words "
                "are attention sinks at some layer; `indexer show` gives the share per layer"
            )
        self.staging.keep("prefix", dataclasses.asdict(found))
        return found

    def _norms(self, prefix: tuple[int, ...], words: Sequence[Choice]) -> NDArray[np.float32]:
        stream = LastTokenStream(self.model, prefix, self.layers)
        norms = np.empty((len(self.layers), len(words)), np.float32)
        for start, end in batches([len(c.token_ids) for c in words]):
            states = stream.run([c.token_ids for c in words[start:end]])
            norms[:, start:end] = np.linalg.norm(states.astype(np.float64), axis=2)
        return norms

    def extract_context(self) -> None:
        """The stream at each word's last token, streamed to disk; a kill loses seconds."""
        total = len(self.words)
        done = (self.staging.step("context") or {"rows": 0})["rows"]
        if done >= total:
            return
        norms = self.staging.scratch("context norms", (len(self.layers), total))
        width = self.model.d_model
        writers = [self.staging.rows(f"context.{layer}", total, width) for layer in self.layers]
        stream = LastTokenStream(self.model, self.prefix.token_ids, self.layers)
        with (
            self.narrator.bar("context", total, "words", done) as bar,
            _Checkpoints(self.staging, writers, norms) as checkpoints,
        ):
            for start, end in batches([len(c.token_ids) for c in self.words], done):
                states = stream.run([c.token_ids for c in self.words[start:end]])
                for at, writer in enumerate(writers):
                    unit, norms[at, start:end] = unit_rows(states[at])
                    writer.put(start, unit)
                bar.update(end - start)
                checkpoints.reached(end)
        for writer in writers:
            writer.close()

    def finish_context(self) -> None:
        """Norms, means and covariances of the context spaces."""
        total, width = len(self.words), self.model.d_model
        todo = [n for n in self.layers if not self.staging.finished(f"context.{n}")]
        with self.narrator.bar("context means", len(self.layers), "layers") as bar:
            bar.update(len(self.layers) - len(todo))
            for layer in todo:
                norms = self.staging.scratch("context norms", (len(self.layers), total))
                entry = SpaceEntry(
                    f"context.{layer}", "word", total, width, "centered", "indexed words", total
                )
                writer = self.staging.rows(entry.name, total, width)
                row = np.array(norms[self.layers.index(layer)])
                self.staging.finish_space(entry, writer, row)
                bar.update(1)

    def check_context(self) -> None:
        """Some stored words equal plain forward passes over prefix and word."""
        kept = self.staging.step("check context")
        if kept is None:
            step = max(1, len(self.words) // _CHECKED_WORDS)
            sample = list(range(0, len(self.words), step))
            stored = {
                layer: np.concatenate([self.stored(f"context.{layer}", i, 1) for i in sample])
                for layer in self.layers
            }
            words = [self.words[i].token_ids for i in sample]
            kept = check.check_context(self.model, stored, self.prefix.token_ids, words, self.dtype)
            self.staging.keep("check context", kept)
        self.errors |= kept

    # -- sealing ----------------------------------------------------------------------------

    def manifest(self) -> Manifest:
        """All that is known before the catalog is written; `completed` adds its checksum."""
        flags = self._sinks()
        shares = {f"context.{n}": float(flags[i].mean()) for i, n in enumerate(self.layers)}
        names = [*token_spaces(self.model), *(f"context.{n}" for n in self.layers)]
        names += [f"neuron.{side}" for side in self.model.family.sides]
        finished = [self.staging.finished(name) for name in names]
        kept = [f for f in finished if f is not None]
        return Manifest(
            name=self.request.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=ModelEntry(
                source=source_name(self.source),
                family=self.model.family.title,
                revision=self.source.revision,
                weights_sha256=self.source.sha256(),
                n_layers=len(self.model.blocks),
                d_model=self.model.d_model,
                d_mlp=self.model.d_mlp,
                vocabulary=len(self.texts),
                gated=self.model.family.gated,
                tied=self.model.unembedding is None,
                allow_pickle=self.source.pickled,
            ),
            dtype=self.dtype,
            device=self.device,
            seed=self.request.seed,
            layers=self.blocks,
            words=len(self.words),
            prefix=dataclasses.replace(self.prefix, sink_share=shares),
            conventions={entry.name: entry.convention for entry, _ in kept if entry.convention},
            spaces=tuple(entry for entry, _ in kept),
            files={path: file for _, files in kept for path, file in files.items()},
            versions=versions(),
            check={
                "embed": max(v for k, v in self.errors.items() if "embed" in k),
                "mlp": max(v for k, v in self.errors.items() if k.startswith("mlp")),
                "context": max(v for k, v in self.errors.items() if k.startswith("context")),
            },
            seconds=self.seconds,
            fingerprint=self.identity,
        )

    def completed(self, manifest: Manifest) -> Manifest:
        """The manifest with the files that the catalog step wrote."""
        more = {path: self.staging.file_entry(path) for path in (CATALOG, TOKENIZER)}
        return dataclasses.replace(manifest, files={**manifest.files, **more}, seconds=self.seconds)

    def verify(self) -> None:
        """`indexer verify` on the folder, in a process that holds faiss and no torch."""
        command = [sys.executable, "-m", "indexer.store.verify", str(self.staging.folder)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            said = result.stdout.splitlines()[:1] or result.stderr.splitlines()[-1:]
            why = said[0] if said else f"its process ended with {result.returncode}"
            raise CheckFailed(f"the index failed its own verification: {why}")

    def catalog(self) -> Catalog:
        """What the tables are made from."""
        return Catalog(
            staging=self.staging,
            request=self.request,
            vocabulary=self.vocabulary,
            texts=self.texts,
            word_like=self.word_like,
            words=self.words,
            sinks=self._sinks(),
            blocks=self.blocks,
            sides=self.model.family.sides,
            d_mlp=self.model.d_mlp,
            d_model=self.model.d_model,
        )

    def _sinks(self) -> NDArray[np.bool_]:
        norms = np.stack([self.staging.moments(f"context.{n}", "norms") for n in self.layers])
        return sink_flags(norms)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time a step takes to what earlier runs spent on it."""
        start = time.monotonic()
        try:
            yield
        finally:
            spent = self.seconds.get(step, 0.0) + time.monotonic() - start
            self.seconds[step] = round(spent, 2)
            self.staging.keep("seconds", self.seconds)


def _require_replaceable(target: Path) -> None:
    """Refuse to replace what was never an index, whatever `--force` says."""
    if not any((target / name).is_file() for name in (MANIFEST, CATALOG)):
        raise ForeignIndex(
            f"{target} is not an index, so --force does not replace it: "
            "give another --name, or remove it yourself"
        )


class _Checkpoints:
    """Records how far an extraction has come, once what it wrote is on the disk.

    Waiting for a disk takes as long as the disk likes, so a thread does it while the model runs.
    """

    def __init__(
        self, staging: Staging, writers: Sequence[RowsWriter], norms: NDArray[np.float32]
    ) -> None:
        self._staging, self._writers, self._norms = staging, writers, norms
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None
        self._last = time.monotonic()
        self._end = 0

    def __enter__(self) -> _Checkpoints:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._end:
            self._submit(self._end)
            self._wait()
        self._thread.shutdown()

    def reached(self, end: int) -> None:
        """Rows up to `end` are written; a kill from now on costs at most `SYNC_SECONDS`."""
        self._end = end
        if time.monotonic() - self._last > SYNC_SECONDS:
            self._submit(end)
            self._last = time.monotonic()

    def _submit(self, end: int) -> None:
        self._wait()
        self._pending = self._thread.submit(self._record, end)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()

    def _record(self, end: int) -> None:
        for writer in self._writers:
            writer.sync()
        self._norms.flush()  # type: ignore[attr-defined]  # a memmap
        self._staging.keep("context", {"rows": end})


def _existing(target: Path, identity: str) -> Path:
    """The index that is there, if it is the one asked for."""
    manifest = Manifest.load(target)
    if manifest.fingerprint == identity:
        return target
    raise IndexExists(
        f"{target} is there already, made from {manifest.model.source!r} of other weights, options "
        f"or versions; --force rebuilds it, --name gives the new one another name"
    )
