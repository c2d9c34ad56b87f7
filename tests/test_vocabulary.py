"""What tokens say and which tokens a word is made of, for each way of marking where words begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, decoders

from indexer.store.errors import DamagedIndex, UnreadTokenizer
from indexer.store.vocabulary import Vocabulary, display, is_word_like
from tiny_tokenizers import BYTES, MAKERS, byte_level, replace, unigram, wordpiece

LOWER = ("wordpiece", "wordpiece_with_a_prefix_of_its_own")
BYTE_LEVEL = ("byte_level", "byte_level_adding_space", "byte_level_split")
FALLING_BACK = (
    "prepend",
    "replace",
    "metaspace_always",
    "metaspace_first",
    "metaspace_never",
    "without_decoder",
)


def saved(tokenizer: Tokenizer, folder: Path) -> Vocabulary:
    tokenizer.save(str(folder / "tokenizer.json"))
    return Vocabulary(folder / "tokenizer.json")


@pytest.mark.parametrize("kind", MAKERS)
def test_a_token_that_begins_a_word_says_so_with_one_leading_space(
    kind: str, tmp_path: Path
) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    texts = vocabulary.texts()
    assert len(texts) == len(vocabulary)
    for word in ("large", "dog"):
        (token,) = vocabulary.word_ids(word)
        assert texts[token] == f" {word}"
        assert is_word_like(texts[token])


@pytest.mark.parametrize("kind", MAKERS)
def test_no_two_tokens_say_the_same_but_for_single_bytes(kind: str, tmp_path: Path) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    texts = [text for i, text in enumerate(vocabulary.texts()) if not vocabulary.is_byte(i)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("word", ["large", "dogs", "Dane", "small dog"])
def test_the_tokens_of_a_word_say_the_word(kind: str, word: str, tmp_path: Path) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    ids = vocabulary.word_ids(word)
    texts = vocabulary.texts()
    assert vocabulary.said(ids) == f" {word.lower() if kind in LOWER else word}"
    assert "".join(texts[i] for i in ids) == vocabulary.said(ids)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_tokenizers_own_decoder_says_the_same(kind: str, tmp_path: Path) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    if kind in ("wordlevel", "without_decoder"):
        pytest.skip("its decoder says nothing of blanks")
    ids = vocabulary.word_ids("small dogs")
    assert vocabulary._tokenizer.decode(list(ids)).strip() == vocabulary.said(ids).strip()


@pytest.mark.parametrize("kind", [*BYTE_LEVEL, *FALLING_BACK])
def test_letters_beyond_ascii_are_letters(kind: str, tmp_path: Path) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    (token,) = vocabulary.word_ids("straße")
    assert vocabulary.texts()[token] == " straße"
    elephant = vocabulary.text_ids("🐘")
    assert vocabulary.said(elephant).strip() == "🐘"
    assert vocabulary.texts()[elephant[-1]] == "\\x98"


@pytest.mark.parametrize("kind", BYTE_LEVEL)
def test_bytes_that_are_no_text_on_their_own_are_spelled_out(kind: str, tmp_path: Path) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    texts = vocabulary.texts()
    for text, byte in (("\\xe2", "â"), ("\\x80", "Ģ"), (" ", "Ġ"), ("\n", "Ċ"), ("!", "!")):
        token = vocabulary._tokenizer.token_to_id(byte)
        assert texts[token] == text
    assert not any("Ġ" in text or "Ċ" in text for text in texts)


@pytest.mark.parametrize("kind", FALLING_BACK)
def test_a_byte_that_stands_for_what_no_token_spells_reads_as_the_byte(
    kind: str, tmp_path: Path
) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    texts = vocabulary.texts()
    first = vocabulary._tokenizer.token_to_id(BYTES[0])
    assert [vocabulary.is_byte(i) for i in (first - 1, first, first + 255, first + 256)] == [
        False,
        True,
        True,
        False,
    ]
    assert texts[first + 10] == "\n"
    assert texts[first + 0x21] == "!" == vocabulary.said(vocabulary.text_ids("!"))[-1]
    assert texts[first + 0xE2] == "\\xe2"


def test_what_other_vocabularies_mark_words_with_is_a_letter_here(tmp_path: Path) -> None:
    vocabulary = saved(replace(), tmp_path)
    token = vocabulary._tokenizer.token_to_id("Ġ")
    assert vocabulary.texts()[token] == "Ġ"
    assert vocabulary.texts()[vocabulary._tokenizer.token_to_id("▁▁")] == "  "


def test_a_piece_of_bytes_is_text_where_nothing_falls_back_on_bytes(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.add_tokens([AddedToken("<0x0A>")])
    vocabulary = saved(tokenizer, tmp_path)
    assert vocabulary.texts()[vocabulary._tokenizer.token_to_id("<0x0A>")] == "<0x0A>"


@pytest.mark.parametrize("joint", ["##", "@@"])
def test_wordpiece_continuations_have_no_boundary(joint: str, tmp_path: Path) -> None:
    texts = saved(wordpiece(joint), tmp_path).texts()
    assert texts[2:6] == [" dog", "s", " small", "er"]
    assert not is_word_like(texts[3])


def test_a_word_that_a_unigram_vocabulary_cannot_spell_has_no_tokens(tmp_path: Path) -> None:
    vocabulary = saved(unigram(), tmp_path)
    assert vocabulary.unknown == 0
    assert vocabulary.word_ids("大") == ()
    assert vocabulary.word_ids("dogs")


@pytest.mark.parametrize("decoder", [decoders.BPEDecoder(), decoders.CTC()])
def test_words_marked_at_their_end_are_refused(decoder: object, tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.decoder = decoder
    with pytest.raises(UnreadTokenizer, match="marks where words end and not where they begin"):
        saved(tokenizer, tmp_path).texts()


@pytest.mark.parametrize(
    ("kind", "control"),
    [("byte_level", "<|endoftext|>"), ("prepend", "<s>"), ("wordpiece", "[CLS]")],
)
def test_a_control_token_is_one_token_and_known_as_special(
    kind: str, control: str, tmp_path: Path
) -> None:
    vocabulary = saved(MAKERS[kind](), tmp_path)
    (token,) = [i for i in vocabulary.text_ids(control) if vocabulary.texts()[i] == control]
    assert token in vocabulary.special_ids
    assert all(vocabulary.texts()[i][0] in "<[" for i in vocabulary.special_ids)
    assert not is_word_like(control)


def test_rows_that_no_token_names_say_that_they_are_unused(tmp_path: Path) -> None:
    vocabulary = saved(byte_level(), tmp_path)
    size = len(vocabulary)
    texts = vocabulary.texts(size + 2)
    assert texts[size:] == [f"<unused {size}>", f"<unused {size + 1}>"]
    assert texts[:size] == vocabulary.texts()
    assert vocabulary.texts(10) == texts[:10]


def test_truncation_and_padding_of_the_tokenizer_are_off(tmp_path: Path) -> None:
    vocabulary = saved(byte_level(), tmp_path)
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
