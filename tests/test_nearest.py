"""The tokens at both ends of neurons' products, against a sort of all scores in float64.

Whatever a processor is faster at: 16 bits first, float32 first, and what one of them leaves open.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.extract import nearest
from indexer.extract.nearest import Extremes, NearestTokens
from indexer.extract.product import Product, narrow_is_faster

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Made = tuple[Float32, Float32]

both_precisions = pytest.mark.parametrize("narrow", [True, False], ids=["16 bits", "float32"])


def wrong(found: Extremes, tokens: Float32, rows: Float32) -> list[int]:
    """The rows that are not those of a sort, the lower token first among equals."""
    wide, depth = tokens.astype(np.float64), min(10, len(tokens))
    off = []
    for at, row in enumerate(rows.astype(np.float64)):
        exact = (wide * row).sum(axis=1)
        for sign, near, scores in (
            (1, found.high[at], found.high_scores[at]),
            (-1, found.low[at], found.low_scores[at]),
        ):
            order = np.lexsort((np.arange(len(tokens)), -sign * exact))[:depth]
            if near.tolist() != order.tolist() or scores.tolist() != exact[order].tolist():
                off.append(at)
    return off


def normal(seed: int, *shape: int) -> Float32:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close() -> Made:
    """Equal tokens, tokens a last bit apart, and a crowd that float32 hardly tells apart."""
    rng = np.random.default_rng(1)
    tokens = normal(2, 1500, 24)
    tokens[rng.integers(0, 1500, 750)] = tokens[rng.integers(0, 1500, 750)]
    moved = rng.integers(0, 1500, 400)
    tokens[moved] = np.nextafter(tokens[moved], np.float32(np.inf))
    tokens[:500] = tokens[0] + np.float32(1e-7) * tokens[:500]
    rows = normal(3, 40, 24)
    rows[:5], rows[5], rows[6] = tokens[:5], 0, -tokens[0]
    return tokens, rows


def one_direction() -> Made:
    """One dimension dwarfs the rest, so that every token lies in one direction."""
    tokens, rows = normal(4, 1500, 24), normal(5, 40, 24)
    tokens[:, 3] += 3e4
    rows[:20, 3] *= 1e3
    return tokens, rows


def one_dimension_apart() -> Made:
    """One dimension dwarfs the rest in either direction; some rows see nothing of it."""
    tokens, rows = normal(6, 1500, 24), normal(7, 40, 24)
    tokens[:, 3] *= 1e5
    rows[:20, 3] = 0
    return tokens, rows


def all_sizes() -> Made:
    """Tokens and rows from the smallest floats to nearly the greatest."""
    sizes = 10.0 ** np.linspace(-42, 36, 1500)
    tokens = (normal(8, 1500, 24) * np.random.default_rng(9).permutation(sizes)[:, None]).astype(
        np.float32
    )
    rows = (normal(10, 40, 24) * 10.0 ** np.linspace(-44, 36, 40)[:, None]).astype(np.float32)
    return tokens, rows


def tiny() -> Made:
    """All tokens so small that most of them have few bits left."""
    return normal(11, 1500, 24) * np.float32(3e-44), normal(12, 40, 24) * np.float32(1e-30)


def alike() -> Made:
    """Hardly more than one token, many times over; and some rows see only zeros."""
    tokens = np.zeros((1500, 24), np.float32)
    tokens[700:703, :4] = normal(13, 3, 4)
    rows = normal(14, 40, 24)
    rows[:5, :4] = 0
    return tokens, rows


def one_side() -> Made:
    """Every score of some rows is below 0, and of others above."""
    tokens = np.abs(normal(15, 1500, 24)) + np.float32(0.1)
    tokens[::2] *= -1
    tokens[-70:] *= np.float32(40)
    rows = np.abs(normal(16, 40, 24))
    tokens[:, 0], rows[:20, 0], rows[20:, 0] = 100, 1e3, -1e3
    return tokens, rows


def cancelling() -> Made:
    """What a token scores is the last bits of numbers that take each other away."""
    half = normal(17, 1500, 12)
    tokens = np.concatenate([half, -half + np.float32(1e-6) * normal(18, 1500, 12)], axis=1)
    return tokens, np.tile(normal(19, 40, 12), (1, 2))


ADVERSARIES = [
    cancelling,
    close,
    one_direction,
    one_dimension_apart,
    all_sizes,
    tiny,
    alike,
    one_side,
]


@both_precisions
@pytest.mark.parametrize("made", ADVERSARIES, ids=lambda made: made.__name__)
def test_ends_are_those_of_a_sort_in_float64(made: Callable[[], Made], narrow: bool) -> None:
    tokens, rows = made()
    found = NearestTokens(tokens, 64, narrow).extremes(rows)
    assert not wrong(found, tokens, rows)


@both_precisions
@pytest.mark.parametrize("count", [0, 1, 5, 10, 63, 64, 65, 639, 640, 641, 705, 3000])
def test_however_many_tokens_there_are(count: int, narrow: bool) -> None:
    tokens, rows = normal(count, count, 6), normal(count + 1, 40, 6)
    found = NearestTokens(tokens, 64, narrow).extremes(rows)
    assert found.high.shape == found.low_scores.shape == (40, min(10, count))
    assert not wrong(found, tokens, rows)
    none = NearestTokens(tokens, 64, narrow).extremes(rows[:0])
    assert none.high.shape == (0, min(10, count))


@both_precisions
def test_threads_find_what_one_does(narrow: bool) -> None:
    tokens, rows = normal(20, 2000, 32), normal(21, 400, 32)
    finder = NearestTokens(tokens, 16, narrow)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(finder.extremes, [rows[at : at + 16] for at in range(0, 400, 16)]))
    for name in ("high", "high_scores", "low", "low_scores"):
        found = np.concatenate([getattr(part, name) for part in parts])
        whole = getattr(NearestTokens(tokens, 400, narrow).extremes(rows), name)
        np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize(
    ("made", "few", "often"), [(close, 60, False), (close, 0, True), (cancelling, 60, True)]
)
def test_a_row_that_16_bits_leave_open_is_taken_in_float32(
    made: Callable[[], Made], few: int, often: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "FEW", few)
    tokens, rows = made()
    finder = NearestTokens(tokens, 64, True)
    products: list[bool] = []
    opened = Product.open

    def noted(self: Product, *args: object) -> object:
        products.append(self.narrow)
        return opened(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Product, "open", noted)
    for _ in range(2):
        assert not wrong(finder.extremes(rows), tokens, rows)
    # Where it is most of them, those that follow are not tried in 16 bits.
    assert products == ([True, False, False] if often else [True, False, True, False])


@both_precisions
def test_a_bound_that_is_too_small_gives_other_tokens(
    narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests above would see of an error in the bound."""
    bound = Product.bound

    def smaller(self: Product, off: Float64, lengths: Float64) -> Float64:
        return bound(self, off, lengths) * 1e-3

    monkeypatch.setattr(Product, "bound", smaller)
    tokens, rows = cancelling()
    finder = NearestTokens(tokens, 64, narrow)
    finder._first._output = 0.0
    assert wrong(finder.extremes(rows), tokens, rows)


@both_precisions
@pytest.mark.parametrize("made", ADVERSARIES, ids=lambda made: made.__name__)
def test_no_score_is_off_by_more_than_its_bound(made: Callable[[], Made], narrow: bool) -> None:
    import torch

    tokens, rows = made()
    finder = NearestTokens(tokens, 64, narrow)
    product, centred = finder._first, finder._centred
    wide = rows[np.abs(rows).max(axis=1) > 0].astype(np.float64)
    wide = np.ldexp(wide, -np.frexp(np.linalg.norm(wide, axis=1))[1][:, None])
    product.open(wide, 10)
    scores = -product._buffer()[: len(wide)].double().numpy()  # as the lowest were looked for
    exact = wide @ np.concatenate([block for _, block, _ in centred.blocks()]).T
    rounded = torch.from_numpy(wide).to(torch.bfloat16 if narrow else torch.float32)
    back = rounded.double().numpy()
    off = product.bound(np.linalg.norm(wide - back, axis=1), np.linalg.norm(back, axis=1))
    allowed = np.repeat(off, 64, axis=1) + product._output * np.abs(scores)
    assert (np.abs(scores - exact) <= allowed).all()


@both_precisions
def test_rows_that_are_not_finite_end_nothing(narrow: bool) -> None:
    tokens, rows = normal(22, 1500, 24), normal(23, 6, 24)
    rows[1, 2], rows[2, 3], rows[3, :] = np.nan, np.inf, -np.inf
    found = NearestTokens(tokens, 64, narrow).extremes(rows)
    sound = [0, 4, 5]
    kept = Extremes(*(getattr(found, name)[sound] for name in Extremes.__dataclass_fields__))
    assert not wrong(kept, tokens, rows[sound])


def test_what_is_faster_is_tried_on_any_number_of_tokens() -> None:
    for count in (0, 1, 5000):
        assert narrow_is_faster(normal(24, count, 8)) in (True, False)
