"""How a tokenizer writes text as pieces, and which bytes of text each piece stands for.

Knows the normalizers, pre-tokenizers, decoders and models of the Hugging Face `tokenizers` library
by what they say of themselves; knows no vocabulary. Where a word begins is marked in one of four
ways, and read as one leading space:

    bytes        `Ġlarge`   every character stands for a byte, one of them for the space
    a character  `▁large`   a visible one stands for the space (SentencePiece)
    no joint     `large`    what continues a word says so, `##er` (WordPiece)
    every piece  `large`    each is a word of its own (WordLevel)

Which of them a tokenizer uses, its decoder says; where that says nothing, its pre-tokenizer and
normalizer do. A vocabulary is never looked at for it: large ones hold every character as a letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from indexer.store.errors import UnreadTokenizer

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_CUT_AT_BLANKS = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "CharDelimiterSplit")


@dataclass(frozen=True)
class Pieces:
    """How the pieces of one tokenizer are read.

    Attributes:
        byte_level: whether every character stands for a byte (GPT-2's table).
        replaced: what stands for what, in order: `("▁", " ")` of SentencePiece.
        joint: what a piece begins with that continues a word, where the others begin one; "" where
            all do; None where beginnings are marked by a space.
        byte_fallback: whether a piece `<0x0A>` is that byte.
        begins: whether the tokenizer puts a word boundary before a text by itself.
        keeps_blanks: whether what blanks a text has can be told from its pieces.
    """

    byte_level: bool
    replaced: tuple[tuple[str, str], ...]
    joint: str | None
    byte_fallback: bool
    begins: bool
    keeps_blanks: bool

    @classmethod
    def of(cls, tokenizer: Any) -> Pieces:
        """Those of a `tokenizers.Tokenizer`.

        Raises:
            UnreadTokenizer: it marks words in a way that is not known here; names it.
        """
        normalizer = list(_steps(tokenizer.normalizer, "normalizers"))
        splitter = list(_steps(tokenizer.pre_tokenizer, "pretokenizers"))
        decoder = list(_steps(tokenizer.decoder, "decoders"))
        model = tokenizer.model
        for step in decoder:
            if step["type"] in ("BPEDecoder", "CTC"):
                raise UnreadTokenizer(
                    f"the tokenizer's decoder {step['type']} marks where words end and not where "
                    "they begin, which is not read"
                )
        byte_level, replaced, joint = _marks(decoder)
        if not (byte_level or replaced or joint is not None):
            byte_level, replaced, joint = _marks([*splitter, *map(_turned, normalizer)])
        if not (byte_level or replaced or joint is not None):
            if type(model).__name__ == "WordPiece":
                joint = str(model.continuing_subword_prefix)
            elif type(model).__name__ == "WordLevel":
                joint = ""
        return cls(
            byte_level,
            replaced,
            joint,
            any(step["type"] == "ByteFallback" for step in decoder)
            or bool(getattr(model, "byte_fallback", False)),
            joint is not None
            or any(step["type"] == "Prepend" for step in normalizer)
            or any(_prepends(step) for step in splitter),
            joint is None and not any(_cuts_at_blanks(step) for step in splitter),
        )

    def octets(self, piece: str) -> bytes:
        """The bytes of text that a piece stands for."""
        if self.byte_fallback and (byte := _BYTE.fullmatch(piece)):
            return bytes([int(byte[1], 16)])
        if self.byte_level:
            table = _bytes_of_characters()
            if all(char in table for char in piece):
                return bytes(table[char] for char in piece)
            return piece.encode()
        for mark, text in self.replaced:
            piece = piece.replace(mark, text)
        if self.joint is not None:
            continues = self.joint and piece.startswith(self.joint)
            piece = piece[len(self.joint) :] if continues else f" {piece}"
        return piece.encode()

    def is_byte(self, piece: str) -> bool:
        """Whether a piece stands for one byte of what no other piece spells: `<0x0A>`."""
        return self.byte_fallback and _BYTE.fullmatch(piece) is not None

    def normalised(self, text: str, normalizer: Any) -> str:
        """What a normalizer makes of a text, its marks read, without what it puts before it."""
        if normalizer is None:
            return text
        made = str(normalizer.normalize_str(text))
        for mark, stands_for in self.replaced:
            made = made.replace(mark, stands_for)
        steps = {step["type"] for step in _steps(normalizer, "normalizers")}
        if "ByteLevel" in steps:
            made = self.octets(made).decode("utf-8", "backslashreplace")
        return made.lstrip(" ") if "Prepend" in steps else made


def _steps(component: Any, inner: str) -> Iterator[dict[str, Any]]:
    """What a normalizer, pre-tokenizer or decoder says of itself, sequences laid out flat."""
    if component is not None:
        yield from _flat(json.loads(component.__getstate__()), inner)


def _flat(state: dict[str, Any], inner: str) -> Iterator[dict[str, Any]]:
    if state["type"] == "Sequence":
        for step in state[inner]:
            yield from _flat(step, inner)
    else:
        yield state


def _marks(
    steps: list[dict[str, Any]],
) -> tuple[bool, tuple[tuple[str, str], ...], str | None]:
    """Byte level or not, what is replaced by what, and the joint, as some steps have them."""
    replaced, joint = [], None
    for step in steps:
        if step["type"] == "Metaspace":
            replaced.append((step["replacement"], " "))
        elif step["type"] == "Replace" and "String" in step["pattern"]:
            replaced.append((step["pattern"]["String"], step["content"]))
        elif step["type"] == "WordPiece":
            joint = step["prefix"]
    return any(step["type"] == "ByteLevel" for step in steps), tuple(replaced), joint


def _turned(step: dict[str, Any]) -> dict[str, Any]:
    """A step of a normalizer as the decoder that would undo it; only of blanks is that known."""
    if step["type"] == "Replace" and step["pattern"].get("String") == " ":
        return {"type": "Replace", "pattern": {"String": step["content"]}, "content": " "}
    return step if step["type"] == "ByteLevel" else {"type": "other"}


def _prepends(step: dict[str, Any]) -> bool:
    """Whether a pre-tokenizer puts a word boundary before a text that begins with none."""
    if step["type"] == "Metaspace":
        return bool(step["prepend_scheme"] != "never")
    return bool(step["type"] == "ByteLevel" and step["add_prefix_space"])


def _cuts_at_blanks(step: dict[str, Any]) -> bool:
    """Whether a pre-tokenizer leaves blanks out, so that one and two of them are the same."""
    return step["type"] in _CUT_AT_BLANKS or step.get("behavior") == "Removed"


def _bytes_of_characters() -> dict[str, int]:
    """Byte-level BPE's printable character for each byte, reversed (GPT-2's encoder table)."""
    if not _octets:
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [b for b in range(256) if b not in plain]
        _octets.update({chr(b): b for b in plain})
        _octets.update({chr(256 + i): b for i, b in enumerate(others)})
    return _octets


_octets: dict[str, int] = {}
