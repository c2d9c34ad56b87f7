"""What fires at a word, and at several, against the model run with hooks of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from conftest import Run, run_build
from explorer.errors import QueryError
from indexer.store.errors import SemanticError, UnknownSpace

Float64 = NDArray[np.float64]
Levels = Callable[[str], Float64]


@pytest.fixture(scope="module")
def levels(real: Any, real_model: Any) -> Levels:
    """z of every neuron's activation at a word's last token, the model run on prefix and word."""
    import torch

    mean, deviation = np.array(
        real.index.sql("SELECT activation_mean, activation_std FROM neuron ORDER BY id")
    ).T

    def of(word: str) -> Float64:
        ids = [*real.manifest.prefix.token_ids, *real.index.words.by_text(word).token_ids]
        seen: list[Float64] = []
        hooks = [
            layer.mlp.down_proj.register_forward_pre_hook(
                lambda _, args: seen.append(args[0][0, -1].double().numpy())
            )
            for layer in real_model.base.layers
        ]
        with torch.no_grad():
            real_model.base(torch.tensor([ids]))
        for hook in hooks:
            hook.remove()
        return (np.concatenate(seen) - mean) / deviation

    return of


def test_a_words_neurons_are_those_that_fire_most_strongly_at_it(real: Any, levels: Levels) -> None:
    for word in ("large", "tall", "Chihuahua"):
        report = real.word(word, k=64)
        own = levels(word)
        assert [row.rank for row in report.rows] == list(range(1, 65))
        np.testing.assert_allclose(
            [abs(row.z) for row in report.rows], np.sort(np.abs(own))[::-1][:64], rtol=1e-3
        )
        for row in report.rows:
            at = real.index.neurons.at(row.layer, row.unit).id
            assert row.neuron == f"L{row.layer}N{row.unit}"
            np.testing.assert_allclose(row.z, own[at], rtol=1e-3)
    assert any(row.z < 0 for row in report.rows)
    assert any(row.z > 0 for row in report.rows)


def test_a_word_says_what_it_is(real: Any) -> None:
    meta = real.word("large", k=1).meta
    assert meta.resolved[0].tokens == ("␣large",)
    assert "size" in meta.groups
    assert 5 < meta.zipf < 6
    assert meta.sinks == ()
    assert f"{real.manifest.words:,} indexed words" in meta.notes[0]


def least_of(levels: Levels, words: tuple[str, ...]) -> Float64:
    """The least |z| of every neuron where all have one sign, else minus infinity."""
    own = np.stack([levels(word) for word in words])
    alike = (own > 0).all(axis=0) | (own < 0).all(axis=0)
    return np.where(alike, np.abs(own).min(axis=0), -np.inf)


def test_neurons_that_fire_at_all_of_some_words_are_ranked_as_brute_force_ranks_them(
    real: Any, levels: Levels
) -> None:
    for words in (
        ("large", "tall"), ("red", "blue"), ("dog", "cat", "horse"), ("king", "queen"),
    ):  # fmt: skip
        found = real.middleman(*words, by="activations", k=200)
        own = np.stack([levels(word) for word in words])
        least = least_of(levels, words)
        # No row but the true one of its rank, though not of all neurons is known what they do.
        best = np.sort(least)[::-1][: len(found.rows)]
        assert best.size, words
        np.testing.assert_allclose([row.score for row in found.rows], best, rtol=1e-3)
        assert [row.rank for row in found.rows] == list(range(1, len(best) + 1))
        note = found.meta.notes[1]
        bound = float(note.split(" is ")[-1].split(" or less")[0])
        ids = [real.index.neurons.at(row.layer, row.unit).id for row in found.rows]
        np.testing.assert_allclose([row.score for row in found.rows], least[ids], rtol=1e-3)
        for row, levels_there in zip(found.rows, own[:, ids].T, strict=True):
            np.testing.assert_allclose(list(row.scores.values()), levels_there, rtol=1e-3)
            assert row.score > bound - 0.005
        listed = [set(kept_of(real, word)) for word in words]
        both = [n for n in set.intersection(*listed) if least[n] > 0]
        assert f": {len(both)} neuron" in note
        assert np.delete(least, both).max() <= bound + 0.005
        left = len(both) - len(found.rows)
        (said,) = [n for n in found.meta.fewer if "keeps more" in n]
        assert said.startswith(f"{left} more neuron" if left else "no more are known")


def kept_of(ix: Any, word: str) -> list[int]:
    index = ix.index
    return [one.neuron for one in index.activations.of_word(index.words.by_text(word).id)]


def test_the_best_of_each_layer_that_fire_are_those_of_brute_force(
    real: Any, levels: Levels
) -> None:
    for words in (("large", "tall"), ("red", "blue")):
        least = least_of(levels, words)
        rows = real.middleman(*words, by="activations", per_layer=5).rows
        assert len({row.layer for row in rows}) > 5
        for layer in {row.layer for row in rows}:
            here = [row for row in rows if row.layer == layer]
            units = least[layer * 1536 : (layer + 1) * 1536]
            assert [row.rank for row in here] == list(range(1, len(here) + 1))
            best = np.sort(units)[::-1][: len(here)]
            np.testing.assert_allclose([row.score for row in here], best, rtol=1e-3)


def test_what_is_not_kept_is_told_with_how_to_keep_it(tiny_llama: Path, tmp_path: Path) -> None:
    shown = {}
    for depth in (5, 200):
        run_build(tiny_llama, tmp_path, f"kept{depth}", neurons_per_word=depth)
        with explorer.open(f"kept{depth}", tmp_path) as ix:
            answer = ix.middleman("large", "tall", by="activations", k=40)
            shown[depth] = [(row.rank, row.neuron) for row in answer.rows]
            said = [note for note in answer.meta.fewer if "keeps more" in note]
            assert bool(said) == (depth == 5)
            if said:
                assert "`indexer build --neurons-per-word 10` keeps more" in said[0]
                assert said[0] in " ".join(str(answer).split())
            # SQL says the same rows.
            rows = ix.sql(
                "SELECT rank, neuron FROM "
                "middleman(['large', 'tall'], k := 40, by := 'activations')"
            ).rows
            assert [(row["rank"], row["neuron"]) for row in rows] == shown[depth]
    assert shown[5] == shown[200][: len(shown[5])]
    assert len(shown[5]) < len(shown[200])
    with explorer.open("kept5", tmp_path) as ix:
        with pytest.raises(QueryError, match="`indexer build --neurons-per-word 10` keeps more"):
            ix.word("large", k=6)
        assert len(ix.word("large", k=5).rows) == 5


def test_more_of_a_neuron_than_is_kept_is_told(real: Any) -> None:
    assert real.neuron("L29N112", k=10).meta.fewer == ()
    notes = real.neuron("L29N112", k=25).meta.fewer
    assert "10 tokens of a side are kept at either end, fewer than 25" in notes
    assert any(note.startswith("20 words a neuron fires most strongly at") for note in notes)


def test_without_a_gate_what_lies_below_its_mean_fires_at_nothing(tiny_indexes: Path) -> None:
    with explorer.open("gpt2", tiny_indexes) as ix:
        kept = {}
        for word in ("large", "tall"):
            here = ix.index.activations.of_word(ix.index.words.by_text(word).id)
            assert all(one.rank > 0 for one in here)
            assert min(one.z for one in here) < 0  # so few neurons that the list reaches there
            kept[word] = {one.neuron: one.z for one in here if one.z > 0}
            report = ix.word(word, k=len(kept[word]))
            assert [row.z for row in report.rows] == sorted(kept[word].values(), reverse=True)
            assert "only those above it are kept" in report.meta.notes[0]
        found = ix.middleman("large", "tall", by="activations", k=64)
        both = [min(kept["large"][n], kept["tall"][n]) for n in kept["large"] if n in kept["tall"]]
        assert [row.score for row in found.rows] == sorted(both, reverse=True)


def test_one_words_middle_men_are_its_own_neurons(real: Any) -> None:
    alone = real.middleman("large", by="activations", k=10)
    report = real.word("large", k=10)
    assert [row.neuron for row in alone.rows] == [row.neuron for row in report.rows]
    assert [row.scores["large"] for row in alone.rows] == [row.z for row in report.rows]


def test_layers_narrow_what_fires(real: Any) -> None:
    every = real.middleman("red", "blue", by="activations", k=64).rows
    late = real.middleman("red", "blue", by="activations", layers="20-29", k=64).rows
    assert [r.neuron for r in late] == [r.neuron for r in every if r.layer >= 20]
    best = real.middleman("red", "blue", by="activations", per_layer=1).rows
    firsts = {r.layer: r.neuron for r in reversed(every)}
    assert {r.layer: r.neuron for r in best} == firsts


def test_a_neuron_shows_the_words_it_fires_at(real: Any) -> None:
    report = real.neuron("L29N112", k=20)
    words = [row for row in report.rows if row.kind == "word"]
    rows = real.index.sql(
        "SELECT x.rank, w.text, x.z FROM neuron_word x JOIN neuron n ON n.id = x.neuron "
        "JOIN word w ON w.id = x.word WHERE n.name = 'L29N112' ORDER BY x.rank < 0, abs(x.rank)"
    )
    assert [(row.rank, row.item, row.score) for row in words] == rows
    assert len(words) == 40
    assert set(report.meta.activation) == {"mean", "std"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"avoid": ["dog"]}, "leave out avoid"),
        ({"side": "gate"}, "leave out side"),
        ({"score": "dot"}, "leave out score"),
        ({"combine": "mean"}, "leave out combine"),
        ({"by": "activation"}, "did you mean 'activations'"),
        ({"k": 0}, "k=0"),
        ({"layers": "77"}, "no layer 77"),
    ],
)
def test_what_activations_cannot_be_asked_is_refused(
    real: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        real.middleman("large", "tall", **{"by": "activations", **options})


@pytest.mark.parametrize("word", ["lagre", '"Great Dane of Denmark"', "␣lagre"])
def test_a_word_that_is_not_indexed_is_refused_with_the_nearest(real: Any, word: str) -> None:
    with pytest.raises(SemanticError, match="indexed words; of others no activations"):
        real.word(word)
    with pytest.raises(SemanticError, match="indexed words"):
        real.middleman("large", word, by="activations")


def test_a_token_without_a_space_is_refused_with_the_word_that_has_one(real: Any) -> None:
    with pytest.raises(SemanticError, match="ask for 'large' as a word"):
        real.word('token:"large"')


@pytest.mark.slow
@pytest.mark.parametrize(
    "word", ["large + tall", "L29N112.out", "large@context.3", "#1507", "2*dog"]
)
def test_what_is_no_word_is_refused(real: Any, word: str) -> None:
    with pytest.raises(QueryError):
        real.word(word)


def test_an_index_without_activations_says_how_to_have_them(
    tiny_llama: Path, tmp_path: Path
) -> None:
    run_build(tiny_llama, tmp_path, "mute", spaces="embed,neuron")
    with explorer.open("mute", tmp_path) as ix:
        assert not ix.manifest.firing
        word = ix.index.sql("SELECT text FROM word LIMIT 1")[0][0]
        with pytest.raises(UnknownSpace, match="holds no activations"):
            ix.word(word)
        report = ix.neuron("L0N1", k=3)
        assert not [row for row in report.rows if row.kind == "word"]
        assert report.meta.activation == {}


def test_the_program_answers_as_the_library_does(real: Any, real_indexes: Path, run: Run) -> None:
    place = ["--indexes", str(real_indexes)]
    done = run("explorer", "word", "large", "-k", "5", "--format", "json", *place)
    assert done.code == 0
    assert done.json() == real.word("large", k=5).to_dict()
    done = run(
        "explorer", "middleman", "red", "blue", "--by", "activations", "--format", "json", *place
    )
    assert done.json() == real.middleman("red", "blue", by="activations").to_dict()
    done = run("explorer", "word", "large", *place)
    assert "␣large #1507" in done.out
    assert "|z|" in done.out
    done = run("explorer", "word", "lagre", *place)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
