"""The check that a tokenizer's tokens are read as what they say.

Knows words and texts; knows no model. The tokens of a word, joined, must say the word behind its
boundary, and those of a text the text, byte by byte. What a tokenizer does to a text first is no
fault of the reading, so that each is compared with what is left of it by these rules:

    normalizer     where it changes the text (lower case, NFKC), with the text as changed
    unknown        where it gives its token for the unknown, that may stand for anything
    no token       a character that no token holds, where nothing spells single bytes, is left out
    blanks         where it cuts at blanks and leaves them out, texts are compared without any
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from indexer.store.errors import UnreadTokenizer
from indexer.store.vocabulary import Vocabulary, is_word_like

WORDS = 1000
"""Words that are read back: half of the vocabulary's own, half the most frequent of English."""

TEXTS = (
    "The mouse is small, but the elephant is very large (about 6,000 kg).",
    "She didn't say: \"it's 3.14159 or 2.71828\"; did she? No!",
    "Straße, Größe und Übermut; ein Café à côté, mañana, Cafe\u0301, naïve, Łódź, İstanbul, ﬁ.",
    "東京は大きい都市です。北京是一座大城市。서울은 큰 도시입니다. Большой, μεγάλο, גדול, كبير.",
    "🐘 is large, 🐁 is small, 👩\u200d👩\u200d👧 is a family, 🇩🇪 a flag.",
    "for i in range(10):\n    print(i ** 2)\n\n\treturn  x_y + 0x1F  # done",
)
"""Running text that is read back: punctuation, digits, umlauts, other scripts, emoji, blanks."""

_BLANKS = re.compile(r"\s+")


def require_read(vocabulary: Vocabulary, texts: Sequence[str], asked: str) -> None:
    """Refuse a tokenizer whose tokens don't say what they were made of.

    Args:
        vocabulary: the tokenizer.
        texts: the text of every token.
        asked: the model, as a person wrote it.

    Raises:
        UnreadTokenizer: names a word or a text, and what its tokens were read as.
    """
    lost = _without_token(vocabulary, texts)
    for word in _words(texts):
        ids = vocabulary.word_ids(word)
        said = vocabulary.said(ids)
        if ids and not (said[:1] == " " and _same(vocabulary, word, [said[1:]], lost)):
            raise UnreadTokenizer(
                f"the tokenizer of {asked!r} marks words in a way that is not read: the tokens of "
                f"{word!r} behind a space are read as {said!r}"
            )
    for text in TEXTS:
        ids = vocabulary.text_ids(text)
        parts = _between_unknown(vocabulary, ids)
        if vocabulary.pieces.begins:
            parts[0] = parts[0].removeprefix(" ")
        if not _same(vocabulary, text, parts, lost):
            raise UnreadTokenizer(
                f"the tokenizer of {asked!r} writes text in a way that is not read: the tokens of "
                f"{text!r} are read as {vocabulary.said(ids)!r}"
            )


def _words(texts: Sequence[str]) -> Iterator[str]:
    """Words of the vocabulary, evenly spread over it, and the most frequent of the language."""
    from wordfreq import top_n_list

    own = [text[1:] for text in texts if is_word_like(text)]
    step = max(1, len(own) // (WORDS // 2))
    yield from own[::step][: WORDS // 2]
    frequent = [word for word in top_n_list("en", WORDS) if word.isalpha()]
    yield from frequent[: WORDS // 2]


def _without_token(vocabulary: Vocabulary, texts: Sequence[str]) -> frozenset[str]:
    """Characters of `TEXTS` that no token holds, where single bytes can't be spelled either."""
    if vocabulary.pieces.byte_level or any(map(vocabulary.is_byte, range(len(texts)))):
        return frozenset()
    asked = {char for text in TEXTS for char in text + vocabulary.normalised(text)}
    return frozenset(asked - set("".join(texts)) - {" "})


def _between_unknown(vocabulary: Vocabulary, ids: Sequence[int]) -> list[str]:
    """What some tokens say before, between and after those for the unknown."""
    parts: list[list[int]] = [[]]
    for token_id in ids:
        if token_id == vocabulary.unknown:
            parts.append([])
        else:
            parts[-1].append(token_id)
    return [vocabulary.said(part) for part in parts]


def _same(vocabulary: Vocabulary, text: str, parts: Sequence[str], lost: frozenset[str]) -> bool:
    """Whether a text is what some tokens say, in parts with the unknown between them."""

    def bare(one: str) -> str:
        kept = "".join(char for char in one if char not in lost)
        return kept if vocabulary.pieces.keeps_blanks else _BLANKS.sub("", kept)

    pattern = ".*".join(re.escape(bare(part)) for part in parts)
    return any(
        re.fullmatch(pattern, bare(whole), re.DOTALL)
        for whole in (text, vocabulary.normalised(text))
    )
