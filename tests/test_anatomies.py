"""Questions to indexes of other anatomies: experts, encoders, heads, and spaces left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer
from conftest import Run, run_build
from explorer.errors import QueryError, UnknownWord
from families import make_model
from indexer.errors import BadWords
from indexer.store.errors import SemanticError, UnknownName, UnknownSpace

BUILDS: dict[str, dict[str, Any]] = {
    "qwen3_moe": {},
    "bert": {},
    "gpt2": {"spaces": "embed,head"},
    "llama": {"spaces": "embed"},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anatomies")
    for name, options in BUILDS.items():
        model = make_model(folder / "models" / name, name)
        run_build(model, folder / "indexes", name, words=40, **options)
    return folder / "indexes"


@pytest.fixture(scope="module")
def experts(root: Path) -> Iterator[Any]:
    with explorer.open("qwen3_moe", root) as ix:
        yield ix


@pytest.fixture(scope="module")
def encoder(root: Path) -> Iterator[Any]:
    with explorer.open("bert", root) as ix:
        yield ix


# -- experts ------------------------------------------------------------------------------------


def test_a_middle_man_may_be_any_experts_neuron(experts: Any) -> None:
    index = experts.index
    every = experts.middleman("dog", "cat", side="out", k=index.neuron_grid.rows).rows
    space, embed = index.space("neuron.out"), index.space("embed")
    rows = space.rows.block(0, space.entry.rows).astype(float) * space.norms[:, None]
    scores = []
    for word in (" dog", " cat"):
        vector = embed.vector(index.tokens.by_text(word).id) - embed.mean
        deviation = np.sqrt(np.einsum("ij,jk,ik->i", rows, embed.covariance, rows))
        scores.append(rows @ vector / deviation)
    least = np.minimum(*scores)
    names = [row[0] for row in index.sql("SELECT name FROM neuron ORDER BY id")]
    assert [row.neuron for row in every] == [names[i] for i in np.argsort(-least)]
    np.testing.assert_allclose([row.score for row in every], np.sort(-least) * -1, atol=1e-4)
    for row in every:
        label = "" if row.expert is None else f"E{row.expert}"
        assert row.neuron == f"L{row.layer}{label}N{row.unit}"
        assert (row.expert is None) == (row.layer == 1)


def test_the_best_of_each_layer_are_of_that_layer_with_all_its_experts(experts: Any) -> None:
    rows = experts.middleman("dog", "cat", per_layer=30).rows
    assert [row.layer for row in rows] == [0] * 30 + [1] * 30 + [2] * 30
    assert {row.expert for row in rows if row.layer == 2} == set(range(5))
    with pytest.raises(QueryError, match="a layer has 1 to 38 neurons"):
        experts.middleman("dog", "cat", per_layer=39)
    only = experts.middleman("dog", "cat", layers="1-2", k=50).rows
    assert {row.layer for row in only} == {1, 2}


def test_an_experts_neuron_is_asked_for_by_its_name(experts: Any) -> None:
    assert experts.neuron("L0E3N2").query.neuron == "L0E3N2"
    assert experts.neuron("l2e4n21.out").query.neuron == "L2E4N21"
    found = experts.neighbors("L0E3N2.out", space="neuron.out", k=3)
    assert found.meta.resolved[0].item == "L0E3N2.out"
    assert "L0E3N2" not in [row.item for row in found.rows]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("L0N2", "layer 0 has experts 0 to 4; did you mean 'L0E0N2'"),
        ("L0E5N2", "layer 0 has experts 0 to 4; did you mean 'L0E4N2'"),
        ("L1E0N2", "layer 1 has no experts; did you mean 'L1N2'"),
        ("L0E1N22", "units of a layer run from 0 to 21; did you mean 'L0E1N21'"),
        ("L7E1N2", "its layers are 0 to 2; did you mean 'L2E1N2'"),
    ],
)
def test_a_neuron_that_is_not_there_is_told_what_is(name: str, message: str, experts: Any) -> None:
    with pytest.raises(UnknownName, match=message):
        experts.neuron(name)


# -- heads --------------------------------------------------------------------------------------


def test_a_head_dimension_is_an_item_like_any_other(experts: Any) -> None:
    index = experts.index
    space = index.space("head.output")
    rows = space.rows.block(0, space.entry.rows).astype(float)
    row = index.head_grid.row(1, 2, 3, "")
    found = experts.neighbors("L1H2D3.output", space="head.output", k=5)
    order = [i for i in np.argsort(-(rows @ rows[row])) if i != row][:5]
    assert [r.item for r in found.rows] == [index.head_grid.name(i) for i in order]
    both = experts.neighbors("L1H2D3.value + 0.5*dog", space="embed", k=3)
    assert [r.space for r in both.meta.resolved] == ["head.value", "embed"]
    assert "all head dimensions of head.output" in str(found)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("L1H2D3", "which side of L1H2D3\\? Write L1H2D3.value, L1H2D3.output"),
        ("L1H2D3.out", "no side 'out' of L1H2D3"),
        ("L1H4D3.value", "heads of a layer run from 0 to 3"),
        ("L1H2D10.value", "dimensions of a head run from 0 to 9"),
        ("L3H2D1.value", "its layers are 0 to 2"),
        ("L1H2D3.value@embed", "a head dimension's side is its own space"),
    ],
)
def test_a_head_dimension_that_is_not_there_is_told_what_is(
    expression: str, message: str, experts: Any
) -> None:
    with pytest.raises(SemanticError, match=message):
        experts.neighbors(expression)


# -- encoders -----------------------------------------------------------------------------------


def test_an_encoders_words_are_asked_like_any_others(encoder: Any) -> None:
    found = encoder.neighbors("puppy + dog", space="context.2", k=4)
    assert len(found.rows) == 4
    assert not {"puppy", "dog"} & {row.text for row in found.rows}
    assert encoder.neighbors("dog", space="embed", k=1).meta.resolved[0].tokens == ("␣dog",)


def test_a_word_that_is_not_indexed_is_run_with_the_special_tokens_in_place(
    encoder: Any,
) -> None:
    from indexer.model import load
    from indexer.source import locate

    manifest = encoder.index.manifest
    found = encoder.neighbors('"large dog house"', space="context.3", k=3)
    assert "the model was run on it" in found.meta.resolved[0].note
    model = load(locate(manifest.model.source), with_tokenizer=False).module
    ids = [2, *found.meta.resolved[0].token_ids, 3]
    import torch

    with torch.no_grad():
        own = model(torch.tensor([ids])).last_hidden_state[0, -2].double().numpy()
    space = encoder.index.space("context.3")
    rows = space.rows.block(0, space.entry.rows) * space.norms[:, None] - space.mean
    query = own - space.mean
    scores = rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)
    best = encoder.index.words.by_id([int(i) for i in np.argsort(-scores)[:3]])
    assert [row.text for row in found.rows] == [word.text for word in best]


def test_a_word_the_tokenizer_has_no_tokens_for_is_refused(encoder: Any, tmp_path: Path) -> None:
    for space in ("embed", "context.2"):
        with pytest.raises(UnknownWord, match="no tokens for 'zebra'"):
            encoder.neighbors('"zebra"', space=space)
    indexed = {row[0] for row in encoder.index.sql("SELECT text FROM word")}
    assert "dog" in indexed
    assert "May" not in indexed  # of the example groups, and unknown to this vocabulary
    words = tmp_path / "words.txt"
    words.write_text("dog\nzebra\n")
    model = Path(encoder.index.manifest.model.source)
    with pytest.raises(BadWords, match="no token of the word 'zebra'"):
        run_build(model, tmp_path / "indexes", "a", words=words)


# -- spaces left out ------------------------------------------------------------------------------


def test_an_index_holds_the_spaces_that_were_asked_for(root: Path) -> None:
    with explorer.open("gpt2", root) as ix:
        assert ix.index.space_names == ["embed", "head.value", "head.output"]
        assert len(ix.neighbors("L0H1D2.value", k=2).rows) == 2
    with explorer.open("llama", root) as ix:
        assert ix.index.space_names == ["embed", "unembed"]
        assert len(ix.neighbors("dog + small", k=2).rows) == 2
        assert [row.space for row in ix.analogy_layers("dog + small", "cat").rows] == ["embed"]


@pytest.mark.parametrize(
    ("name", "ask", "message"),
    [
        ("llama", lambda ix: ix.middleman("dog"), "holds no neurons; .* --spaces embed,neuron"),
        ("llama", lambda ix: ix.neuron("L0N1"), "holds no neurons"),
        ("llama", lambda ix: ix.neighbors("L0N1.out"), "holds no neurons"),
        ("llama", lambda ix: ix.neighbors("L0H1D2.value"), "holds no heads; .* embed,head"),
        ("gpt2", lambda ix: ix.neighbors("dog", space="context.1"), "no space 'context.1'"),
        ("gpt2", lambda ix: ix.neighbors("dog", space="neuron.in"), "no space 'neuron.in'"),
    ],
)
def test_what_was_left_out_is_said_in_one_line(
    name: str, ask: Any, message: str, root: Path
) -> None:
    with explorer.open(name, root) as ix, pytest.raises(UnknownSpace, match=message):
        ask(ix)


def test_list_and_show_say_what_is_not_there(root: Path, run: Run) -> None:
    listed = run("indexer", "list", "--indexes", str(root)).out
    assert "Llama, 3 layers, d_model 24, " in listed
    assert "3 layers of 5 experts of 22 neurons or 38 neurons, " in listed
    shown = run("indexer", "show", "llama", "--indexes", str(root)).out
    assert "prefix" not in shown
    assert "run in" not in shown
    assert "then [3] after every word" in run("indexer", "show", "bert", "--indexes", str(root)).out
    for name in BUILDS:
        assert run("indexer", "verify", name, "--indexes", str(root)).code == 0


def test_a_kind_of_space_that_does_not_exist_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("indexer", "build", "smollm2", "--spaces", "embed,neurons")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no kind of space 'neurons'; did you mean 'neuron'?" in done.err
    assert not (tmp_path / "indexes").exists()
