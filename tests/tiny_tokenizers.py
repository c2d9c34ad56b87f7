"""A tiny tokenizer of each type that published models come with, made from a few words.

Each is laid out as the models' own `tokenizer.json` is: the same normalizers, pre-tokenizers and
decoders, over a vocabulary that can be read by eye.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
)

WORDS = ["large", "small", "Dane", "dog", "straße"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())

_LETTERS = sorted({char for word in WORDS for char in word})
_SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"


def _merged(mark: str, words: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Pieces that spell words behind a mark from left to right, and the merges that make them."""
    merges: dict[tuple[str, str], None] = {}
    for word in words:
        for end in range(1, len(word) + 1):
            merges[mark + word[: end - 1], word[end - 1]] = None
    return [left + right for left, right in merges], list(merges)


def _in_bytes(text: str) -> str:
    """A text as byte-level BPE writes it."""
    ((piece, _),) = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    ).pre_tokenize_str(text)
    return piece


def _bpe(pieces: Iterable[str], merges: list[tuple[str, str]], **options: object) -> Tokenizer:
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return Tokenizer(models.BPE(vocabulary, merges, **options))


def _with_control(tokenizer: Tokenizer, *control: str) -> Tokenizer:
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in control])
    return tokenizer


def _byte_level() -> Tokenizer:
    pieces, merges = _merged("Ġ", map(_in_bytes, WORDS))
    return _bpe(["<|endoftext|>", *ALPHABET, *pieces], merges)


def byte_level() -> Tokenizer:
    """GPT-2, GPT-NeoX, OLMo, SmolLM2."""
    tokenizer = _byte_level()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _with_control(tokenizer, "<|endoftext|>")


def byte_level_adding_space() -> Tokenizer:
    """Falcon's and RoBERTa's, where they are set to put a space before a text."""
    tokenizer = byte_level()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


def byte_level_split() -> Tokenizer:
    """Llama 3, Qwen, DeepSeek, gpt-oss: cut by an expression of their own first."""
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _sentencepiece(*control: str) -> Tokenizer:
    pieces, merges = _merged("▁", WORDS)
    return _bpe(
        # Large vocabularies hold as letters what others mark bytes with.
        ["<unk>", *control, *BYTES, "▁", "▁▁", *_LETTERS, *ALPHABET, *pieces],
        [*merges, ("▁", "▁")],
        unk_token="<unk>",
        byte_fallback=True,
        fuse_unk=True,
    )


def prepend() -> Tokenizer:
    """Llama 2 and Mistral: a normalizer puts `▁` before every text."""
    tokenizer = _sentencepiece("<s>", "</s>")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return _with_control(tokenizer, "<unk>", "<s>", "</s>")


def replace() -> Tokenizer:
    """Gemma: a normalizer writes spaces as `▁`, and no space is added."""
    tokenizer = _sentencepiece("<pad>", "<eos>", "<bos>", "<mask>")
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_tokens([AddedToken("▁▁", normalized=False)])
    return _with_control(tokenizer, "<unk>", "<pad>", "<eos>", "<bos>", "<mask>")


def _metaspace(scheme: str) -> Tokenizer:
    tokenizer = _sentencepiece("<s>")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace("▁", prepend_scheme=scheme, split=False)]
    )
    return _with_control(tokenizer, "<s>")


def metaspace_always() -> Tokenizer:
    """Llama 2 as transformers converts it."""
    return _metaspace("always")


def metaspace_first() -> Tokenizer:
    """The same, where only the first part of a text is given a space."""
    return _metaspace("first")


def metaspace_never() -> Tokenizer:
    """Metaspace without an added space."""
    return _metaspace("never")


def without_decoder() -> Tokenizer:
    """What says how words begin in its pre-tokenizer alone."""
    tokenizer = metaspace_always()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def unigram() -> Tokenizer:
    """T5, XLM-R, ALBERT: NFKC, blanks run together, and scores instead of merges."""
    letters = [(char, -5.0) for char in ("▁", *_LETTERS, *"abcdefghijklmnopqrstuvwxyz.,")]
    words = [(f"▁{word}", -1.0) for word in WORDS]
    pieces = dict([("<unk>", 0.0), ("<s>", 0.0), *letters, *words])
    tokenizer = Tokenizer(models.Unigram(list(pieces.items()), unk_id=0))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁")]
    )
    tokenizer.decoder = decoders.Metaspace("▁")
    return _with_control(tokenizer, "<s>")


def wordpiece(joint: str = "##") -> Tokenizer:
    """BERT, MPNet, ELECTRA, in lower case."""
    pieces = ["[UNK]", "[CLS]", "dog", f"{joint}s", "small", f"{joint}er", "large", "great", "dane"]
    tokenizer = Tokenizer(
        models.WordPiece(
            {piece: i for i, piece in enumerate(pieces)},
            unk_token="[UNK]",
            continuing_subword_prefix=joint,
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(joint)
    return _with_control(tokenizer, "[CLS]")


def wordpiece_with_a_prefix_of_its_own() -> Tokenizer:
    """WordPiece that marks what continues a word in another way."""
    return wordpiece("@@")


def wordlevel() -> Tokenizer:
    """A token a word."""
    pieces = ["[UNK]", "[CLS]", *WORDS, "dogs", ","]
    tokenizer = Tokenizer(
        models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return _with_control(tokenizer, "[CLS]")


MAKERS: dict[str, Callable[[], Tokenizer]] = {
    maker.__name__: maker
    for maker in (
        byte_level,
        byte_level_adding_space,
        byte_level_split,
        prepend,
        replace,
        metaspace_always,
        metaspace_first,
        metaspace_never,
        without_decoder,
        unigram,
        wordpiece,
        wordpiece_with_a_prefix_of_its_own,
        wordlevel,
    )
}
