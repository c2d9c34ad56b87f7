"""The tokenizer of an index: what each token says, and which tokens a word is made of.

Knows the Hugging Face `tokenizers` library; how pieces are read is `indexer.store.pieces`'s to
know. Knows no model but how many rows its embedding has. In `text` the mark of a word's beginning
is always one leading space, whatever the vocabulary writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from indexer.store.errors import DamagedIndex
from indexer.store.pieces import Pieces
from indexer.store.shown import one_line

VISIBLE_SPACE = "␣"


class Vocabulary:
    """A `tokenizer.json`, read without transformers.

    Args:
        path: of the file.
        rows: of the model's embedding; as many as there are tokens unless given. A tokenizer may
            have more tokens: those are no part of any word.
    """

    def __init__(self, path: Path, rows: int | None = None) -> None:
        from tokenizers import Tokenizer

        self._rows = rows

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as err:  # the library raises bare Exception for any fault in the file
            raise DamagedIndex(f"{path.name} cannot be read as a tokenizer: {err}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def pieces(self) -> Pieces:
        """How the vocabulary's pieces are read.

        Raises:
            UnreadTokenizer: words are marked in a way that is not known.
        """
        return Pieces.of(self._tokenizer)

    @cached_property
    def _model(self) -> Any:
        return self._tokenizer.model

    @cached_property
    def _added(self) -> dict[int, Any]:
        added: dict[int, Any] = self._tokenizer.get_added_tokens_decoder()
        return added

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids of control tokens such as `<|endoftext|>`."""
        return frozenset(i for i, token in self._added.items() if token.special)

    def is_byte(self, token_id: int) -> bool:
        """Whether a token stands for one byte of what no other token spells (`<0x0A>`)."""
        piece = self._model.id_to_token(token_id)
        return piece is not None and self.pieces.is_byte(piece)

    def texts(self, size: int | None = None) -> list[str]:
        r"""The text of every id below `size` (the tokenizer's own size unless given).

        Bytes that are no UTF-8 on their own are written as `\xe2`; ids that the model has a row
        for but the tokenizer has no token for are written as `<unused 49151>`.
        """
        return [self.said([i]) for i in range(len(self) if size is None else size)]

    def said(self, ids: Iterable[int]) -> str:
        r"""What some tokens say together; bytes that are no UTF-8 are written as `\xe2`."""
        return b"".join(map(self._octets, ids)).decode("utf-8", "backslashreplace")

    def _octets(self, token_id: int) -> bytes:
        """The bytes of text that a token stands for."""
        added, piece = self._added.get(token_id), self._model.id_to_token(token_id)
        # What was added is found in a text as it is written, unless it is a piece of the model's.
        if added is not None and (added.special or piece != added.content):
            return str(added.content).encode()
        return f"<unused {token_id}>".encode() if piece is None else self.pieces.octets(piece)

    def normalised(self, text: str) -> str:
        """A text as the tokenizer cuts it: in lower case, say, where it tells no capitals."""
        return self.pieces.normalised(text, self._tokenizer.normalizer)

    def word_ids(self, word: str) -> tuple[int, ...]:
        """The tokens of a word or phrase that follows other text, so with its boundary.

        None where the tokenizer has no tokens for some of it, as its token for the unknown stands
        for any such text alike; and none where the model has no row for one of them.
        """
        ids = self._word_ids(word)
        return () if self.unknown in ids or self.without_row(ids) else ids

    def _word_ids(self, word: str) -> tuple[int, ...]:
        text = word if self.pieces.begins else f" {word}"
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def without_row(self, ids: Iterable[int]) -> tuple[int, ...]:
        """Those of some tokens that the model's embedding has no row for."""
        return tuple(i for i in ids if self._rows is not None and i >= self._rows)

    @cached_property
    def ids_without_row(self) -> tuple[int, ...]:
        """Every token that the model's embedding has no row for."""
        return self.without_row(sorted(self._tokenizer.get_vocab(with_added_tokens=True).values()))

    def lacks_row(self, word: str) -> bool:
        """Whether a word holds a token that the model's embedding has no row for."""
        return bool(self.without_row(self._word_ids(word)))

    def lacking(self, word: str) -> str:
        """Why `word_ids` gives a word no tokens, in half a line."""
        lost = self.without_row(self._word_ids(word))
        if not lost:
            return f"the model's tokenizer has no tokens for {word!r}"
        token = f"#{lost[0]} {display(self.said(lost[:1]))!r}"
        ends = f"its embedding ends at #{(self._rows or 0) - 1}"
        return f"{word!r} holds token {token}, for which the model has no vector: {ends}"

    @cached_property
    def unknown(self) -> int | None:
        """The id of the token for what the tokenizer has no tokens for, or None."""
        name = getattr(self._model, "unk_token", None)
        if name is not None:
            found: int | None = self._tokenizer.token_to_id(name)
            return found
        if type(self._model).__name__ != "Unigram":
            return None
        state: dict[str, Any] = json.loads(self._model.__getstate__())  # it has no attribute
        return state.get("unk_id")

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
