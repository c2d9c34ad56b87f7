"""Vectors as arrays, and questions asked with a vector: each against the question asked by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import explorer
from explorer.errors import BadExpression, QueryError, UnknownWord
from explorer.measures import MEASURES
from indexer.store.errors import SemanticError
from whitening import shrunk_of

EXPRESSIONS = [
    "large",
    "tall",
    "Great Dane",
    '"Great Dane"',
    'token:" large"',
    "#1507",
    "dog + small",
    "0.5*dog - cat",
    "large",
    "L29N112.out",
    "dog@embed",
    "dog@context.3",
    "Chihuahua",
]


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("space", ["embed", "context.12", "neuron.out"])
def test_a_row_is_the_vector_asked_alone(real: Any, space: str, measure: str) -> None:
    found = real.vectors(space, EXPRESSIONS, measure=measure)
    assert (found.shape, found.dtype) == ((len(EXPRESSIONS), 576), np.float32)
    for row, expression in zip(found, EXPRESSIONS, strict=True):
        assert_array_equal(row, real.vector(expression, space, measure=measure).astype(np.float32))


def test_plain_words_are_looked_up_at_once_as_they_are_one_by_one(real: Any) -> None:
    words = [word for word in real.items("context.0") if " " not in word][::7]
    for space in ("embed", "context.20"):
        found = real.vectors(space, words)
        for row, word in zip(found[::9], words[::9], strict=True):
            assert_array_equal(row, real.vector(f'"{word}"', space).astype(np.float32))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("space", ["embed", "context.2", "neuron.gate", "head.output"])
def test_a_whole_space_is_its_rows_in_order(tiny: Any, space: str, measure: str) -> None:
    home = tiny.index.space(space)
    found, names = tiny.vectors(space, measure=measure), tiny.items(space)
    assert found.shape == (home.entry.rows, home.entry.width)
    assert found.dtype == np.float32
    assert len(names) == len(found)
    rows = np.stack([home.vector(at) for at in range(len(found))])
    if measure in ("centered", "whitened"):
        rows = rows - home.mean
    if measure == "whitened":
        members = rows[tiny.index.tokens.word_like] if space == "embed" else rows
        variances, directions = np.linalg.eigh(shrunk_of(members))
        rows = rows @ directions / np.sqrt(variances) @ directions.T
    if measure in ("cosine", "centered", "whitened"):
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert_allclose(found, rows, rtol=1e-6, atol=1e-5 if measure == "whitened" else 1e-7)
    if space == "context.2":
        assert_allclose(
            found[names.index("dog")], tiny.vector("dog", space, measure=measure), rtol=1e-6
        )


def test_names_are_those_that_answers_have(real: Any) -> None:
    for space in ("embed", "context.5", "neuron.out", "head.output"):
        near = real.neighbors("dog", space, measure="dot", k=5, include_inputs=True)
        names = real.items(space)
        scores = real.vectors(space) @ real.vector("dog", space)
        assert [names[at] for at in np.argsort(-scores)[:5]] == [row.item for row in near.rows]


def test_vectors_are_copies_and_none_may_be_asked(real: Any) -> None:
    first = real.vectors("embed", ["dog"])
    first[:] = 0
    assert real.vectors("embed", ["dog"]).any()
    assert real.vectors("context.3", []).shape == (0, 576)
    assert real.vectors("embed", (word for word in ["dog", "cat"])).shape == (2, 576)
    assert real.vectors("embed", np.array(["dog", "cat"])).shape == (2, 576)


@pytest.mark.parametrize(
    ("items", "kind", "said"),
    [
        (["dog", "lagre"], UnknownWord, "items[1], 'lagre': no token ' lagre'"),
        (["dog", "cat +"], BadExpression, "items[1], 'cat +': "),
        ([5], BadExpression, "items[0], 5: 5 is no text"),
        (["dog", "L99N1.out"], SemanticError, "items[1], 'L99N1.out': no neuron"),
        (["dog", "cat@embd"], SemanticError, "items[1], 'cat@embd': no space 'embd'"),
        (["dog - dog"], QueryError, "items[0], 'dog - dog': the expression adds up to nothing"),
        ("dog", QueryError, "'dog' is one text; name the items in a list"),
    ],
)
def test_an_item_that_cannot_be_had_is_named(
    real: Any, items: Any, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        real.vectors("embed", items)
    assert str(caught.value).startswith(said)
    with pytest.raises(SemanticError, match="no space 'embd'"):
        real.vectors("embd", items)
    with pytest.raises(SemanticError, match="no measure 'cos'"):
        real.vectors("embed", items, measure="cos")


# -- asked with a vector --------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("space", ["embed", "context.12", "neuron.out"])
@pytest.mark.parametrize("expression", ["dog", "king - man + woman", "L29N112.out", "Great Dane"])
def test_a_vector_answers_as_its_expression_does(
    real: Any, space: str, measure: str, expression: str
) -> None:
    asked = real.neighbors(expression, space, measure=measure, k=7, include_inputs=True)
    vector = real.vector(expression, space, measure=measure)
    found = real.search(space, vector, measure=measure, k=7, composed=True)
    assert found.rows == asked.rows
    assert found.meta.calibration == asked.meta.calibration
    assert found.query.measure == asked.query.measure


def test_a_vector_at_its_own_length_answers_as_its_item_does(real: Any) -> None:
    for space in ("embed", "context.12"):
        for measure in (None, *MEASURES):
            asked = real.neighbors("dog", space, measure=measure, k=5, include_inputs=True)
            found = real.search(space, real.vector("dog", space), measure=measure, k=5)
            assert found.rows == asked.rows
            folded = real.neighbors(
                "dog", space, measure=measure, k=5, include_inputs=True, distinct=True
            )
            assert real.search(
                space, real.vector("dog", space), measure=measure, k=5, distinct=True
            ).rows == (folded.rows)


def test_a_matrix_answers_row_by_row(real: Any) -> None:
    matrix = real.vectors("context.12", ["dog", "large", "Great Dane"])
    found = real.search("context.12", matrix, k=4)
    assert isinstance(found, tuple)
    for at, (row, answer) in enumerate(zip(matrix, found, strict=True)):
        alone = real.search("context.12", row, k=4)
        assert answer.rows == alone.rows
        assert (answer.query.expression, alone.query.expression) == (f"vectors[{at}]", "vector")
        near = real.neighbors(["dog", "large", "Great Dane"][at], "context.12", k=3)
        assert [r.item for r in answer.rows[1:]] == [r.item for r in near.rows]
    assert real.search("context.12", matrix[:0]) == ()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, list])
def test_any_real_numbers_are_taken(tiny: Any, kind: Any) -> None:
    numbers = np.round(10 * tiny.vector("dog"))
    given = numbers.tolist() if kind is list else numbers.astype(kind)
    assert tiny.search("embed", given).rows == tiny.search("embed", numbers).rows


def test_the_length_of_a_vector_is_nothing_to_cosines(real: Any) -> None:
    vector = real.vector("dog")
    for scale in (1e-30, 1e30):
        scaled = real.search("embed", scale * vector)
        near = real.search("embed", vector)
        assert [row.item for row in scaled.rows] == [row.item for row in near.rows]
        assert_allclose([r.score for r in scaled.rows], [r.score for r in near.rows], atol=1e-6)


def rows(width: int, **at: float) -> Any:
    """Two rows of ones; the second one's first number is `value`."""
    found = np.ones((2, width))
    found[1, 0] = at.get("value", 1.0)
    return found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.ones(5), "the vectors are 5 wide, space 'embed' is 24"),
        (np.ones((2, 5)), "the vectors are 5 wide, space 'embed' is 24"),
        (np.ones((1, 1, 24)), "the vectors have the shape (1, 1, 24): give (24,) for one"),
        (1.0, "the vectors have the shape (): give (24,)"),
        (np.ones(24, complex), "the vectors are complex128: give real numbers"),
        (np.ones(24, bool), "the vectors are bool: give real numbers"),
        (["dog"], "the vectors are <U3: give real numbers"),
        ([[1.0], [1.0, 2.0]], "the vectors cannot be read as an array: "),
        (None, "the vectors are object: give real numbers"),
        (rows(24, value=np.nan), "vectors[1] holds nan in column 0: give finite numbers"),
        (rows(24, value=-np.inf), "vectors[1] holds -inf in column 0"),
        (rows(24, value=1e200), "vectors[1] is too long to be scored"),
        (np.ones((2, 24)) * [[1], [0]], "vectors[1] is zero: it has no direction"),
        (np.zeros(24), "vector is zero"),
        (np.full(24, 1e-200), "vector is zero"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(tiny: Any, given: Any, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        tiny.search("embed", given)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_zero_is_a_place_to_measure_distances_from(tiny: Any) -> None:
    found = tiny.search("embed", np.zeros(24), measure="euclidean", k=1).rows[0]
    assert found.score == pytest.approx(tiny.index.space("embed").norms.min())


def test_the_mean_has_no_direction_once_it_is_taken_away(tiny: Any) -> None:
    mean = tiny.index.space("context.2").mean
    with pytest.raises(QueryError, match=r"vector is the mean of space 'context.2'"):
        tiny.search("context.2", mean)
    assert tiny.search("context.2", mean, measure="cosine").rows


def test_space_measure_and_number_are_checked_first(tiny: Any) -> None:
    for ask, said in [
        ({"space": "embd"}, "no space 'embd'"),
        ({"measure": "cos"}, "no measure 'cos'"),
        ({"k": 0}, "ask for 1 row or more"),
    ]:
        with pytest.raises(SemanticError, match=said):
            tiny.search(**{"space": "embed", "vectors": np.ones(24), **ask})
