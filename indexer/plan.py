"""What a build is of: the model, its blocks, neurons and heads, its tokenizer, and the words.

Known before anything is extracted, and the same in every process that works at one build. Knows
what makes a build impossible; extracts nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.contexts import Contexts
from indexer.errors import BadWords, IncompleteWeights
from indexer.extract.context import context_layers
from indexer.extract.firing import KEPT, WORDS_PER_NEURON
from indexer.extract.tokens import token_spaces
from indexer.firing import Firing
from indexer.model import Model
from indexer.progress import Narrator
from indexer.reading import require_read
from indexer.request import Request
from indexer.source import Source
from indexer.store.errors import MachineError, SemanticError
from indexer.store.grid import HeadGrid, NeuronGrid, NeuronLayer
from indexer.store.layout import TOKENIZER, bytes_of, parse_layers
from indexer.store.vocabulary import Vocabulary, display, is_word_like
from indexer.store.write import Staging
from indexer.weights import Weights
from indexer.words import ChosenWord, choose, prefix_candidates

FEWEST_WORD_LIKE = 0.01
"""Of the vocabulary, what share is word-like in any tokenizer that is read rightly."""


@dataclass(frozen=True)
class Plan:
    """All that the steps of a build are given.

    Attributes:
        request: what was asked for.
        spaces: the kinds of spaces that were.
        model: on the CPU, in float32, until words are run.
        blocks: which of its blocks are indexed.
        layers: which context spaces there are to be.
        neurons: which neuron is which row.
        heads: which head dimension is which row.
        vocabulary: of its tokenizer.
        texts: what each token of the vocabulary says.
        word_like: (vocabulary,) bool.
        words: in the order of the context spaces' rows, by number of tokens.
    """

    request: Request
    spaces: frozenset[str]
    model: Model
    blocks: tuple[int, ...]
    layers: list[int]
    neurons: NeuronGrid
    heads: HeadGrid
    vocabulary: Vocabulary
    texts: list[str]
    word_like: NDArray[np.bool_]
    words: list[ChosenWord]

    def weights(self, staging: Staging, narrator: Narrator) -> Weights:
        """Tokens, neurons and heads, in float32."""
        return Weights(
            staging,
            narrator,
            self.model,
            self.neurons,
            self.heads,
            self.word_like,
            folded=not self.request.raw,
            dtype=self.request.store,
        )

    def contexts(self, staging: Staging, narrator: Narrator) -> Contexts:
        """Words in context, and what fires meanwhile."""
        made = (staging, narrator, self.model, self.words)
        depth, suffix = self.request.neurons_per_word, self.frame()[1]
        firing = Firing(*made, self.neurons, suffix, depth) if self.neurons.rows else None
        return Contexts(*made, self.layers, suffix, firing, self.request.store)

    def prefixes(self) -> list[str]:
        """The prefix asked for, or those to be tried, in order."""
        if self.model.family.encoder:
            first = "".join(self.texts[i] for i in self.frame()[0])
            return [first if self.request.prefix == "auto" else first + self.request.prefix]
        if self.request.prefix != "auto":
            return [self.request.prefix]
        tokenizer = self.model.tokenizer
        named = [t for t in (tokenizer.bos_token, tokenizer.eos_token) if t]
        return prefix_candidates(self.vocabulary, self.texts, named)

    def frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The special tokens before and after every text of an encoder."""
        return self.vocabulary.frame() if self.model.family.encoder else ((), ())

    def require_possible(self, staging: Staging) -> None:
        """Fail before the work where words don't fit the model, or the index the disk.

        Raises:
            BadWords: a word and what stands before it are longer than the model takes.
            MachineError: the disk is clearly too small.
        """
        self._require_positions()
        self._require_space(staging)

    def _require_positions(self) -> None:
        """Fail where the model has fewer positions than the longest word and prefix take."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if "context" not in self.spaces:
            return
        for text in self.prefixes():
            lost = self.vocabulary.without_row(self.vocabulary.text_ids(text))
            if lost:
                raise BadWords(
                    f"prefix {text!r} holds token #{lost[0]}, and the model's embedding ends at "
                    f"#{self.model.vocabulary - 1}"
                )
        before = max(len(self.vocabulary.text_ids(text)) for text in self.prefixes())
        before += len(self.frame()[1])
        longest = self.words[-1]
        tokens = len(longest.token_ids)
        if positions is not None and before + tokens > positions:
            shown = longest.text if len(longest.text) <= 40 else f"{longest.text[:40]}..."
            raise BadWords(
                f"word {shown!r} is {tokens:,} tokens long, beside a prefix of up to {before:,}: "
                f"the model takes {positions:,} in all"
            )

    def _require_space(self, staging: Staging) -> None:
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
        there = sum(f.stat().st_size for f in staging.folder.rglob("*") if f.is_file())
        free = shutil.disk_usage(staging.folder).free + there
        if free < needed:
            raise MachineError(
                f"the index needs about {needed / 1e9:.1f} GB and {staging.root}/ has "
                f"{free / 1e9:.1f} GB free; make room, or ask for fewer --words or --layers"
            )


def plan(
    request: Request,
    source: Source,
    spaces: frozenset[str],
    asked_words: int | Sequence[str],
    model: Model,
    staging: Staging,
    narrator: Narrator,
) -> Plan:
    """Look at a loaded model and choose the words; what an earlier process chose is kept.

    Raises:
        SemanticError: the model, its tokenizer or the words are none to make an index of.
    """
    blocks = _blocks(request, source, model)
    layers = [
        NeuronLayer(layer, *model.neurons(layer))
        for layer in (blocks if "neuron" in spaces else ())
    ]
    count, _, width = model.heads(blocks[0])
    vocabulary = _vocabulary(source, model, staging, narrator)
    texts = vocabulary.texts(model.vocabulary)
    word_like = np.array([is_word_like(text) for text in texts])
    if not request.allow_few_words:
        _require_word_like(word_like, len(vocabulary), source)
    require_read(vocabulary, texts, source.asked)
    words = _words(asked_words, vocabulary, texts, staging)
    _say_what_fell_together(asked_words, words, vocabulary, narrator)
    return Plan(
        request=request,
        spaces=spaces,
        model=model,
        blocks=blocks,
        layers=context_layers(blocks) if "context" in spaces else [],
        neurons=NeuronGrid(tuple(layers)),
        heads=HeadGrid(blocks, count, width),
        vocabulary=vocabulary,
        texts=texts,
        word_like=word_like,
        words=words,
    )


def _blocks(request: Request, source: Source, model: Model) -> tuple[int, ...]:
    there = range(len(model.blocks))
    if not there:
        raise IncompleteWeights(f"{source.asked!r} has no blocks, so its config says")
    if request.layers == "all":
        return tuple(there)
    try:
        return parse_layers(request.layers, there)
    except ValueError as err:
        raise SemanticError(f"--layers: {err}") from None


def _vocabulary(source: Source, model: Model, staging: Staging, narrator: Narrator) -> Vocabulary:
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise MachineError(f"the tokenizer of {source.asked!r} has no fast form (tokenizer.json)")
    path = staging.folder / TOKENIZER
    if staging.held:
        path.write_text(backend.to_str(pretty=True), "utf-8")
    vocabulary = Vocabulary(path, model.vocabulary)
    lost = vocabulary.ids_without_row
    if lost:
        shown = [f"#{i} {display(vocabulary.said([i]))!r}" for i in lost]
        narrator.say(
            f"the tokenizer has {len(lost):,} tokens that the embedding of "
            f"{model.vocabulary:,} rows has none for: {_few(shown)}"
        )
    return vocabulary


def _require_word_like(word_like: NDArray[np.bool_], size: int, source: Source) -> None:
    """Fail where hardly any token begins a word, as where a tokenizer is read wrongly."""
    there = int(word_like.sum())
    if there < FEWEST_WORD_LIKE * size:
        raise BadWords(
            f"{there:,} of the {size:,} tokens of {source.asked!r} are a word's beginning "
            "followed by letters, which z is read against; if that is as it should be, give "
            "--allow-few-words"
        )


def _words(
    asked: int | Sequence[str], vocabulary: Vocabulary, texts: list[str], staging: Staging
) -> list[ChosenWord]:
    kept = staging.step("words")
    if kept is None:
        wanted = asked if isinstance(asked, int) else list(asked)
        chosen = choose(wanted, vocabulary, texts)
        kept = [[c.text, list(c.token_ids), c.zipf, list(c.also)] for c in chosen]
        staging.keep("words", kept)
    return [ChosenWord(text, tuple(ids), zipf, tuple(also)) for text, ids, zipf, also in kept]


def _say_what_fell_together(
    asked: int | Sequence[str],
    words: list[ChosenWord],
    vocabulary: Vocabulary,
    narrator: Narrator,
) -> None:
    """Tell of words that are left out, or indexed once for several spellings."""
    wanted = [] if isinstance(asked, int) else asked
    lost = [word for word in wanted if vocabulary.lacks_row(word)]
    if lost:
        narrator.say(
            f"left out, for want of a row in the embedding: {_few([repr(w) for w in lost])}"
        )
    several = [f"{w.text!r} ({', '.join(map(repr, w.also))})" for w in words if w.also]
    if several:
        narrator.say("spellings of the same tokens are one word, indexed once: " + _few(several))


def _few(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
