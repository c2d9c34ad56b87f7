"""The check that tokens are read as what they say: what passes it, and what a build refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

import explorer
from conftest import Run, run_build
from families import make_model
from indexer.reading import require_read
from indexer.store.errors import UnreadTokenizer
from indexer.store.vocabulary import Vocabulary
from tiny_tokenizers import ALPHABET, MAKERS, byte_level, prepend


def checked(tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = Vocabulary(folder / "tokenizer.json")
    require_read(vocabulary, vocabulary.texts(), "tiny")


@pytest.mark.parametrize("kind", MAKERS)
def test_every_published_type_is_read(kind: str, tmp_path: Path) -> None:
    checked(MAKERS[kind](), tmp_path)


def _marked_otherwise() -> Tokenizer:
    """Words begin with `▁`, and nothing of the tokenizer says what that is."""
    tokenizer = prepend()
    tokenizer.decoder = decoders.Replace("_", " ")
    return tokenizer


def _punctuation_dropped() -> Tokenizer:
    """Punctuation is taken out of a text before it is cut."""
    tokenizer = byte_level()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("removed"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def _two_spaces_added() -> Tokenizer:
    """Every word is given two spaces, where one begins a word."""
    tokenizer = prepend()
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁▁"), normalizers.Replace(" ", "▁")]
    )
    return tokenizer


@pytest.mark.parametrize("make", [_marked_otherwise, _punctuation_dropped, _two_spaces_added])
def test_what_is_read_wrongly_is_told_in_one_line(
    make: Callable[[], Tokenizer], tmp_path: Path
) -> None:
    with pytest.raises(
        UnreadTokenizer, match=r"'tiny' (marks words|writes text) .* read as"
    ) as err:
        checked(make(), tmp_path)
    assert "\n" not in str(err.value)


@pytest.mark.parametrize("kind", ["prepend", "replace", "unigram", "wordpiece"])
def test_a_model_with_any_of_them_is_indexed_and_answers(kind: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama", tokenizer=MAKERS[kind]())
    run_build(model, tmp_path, "tiny", spaces="neuron")
    with explorer.open("tiny", tmp_path) as ix:
        for word in ("large", "small", "dog"):
            assert ix.neighbors(word, k=3).meta.resolved[0].item == f"␣{word}"
        first = ix.middleman("large", "small", k=1).rows[0]
        assert first.score > 0
        assert first.reads
        assert first.writes


def test_a_tokenizer_that_is_read_wrongly_is_an_error_of_the_build(
    run: Run, tmp_path: Path
) -> None:
    make_model(tmp_path / "model", "llama", tokenizer=_two_spaces_added())
    done = run("indexer", "build", "model", "--quiet")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "'model' marks words in a way that is not read" in line
    assert not (tmp_path / "indexes" / "model").exists()


def _without_words() -> Tokenizer:
    """A vocabulary of bytes and of pieces that begin no word."""
    tokenizer = byte_level()
    bytes_alone = {piece: i for i, piece in enumerate(["<|endoftext|>", *ALPHABET])}
    tokenizer.model = models.BPE(bytes_alone, [])
    return tokenizer


def test_a_vocabulary_without_words_is_indexed_only_when_told_to(run: Run, tmp_path: Path) -> None:
    make_model(tmp_path / "model", "llama", tokenizer=_without_words())
    build = ("indexer", "build", "model", "--quiet", "--words", "5", "--spaces", "context,neuron")
    done = run(*build)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "0 of the " in line
    assert "--allow-few-words" in line
    done = run(*build, "--allow-few-words")
    assert done.code == 0, done.err
