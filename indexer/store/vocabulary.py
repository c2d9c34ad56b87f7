"""The tokenizer of an index: what each token says, and which tokens a word is made of.

Knows the Hugging Face `tokenizers` library and three ways of marking where a word begins
(byte-level BPE, SentencePiece's metaspace, WordPiece); knows no model. In `text` the mark is
always one leading space, whatever the vocabulary writes.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from indexer.store.errors import DamagedIndex
from indexer.store.shown import one_line

VISIBLE_SPACE = "␣"
_METASPACE = "▁"


class Vocabulary:
    """A `tokenizer.json`, read without transformers."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as err:  # the library raises bare Exception for any fault in the file
            raise DamagedIndex(f"{path.name} cannot be read as a tokenizer: {err}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids of control tokens such as `<|endoftext|>`."""
        added = self._tokenizer.get_added_tokens_decoder()
        return frozenset(i for i, token in added.items() if token.special)

    @cached_property
    def marks(self) -> str:
        """How word beginnings are marked: `byte-level`, `metaspace` or `wordpiece`."""
        decoder = type(self._tokenizer.decoder).__name__
        if decoder == "WordPiece":
            return "wordpiece"
        if decoder == "ByteLevel" or self._tokenizer.token_to_id("Ġ") is not None:
            return "byte-level"
        return "metaspace"

    def texts(self, size: int | None = None) -> list[str]:
        r"""The text of every id below `size` (the tokenizer's own size unless given).

        Bytes that are no UTF-8 on their own are written as `\xe2`; ids that the model has a row
        for but the tokenizer has no token for are written as `<unused 49151>`.
        """
        added = self._tokenizer.get_added_tokens_decoder()
        return [
            str(added[i].content) if i in added else self._text(i)
            for i in range(len(self) if size is None else size)
        ]

    def _text(self, token_id: int) -> str:
        token = self._tokenizer.id_to_token(token_id)
        if token is None:
            return f"<unused {token_id}>"
        if self.marks == "byte-level":
            octets = _bytes_of_characters()
            if all(char in octets for char in token):
                return bytes(octets[c] for c in token).decode("utf-8", "backslashreplace")
            return str(token)
        if self.marks == "wordpiece":
            return token[2:] if token.startswith("##") else f" {token}"
        return str(token.replace(_METASPACE, " "))

    @cached_property
    def _adds_space(self) -> bool:
        """Whether the tokenizer puts a word boundary before a text by itself."""
        ids = self._tokenizer.encode("a", add_special_tokens=False).ids
        return bool(ids) and self._text(ids[0]).startswith(" ")

    def word_ids(self, word: str) -> tuple[int, ...]:
        """The tokens of a word or phrase that follows other text, so with its boundary.

        None where the tokenizer has no tokens for some of it: its token for the unknown stands for
        any such text alike.
        """
        text = word if self._adds_space else f" {word}"
        ids = tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)
        return () if self._unknown in ids else ids

    @cached_property
    def _unknown(self) -> int | None:
        """The id of the token for what the tokenizer has no tokens for, or None."""
        model = self._tokenizer.model
        name = getattr(model, "unk_token", None)
        if name is None:
            return getattr(model, "unk_id", None)
        found: int | None = self._tokenizer.token_to_id(name)
        return found

    def text_ids(self, text: str) -> tuple[int, ...]:
        """The tokens of a text exactly as written; a control token's text is that token."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The special tokens that the tokenizer puts before and after a text by itself."""
        inside = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a", add_special_tokens=True).ids
        for first in range(len(whole) - len(inside) + 1):
            if whole[first : first + len(inside)] == inside:
                return tuple(whole[:first]), tuple(whole[first + len(inside) :])
        return (), ()


def is_word_like(text: str) -> bool:
    """One word-boundary marker, then letters only."""
    return text[:1] == " " and text[1:].isalpha()


def display(text: str) -> str:
    """A token's text with every space visible and control characters escaped: `␣large`."""
    return one_line(text).replace(" ", VISIBLE_SPACE)


def display_name(text: str) -> str:
    """A word or label with the blanks at its ends visible and control characters escaped."""
    inner = one_line(text).strip(" ")
    before, after = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    return VISIBLE_SPACE * before + inner + VISIBLE_SPACE * after if inner else display(text)


def _bytes_of_characters() -> dict[str, int]:
    """Byte-level BPE's printable character for each byte, reversed (GPT-2's encoder table)."""
    if not _octets:
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [b for b in range(256) if b not in plain]
        _octets.update({chr(b): b for b in plain})
        _octets.update({chr(256 + i): b for i, b in enumerate(others)})
    return _octets


_octets: dict[str, int] = {}
