"""Words of which the tokenizer makes the same tokens: one point, indexed once, found by any."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, normalizers

import explorer
from conftest import Run
from explorer.errors import QueryError, UnknownWord
from explorer.unindexed import refuse
from families import make_model
from indexer.store.groups import example_groups
from indexer.store.read import Index
from indexer.store.vocabulary import Vocabulary
from indexer.words import choose
from tiny_tokenizers import byte_level

WORDS = ["Large", "large", "LARGE", "Great Dane", "small", "tall house"]


def in_lower_case() -> Tokenizer:
    """A tokenizer that tells no capitals, and has a token for every byte."""
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model `model`, the words file `words.txt` and no index yet."""
    folder = tmp_path_factory.mktemp("spellings")
    make_model(folder / "model", "llama", tokenizer=in_lower_case())
    (folder / "words.txt").write_text("\n".join(WORDS))
    return folder


@pytest.fixture(scope="module")
def indexes(root: Path) -> Path:
    """A folder with an index of those words."""
    from conftest import run_build

    run_build(root / "model", root / "built", "model", words=root / "words.txt")
    return root / "built"


def test_spellings_of_the_same_tokens_are_one_word(tmp_path: Path) -> None:
    in_lower_case().save(str(tmp_path / "tokenizer.json"))
    vocabulary = Vocabulary(tmp_path / "tokenizer.json")
    chosen = choose(WORDS, vocabulary, vocabulary.texts())
    assert len({choice.token_ids for choice in chosen}) == len(chosen)
    by_text = {choice.text: choice for choice in chosen}
    # By the spelling that its tokens say, where that was asked for; else by the first.
    assert set(by_text["large"].also) == {"Large", "LARGE"}
    assert by_text["large"].token_ids == vocabulary.word_ids("LARGE")
    assert by_text["Great Dane"].also == ()


@pytest.mark.slow
def test_as_many_words_are_indexed_as_were_asked_for(tmp_path: Path) -> None:
    in_lower_case().save(str(tmp_path / "tokenizer.json"))
    vocabulary = Vocabulary(tmp_path / "tokenizer.json")
    chosen = choose(300, vocabulary, vocabulary.texts())
    assert len(chosen) == 300
    assert len({choice.token_ids for choice in chosen}) == 300


def test_a_build_says_which_spellings_fell_together(run: Run, root: Path) -> None:
    done = run(
        "indexer", "build", root / "model", "--words", root / "words.txt",
        "--spaces", "embed",
    )  # fmt: skip
    assert done.code == 0, done.err
    said = [line for line in done.err.splitlines() if "spellings of the same tokens" in line]
    assert len(said) == 1
    assert "'large' ('Large', 'LARGE')" in said[0]


def test_every_spelling_finds_the_one_word(indexes: Path) -> None:
    with Index(indexes / "model") as index:
        rows = index.sql("SELECT text, also FROM word WHERE list_contains(also, 'LARGE')")
        assert rows == [("large", ["Large", "LARGE"])] or rows == [("large", ["LARGE", "Large"])]
        words = [index.words.by_text(text) for text in ("large", "Large", "LARGE")]
        assert len({word.id for word in words if word is not None}) == 1
        assert None not in words
        assert index.words.by_text("lARGE") is None
        assert index.words.by_tokens(index.vocabulary.word_ids("lARGE")) == words[0]


def test_no_word_is_there_twice(indexes: Path) -> None:
    with Index(indexes / "model") as index:
        (twice,) = index.sql(
            "SELECT count(*) FROM (SELECT 1 FROM word GROUP BY token_ids HAVING count(*) > 1)"
        )
        assert twice == (0,)
        members = index.sql("SELECT name, word FROM word_group")
        assert len(set(members)) == len(members)
        known = {text for (text,) in index.sql("SELECT text FROM word")}
        assert {word for _, word in members} <= known
        assert {name for name, _ in members} == set(example_groups())


@pytest.mark.parametrize("spelling", ["Large", "LARGE", "lARGE"])
def test_another_spelling_is_answered_as_the_word_without_the_model(
    spelling: str, indexes: Path
) -> None:
    with explorer.open("model", indexes) as plain:
        ix = explorer.Explorer(plain.index, encode=refuse)
        for space in ("embed", "context.2"):
            asked, own = (ix.neighbors(w, space=space, k=4) for w in (spelling, "large"))
            assert [row.item for row in asked.rows] == [row.item for row in own.rows]
            assert "large" not in {row.item.strip("␣") for row in asked.rows}
        assert ix.word(spelling).rows == ix.word("large").rows


def test_words_that_are_no_spelling_of_another_are_still_unknown(indexes: Path) -> None:
    with explorer.open("model", indexes) as ix:
        for unknown in ("Lagre", "lagre"):
            with pytest.raises(UnknownWord, match="did you mean"):
                ix.neighbors(unknown)


def test_a_group_is_the_same_in_any_spelling(indexes: Path) -> None:
    with explorer.open("model", indexes) as ix:
        one, other = (
            ix.congruence(*words, space="context.1", permutations=100)
            for words in (("large", "small", "paris"), ("lARGE", "SMALL", "Paris"))
        )
        assert [row.score for row in one.rows] == [row.score for row in other.rows]
        assert [row.p for row in one.rows] == [row.p for row in other.rows]


def test_a_group_holds_no_word_twice(indexes: Path) -> None:
    with explorer.open("model", indexes) as ix:
        for pair in (("large", "LARGE"), ("lARGE", "large")):
            with pytest.raises(QueryError, match=r"are the same tokens, one word to this model"):
                ix.congruence(*pair, "small", space="context.1")
