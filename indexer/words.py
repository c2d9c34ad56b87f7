"""Which words are indexed, and which prefix stands before them.

Knows the vocabulary, word frequencies and the project's example groups; runs no model itself (the
prefix is chosen by a function that does).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BadWords
from indexer.store.groups import example_groups
from indexer.store.layout import PrefixEntry
from indexer.store.letters import composed
from indexer.store.vocabulary import Vocabulary, is_word_like
from indexer.store.whole_file import read_whole

SINK_FACTOR = 5.0
"""A word is a sink at a layer where its norm exceeds this many times the layer's median."""

PREFIX_SAMPLE = 512
"""Words each candidate prefix is tried on: half the most frequent, half at random."""

_NUMBER = re.compile(r"\d(?=\d)|(?<=\d)\d")
"""A digit that stands beside another, for which wordfreq has a 0."""

_DIGITS = "0123456789"

_POOL = 60_000  # words of the frequency list that are looked at


@dataclass(frozen=True)
class ChosenWord:
    """One word to index.

    Attributes:
        text: as it is written.
        token_ids: its tokens after the prefix.
        zipf: its Zipf frequency.
        also: other spellings of the same tokens.
    """

    text: str
    token_ids: tuple[int, ...]
    zipf: float
    also: tuple[str, ...] = ()


def zipf(word: str) -> float:
    """log10 of a word's occurrences per thousand million words of English; 0 if unknown."""
    return zipfs([word])[0]


def zipfs(words: Sequence[str]) -> list[float]:
    """The same of each of some words."""
    from wordfreq import get_frequency_dict, zipf_frequency

    known, numbered = get_frequency_dict("en"), _before_numbers()

    def one(word: str) -> float:
        # Plain letters and digits are one token, and need not be cut into tokens to be found
        # unknown. Of numbers only how many digits they have is counted.
        if word.isascii() and word.isalnum():
            lower = word.lower()
            before = lower.rstrip(_DIGITS)
            if before not in (numbered if before != lower else known) and before.isalpha():
                return 0.0
            if _NUMBER.sub("0", lower) not in known:
                return 0.0
        return float(zipf_frequency(word, "en"))

    return [one(word) for word in words]


@cache
def _before_numbers() -> frozenset[str]:
    """What stands before the number that a word of wordfreq's table ends in."""
    from wordfreq import get_frequency_dict

    ends = (word for word in get_frequency_dict("en") if word[-1] in _DIGITS)
    return frozenset(word.rstrip(_DIGITS) for word in ends)


def read_words(path: Path) -> list[str]:
    """The phrases of a words file, one a line, blank lines and repeats left out.

    Raises:
        BadWords: the file cannot be read, is not UTF-8 (with the line), or holds no word.
    """
    try:
        data = read_whole(path)
    except OSError as err:
        raise BadWords(f"words file {str(path)!r} cannot be read: {err.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data[: err.start].count(b"\n") + 1
        raise BadWords(f"words file {str(path)!r} is not UTF-8: see line {line}") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BadWords(f"words file {str(path)!r} is not text: line {line} holds a NUL byte")
    # However letters with marks are written there, a word is one word, and found as one.
    text = composed(text)
    words = list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines()))
    words = [word for word in words if word]
    if not words:
        raise BadWords(f"words file {str(path)!r} holds no words; write one a line")
    return words


def choose(
    asked: int | Sequence[str], vocabulary: Vocabulary, texts: Sequence[str]
) -> list[ChosenWord]:
    """The words to index, by number of tokens, then frequency.

    Args:
        asked: how many, taken by frequency; or the words themselves. The example groups are
            always among them.
        vocabulary: the tokenizer.
        texts: the text of every token.

    Returns:
        Word-like tokens in the vocabulary's own spellings, capitals kept, and multi-token words
        in the spelling of fewest tokens, lower case where that is a tie. Words of the groups and
        of the frequency list that the tokenizer makes no token of are left out, and all that hold
        a token without a row in the embedding. Spellings of the same tokens are one word.

    Raises:
        BadWords: the tokenizer makes no token of a word that was asked for.
    """
    required = list(dict.fromkeys(word for words in example_groups().values() for word in words))
    chosen = _Distinct(vocabulary)
    for word in required:
        chosen.add(ChosenWord(word, vocabulary.word_ids(word), zipf(word)))
    if not isinstance(asked, int):
        for word in asked:
            choice = ChosenWord(word, vocabulary.word_ids(word), zipf(word))
            if not choice.token_ids and not vocabulary.lacks_row(word):
                raise BadWords(f"the model's tokenizer makes no token of the word {word!r}")
            chosen.add(choice)
        return _ordered(chosen.choices)
    if asked <= len(chosen):
        return _ordered(chosen.choices)
    candidates = [
        ChosenWord(text[1:], (token_id,), zipf(text[1:]))
        for token_id, text in enumerate(texts)
        if is_word_like(text)
    ]
    singles = {choice.text for choice in candidates}
    candidates += _several_tokens(vocabulary, singles)
    candidates.sort(key=lambda c: (-c.zipf, len(c.token_ids), c.token_ids, c.text))
    for choice in candidates:
        if len(chosen) >= asked:
            break
        chosen.add(choice)
    return _ordered(chosen.choices)


class _Distinct:
    """Words chosen so far, each once: spellings of the same tokens are one word, one point.

    It goes by the spelling that its tokens say, where that is among them, else by the first.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._texts: set[str] = set()
        self._by_tokens: dict[tuple[int, ...], ChosenWord] = {}

    def __len__(self) -> int:
        return len(self._by_tokens)

    @property
    def choices(self) -> list[ChosenWord]:
        """The words, in the order in which they were taken up."""
        return list(self._by_tokens.values())

    def add(self, choice: ChosenWord) -> None:
        """Take a word up, unless it has no tokens or is there already."""
        if not choice.token_ids or choice.text in self._texts:
            return
        self._texts.add(choice.text)
        there = self._by_tokens.setdefault(choice.token_ids, choice)
        if there is choice:
            return
        texts = [there.text, *there.also, choice.text]
        said = self._vocabulary.said(choice.token_ids)[1:]
        kept = said if said in texts else there.text
        also = tuple(text for text in texts if text != kept)
        self._by_tokens[choice.token_ids] = ChosenWord(
            kept, choice.token_ids, max(there.zipf, choice.zipf), also
        )


def _several_tokens(vocabulary: Vocabulary, singles: set[str]) -> list[ChosenWord]:
    from wordfreq import top_n_list, zipf_frequency

    found = []
    for word in top_n_list("en", _POOL):
        spellings = (word, word.capitalize(), word.upper())
        if not word.isalpha() or any(spelling in singles for spelling in spellings):
            continue
        spelled = [(ids, one) for one in spellings[:2] if (ids := vocabulary.word_ids(one))]
        if spelled:
            ids, text = min(spelled, key=lambda pair: len(pair[0]))
            found.append(ChosenWord(text, ids, float(zipf_frequency(word, "en"))))
    return found


def _ordered(choices: list[ChosenWord]) -> list[ChosenWord]:
    """By number of tokens, so that a batch is a run of rows and needs no padding."""
    return sorted(choices, key=lambda c: (len(c.token_ids), -c.zipf, c.token_ids, c.text))


def prefix_candidates(
    vocabulary: Vocabulary, texts: Sequence[str], named: Sequence[str]
) -> list[str]:
    """Prefixes to try, in order: the tokenizer's named control tokens, its others, plain text."""
    # A tokenizer may have tokens of its class's own, for which the model has no embedding.
    specials = [texts[i] for i in sorted(vocabulary.special_ids) if i < len(texts)][:4]
    every = dict.fromkeys([*named, *specials, "\n", "The"])
    return [text for text in every if not vocabulary.without_row(vocabulary.text_ids(text))]


def find_prefix(
    words: Sequence[ChosenWord],
    candidates: Sequence[str],
    vocabulary: Vocabulary,
    last_token_norms: Callable[[tuple[int, ...], Sequence[ChosenWord]], NDArray[np.float32]],
    seed: int,
    chosen: str = "auto",
) -> PrefixEntry:
    """The first candidate after which no sampled word is an attention sink at any layer.

    A word run on its own, or after a prefix that the model does not settle on, is itself the
    sink that later positions attend to, and gets the same huge vector as every other word.

    Args:
        words: the words to be indexed.
        candidates: prefixes in order of preference.
        vocabulary: the tokenizer.
        last_token_norms: (prefix ids, words) -> (spaces, words) norms of last-token vectors.
        seed: of the random half of the sample.
        chosen: how the prefix came about, recorded: `auto` or `asked`.

    Returns:
        The prefix, with the number of sink words each candidate tried gave. Where every one
        gives some, the one that gives fewest.
    """
    sample = _sample(words, seed)
    tried: dict[str, int] = {}
    for text in candidates:
        ids = vocabulary.text_ids(text)
        norms = last_token_norms(ids, sample)
        tried[text] = int(sink_flags(norms).any(axis=0).sum())
        if tried[text] == 0:
            break
    best = min(tried, key=lambda text: tried[text])
    return PrefixEntry(
        text=best,
        token_ids=vocabulary.text_ids(best),
        chosen=chosen,
        sink_factor=SINK_FACTOR,
        sample=len(sample),
        tried=tried,
        sink_share={},
    )


def sink_flags(norms: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(spaces, words) norms -> which words are sinks, by `SINK_FACTOR` times each median."""
    flags: NDArray[np.bool_] = norms > SINK_FACTOR * np.median(norms, axis=1, keepdims=True)
    return flags


def _sample(words: Sequence[ChosenWord], seed: int) -> list[ChosenWord]:
    if len(words) <= PREFIX_SAMPLE:
        return list(words)
    frequent = sorted(range(len(words)), key=lambda i: (-words[i].zipf, i))
    head, rest = frequent[: PREFIX_SAMPLE // 2], frequent[PREFIX_SAMPLE // 2 :]
    drawn = np.random.default_rng(seed).choice(rest, PREFIX_SAMPLE - len(head), replace=False)
    return [words[i] for i in sorted([*head, *drawn.tolist()])]
