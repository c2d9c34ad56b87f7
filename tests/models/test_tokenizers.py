"""The tokenizers of published models, whole: read as what they say, by the build's own check."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from published import tokenizer

from indexer.reading import require_read
from indexer.store.vocabulary import Vocabulary, is_word_like


@dataclass(frozen=True)
class Published:
    """A tokenizer: its size, how many of its tokens are word-like, what *straße* is cut into."""

    size: int
    word_like: int
    strasse: tuple[str, ...]


PUBLISHED = {
    "llama2": Published(32_000, 15_425, (" stra", "ße")),
    "llama3": Published(128_256, 55_449, (" stra", "ße")),
    "gemma3": Published(262_145, 115_724, (" stra", "ße")),
    "qwen3": Published(151_669, 50_903, (" str", "a", "ße")),
    "gptoss": Published(200_019, 97_759, (" stra", "ße")),
    "deepseek_v3": Published(128_815, 49_654, (" stra", "ße")),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_tokenizer_is_read_as_what_it_says(name: str) -> None:
    expected, vocabulary = PUBLISHED[name], Vocabulary(tokenizer(name))
    texts = vocabulary.texts()
    assert len(texts) == len(vocabulary) == expected.size
    assert sum(map(is_word_like, texts)) == expected.word_like
    assert tuple(texts[i] for i in vocabulary.word_ids("straße")) == expected.strasse
    require_read(vocabulary, texts, name)


@pytest.mark.parametrize("name", ["llama2", "gemma3"])
def test_byte_tokens_read_as_their_byte(name: str) -> None:
    vocabulary = Vocabulary(tokenizer(name))
    texts = vocabulary.texts()
    first = texts.index("\x00")
    assert all(vocabulary.is_byte(first + byte) for byte in range(256))
    assert texts[first + 10] == "\n"
    assert texts[first + 0xE2] == "\\xe2"
