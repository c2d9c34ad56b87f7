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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from indexer import completing
from indexer.catalog import Catalog
from indexer.contexts import CHECKED_WORDS, Contexts
from indexer.errors import BadWords, CheckFailed, IncompleteWeights, IndexExists
from indexer.extract.context import context_layers
from indexer.extract.firing import KEPT, WORDS_PER_NEURON
from indexer.extract.tokens import token_spaces
from indexer.firing import Firing
from indexer.model import load
from indexer.progress import Narrator
from indexer.reading import require_read
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
from indexer.store.grid import HeadGrid, NeuronGrid, NeuronLayer
from indexer.store.layout import (
    CATALOG,
    ROUNDED,
    TOKENIZER,
    Manifest,
    ModelEntry,
    PrefixEntry,
    bytes_of,
    format_of,
    parse_layers,
)
from indexer.store.spaces import HEAD_SIDES, context_space, head_space, neuron_space
from indexer.store.swap import require_own, sweep
from indexer.store.vocabulary import Vocabulary, display, is_word_like
from indexer.store.write import Staging
from indexer.weights import Weights
from indexer.words import (
    ChosenWord,
    choose,
    prefix_candidates,
    read_words,
)

FEWEST_WORD_LIKE = 0.01
"""Of the vocabulary, what share is word-like in any tokenizer that is read rightly."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def build(request: Request, narrator: Narrator) -> tuple[Path, bool]:
    """Make an index, or take up where an interrupted build of it stopped.

    Returns:
        Its folder, and whether anything had to be done: False where what was asked for is there
        already. Where all but the words in context is, the build goes on from that.

    Raises:
        SemanticError: with the reason in one line; what is finished stays for the next try.
    """
    require_extra()
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
        return _Build(request, source, spaces, asked_words, identity, staging, narrator).run(), True
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
        spaces: frozenset[str],
        asked_words: int | list[str],
        identity: str,
        staging: Staging,
        narrator: Narrator,
    ) -> None:
        self.request, self.source, self.spaces = request, source, spaces
        self.asked_words = asked_words
        self.identity, self.staging, self.narrator = identity, staging, narrator
        self.seconds: dict[str, float] = staging.step("seconds") or {}
        self.errors: dict[str, float] = {}

    def run(self) -> Path:
        """All steps; each returns at once where an earlier run finished it."""
        self.device, self.dtype = placement(self.request)
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
        self.blocks = self._blocks()
        self.layers = context_layers(self.blocks) if "context" in self.spaces else []
        self.neurons = self._neurons()
        self.heads = HeadGrid(self.blocks, *self._heads())
        with self.timed("words"):
            self.vocabulary = self._tokenizer()
            self.texts = self.vocabulary.texts(self.model.vocabulary)
            self.word_like = np.array([is_word_like(text) for text in self.texts])
            self._require_word_like()
            require_read(self.vocabulary, self.texts, self.source.asked)
            self.words = self._words()
            self.shortest = len(self.words[0].token_ids)
        self._require_space()
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
        weights = Weights(
            self.staging,
            self.narrator,
            self.model,
            self.neurons,
            self.heads,
            self.word_like,
            folded=not self.request.raw,
            dtype=self.request.store,
        )
        with self.timed("tokens"):
            weights.tokens()
            weights.unembedding()
        if "neuron" in self.spaces:
            with self.timed("neurons"):
                weights.neurons()
        if "head" in self.spaces:
            with self.timed("heads"):
                weights.attention()
        with self.timed("check"):
            alike = [c.token_ids for c in self.words if len(c.token_ids) == self.shortest]
            kinds = sorted(self.spaces & {"neuron", "head"})
            self.errors |= weights.check(alike[:CHECKED_WORDS], kinds)

    def extract_contexts(self) -> None:
        """Words in context, from the model as it is asked to be run."""
        suffix = self._frame()[1]
        made = (self.staging, self.narrator, self.model, self.words)
        depth = self.request.neurons_per_word
        firing = Firing(*made, self.neurons, suffix, depth) if self.neurons.rows else None
        contexts = Contexts(*made, self.layers, suffix, firing, self.request.store)
        with self.timed("prefix"):
            chosen = "auto" if self.request.prefix == "auto" else "asked"
            found = contexts.prefix(self._prefixes(), chosen, self.vocabulary, self.request.seed)
            self.prefix = found
        with self.timed("context"):
            contexts.extract(found.token_ids)
            contexts.finish(found.token_ids)
            self.sinks = contexts.sinks()
        with self.timed("check"):
            self.errors |= contexts.check(found.token_ids, self.dtype)

    # -- before anything is extracted -------------------------------------------------------

    def _blocks(self) -> tuple[int, ...]:
        there = range(len(self.model.blocks))
        if not there:
            raise IncompleteWeights(f"{self.source.asked!r} has no blocks, so its config says")
        if self.request.layers == "all":
            return tuple(there)
        try:
            return parse_layers(self.request.layers, there)
        except ValueError as err:
            raise SemanticError(f"--layers: {err}") from None

    def _neurons(self) -> NeuronGrid:
        blocks = self.blocks if "neuron" in self.spaces else ()
        return NeuronGrid(tuple(NeuronLayer(layer, *self.model.neurons(layer)) for layer in blocks))

    def _heads(self) -> tuple[int, int]:
        """How many heads a layer has, and how wide each is."""
        count, _, width = self.model.heads(self.blocks[0])
        return count, width

    def _tokenizer(self) -> Vocabulary:
        backend = getattr(self.model.tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise MachineError(
                f"the tokenizer of {self.source.asked!r} has no fast form (tokenizer.json)"
            )
        path = self.staging.folder / TOKENIZER
        path.write_text(backend.to_str(pretty=True), "utf-8")
        vocabulary = Vocabulary(path, self.model.vocabulary)
        lost = vocabulary.ids_without_row
        if lost:
            shown = [f"#{i} {display(vocabulary.said([i]))!r}" for i in lost]
            self.narrator.say(
                f"the tokenizer has {len(lost):,} tokens that the embedding of "
                f"{self.model.vocabulary:,} rows has none for: {_few(shown)}"
            )
        return vocabulary

    def _require_word_like(self) -> None:
        """Fail where hardly any token begins a word, as where a tokenizer is read wrongly."""
        there, size = int(self.word_like.sum()), len(self.vocabulary)
        if there < FEWEST_WORD_LIKE * size and not self.request.allow_few_words:
            raise BadWords(
                f"{there:,} of the {size:,} tokens of {self.source.asked!r} are a word's beginning "
                "followed by letters, which z is read against; if that is as it should be, give "
                "--allow-few-words"
            )

    def _words(self) -> list[ChosenWord]:
        kept = self.staging.step("words")
        if kept is None:
            chosen = choose(self.asked_words, self.vocabulary, self.texts)
            kept = [[c.text, list(c.token_ids), c.zipf, list(c.also)] for c in chosen]
            self.staging.keep("words", kept)
        words = [ChosenWord(text, tuple(ids), zipf, tuple(also)) for text, ids, zipf, also in kept]
        self._say_what_fell_together(words)
        self._require_room(words[-1])
        return words

    def _say_what_fell_together(self, words: list[ChosenWord]) -> None:
        """Tell of words that are left out, or indexed once for several spellings."""
        asked = self.asked_words if isinstance(self.asked_words, list) else []
        lost = [word for word in asked if self.vocabulary.lacks_row(word)]
        if lost:
            self.narrator.say(
                f"left out, for want of a row in the embedding: {_few([repr(w) for w in lost])}"
            )
        several = [f"{w.text!r} ({', '.join(map(repr, w.also))})" for w in words if w.also]
        if several:
            self.narrator.say(
                "spellings of the same tokens are one word, indexed once: " + _few(several)
            )

    def _require_room(self, longest: ChosenWord) -> None:
        """Fail where the model has fewer positions than the longest word and prefix take."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if "context" not in self.spaces:
            return
        for text in self._prefixes():
            lost = self.vocabulary.without_row(self.vocabulary.text_ids(text))
            if lost:
                raise BadWords(
                    f"prefix {text!r} holds token #{lost[0]}, and the model's embedding ends at "
                    f"#{self.model.vocabulary - 1}"
                )
        before = max(len(self.vocabulary.text_ids(text)) for text in self._prefixes())
        before += len(self._frame()[1])
        tokens = len(longest.token_ids)
        if positions is not None and before + tokens > positions:
            shown = longest.text if len(longest.text) <= 40 else f"{longest.text[:40]}..."
            raise BadWords(
                f"word {shown!r} is {tokens:,} tokens long, beside a prefix of up to {before:,}: "
                f"the model takes {positions:,} in all"
            )

    def _prefixes(self) -> list[str]:
        """The prefix asked for, or those to be tried, in order."""
        if self.model.family.encoder:
            first = "".join(self.texts[i] for i in self._frame()[0])
            return [first if self.request.prefix == "auto" else first + self.request.prefix]
        if self.request.prefix != "auto":
            return [self.request.prefix]
        tokenizer = self.model.tokenizer
        named = [t for t in (tokenizer.bos_token, tokenizer.eos_token) if t]
        return prefix_candidates(self.vocabulary, self.texts, named)

    def _frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The special tokens before and after every text of an encoder."""
        return self.vocabulary.frame() if self.model.family.encoder else ((), ())

    def _require_space(self) -> None:
        """Fail before the work, not at the end of it, where the disk is clearly too small."""
        model = self.model
        rows = len(self.texts) * len(token_spaces(model)) + len(self.words) * len(self.layers)
        rows += self.neurons.rows * len(model.family.sides)
        rows += 2 * self.heads.rows if "head" in self.spaces else 0
        numbers = 4 if self.request.store == "float32" else 2
        needed = rows * model.d_model * (numbers + 1) + 64_000_000  # rows, and codes of them
        if self.layers and self.neurons.rows:
            # Activations kept until deviations are known, and then the tables of the strongest.
            needed += int(self.neurons.rows * 16 * (KEPT * len(self.words) + WORDS_PER_NEURON))
            needed += bytes_of(self.neurons.rows) * len(self.words) * 2  # signs, and zeros if any
        there = sum(f.stat().st_size for f in self.staging.folder.rglob("*") if f.is_file())
        free = shutil.disk_usage(self.staging.folder).free + there
        if free < needed:
            raise MachineError(
                f"the index needs about {needed / 1e9:.1f} GB and {self.request.root}/ has "
                f"{free / 1e9:.1f} GB free; make room, or ask for fewer --words or --layers"
            )

    # -- sealing ----------------------------------------------------------------------------

    def manifest(self) -> Manifest:
        """All that is known before the catalog is written; `completed` adds its checksum."""
        shares = {context_space(n): float(self.sinks[i].mean()) for i, n in enumerate(self.layers)}
        names = [*token_spaces(self.model), *shares]
        if "neuron" in self.spaces:
            names += [neuron_space(side) for side in self.model.family.sides]
        if "head" in self.spaces:
            names += [head_space(side) for side in HEAD_SIDES]
        prefix = self.prefix and dataclasses.replace(self.prefix, sink_share=shares)
        firing = "context" in self.spaces and self.neurons.rows > 0
        finished = [self.staging.finished(name) for name in names]
        kept = [f for f in finished if f is not None]
        rounded = {entry.name: self.staging.rounded(entry.name) for entry, _ in kept}
        rounded = {name: rows for name, rows in rounded.items() if rows}
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
                n_heads=self.heads.heads,
                d_head=self.heads.width,
                vocabulary=len(self.texts),
                gated=self.model.family.gated,
                tied=self.model.tied,
                encoder=self.model.family.encoder,
                unembedding=unembedding,
                activation=self.model.activation_name,
                activation_signs=self.model.activation_signs,
                allow_pickle=self.source.pickled,
                accepted=self.request.accept_config,
                adapter=self.source.adapter,
                tokens_without_row=len(self.vocabulary.ids_without_row),
            ),
            dtype=self.dtype,
            device=self.device,
            seed=self.request.seed,
            layers=self.blocks,
            neurons=self.neurons.layers,
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
            extra={ROUNDED: rounded} if rounded else {},
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
            sinks=self.sinks,
            neurons=self.neurons,
            sides=self.model.family.sides,
            heads=self.heads if "head" in self.spaces else None,
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


def _few(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


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
