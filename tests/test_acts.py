"""The sign a gated neuron acts with: as recorded, as estimated, and in every way of asking."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import explorer
from conftest import run_build
from explorer.questions import Acts, MiddleMan
from explorer.show.formats import render
from explorer.views import detail
from families import make_model
from indexer.model import load
from indexer.source import locate
from indexer.store.errors import DamagedIndex
from indexer.store.layout import NEGATIVE, ZERO
from indexer.store.read import Index
from indexer.store.verify import verify

Float64 = NDArray[np.float64]

UNITS = 38
EVERY = 3 * UNITS
PHRASE = '"tall small dog"'
"""Three tokens that are no indexed word."""


@pytest.fixture(scope="module")
def llama(tiny_indexes: Path) -> Any:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


@pytest.fixture(scope="module")
def own(tiny_llama: Path) -> Any:
    """The model itself, loaded in float32."""
    return load(locate(str(tiny_llama)), with_tokenizer=False)


def activations(model: Any, ix: Any, word: str) -> Float64:
    """Every neuron's activation at a word's last token, the model run with hooks of our own."""
    ids = [*ix.manifest.prefix.token_ids, *ix.index.words.by_text(word).token_ids]
    seen: list[Float64] = []
    hooks = [
        layer.mlp.down_proj.register_forward_pre_hook(
            lambda _, args: seen.append(args[0][0, -1].double().numpy())
        )
        for layer in model.base.layers
    ]
    with torch.no_grad():
        model.base(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    return np.concatenate(seen)


def row_of(row: Any) -> int:
    return int(row.layer * UNITS + row.unit)


def test_a_words_signs_are_those_of_its_own_forward_pass(llama: Any, own: Any) -> None:
    for words in (("large", "tall"), ("Great Dane", "dog")):
        for side in ("gate", "up", "out"):
            rows = llama.middleman(*words, side=side, k=EVERY).rows
            for word in words:
                fires = activations(own, llama, word)
                for row in rows:
                    assert row.acts[word].source == "recorded"
                    assert row.acts[word].sign == np.sign(fires[row_of(row)])


def test_what_fires_at_all_words_has_its_signs_too(llama: Any, own: Any) -> None:
    rows = llama.middleman("large", "tall", by="activations", k=EVERY).rows
    assert rows
    for word in ("large", "tall"):
        fires = activations(own, llama, word)
        assert [row.acts[word] for row in rows] == [
            Acts(int(np.sign(fires[row_of(row)])), "recorded") for row in rows
        ]


@pytest.mark.parametrize("word", [PHRASE, "#7"])
def test_where_no_word_was_run_the_signs_are_those_of_gate_and_up(
    llama: Any, own: Any, word: str
) -> None:
    embed = llama.index.space("embed")
    (item,) = llama.middleman(word, k=1).meta.resolved
    vector = np.mean([embed.vector(i) for i in item.token_ids], axis=0)
    expected = []
    for layer, block in enumerate(own.blocks):
        gain = block.post_attention_layernorm.weight.detach().double().numpy()
        gate, up = (own.matrix(layer, s).double().numpy() * gain @ vector for s in ("gate", "up"))
        silu = gate / (1 + np.exp(-gate))
        expected.append(np.sign(silu * up))
    signs = np.concatenate(expected)
    for row in llama.middleman(word, k=EVERY).rows:
        assert row.acts == {word.strip(): Acts(int(signs[row_of(row)]), "weights")}


def test_a_token_that_is_spelled_like_an_indexed_word_is_not_taken_for_it(llama: Any) -> None:
    index = llama.index
    bare = index.sql(
        "SELECT t.id, w.text FROM token t JOIN word w ON w.text = t.text "
        "WHERE list_value(t.id) <> w.token_ids LIMIT 1"
    )
    assert bare
    (token, _), *_ = bare
    row = llama.middleman(f"#{token}", k=1).rows[0]
    assert row.acts[f"#{token}"].source == "weights"


def turned(model: Any) -> None:
    """Negate up and out of every other neuron: the model is the same."""
    for layer in model.model.layers:
        layer.mlp.up_proj.weight[::2] *= -1
        layer.mlp.down_proj.weight[:, ::2] *= -1


def test_a_neuron_turned_around_acts_with_the_other_sign_and_writes_the_same(
    llama: Any, tmp_path: Path
) -> None:
    run_build(make_model(tmp_path / "turned", "llama", turned), tmp_path, "other")
    with explorer.open("other", tmp_path) as other:
        for words in (("large", "tall"), (PHRASE, "dog")):
            rows = {row.neuron: row for row in llama.middleman(*words, k=EVERY).rows}
            assert len(rows) == EVERY
            for row in other.middleman(*words, k=EVERY).rows:
                before = rows[row.neuron]
                assert row.score == pytest.approx(before.score, abs=1e-5)
                turn = -1 if row.unit % 2 == 0 else 1
                one, two = (ix.vector(f"{row.neuron}.out") for ix in (llama, other))
                np.testing.assert_allclose(two, turn * one, atol=1e-7)
                for word in words:
                    assert row.acts[word].source == before.acts[word].source
                    # So sign times what is written is what it was.
                    assert row.acts[word].sign == turn * before.acts[word].sign


def test_only_up_and_out_have_a_cosine_whose_sign_is_the_neurons_own(
    llama: Any, tmp_path: Path
) -> None:
    run_build(make_model(tmp_path / "turned", "llama", turned), tmp_path, "other")
    with explorer.open("other", tmp_path) as other:
        before, after = (ix.neuron("L1N8").meta for ix in (llama, other))
    for pair, turn in (("up.out", 1), ("gate.up", -1), ("gate.out", -1)):
        assert after.cosines[pair] == pytest.approx(turn * before.cosines[pair], abs=1e-6)
    assert any("only the sign of up.out" in note for note in before.notes)
    assert after.activation["mean"] == pytest.approx(-before.activation["mean"], rel=1e-4)


def test_where_no_neuron_has_a_gate_there_are_no_signs(tiny_indexes: Path) -> None:
    with explorer.open("gpt2", tiny_indexes) as ix:
        answer = ix.middleman("large", "tall", k=5)
        assert [row.acts for row in answer.rows] == [{}] * 5
        assert "acts" not in str(answer)
        assert not any(NEGATIVE in name for name in ix.manifest.files)
        assert ix.index.activations.signs(0) is None
        assert answer.to_pandas()["acts.large.sign"].isna().all()


# -- functions that give 0 ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def relu(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("relu")
    run_build(make_model(root / "relu", "llama", config={"hidden_act": "relu"}), root, "zeros")
    with explorer.open("zeros", root) as ix:
        yield ix


def test_a_neuron_that_writes_nothing_has_the_sign_0(relu: Any) -> None:
    assert ZERO in relu.manifest.files
    assert relu.manifest.model.activation_signs == "0+"
    model = load(locate(relu.manifest.model.source), with_tokenizer=False)
    fires = activations(model, relu, "large")
    signs = relu.index.activations.signs(relu.index.words.by_text("large").id)
    np.testing.assert_array_equal(signs, np.sign(fires))
    assert set(signs.tolist()) == {-1, 0, 1}
    estimated = {row.acts[PHRASE].sign for row in relu.middleman(PHRASE, k=EVERY).rows}
    assert estimated == {-1, 0, 1}


def test_where_nothing_is_ever_0_no_file_says_so(llama: Any) -> None:
    assert NEGATIVE in llama.manifest.files
    assert ZERO not in llama.manifest.files
    assert not (llama.index.folder / ZERO).exists()


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("silu", "-+"),
        ("gelu", "-+"),
        ("gelu_pytorch_tanh", "-+"),
        ("quick_gelu", "-+"),
        ("relu", "0+"),
        ("relu2", "0+"),
        ("sigmoid", "++"),
        ("tanh", "-+"),
    ],
)
def test_the_signs_of_a_function_are_found_by_trying_it(
    own: Any, monkeypatch: pytest.MonkeyPatch, name: str, signs: str
) -> None:
    monkeypatch.setattr(own.config, "hidden_act", name)
    assert own.activation_signs == signs


# -- the file -------------------------------------------------------------------------------------


def test_the_bits_are_read_with_numpy_alone(llama: Any) -> None:
    folder, words = llama.index.folder, llama.manifest.words
    packed = np.fromfile(folder / NEGATIVE, np.uint8).reshape(words, -1)
    below = np.unpackbits(packed, axis=1, count=EVERY)
    for word in (0, words // 2, words - 1):
        np.testing.assert_array_equal(below[word] == 1, llama.index.activations.signs(word) == -1)


@pytest.mark.parametrize("size", [0, 100])
def test_a_file_that_is_cut_short_is_told(llama: Any, tmp_path: Path, size: int) -> None:
    import shutil

    folder = tmp_path / "llama"
    shutil.copytree(llama.index.folder, folder)
    with (folder / NEGATIVE).open("r+b") as file:
        file.truncate(size)
    assert verify(folder)[0].startswith(f"{NEGATIVE}: {size} bytes")
    with Index(folder) as index, pytest.raises(DamagedIndex, match=f"{NEGATIVE} has {size} bytes"):
        index.activations.signs(3)
    (folder / NEGATIVE).unlink()
    with Index(folder) as index, pytest.raises(DamagedIndex, match=NEGATIVE):
        index.activations.signs(3)


# -- every face -----------------------------------------------------------------------------------


def as_shown(row: MiddleMan) -> str:
    marks = {1: "+", 0: "0", -1: "-"}
    return " ".join(
        ("~" if one.source == "weights" else "") + marks[one.sign] for one in row.acts.values()
    )


def test_every_way_of_asking_says_the_signs(llama: Any) -> None:
    answer = llama.middleman("large", PHRASE, k=6)
    shown = [as_shown(row) for row in answer.rows]
    assert any("~" in one for one in shown)
    column = next(c for c in answer.layout().columns if c.name == "acts")
    assert [column.cell(row) for row in answer.rows] == shown
    assert "acts with ~: not recorded, the sign of silu(gate.w) (up.w)" in answer.meta.notes[-1]
    for form in ("table", "markdown", "html"):
        assert all(one in render(answer, form, 400).replace("\\", "") for one in shown)

    kept = [{word: vars(one) for word, one in row.acts.items()} for row in answer.rows]
    assert [row["acts"] for row in answer.to_dicts()] == kept
    lines = list(csv.DictReader(io.StringIO(render(answer, "csv"))))
    for table in (lines, answer.to_pandas().to_dict("records"), answer.to_polars().to_dicts()):
        for row, one in zip(table, kept, strict=True):
            for word in ("large", PHRASE):
                assert int(row[f"acts.{word}.sign"]) == one[word]["sign"]
                assert row[f"acts.{word}.source"] == one[word]["source"]
    found = llama.sql("FROM middleman($words, k := 6)", {"words": ["large", PHRASE]})
    assert [row["acts"] for row in found.rows] == kept


def test_a_row_shown_at_length_says_them_too(llama: Any) -> None:
    answer = llama.middleman("large", "tall", k=3)
    for row in answer.rows:
        said = detail.row_detail(answer, answer.layout(), row, llama.manifest)
        lines = {line.name: line.value for line in said.lines}
        assert lines["acts"] == as_shown(row)
        written = [link.label for what, link in said.links if what == "writes"]
        told = {row.neuron, *row.reads}  # each name stands there once
        assert written == [name for name in dict.fromkeys(row.writes) if name not in told]


def test_what_a_neuron_fires_at_is_told_with_what_it_is_multiplied_by(llama: Any) -> None:
    answer = llama.neuron("L1N7", k=5)
    kept = llama.index.activations.of_neuron(llama.index.neurons.at(1, 7).id)
    words = [row for row in answer.rows if row.kind == "word"]
    assert [row.activation for row in words] == [
        one.activation for one in kept if abs(one.rank) <= 5
    ]
    assert all(row.activation is None for row in answer.rows if row.kind != "word")
    column = next(c for c in answer.layout().columns if c.name == "activation")
    assert [column.cell(row)[0] for row in words] == [
        "+" if row.activation > 0 else "-" for row in words
    ]
    near = llama.neighbors("L1N7.out", space="neuron.out", k=1, include_inputs=True)
    row = detail.row_detail(near, near.layout(), near.rows[0], llama.manifest)
    found = detail.full_detail(llama, near, row)
    said = [(what, link.label) for what, link in found.links if what.startswith("fires at")]
    strongest = max(words, key=lambda row: abs(row.score))
    assert said[0] == (f"fires at, {strongest.activation:+.2f}", strongest.item)


def test_what_a_word_fires_is_told_with_its_sign(llama: Any) -> None:
    answer = llama.word("large", k=8)
    column = next(c for c in answer.layout().columns if c.name == "activation")
    cells = [column.cell(row) for row in answer.rows]
    assert {cell[0] for cell in cells} == {"+", "-"}
    assert [float(cell) for cell in cells] == [round(row.activation, 3) for row in answer.rows]
    assert "below 0 it adds the column turned around" in answer.meta.notes[-1]
