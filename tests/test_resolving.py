"""What a written word is taken to be: a token, a word, a mean of parts, or a run of the model."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from conftest import run_build
from explorer.api import Explorer
from explorer.errors import BadExpression, ModelUnavailable, QueryError, UnknownWord
from explorer.questions import Resolved
from explorer.unindexed import encode
from indexer.store.errors import MachineError
from indexer.store.read import open_index
from sealing import by_its_author

pytestmark = pytest.mark.native

UNINDEXED = "green mountain river"


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Path) -> Iterator[Explorer]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


def resolved(ix: Explorer, text: str, space: str = "embed", **options: Any) -> Resolved:
    (item,) = ix.neighbors(text, space, k=1, **options).meta.resolved
    return item


def token_texts(ix: Explorer, item: Resolved) -> list[str]:
    return [token.text for token in ix.index.tokens.by_id(item.token_ids)]


# -- spaces of tokens -----------------------------------------------------------------------


@pytest.mark.parametrize("word", ["large", "dog", "Paris"])
def test_a_bare_word_is_its_token_with_a_leading_space(real: Any, word: str) -> None:
    item = resolved(real, word)
    assert (item.item, item.tokens, item.note) == (f"␣{word}", (f"␣{word}",), "")
    assert token_texts(real, item) == [f" {word}"]


def test_a_word_that_no_token_begins_with_a_space_is_the_token_without_one(real: Any) -> None:
    item = resolved(real, "ahua")
    assert (item.item, token_texts(real, item)) == ("ahua", ["ahua"])


def test_a_bare_word_and_the_token_written_out_are_one_vector(real: Any) -> None:
    number = resolved(real, "large").token_ids[0]
    for text in ("␣large", 'token:" large"', f"#{number}", '"large"', "large@embed"):
        assert resolved(real, text).token_ids == (number,)
        assert np.array_equal(real.vector(text), real.vector("large"))
    assert resolved(real, 'token:"large"').token_ids != (number,)


def test_an_indexed_word_of_several_tokens_is_the_mean_of_its_parts(real: Any) -> None:
    item = resolved(real, "Great Dane")
    assert item.item == "Great Dane"
    assert item.tokens == ("␣Great", "␣D", "ane")
    assert item.note == "the mean of its 3 parts"
    parts = [real.vector(f"#{i}") for i in item.token_ids]
    assert np.allclose(real.vector("Great Dane"), np.mean(parts, axis=0))


def test_a_quoted_text_need_not_be_indexed(real: Any) -> None:
    with pytest.raises(UnknownWord, match="in double quotes"):
        real.neighbors("xqzzyqwk")
    item = resolved(real, '"xqzzyqwk"')
    assert len(item.tokens) > 1
    assert item.note == f"the mean of its {len(item.tokens)} parts"
    assert "".join(token_texts(real, item)) == " xqzzyqwk"


def test_a_phrase_that_is_not_indexed_is_the_mean_of_its_parts(real: Any) -> None:
    item = resolved(real, "purple king")
    assert (item.tokens, item.note) == (("␣purple", "␣king"), "the mean of its 2 parts")


def test_the_parts_of_a_query_are_left_out_of_its_answer(real: Any) -> None:
    items = [row.item for row in real.neighbors('"purple king"', k=20).rows]
    assert not {"␣purple", "␣king"} & set(items)
    kept = [row.item for row in real.neighbors('"purple king"', k=2, include_inputs=True).rows]
    assert {"␣purple", "␣king"} == set(kept)


def test_the_weight_as_asked_is_shown(real: Any) -> None:
    items = real.neighbors("0.5*dog - 2*cat", k=1).meta.resolved
    assert [(i.asked, i.weight) for i in items] == [("dog", 0.5), ("cat", -2.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lagre", r"no token ' lagre' and no indexed word 'lagre'; did you mean ' large'"),
        ("king-man+woman", "a sum has blanks around its operators"),
        ('token:"lagre"', r"no token 'lagre'; did you mean ' large'"),
        ("#49152", r"no token #49152: ids run from 0 to 49151"),
        ("L30N0.gate", r"its layers are 0 to 29; did you mean 'L29N0'"),
        ("L29N1536.gate", r"units of a layer run from 0 to 1535; did you mean 'L29N1535'"),
        ("dog@nowhere", r"no space 'nowhere'"),
        ("dog@neuron.gate", r"holds no words; a neuron is written L29N112\.out"),
        ("L1N2.gate@embed", r"leave out @embed"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(real: Any, text: str, said: str) -> None:
    with pytest.raises(Exception, match=said):
        real.neighbors(text)


def test_a_side_that_the_model_lacks_is_named_with_those_it_has(tiny_indexes: Path) -> None:
    with explorer.open("gpt2", tiny_indexes) as ix:
        with pytest.raises(QueryError, match=r"no side 'up' \(there are: in, out\)"):
            ix.neighbors("L0N1.up")
        with pytest.raises(QueryError, match="no side 'up'"):
            ix.middleman("dog", side="up")


# -- spaces of words ------------------------------------------------------------------------


def test_a_context_space_takes_the_indexed_word(real: Any) -> None:
    item = resolved(real, "Great Dane", "context.12")
    assert (item.item, item.space, item.note) == ("Great Dane", "context.12", "")
    assert item.tokens == ("␣Great", "␣D", "ane")
    word = real.index.words.by_text("Great Dane")
    stored = real.index.space("context.12").vector(word.id)
    assert np.array_equal(real.vector("Great Dane", "context.12"), stored)


def test_a_word_keeps_the_space_it_names_wherever_it_is_asked(real: Any) -> None:
    for space in ("embed", "context.3", "neuron.out"):
        item = resolved(real, "dog@context.12", space)
        assert (item.asked, item.space) == ("dog@context.12", "context.12")
        there = real.vector("dog", "context.12")
        assert np.array_equal(real.vector("dog@context.12", space), there)


def test_a_token_with_a_leading_space_is_the_word_in_a_context_space(real: Any) -> None:
    assert resolved(real, "␣dog", "context.12").item == "dog"
    with pytest.raises(QueryError, match="has no leading space"):
        real.neighbors('token:"dog"', "context.12")


def test_a_sink_is_marked_where_it_is_one(tiny_indexes: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_indexes / "llama", tmp_path / "llama")
    by_its_author(
        tmp_path / "llama",
        "UPDATE word SET sink = [false, false, true, false] WHERE text = 'Great Dane'",
    )
    with explorer.open("llama", tmp_path) as ix:
        assert "attention sink in context.2" in resolved(ix, "Great Dane", "context.2").note
        assert resolved(ix, "Great Dane", "context.1").note == ""
        assert resolved(ix, "dog", "context.2").note == ""


# -- text that is not indexed ---------------------------------------------------------------


@pytest.fixture(scope="module")
def asked_of_the_model(tiny_indexes: Path) -> Iterator[tuple[Explorer, list[str]]]:
    """An index that the model has been run for once, and what was announced."""
    said: list[str] = []
    with Explorer(open_index("llama", tiny_indexes), said.append) as ix:
        ix.neighbors(UNINDEXED, "context.2", k=1)
        yield ix, said


def test_a_text_that_is_not_indexed_gets_the_vectors_that_indexing_gives_it(
    asked_of_the_model: tuple[Explorer, list[str]], tiny_llama: Path, tmp_path: Path
) -> None:
    ix, _ = asked_of_the_model
    words = tmp_path / "words.txt"
    words.write_text(f"{UNINDEXED}\n")
    run_build(tiny_llama, tmp_path / "indexes", "with", words=words)
    with explorer.open("with", tmp_path / "indexes") as other:
        # The prefix is found on the words of the index, so it must be the same to compare.
        assert other.manifest.prefix.token_ids == ix.manifest.prefix.token_ids
        for layer in range(4):
            ours = ix.vector(UNINDEXED, f"context.{layer}")
            theirs = other.vector(UNINDEXED, f"context.{layer}")
            assert np.linalg.norm(ours - theirs) <= 1e-5 * np.linalg.norm(theirs)
        mine = [row.item for row in ix.neighbors(UNINDEXED, "context.3", k=5).rows]
        assert mine == [row.item for row in other.neighbors(UNINDEXED, "context.3", k=5).rows]


def test_the_answer_says_that_the_model_was_run(
    asked_of_the_model: tuple[Explorer, list[str]],
) -> None:
    ix, _ = asked_of_the_model
    item = resolved(ix, UNINDEXED, "context.2")
    assert item.note == "not indexed: the model was run on it"
    assert item.tokens == ("␣green", "␣mountain", "␣river")
    said = " ".join(str(ix.neighbors(UNINDEXED, "context.1")).split())
    assert "not indexed: the model was run on it" in said


def test_the_model_is_run_once_for_all_layers_and_that_is_announced(
    asked_of_the_model: tuple[Explorer, list[str]],
) -> None:
    ix, said = asked_of_the_model
    ix.analogy_layers(UNINDEXED, target="dog")
    (line,) = said
    assert line.startswith(f"{UNINDEXED!r} is not indexed")
    assert line.endswith("running the model on it")


def test_embed_needs_no_model_for_a_text_that_is_not_indexed(
    tiny: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    assert resolved(tiny, '"mountain river green"').note == "the mean of its 3 parts"


def test_where_no_model_can_be_run_the_error_says_what_to_install(
    tiny: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(ModelUnavailable) as caught:
        tiny.neighbors("river river", "context.2")
    assert "'river river' is not indexed" in str(caught.value)
    assert "torch and transformers" in str(caught.value)
    assert "pip install 'semantic-explorer[index]'" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_model_whose_weights_changed_is_not_run(
    tiny_indexes: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_llama, model)
    run_build(model, tmp_path / "indexes", "moved")
    (weights,) = model.glob("*.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with (
        explorer.open("moved", tmp_path / "indexes") as ix,
        pytest.raises(MachineError, match="have changed since the index"),
    ):
        ix.neighbors(UNINDEXED, "context.2")


# -- distinct forms -------------------------------------------------------------------------


def test_forms_that_differ_in_case_or_leading_space_are_one_row(real: Any) -> None:
    rows = real.neighbors("king", k=10, distinct=True).rows
    folded = [row.text.strip().casefold() for row in rows]
    assert len(set(folded)) == 10
    (queen,) = [row for row in rows if row.item == "␣queen"]
    assert set(queen.forms) <= {"␣Queen", "Queen", "queen"}
    assert queen.forms
    for row in rows:
        forms = {form.strip("␣").casefold() for form in (row.item, *row.forms)}
        assert len(forms) == 1


def test_the_query_s_own_forms_are_left_out_of_distinct_rows_only(real: Any) -> None:
    folded = [
        row.text.strip().casefold() for row in real.neighbors("dog", k=20, distinct=True).rows
    ]
    assert "dog" not in folded
    each = [row.item for row in real.neighbors("dog", k=20).rows]
    assert "␣Dog" in each
    assert "␣dog" not in each
    included = real.neighbors("dog", k=20, distinct=True, include_inputs=True).rows[0]
    assert included.item == "␣dog"
    assert "␣Dog" in included.forms


@pytest.mark.parametrize("k", [1, 10, 300])
def test_folding_forms_gives_as_many_rows_in_the_order_of_the_best_of_each(
    real: Any, k: int
) -> None:
    rows = real.neighbors("king", k=k, distinct=True).rows
    assert [row.rank for row in rows] == list(range(1, k + 1))
    expected: list[str] = []
    for row in real.neighbors("king", k=5000).rows:
        key = row.text.strip().casefold()
        if key != "king" and key not in expected:
            expected.append(key)
    assert [row.text.strip().casefold() for row in rows] == expected[:k]


def test_each_form_is_shown_where_they_are_not_folded(real: Any) -> None:
    rows = real.neighbors("king", k=40).rows
    assert all(row.forms == () for row in rows)
    assert {"␣queen", "␣Queen"} <= {row.item for row in rows}


def test_neurons_have_no_forms_to_fold(real: Any) -> None:
    folded = real.neighbors("dog", "neuron.out", k=5, distinct=True)
    assert folded.rows == real.neighbors("dog", "neuron.out", k=5).rows


def test_what_is_no_text_is_refused_from_python_too(tiny: Explorer) -> None:
    with pytest.raises(BadExpression, match="not UTF-8"):
        tiny.neighbors("dog\udcff")


def test_several_texts_that_are_not_indexed_are_run_in_one_process(
    tiny_indexes: Path,
) -> None:
    asked: list[list[str]] = []

    def counted(folder: Path, words: Sequence[str]) -> NDArray[np.float32]:
        asked.append(list(words))
        return encode(folder, words)

    with Explorer(open_index("llama", tiny_indexes), encode=counted) as ix:
        together = ix.analogy(
            "mountain dog + river tiny", target="house blue", space="context.2", k=3
        )
        assert asked == [["mountain dog", "river tiny", "house blue"]]
        alone = explorer.open("llama", tiny_indexes).vector("river tiny", "context.2")
        np.testing.assert_allclose(ix.vector("river tiny", "context.2"), alone, rtol=1e-5)
    assert all("not indexed" in item.note for item in together.meta.resolved)
