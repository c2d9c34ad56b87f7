"""Middle men by 8-bit codes of z: bounds that hold, answers of a full sort, and damage told.

Spaces are too small for a pass to be worth it, so that its limits are lifted here; how often a pass
suffices is asked of many rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from close_rows import Float64, close_rows, seeds, with_code
from conftest import run_build
from explorer.compute import best_neurons
from explorer.compute.best_neurons import Ranked, Ranking, best_by_weights, exact_neuron_scores
from explorer.first_pass import Tally
from explorer.measures.measure import Weighted
from families import make_model
from indexer.store import codes, coding
from indexer.store.codes import Codes, CodesWriter, write_z_codes, z_fault_of
from indexer.store.coding import Standardised, z_factors
from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry
from indexer.store.layout import Manifest, moments_file, rows_file, z_codes_file
from indexer.store.rows import RowsWriter
from indexer.store.shards import cut
from indexer.store.space import Space
from indexer.store.spaces import SpaceEntry
from indexer.store.verify import _space_faults, verify
from indexer.store.write import unit_rows


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes over codes however few the rows are, in as many parts as there are threads."""
    monkeypatch.setattr(best_neurons, "_MOST", 1)
    monkeypatch.setattr(best_neurons, "_AT_FIRST", 1)
    monkeypatch.setattr(codes, "_ROWS_A_THREAD", 1)


def entry_of(name: str, kind: Any, side: Any, item: Any, shape: tuple[int, int]) -> SpaceEntry:
    return SpaceEntry(
        name=name,
        kind=kind,
        layer=None,
        side=side,
        item=item,
        dtype="float32",
        rows=shape[0],
        width=shape[1],
        measure="cosine",
        population="all",
        population_rows=shape[0],
    )


@contextmanager
def neurons_of(neurons: Float64, words: Float64, **wrong: Any) -> Iterator[tuple[Space, Space]]:
    """A side of neurons that has codes of z, and the words that z is of.

    Args:
        neurons: (rows, width) float64, at their own lengths.
        words: the same of words.
        **wrong: arrays of the side that take the place of those that are right.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "spaces").mkdir()
        whole = words.astype(np.float32).astype(np.float64)
        mean, away = whole.mean(axis=0), whole - whole.mean(axis=0)
        moments = {"mean": mean, "covariance": away.T @ away / len(away)}
        embed = written(
            root, entry_of("embed", "embed", None, "token", words.shape), words, moments
        )
        single = neurons.astype(np.float32).astype(np.float64)
        varied = np.vecdot(single @ moments["covariance"], single)
        std = np.sqrt(np.maximum(varied, 0))
        none = np.zeros((len(neurons), 4), np.int32)
        own = {"embed_mean": single @ mean, "embed_std": std, "nearest_tokens": none}
        own |= {"mean": single.mean(axis=0), "covariance": np.eye(single.shape[1])}
        entry = entry_of("neuron.out", "neuron", "out", "neuron", neurons.shape)
        rows, norms = unit_rows(neurons.astype(np.float32))
        source = Standardised(
            entry, lambda at, n: rows[at : at + n], z_factors(norms.astype(np.float64), std)
        )
        writer = CodesWriter(root, z_codes_file(entry.name), cut(*rows.shape), entry.width)
        own |= write_z_codes(writer, source)
        yield written(root, entry, neurons, own | wrong), embed


def written(root: Path, entry: SpaceEntry, vectors: Float64, arrays: dict[str, Any]) -> Space:
    """A space whose files are in a folder."""
    rows, norms = unit_rows(vectors.astype(np.float32))
    writer = RowsWriter(root / rows_file(entry.name), *rows.shape)
    writer.put(0, rows)
    writer.close()
    np.savez(root / moments_file(entry.name), norms=norms, centered_norms=norms, **arrays)
    names = [rows_file(entry.name), moments_file(entry.name), z_codes_file(entry.name)]
    there = [name for name in names if (root / name).exists()]
    return Space(root, entry, {name: FileEntry.of(root / name) for name in there})


def z_codes(side: Space) -> Codes:
    found = side.z_codes
    assert found is not None
    return found


def source_of(side: Space) -> Standardised:
    return Standardised(side.entry, side.rows.block, side.z_scale)


def fault_of(side: Space, embed: Space) -> str:
    means = side.standardising(embed)[1]
    return z_fault_of(z_codes(side), source_of(side), (embed.mean, embed.covariance), means)


def usual(neurons: Float64, words: Float64) -> bool:
    """Whether z of all is of numbers that float32 knows."""
    single = neurons.astype(np.float32).astype(np.float64)
    away = words.astype(np.float32).astype(np.float64)
    away -= away.mean(axis=0)
    _, norms = unit_rows(single)
    varied = np.vecdot(single @ (away.T @ away / len(away)), single)
    factors = z_factors(norms.astype(np.float64), np.sqrt(np.maximum(varied, 0)))
    lengths = norms[factors > 0]
    return bool(
        np.isfinite(single).all()
        and np.isfinite(away).all()
        and factors.max(initial=0) < 1e6
        and lengths.min(initial=1) >= coding.LEAST_LENGTH
    )


def asked_of(embed: Space, data: Any, count: int) -> list[Weighted]:
    """Words of the space, the first of them more than once at times, or words far from it."""
    rng = np.random.default_rng(data.draw(seeds))
    near = data.draw(st.booleans())
    found = []
    for _ in range(count):
        vector = embed.vector(int(rng.integers(embed.entry.rows)))
        if near and found:
            vector = found[0].vector + 0.2 * vector
        found.append(Weighted(vector, 1.0, embed))
    return found


def by_a_sort(
    side: Space, words: list[Weighted], wanted: int, combine: str, k: int
) -> list[tuple[int, float]]:
    """Position and score of the k best, all neurons scored in float64."""
    each = np.array(exact_neuron_scores(side, np.arange(side.entry.rows), words, "z")).T.tolist()
    found = []
    for at, z in enumerate(each):
        answered = min(z[:wanted]) if combine == "min" else float(np.mean(z[:wanted]))
        if words[wanted:] and not answered > 0:
            continue
        found.append((at, answered - max([0.0, *z[wanted:]])))
    return sorted(found, key=lambda one: (-one[1], one[0]))[:k]


def best_of(
    side: Space, words: list[Weighted], wanted: int, combine: str, k: int, tally: Tally
) -> list[Ranked]:
    ranking = Ranking((slice(0, side.entry.rows),), k)
    return best_by_weights(side, words, wanted, "z", combine, [ranking], tally)


@settings(derandomize=True, deadline=None, max_examples=120)
@given(
    st.data(),
    close_rows,
    st.integers(1, 4),
    st.integers(0, 2),
    st.sampled_from(["min", "mean"]),
)
@pytest.mark.usefixtures("eager")
def test_the_best_are_those_of_a_sort_in_float64(
    data: Any, close: Any, wanted: int, avoided: int, combine: str
) -> None:
    vectors = close.vectors()
    words = np.random.default_rng(data.draw(seeds)).normal(size=(60, vectors.shape[1]))
    if not usual(vectors, words):
        return
    with neurons_of(vectors, words) as (side, embed):
        asked = asked_of(embed, data, wanted + avoided)
        for k in (1, 5, len(vectors)):
            found = best_of(side, asked, wanted, combine, k, Tally())
            right = by_a_sort(side, asked, wanted, combine, k)
            assert [(one.position, one.score) for one in found] == right
        assert fault_of(side, embed) == ""


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data(), close_rows)
def test_no_neuron_is_farther_from_its_codes_than_they_say(data: Any, close: Any) -> None:
    vectors = close.vectors()
    words = np.random.default_rng(data.draw(seeds)).normal(size=(60, vectors.shape[1]))
    if not usual(vectors, words):
        return
    with neurons_of(vectors, words) as (side, _):
        direction = np.random.default_rng(data.draw(seeds)).normal(size=vectors.shape[1])
        direction /= np.linalg.norm(direction)
        exact = source_of(side).vectors(0) @ direction
        for count in (1, 4, len(vectors)):
            found = z_codes(side).highest(direction, count)
            assert (np.abs(exact[found.positions] - found.scores) <= found.off_by).all()
            others = np.setdiff1d(np.arange(len(vectors)), found.positions)
            assert len(others) == 0 or exact[others].max() <= found.ceiling


def many() -> tuple[Float64, Float64]:
    """6,000 neurons and 500 words."""
    rng = np.random.default_rng(1)
    neurons = rng.normal(size=(6000, 40)) * rng.uniform(0.5, 3, 6000)[:, None]
    return neurons, rng.normal(size=(500, 40)) * rng.uniform(0.3, 3, 40) + rng.normal(size=40)


@pytest.mark.parametrize("combine", ["min", "mean"])
@pytest.mark.parametrize("avoided", [0, 1])
def test_a_pass_answers_without_a_scan(combine: str, avoided: int) -> None:
    with neurons_of(*many()) as (side, embed):
        for first in range(0, 60, 6):
            near = embed.vector(first)
            asked = [Weighted(near + 0.5 * embed.vector(first + at), 1, embed) for at in (1, 2)]
            asked += [Weighted(embed.vector(first + 3), 1, embed)] * avoided
            tally = Tally()
            found = best_of(side, asked, 2, combine, 10, tally)
            assert tally.scans == 0
            assert 1 <= tally.passes <= 2
            assert 10 <= tally.exact < 100
            right = by_a_sort(side, asked, 2, combine, 10)
            assert [(one.position, one.score) for one in found] == right


def test_words_that_have_nothing_in_common_are_scanned() -> None:
    with neurons_of(*many()) as (side, embed):
        away = embed.vector(3) - embed.mean
        asked = [Weighted(embed.mean + sign * away, 1, embed) for sign in (1, -1)]
        asked[1] = Weighted(asked[1].vector + 1e-3 * embed.vector(5), 1, embed)
        tally = Tally()
        found = best_of(side, asked, 2, "min", 10, tally)
        assert tally.scans == 1
        assert tally.passes <= 1
        right = by_a_sort(side, asked, 2, "min", 10)
        assert [(one.position, one.score) for one in found] == right


def test_words_of_another_space_and_many_words_are_scanned_at_once() -> None:
    with neurons_of(*many()) as (side, embed):
        asked = [Weighted(embed.vector(at), 1, embed) for at in range(5)]
        tally = Tally()
        best_of(side, asked, 5, "min", 10, tally)
        assert (tally.passes, tally.scans) == (0, 1)
        for ranking in (Ranking((slice(0, 3000),), 5), Ranking((slice(0, 10), slice(20, 6000)), 5)):
            tally = Tally()
            best_by_weights(side, asked[:2], 2, "z", "min", [ranking], tally)
            assert (tally.passes, tally.scans) == (0, 1)


def test_a_wrong_code_hides_a_neuron_or_is_told_and_verify_finds_it() -> None:
    with neurons_of(*many()) as (side, embed):
        asked = [Weighted(embed.vector(7) + 0.1 * embed.vector(at), 1, embed) for at in (1, 2)]
        best = best_of(side, asked, 2, "min", 5, Tally())[0].position
        low = by_a_sort(side, asked, 2, "min", 6000)[-1][0]
        high = z_codes(side).stored(best, 1)[0].view(np.uint8) ^ 128
    with neurons_of(*many()) as (side, embed):
        with_code(side, z_codes_file(side.name), best, bytes([128]))
        hidden = best_of(side, asked, 2, "min", 5, Tally())
        assert best not in [one.position for one in hidden]
        assert f"row {best:,} lies farther" in fault_of(side, embed)
        (fault,) = _space_faults(side, embed, 500)
        assert fault.startswith(f"spaces/neuron.out.zcodes: row {best:,} lies farther")
    with neurons_of(*many()) as (side, embed):
        with_code(side, z_codes_file(side.name), low, high.tobytes())
        # It is looked at for its codes, and its rows say that it is none of the best.
        assert low not in [one.position for one in best_of(side, asked, 2, "min", 5, Tally())]
        assert f"row {low:,} lies farther" in fault_of(side, embed)
    with neurons_of(*many()) as (side, embed):
        second = best_of(side, asked, 2, "min", 5, Tally())[1].position
        with_code(side, z_codes_file(side.name), second, high.tobytes())
        with pytest.raises(DamagedIndex, match=f"row {second:,} is not what its codes say"):
            best_of(side, asked, 2, "min", 5, Tally())


@pytest.mark.parametrize("name", ["z_scales", "z_residuals", "embed_mean", "embed_std"])
def test_a_wrong_number_beside_the_codes_is_found(name: str) -> None:
    with neurons_of(*many()) as (side, _):
        array = side._array(name).copy()
    array[3] *= 0.5
    with neurons_of(*many(), **{name: array}) as (side, embed):
        assert fault_of(side, embed)


def test_neurons_get_codes_where_these_tell_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "FEWEST_ROWS", 100)
    entry = entry_of("neuron.out", "neuron", "out", "neuron", (100, 4))
    ones, long = np.ones(100), np.ones(100)
    assert coding.is_z_coded(entry, ones, ones)
    assert not coding.is_z_coded(entry, ones, np.zeros(100))
    long[3] = 2 * coding.MOST_TO_MEDIAN
    assert not coding.is_z_coded(entry, ones, long)
    assert not coding.is_z_coded(entry, np.full(100, 1e-40), ones)
    assert not coding.is_z_coded(
        entry_of("neuron.out", "neuron", "out", "neuron", (99, 4)), ones, ones
    )


@pytest.mark.slow
def test_an_index_that_is_completed_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coding, "FEWEST_ROWS", 1)
    monkeypatch.setattr(coding, "ROWS_TO_WIDTH", 1)
    model = make_model(tmp_path / "model", "llama")
    run_build(model, tmp_path, "tiny", spaces="embed,neuron")
    weights = Manifest.load(tmp_path / "tiny").files
    run_build(model, tmp_path, "tiny", spaces="embed,neuron,context")
    whole = Manifest.load(tmp_path / "tiny").files
    for side in ("gate", "up", "out"):
        file = z_codes_file(f"neuron.{side}")
        assert whole[file] == weights[file]
    assert rows_file("context.0") in whole
    assert verify(tmp_path / "tiny") == []
