"""What tokens say and which tokens a word is made of, for each way of marking where words begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer

from indexer.store.errors import DamagedIndex
from indexer.store.vocabulary import Vocabulary, display, is_word_like

WORDS = ["large", "small", "Dane", "dog"]


def saved(tokenizer: Tokenizer, folder: Path) -> Vocabulary:
    tokenizer.save(str(folder / "tokenizer.json"))
    return Vocabulary(folder / "tokenizer.json")


def byte_level(folder: Path) -> Vocabulary:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f" {word}" for word in WORDS] * 20, trainer)
    return saved(tokenizer, folder)


def metaspace(folder: Path) -> Vocabulary:
    pieces = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    pieces += sorted({char for word in WORDS for char in word})
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        for end in range(1, len(word) + 1):
            left, right = "▁" + word[: end - 1], word[end - 1]
            if (left, right) not in merges:
                merges.append((left, right))
                pieces.append(left + right)
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens([AddedToken("<s>", special=True)])
    return saved(tokenizer, folder)


def wordpiece(folder: Path) -> Vocabulary:
    pieces = ["[UNK]", "[CLS]", "dog", "##s", "small", "##er", "large", "great", "dane"]
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens([AddedToken("[CLS]", special=True)])
    return saved(tokenizer, folder)


MAKERS = {"byte-level": byte_level, "metaspace": metaspace, "wordpiece": wordpiece}


@pytest.mark.parametrize("marks", MAKERS)
def test_the_way_of_marking_words_is_recognised(marks: str, tmp_path: Path) -> None:
    assert MAKERS[marks](tmp_path).marks == marks


@pytest.mark.parametrize("marks", MAKERS)
def test_a_token_that_begins_a_word_says_so_with_one_leading_space(
    marks: str, tmp_path: Path
) -> None:
    vocabulary = MAKERS[marks](tmp_path)
    texts = vocabulary.texts()
    assert len(texts) == len(vocabulary)
    for word in ("large", "dog"):
        (token,) = vocabulary.word_ids(word)
        assert texts[token] == f" {word}"
        assert is_word_like(texts[token])


@pytest.mark.parametrize("marks", MAKERS)
def test_no_two_tokens_say_the_same(marks: str, tmp_path: Path) -> None:
    texts = MAKERS[marks](tmp_path).texts()
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("marks", MAKERS)
@pytest.mark.parametrize("word", ["large", "dogs", "Dane", "small dog"])
def test_the_tokens_of_a_word_say_the_word(marks: str, word: str, tmp_path: Path) -> None:
    vocabulary = MAKERS[marks](tmp_path)
    texts = vocabulary.texts()
    ids = vocabulary.word_ids(word)
    said = "".join(texts[i] if texts[i] != "<0x20>" else " " for i in ids)
    assert said == f" {word.lower() if marks == 'wordpiece' else word}"


def test_bytes_that_are_no_text_on_their_own_are_spelled_out(tmp_path: Path) -> None:
    vocabulary = byte_level(tmp_path)
    texts = vocabulary.texts()
    for text, byte in (("\\xe2", "â"), ("\\x80", "Ģ"), (" ", "Ġ"), ("\n", "Ċ"), ("!", "!")):
        token = vocabulary._tokenizer.token_to_id(byte)
        assert texts[token] == text
    assert not any("Ġ" in text or "Ċ" in text for text in texts)


def test_byte_level_text_of_letters_beyond_ascii_is_the_letters(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" Größe"] * 20, trainer)
    vocabulary = saved(tokenizer, tmp_path)
    (token,) = vocabulary.word_ids("Größe")
    assert vocabulary.texts()[token] == " Größe"


def test_metaspace_byte_tokens_keep_their_name(tmp_path: Path) -> None:
    vocabulary = metaspace(tmp_path)
    assert vocabulary.texts()[vocabulary.text_ids("!")[-1]] == "<0x21>"


def test_wordpiece_continuations_have_no_boundary(tmp_path: Path) -> None:
    texts = wordpiece(tmp_path).texts()
    assert texts[2:6] == [" dog", "s", " small", "er"]
    assert not is_word_like(texts[3])


@pytest.mark.parametrize(
    ("marks", "control"),
    [("byte-level", "<|endoftext|>"), ("metaspace", "<s>"), ("wordpiece", "[CLS]")],
)
def test_a_control_token_is_one_token_and_known_as_special(
    marks: str, control: str, tmp_path: Path
) -> None:
    vocabulary = MAKERS[marks](tmp_path)
    (token,) = [i for i in vocabulary.text_ids(control) if vocabulary.texts()[i] == control]
    assert vocabulary.special_ids == {token}
    assert not is_word_like(control)


def test_rows_that_no_token_names_say_that_they_are_unused(tmp_path: Path) -> None:
    vocabulary = byte_level(tmp_path)
    size = len(vocabulary)
    texts = vocabulary.texts(size + 2)
    assert texts[size:] == [f"<unused {size}>", f"<unused {size + 1}>"]
    assert texts[:size] == vocabulary.texts()
    assert vocabulary.texts(10) == texts[:10]


def test_truncation_and_padding_of_the_tokenizer_are_off(tmp_path: Path) -> None:
    vocabulary = byte_level(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=8)
    again = saved(tokenizer, tmp_path)
    word = "largesmalldog"
    assert again.word_ids(word) == vocabulary.word_ids(word)
    assert len(again.word_ids(word)) > 2
    assert len(again.word_ids("dog")) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" large", True),
        (" Größe", True),
        ("large", False),
        (" ", False),
        ("", False),
        ("  large", False),
        (" 3rd", False),
        (" well-known", False),
        (" large ", False),
        ("\nlarge", False),
    ],
)
def test_word_like_is_one_space_and_then_letters(text: str, expected: bool) -> None:
    assert is_word_like(text) is expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [(" large", "␣large"), ("a b", "a␣b"), ("\n\t", "\\n\\t"), ("é", "é"), ("\u200b", "\\u200b")],
)
def test_display_shows_spaces_and_control_characters(text: str, shown: str) -> None:
    assert display(text) == shown


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    for content in ("", "{}", "no JSON"):
        path.write_text(content)
        with pytest.raises(DamagedIndex, match=r"tokenizer\.json cannot be read"):
            Vocabulary(path)
    with pytest.raises(DamagedIndex, match=r"none\.json"):
        Vocabulary(tmp_path / "none.json")
