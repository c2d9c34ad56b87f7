"""From a stream to logits, by what an index holds: the formula, and where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import Run, run_build
from families import make_model
from indexer.store.errors import ClosedIndex, NoLogits
from indexer.store.layout import UnembeddingEntry
from indexer.store.read import Index
from indexer.store.unembedding import Unembedding

Float64 = NDArray[np.float64]

TOKENS = np.array([[1.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, -1, 1]])
STREAMS = np.array([[3.0, 1, -1, 5], [1, 1, 1, -3]])


def planted(vectors: dict[str, Any] | None = None, **fields: Any) -> Unembedding:
    """An unembedding of three tokens in four dimensions."""
    given = vectors or {}
    said = {"norm": "none", "epsilon": 0.0, "scale": 1.0, "softcap": None, **fields}
    has = {name: name in given for name in ("gain", "shift", "bias")}
    return Unembedding(
        entry=UnembeddingEntry(**has, **said),
        **{name: given.get(name) for name in has},
        space="embed",
        vocabulary=3,
        rows=lambda first, count: TOKENS[first : first + count],
    )


def test_without_a_norm_logits_are_products() -> None:
    np.testing.assert_array_equal(planted().logits(STREAMS), [[3, 2, 6], [1, 2, -4]])


def test_an_rmsnorm_divides_by_the_root_of_the_mean_square() -> None:
    way = planted(norm="rms")
    np.testing.assert_allclose(way.normed(STREAMS), [[1, 1 / 3, -1 / 3, 5 / 3], *_second(3**0.5)])
    np.testing.assert_allclose(planted(norm="rms", epsilon=7.0).normed(STREAMS)[0][0], 3 / 4)


def _second(size: float) -> list[list[float]]:
    return [[1 / size, 1 / size, 1 / size, -3 / size]]


def test_a_layernorm_takes_the_mean_away_first() -> None:
    way = planted(norm="layer")
    size = (20 / 4) ** 0.5
    np.testing.assert_allclose(way.normed(STREAMS)[0], np.array([1, -1, -3, 3]) / size)
    np.testing.assert_allclose(way.normed(STREAMS + 100), way.normed(STREAMS))


def test_gain_shift_bias_scale_and_softcap_come_in_this_order() -> None:
    vectors = {
        "gain": np.array([2.0, 1, 1, 1]),
        "shift": np.array([0.0, 0, 0, 1]),
        "bias": np.array([10, 0, 0], np.float32),
    }
    np.testing.assert_array_equal(planted(vectors).logits(STREAMS)[0], [16, 2, 7])
    np.testing.assert_array_equal(planted(vectors, scale=0.5).logits(STREAMS)[0], [8, 1, 3.5])
    capped = planted(vectors, scale=0.5, softcap=4.0).logits(STREAMS)[0]
    np.testing.assert_allclose(capped, 4 * np.tanh(np.array([8, 1, 3.5]) / 4))


def test_the_streams_stay_as_they_were() -> None:
    before = STREAMS.copy()
    planted({"gain": np.ones(4), "shift": np.ones(4)}, norm="layer").logits(STREAMS)
    np.testing.assert_array_equal(STREAMS, before)


def test_an_unembedding_is_read_when_it_is_asked_for(tiny_indexes: Path) -> None:
    for name, space in (("llama", "unembed"), ("gpt2", "embed")):
        with Index(tiny_indexes / name) as index:
            way = index.unembedding
            assert way.space == space
            assert way is index.unembedding
            model = index.manifest.model
            assert way.logits(np.ones((2, model.d_model))).shape == (2, model.vocabulary)
        with pytest.raises(ClosedIndex):
            way.logits(np.ones((1, model.d_model)))


def test_an_index_that_was_closed_is_asked_for_no_unembedding(tiny_indexes: Path) -> None:
    index = Index(tiny_indexes / "llama")
    index.close()
    with pytest.raises(ClosedIndex):
        _ = index.unembedding


def test_imported_vectors_have_no_logits(tmp_path: Path, run: Run) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).standard_normal((5, 4), np.float32))
    (tmp_path / "v.labels.txt").write_text("a\nb\nc\nd\ne\n")
    done = run(
        "indexer", "import", str(tmp_path / "v.npy"), "--indexes", str(tmp_path), "--name", "v"
    )
    assert done.code == 0, done.err
    with Index(tmp_path / "v") as index, pytest.raises(NoLogits) as caught:
        _ = index.unembedding
    assert str(caught.value) == (
        "index 'v' has no logits: it is of imported vectors, with no model behind them"
    )


SHOWN: dict[str, str] = {
    "llama": "RMSNorm (epsilon 1e-06, gain), vectors of unembed",
    "phi": "LayerNorm (epsilon 1e-05, gain and shift), vectors of unembed, a bias",
    "granite": "RMSNorm (epsilon 1e-06, gain), vectors of unembed, times 0.125",
    "gemma2": "RMSNorm (epsilon 1e-06, gain), vectors of embed, softcap 2",
    "opt-350m": "no norm, vectors of unembed",
    "opt-plain": "LayerNorm (epsilon 1e-05, no gain), vectors of embed",
    "bert": "none: an encoder is read without its head",
}


@pytest.mark.native
@pytest.mark.parametrize("case", SHOWN)
def test_show_says_how_logits_are_made(case: str, tmp_path: Path, run: Run) -> None:
    run_build(make_model(tmp_path / "model", case), tmp_path / "indexes", case, spaces="embed")
    done = run("indexer", "show", "--indexes", str(tmp_path / "indexes"))
    assert f"logits      {SHOWN[case]}\n" in done.out


def test_a_further_space_leaves_the_unembedding_as_it_was(
    tiny_indexes: Path, tmp_path: Path, run: Run
) -> None:
    import shutil

    shutil.copytree(tiny_indexes / "llama", tmp_path / "llama")
    with Index(tmp_path / "llama") as index:
        width = index.manifest.model.d_model
        before = index.unembedding.logits(np.ones((1, width)))
    np.save(tmp_path / "v.npy", np.ones((2, width), np.float32))
    (tmp_path / "v.labels.txt").write_text("a\nb\n")
    # A name that a file of the index begins with.
    options = ["--indexes", str(tmp_path), "--name", "llama", "--space", "unembedding"]
    done = run("indexer", "import", str(tmp_path / "v.npy"), *options)
    assert done.code == 0, done.err
    with Index(tmp_path / "llama") as index:
        np.testing.assert_array_equal(index.unembedding.logits(np.ones((1, width))), before)
        np.testing.assert_allclose(index.space("unembedding").norms, width**0.5)
    assert run("indexer", "verify", "--indexes", str(tmp_path)).code == 0
