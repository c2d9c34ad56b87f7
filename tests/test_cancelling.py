"""Long questions stopped in the middle: nothing half done is kept, and the next answer is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from everyquestion import ANALOGIES, PAIRS
from explorer.api import Explorer
from explorer.errors import Cancelled
from explorer.measures import measure
from explorer.unindexed import encode
from indexer.store.read import open_index

pytestmark = pytest.mark.native

Ask = Callable[..., Any]

SPACES = ["embed", "context.3", "context.20"]

LONG: dict[str, Ask] = {
    "congruence": lambda ix, **how: ix.congruence(group="size", permutations=100, **how),
    "congruence-anchor": lambda ix, **how: ix.congruence(
        "big", "huge", anchor="large", permutations=100, **how
    ),
    "anchored": lambda ix, **how: ix.anchored(
        "big", "huge", anchor="large", control="both", permutations=100, **how
    ),
    "ov": lambda ix, **how: ix.ov("large", target="tall", **how),
    "layers": lambda ix, **how: ix.layers("dog + small", "Chihuahua", **how),
    "analogy_layers": lambda ix, **how: ix.analogy_layers("dog + small", "Chihuahua", **how),
    "compare": lambda ix, **how: ix.compare("large", "tall", "dog", pairs=100, **how),
    "compare-layers": lambda ix, **how: ix.compare(
        "large", "tall", each_layer=True, measure="pearson,spearman", pairs=100, **how
    ),
    "compare-own": lambda ix, **how: ix.compare("large", "tall", top_neurons=100, pairs=100, **how),
    "analogies": lambda ix, **how: ix.evaluate_analogies(
        ANALOGIES, space=SPACES, measure=["cosine", "euclidean"], **how
    ),
    "similarity": lambda ix, **how: ix.evaluate_similarity(
        PAIRS, space=SPACES, measure="all", **how
    ),
    "baseline": lambda ix, **how: ix.baseline(pairs=10_000, **how),
}
"""By name, a function of an open Explorer that may take long, told how to tell its progress."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_a_question_that_is_cancelled_can_be_asked_again(
    name: str, real: Any, real_indexes: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    expected = LONG[name](real, progress=lambda *step: told.append(step))
    assert len(told) > 2
    assert len({total for _, _, total in told}) <= 2  # one for each kind of step
    with explorer.open("smollm2", real_indexes) as ix:  # nothing read yet
        for stop in sorted({1, 2, len(told) // 2, len(told)}):
            steps = 0

            def progress(what: str, done: int, total: int, stop: int = stop) -> None:
                nonlocal steps
                steps += 1
                if steps == stop:
                    raise Cancelled("enough")

            with pytest.raises(Cancelled):
                LONG[name](ix, progress=progress)
            assert steps == stop
            if stop in (2, len(told)):
                assert LONG[name](ix) == expected


@pytest.mark.slow
def test_baseline_tells_every_space_and_parts_of_each(real: Any) -> None:
    told: list[tuple[str, int, int]] = []
    real.baseline(pairs=10_000, progress=lambda *step: told.append(step))
    names = ["embed", *(f"context.{layer}" for layer in range(31))]
    assert list(dict.fromkeys(what for what, _, _ in told)) == names
    shares = [done / total for _, done, total in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(told) == -(-10_000 // measure.PAIRS_AT_ONCE) * len(names)


@pytest.fixture(scope="module")
def states(tiny_indexes: Path) -> dict[str, NDArray[np.float32]]:
    """What the model makes of two texts."""
    texts = ["green mountain river", "zebra crossing"]
    return dict(zip(texts, encode(tiny_indexes / "llama", texts), strict=True))


@pytest.mark.parametrize("name", ["layers", "analogy_layers", "congruence", "compare"])
def test_a_question_whose_run_of_the_model_is_cancelled_can_be_asked_again(
    name: str, tiny_indexes: Path, states: dict[str, NDArray[np.float32]]
) -> None:
    ask: dict[str, Callable[[Explorer], Any]] = {
        "layers": lambda ix: ix.layers('"green mountain river"', '"zebra crossing"'),
        "analogy_layers": lambda ix: ix.analogy_layers(
            '"green mountain river"', '"zebra crossing"'
        ),
        "congruence": lambda ix: ix.congruence(
            "green mountain river", "dog", "cat", permutations=50, control="random"
        ),
        "compare": lambda ix: ix.compare(
            '"green mountain river"@context.2', '"zebra crossing"@context.2', "dog", pairs=0
        ),
    }
    runs: list[Sequence[str]] = []

    def second_time(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
        runs.append(tuple(texts))
        if len(runs) == 1:
            raise Cancelled("enough")
        return np.stack([states[text] for text in texts])

    with (
        Explorer(open_index("llama", tiny_indexes), encode=second_time) as ix,
        Explorer(open_index("llama", tiny_indexes), encode=second_time) as other,
    ):
        with pytest.raises(Cancelled):
            ask[name](ix)
        assert ix._work.resolver._encoded == {}
        assert ask[name](ix) == ask[name](other)
        assert runs[1] == runs[0]
