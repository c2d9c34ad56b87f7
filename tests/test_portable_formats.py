"""Each format alone: whatever labels and numbers there are, what was written is read back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.portable.formats import READ, opened, written
from indexer.portable.labels import told_apart, without_blanks
from indexer.portable.vectors import Labelled, VectorSource

pytestmark = pytest.mark.native

READABLE = [
    ("npy", False, "npy"),
    ("safetensors", False, "safetensors"),
    ("parquet", False, "parquet"),
    ("word2vec", False, "word2vec"),
    ("word2vec", True, "word2vec-binary"),
]
labels = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=12)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(("to", "binary", "name"), READABLE, ids=[r[2] for r in READABLE])
@given(data=st.data(), names=labels, width=st.integers(1, 6), step=st.integers(1, 5))
@settings(max_examples=60)
def test_what_is_written_is_read_back_to_the_last_bit(
    to: str, binary: bool, name: str, data: st.DataObject, names: list[str], width: int, step: int
) -> None:
    how = written(to, binary)
    carried = told_apart([how.carried(one) for one in names], range(len(names)))[0]
    flat = data.draw(st.lists(numbers, min_size=len(names) * width, max_size=len(names) * width))
    vectors = np.array(flat, np.float32).reshape(len(names), width)
    with TemporaryDirectory() as folder:
        paths = how.files(Path(folder) / "v")
        with how.write(paths, Labelled("s", carried, width)) as put:
            for first in range(0, len(names), step):
                put(vectors[first : first + step])
        assert sorted(Path(folder).iterdir()) == sorted(paths)
        found, reader = opened(VectorSource(paths[0]), name)
        blocks = list(reader.blocks())
    assert found == name
    assert (reader.rows, reader.width) == vectors.shape
    expected = [without_blanks(one) for one in carried] if to == "word2vec" else carried
    assert [one for block in blocks for one in block.labels] == expected
    np.testing.assert_array_equal(np.concatenate([block.vectors for block in blocks]), vectors)


def test_every_format_that_is_read_is_held_here() -> None:
    # GloVe's is the text of word2vec without its first line.
    assert set(READ) == {name for _, _, name in READABLE} | {"glove"}


@given(names=labels, width=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_a_text_without_its_header_is_glove_s(names: list[str], width: int, seed: int) -> None:
    how = written("word2vec")
    carried = told_apart([how.carried(one) for one in names], range(len(names)))[0]
    vectors = np.random.default_rng(seed).standard_normal((len(names), width)).astype(np.float32)
    with TemporaryDirectory() as folder:
        paths = how.files(Path(folder) / "v")
        with how.write(paths, Labelled("s", carried, width)) as put:
            put(vectors)
        path = Path(folder) / "v.glove"
        path.write_bytes(paths[0].read_bytes().split(b"\n", 1)[1])
        blocks = list(opened(VectorSource(path), None)[1].blocks())
    np.testing.assert_array_equal(np.concatenate([block.vectors for block in blocks]), vectors)
    assert [x for b in blocks for x in b.labels] == [without_blanks(one) for one in carried]
