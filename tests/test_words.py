"""Which words are indexed, in which order, and how the prefix before them is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from wordfreq import zipf_frequency

from indexer.errors import BadWords
from indexer.store.groups import example_groups
from indexer.store.vocabulary import Vocabulary
from indexer.words import (
    PREFIX_SAMPLE,
    ChosenWord,
    choose,
    find_prefix,
    prefix_candidates,
    read_words,
    sink_flags,
    zipfs,
)

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def vocabulary(tiny_llama: Path) -> Vocabulary:
    return Vocabulary(tiny_llama / "tokenizer.json")


@pytest.fixture(scope="module")
def chosen(vocabulary: Vocabulary) -> list[ChosenWord]:
    return choose(1000, vocabulary, vocabulary.texts())


def group_words() -> set[str]:
    return {word for words in example_groups().values() for word in words}


def test_as_many_words_are_chosen_as_were_asked_for(chosen: list[ChosenWord]) -> None:
    assert len(chosen) == 1000
    assert len({choice.text for choice in chosen}) == 1000


def test_words_are_ordered_by_number_of_tokens_and_then_frequency(chosen: list[ChosenWord]) -> None:
    keys = [(len(c.token_ids), -c.zipf, c.token_ids) for c in chosen]
    assert keys == sorted(keys)
    assert len({len(c.token_ids) for c in chosen}) > 2


def test_the_most_frequent_words_are_chosen(chosen: list[ChosenWord]) -> None:
    texts = {choice.text for choice in chosen}
    assert {"of", "and", "people", "because"} <= texts
    outside = [c.zipf for c in chosen if c.text not in group_words()]
    assert min(outside) > 4


def test_the_words_of_the_groups_are_always_there(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    wanted = group_words()
    assert {"Great Dane", "Chihuahua", "Saint Bernard", "January", "large"} <= wanted
    assert wanted <= {choice.text for choice in chosen}
    for asked in (0, 5):
        assert {c.text for c in choose(asked, vocabulary, vocabulary.texts())} == wanted
    assert {c.text for c in choose(["zebra"], vocabulary, vocabulary.texts())} == {
        *wanted,
        "zebra",
    }


def test_capitals_are_kept_where_the_vocabulary_has_them(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    by_text = {choice.text: choice for choice in chosen}
    texts = vocabulary.texts()
    for word in ("Large", "large", "Dog", "dog"):
        (token,) = by_text[word].token_ids
        assert texts[token] == f" {word}"


def test_words_have_the_tokens_of_a_word_that_follows_others(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    texts = vocabulary.texts()
    for choice in chosen:
        if choice.text.isascii():
            assert "".join(texts[i] for i in choice.token_ids) == f" {choice.text}"


def test_a_list_of_words_is_taken_as_written(vocabulary: Vocabulary) -> None:
    chosen = choose(["tall house", "Tall House", "xyzzy"], vocabulary, vocabulary.texts())
    by_text = {choice.text: choice for choice in chosen}
    assert by_text["tall house"].token_ids == vocabulary.word_ids("tall house")
    assert by_text["Tall House"].token_ids != by_text["tall house"].token_ids
    assert by_text["xyzzy"].token_ids


def without_most_letters(folder: Path) -> Vocabulary:
    """A tokenizer with no bytes and no token for what it does not know: it drops it."""
    letters = ["Ġ", "d", "o", "g"]
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    return Vocabulary(folder / "tokenizer.json")


def test_a_word_that_the_tokenizer_drops_is_refused_by_name(tmp_path: Path) -> None:
    vocabulary = without_most_letters(tmp_path)
    assert choose(["dog"], vocabulary, vocabulary.texts())
    with pytest.raises(BadWords, match="no token of the word 'xyz'"):
        choose(["dog", "xyz"], vocabulary, vocabulary.texts())


@pytest.mark.slow
def test_no_word_without_a_token_is_chosen_by_frequency(tmp_path: Path) -> None:
    vocabulary = without_most_letters(tmp_path)
    for asked in (0, 3000):
        assert all(c.token_ids for c in choose(asked, vocabulary, vocabulary.texts()))


# -- words files --------------------------------------------------------------------------------


def words_file(folder: Path, content: bytes) -> Path:
    path = folder / "words.txt"
    path.write_bytes(content)
    return path


def test_a_words_file_holds_a_phrase_a_line(tmp_path: Path) -> None:
    content = "Great Dane\n\n  tall   house \ndog\nGreat Dane\n \t\nGröße".encode()
    assert read_words(words_file(tmp_path, content)) == ["Great Dane", "tall house", "dog", "Größe"]


def test_line_ends_of_windows_and_a_byte_order_mark_are_no_part_of_a_word(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfdog\r\nGreat Dane\r\n"
    assert read_words(words_file(tmp_path, content)) == ["dog", "Great Dane"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no words"),
        (b"\n \r\n\t\n", "holds no words"),
        (b"dog\ncat\nGr\xf6\xdfe\n", "not UTF-8: see line 3"),
        (b"dog\n\x00\x01\n", "line 2 holds a NUL byte"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "line 1 holds a NUL byte"),
    ],
)
def test_an_unreadable_words_file_is_refused_with_the_line(
    content: bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(BadWords, match=said) as caught:
        read_words(words_file(tmp_path, content))
    assert "words.txt" in str(caught.value)


def test_a_words_file_that_is_missing_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadWords, match="No such file"):
        read_words(tmp_path / "nothing.txt")
    with pytest.raises(BadWords, match="Is a directory"):
        read_words(tmp_path)


# -- the prefix ---------------------------------------------------------------------------------


class Norms:
    """Norms of last tokens as a model might give them: `sinks[text]` words are sinks after it."""

    def __init__(self, vocabulary: Vocabulary, sinks: dict[str, int]) -> None:
        self.by_ids = {vocabulary.text_ids(text): count for text, count in sinks.items()}
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, prefix: tuple[int, ...], words: Sequence[ChosenWord]) -> NDArray[np.float32]:
        self.asked.append(prefix)
        norms = np.random.default_rng(0).uniform(10, 20, (4, len(words))).astype(np.float32)
        norms[2, : self.by_ids[prefix]] = 24_000
        return norms


def test_the_first_candidate_without_sinks_is_taken(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    norms = Norms(vocabulary, {"<|start|>": 3, "<|endoftext|>": 0, "The": 0})
    candidates = ["<|start|>", "<|endoftext|>", "The"]
    found = find_prefix(chosen, candidates, vocabulary, norms, seed=0)
    assert (found.text, found.chosen) == ("<|endoftext|>", "auto")
    assert found.token_ids == vocabulary.text_ids("<|endoftext|>")
    assert len(found.token_ids) == 1
    assert found.tried == {"<|start|>": 3, "<|endoftext|>": 0}
    assert len(norms.asked) == 2
    assert (found.sample, found.sink_factor) == (PREFIX_SAMPLE, 5)


def test_where_every_candidate_leaves_sinks_the_one_with_fewest_is_taken(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    norms = Norms(vocabulary, {"<|start|>": 5, "\n": 2, "The": 2})
    found = find_prefix(chosen, ["<|start|>", "\n", "The"], vocabulary, norms, seed=0)
    assert found.text == "\n"
    assert found.tried == {"<|start|>": 5, "\n": 2, "The": 2}


def test_a_prefix_that_was_asked_for_is_taken_whatever_it_leaves(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    norms = Norms(vocabulary, {"": 7})
    found = find_prefix(chosen, [""], vocabulary, norms, seed=0, chosen="asked")
    assert (found.text, found.token_ids, found.chosen) == ("", (), "asked")
    assert found.tried == {"": 7}


def test_candidates_begin_with_the_tokenizers_named_control_tokens(vocabulary: Vocabulary) -> None:
    candidates = prefix_candidates(vocabulary, vocabulary.texts(), ["<|start|>"])
    assert candidates == ["<|start|>", "<|endoftext|>", "\n", "The"]


def test_the_sample_is_the_same_for_one_seed_and_another_for_another(
    chosen: list[ChosenWord], vocabulary: Vocabulary
) -> None:
    seen: list[tuple[str, ...]] = []

    def norms(_: tuple[int, ...], words: Sequence[ChosenWord]) -> NDArray[np.float32]:
        seen.append(tuple(word.text for word in words))
        return np.ones((1, len(words)), np.float32)

    for seed in (1, 1, 2):
        find_prefix(chosen, ["The"], vocabulary, norms, seed)
    assert seen[0] == seen[1] != seen[2]
    frequent = sorted(chosen, key=lambda c: -c.zipf)[: PREFIX_SAMPLE // 2 - 20]
    assert {c.text for c in frequent} <= set(seen[0]) & set(seen[2])
    lengths = [len(vocabulary.word_ids(word)) for word in seen[0]]
    assert lengths == sorted(lengths)


def test_a_sink_is_over_five_times_its_own_layers_median() -> None:
    norms = np.array([[1, 1, 1, 5.0, 5.1], [100, 100, 100, 100, 501]], np.float32)
    np.testing.assert_array_equal(
        sink_flags(norms), [[False, False, False, False, True], [False, False, False, False, True]]
    )
    assert not sink_flags(norms[:, :4]).any()


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    st.from_regex(r"[A-Za-z0-9']{1,6}|[a-z]{1,3}[0-9]{1,4}|[0-9]{1,4}(s|th|st)?", fullmatch=True)
)
def test_a_word_is_as_frequent_as_wordfreq_has_it(word: str) -> None:
    assert zipfs([word, "the"]) == [zipf_frequency(word, "en"), zipf_frequency("the", "en")]
