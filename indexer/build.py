"""The recipe, from top to bottom: load, extract, check, write, seal.

Knows the order of things and what a resumed build may skip; each step's work is in the module it
is named after. Weights are extracted and checked in float32; then the model is given the dtype
and device that words are run in.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from indexer import completing
from indexer.catalog import Catalog
from indexer.cluster import Cluster, Ran, require_answer
from indexer.contexts import CHECKED_WORDS
from indexer.errors import CheckFailed, IndexExists
from indexer.extract.tokens import token_spaces
from indexer.model import load
from indexer.plan import plan
from indexer.progress import Narrator
from indexer.request import (
    Request,
    chosen_spaces,
    fingerprint,
    placement,
    source_name,
    versions,
)
from indexer.source import Source, locate, require_extra
from indexer.store.errors import MachineError, SemanticError
from indexer.store.layout import (
    CATALOG,
    MACHINES,
    ROUNDED,
    TOKENIZER,
    Manifest,
    ModelEntry,
    PrefixEntry,
    format_of,
)
from indexer.store.spaces import HEAD_SIDES, context_space, head_space, neuron_space
from indexer.store.swap import require_own, sweep
from indexer.store.write import Staging
from indexer.tasks import NO_ROOM, Job, weight_files
from indexer.words import read_words


def build(request: Request, narrator: Narrator, on: str | None = None) -> tuple[Path, bool]:
    """Make an index, or take up where an interrupted build of it stopped.

    Args:
        request: what is asked for.
        narrator: told what is being done.
        on: the Ray cluster whose machines work at it, as `Cluster` takes its address; None where
            this process does.

    Returns:
        Its folder, and whether anything had to be done: False where what was asked for is there
        already. Where all but the words in context is, the build goes on from that.

    Raises:
        SemanticError: with the reason in one line; what is finished stays for the next try.
    """
    require_extra()
    if on is not None:
        require_answer(on)
    spaces = chosen_spaces(request)
    asked_words = read_words(request.words) if isinstance(request.words, Path) else request.words
    source = locate(request.model, request.offline, request.allow_pickle)
    if source.adapter:
        narrator.say(
            f"{request.model}: the adapter beside its weights ({source.adapter}) is left out: "
            "merge it with peft (merge_and_unload) to have it in"
        )
    identity = fingerprint(request, source, asked_words)
    target = request.root / request.name
    sweep(request.root)
    if target.exists():
        if request.force:
            _require_replaceable(target)
        elif not _begun(target, request, source, asked_words):
            return target, False

    staging = Staging(request.root, request.name, identity)
    try:
        begun = None
        if target.exists() and not request.force:  # it may have been put there just now
            begun = _begun(target, request, source, asked_words)
            if begun is None:
                return target, False
        if staging.complete:
            return staging.seal(), True
        if staging.resumed:
            narrator.say(f"resuming the build of {request.name!r} that was interrupted")
        elif begun is not None:
            narrator.say(f"going on from {target}, which has all but the words in context")
        if begun is not None:
            completing.take_over(staging, target, begun)
        with nullcontext() if on is None else Cluster(on, narrator) as cluster:
            made = _Build(
                request, source, spaces, asked_words, identity, staging, narrator, cluster
            )
            return made.run(), True
    except OSError as err:
        if err.errno not in NO_ROOM:
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
        spaces: frozenset[str],
        asked_words: int | list[str],
        identity: str,
        staging: Staging,
        narrator: Narrator,
        cluster: Cluster | None,
    ) -> None:
        self.request, self.source, self.spaces = request, source, spaces
        self.cluster = cluster
        self.asked_words = asked_words
        self.identity, self.staging, self.narrator = identity, staging, narrator
        self.seconds: dict[str, float] = staging.step("seconds") or {}
        self.ran: Ran = staging.step(MACHINES) or {}
        self.errors: dict[str, float] = {}

    def run(self) -> Path:
        """All steps; each returns at once where an earlier run finished it."""
        self.device, self.dtype = placement(self.request)
        if self.cluster is not None:
            self.cluster.join(self._job(), self.ran)
        with self.timed("load"):
            self.narrator.say(
                f"loading {self.source.asked}, to make {self.request.root / self.request.name}"
            )
            self.model = load(
                self.source,
                accepted=self.request.accept_config,
                dtype=self.dtype,
                offload=None if "context" in self.spaces else self.staging.folder_of("weights"),
            )
        with self.timed("words"):
            self.plan = plan(
                self.request,
                self.source,
                self.spaces,
                self.asked_words,
                self.model,
                self.staging,
                self.narrator,
            )
            self.words = self.plan.words
        self.plan.require_possible(self.staging)
        self.extract_weights()
        self.prefix: PrefixEntry | None = None
        self.sinks = np.zeros((0, len(self.words)), bool)
        if "context" in self.spaces:
            self.model.to(self.device, self.dtype)
            self.extract_contexts()
        with self.timed("catalog"):
            manifest = self.manifest()
            self.narrator.say("writing the catalog")
            self.catalog().write(manifest)
        with self.timed("verify"):
            self.narrator.say("verifying the index")
            self.staging.write_manifest(self.completed(manifest))
            self.verify()
        return self.staging.seal()

    def extract_weights(self) -> None:
        """Tokens, neurons and heads, in float32."""
        weights = self.plan.weights(self.staging, self.narrator)
        with self.timed("tokens"):
            weights.tokens()
            weights.unembedding()
        if "neuron" in self.spaces:
            with self.timed("neurons"):
                if self.cluster is not None:
                    self.cluster.neurons(weights)
                else:
                    weights.neurons()
        if "head" in self.spaces:
            with self.timed("heads"):
                if self.cluster is not None:
                    self.cluster.attention(weights)
                else:
                    weights.attention()
        with self.timed("check"):
            shortest = len(self.words[0].token_ids)
            alike = [c.token_ids for c in self.words if len(c.token_ids) == shortest]
            kinds = sorted(self.spaces & {"neuron", "head"})
            self.errors |= weights.check(alike[:CHECKED_WORDS], kinds)

    def extract_contexts(self) -> None:
        """Words in context, from the model as it is asked to be run."""
        contexts = self.plan.contexts(self.staging, self.narrator)
        with self.timed("prefix"):
            chosen = "auto" if self.request.prefix == "auto" else "asked"
            found = contexts.prefix(
                self.plan.prefixes(), chosen, self.plan.vocabulary, self.request.seed
            )
            self.prefix = found
        with self.timed("context"):
            if self.cluster is not None:
                self.cluster.extract(contexts, found.token_ids)
            else:
                contexts.extract(found.token_ids)
            contexts.finish(found.token_ids)
            self.sinks = contexts.sinks()
        with self.timed("check"):
            self.errors |= contexts.check(found.token_ids, self.dtype)

    def _job(self) -> Job:
        words, model = self.asked_words, Path(self.request.model).expanduser()
        # As it is called from whatever folder.
        request = dataclasses.replace(
            self.request,
            root=self.request.root.resolve(),
            model=str(model.resolve()) if model.exists() else self.request.model,
        )
        return Job(
            request=request,
            spaces=self.spaces,
            words=words if isinstance(words, int) else tuple(words),
            identity=self.identity,
            device=self.device,
            dtype=self.dtype,
            files=weight_files(self.source),
        )

    # -- sealing ----------------------------------------------------------------------------

    def manifest(self) -> Manifest:
        """All that is known before the catalog is written; `completed` adds its checksum."""
        shares = {
            context_space(n): float(self.sinks[i].mean()) for i, n in enumerate(self.plan.layers)
        }
        names = [*token_spaces(self.model), *shares]
        if "neuron" in self.spaces:
            names += [neuron_space(side) for side in self.model.family.sides]
        if "head" in self.spaces:
            names += [head_space(side) for side in HEAD_SIDES]
        prefix = self.prefix and dataclasses.replace(self.prefix, sink_share=shares)
        firing = "context" in self.spaces and self.plan.neurons.rows > 0
        finished = [self.staging.finished(name) for name in names]
        kept = [f for f in finished if f is not None]
        rounded = {entry.name: self.staging.rounded(entry.name) for entry, _ in kept}
        rounded = {name: rows for name, rows in rounded.items() if rows}
        extra = {name: said for name, said in ((MACHINES, self.ran), (ROUNDED, rounded)) if said}
        unembedding, of_unembedding = self.staging.unembedding() or (None, {})
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
                n_heads=self.plan.heads.heads,
                d_head=self.plan.heads.width,
                vocabulary=len(self.plan.texts),
                gated=self.model.family.gated,
                tied=self.model.tied,
                encoder=self.model.family.encoder,
                unembedding=unembedding,
                activation=self.model.activation_name,
                activation_signs=self.model.activation_signs,
                allow_pickle=self.source.pickled,
                accepted=self.request.accept_config,
                adapter=self.source.adapter,
                tokens_without_row=len(self.plan.vocabulary.ids_without_row),
            ),
            dtype=self.dtype,
            device=self.device,
            seed=self.request.seed,
            layers=self.plan.blocks,
            neurons=self.plan.neurons.layers,
            words=len(self.words),
            firing=firing,
            prefix=prefix,
            conventions={entry.name: entry.convention for entry, _ in kept if entry.convention},
            spaces=tuple(entry for entry, _ in kept),
            files={path: file for _, files in kept for path, file in files.items()}
            | self.staging.files("signs")
            | of_unembedding,
            versions=versions(),
            check=self.errors,
            seconds=self.seconds,
            fingerprint=self.identity,
            neurons_per_word=self.request.neurons_per_word if firing else 0,
            format=format_of(entry for entry, _ in kept),
            extra=extra,
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
            vocabulary=self.plan.vocabulary,
            texts=self.plan.texts,
            word_like=self.plan.word_like,
            words=self.words,
            sinks=self.sinks,
            neurons=self.plan.neurons,
            sides=self.model.family.sides,
            heads=self.plan.heads if "head" in self.spaces else None,
        )

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
            if self.ran:
                self.staging.keep(MACHINES, self.ran)


def _require_replaceable(target: Path) -> None:
    """Refuse to replace what was never an index, or holds imports, whatever `--force` says."""
    require_own(target)
    try:
        imported = Manifest.load(target).imported
    except SemanticError:
        return  # what cannot be read any more may be replaced
    if imported:
        raise IndexExists(
            f"{target} holds what was imported ({', '.join(imported)}), which a rebuild would "
            "lose: give another --name, or remove it yourself"
        )


def _begun(
    target: Path, request: Request, source: Source, words: int | list[str]
) -> Manifest | None:
    """The index that is there, where words in context are to be added; None where nothing is.

    Raises:
        IndexExists: it is another than was asked for.
    """
    manifest = Manifest.load(target)
    if completing.holds(manifest, request, source, words):
        return None
    if completing.begun(manifest, request, source, words):
        return manifest
    raise IndexExists(
        f"{target} is there already, made from {manifest.model.source!r} of other weights, options "
        f"or versions; --force rebuilds it, --name gives the new one another name"
    )
