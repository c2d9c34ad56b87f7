"""Files of vectors that other programs wrote: read as gensim reads them, or told for what they are.

gensim ships the files that its own tests read; each is tried here, whatever it is.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import explorer
from indexer.errors import BadVectors
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.formats import opened
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator

pytestmark = pytest.mark.native

gensim = pytest.importorskip("gensim")

THEIRS = Path(gensim.__file__).parent / "test" / "test_data"
FILES = sorted(p for p in THEIRS.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc"))

READ = {
    "EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt": "word2vec",
    "IT.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt": "word2vec",
    "crime-and-punishment.vec": "word2vec",
    "euclidean_vectors.bin": "word2vec-binary",
    "high_precision.kv.bin": "word2vec-binary",
    "high_precision.kv.txt": "word2vec",
    "lee_fasttext.vec": "word2vec",
    "poincare_vectors.bin": "word2vec-binary",
    "test_glove.txt": "glove",
    "toy-model.vec": "word2vec",
    "word2vec_pre_kv_c": "word2vec",
}
"""What gensim reads as word vectors, and the format that it is found to be."""

NOT_UTF8 = ("pang_lee_polarity_fasttext.vec", "w2v_keyedvectors_load_test.modeldata")

TOLD = {
    "cp852_fasttext.bin": "a model of fastText",
    "crime-and-punishment.bin": "a model of fastText",
    "lee_fasttext.bin": "a model of fastText",
    "lee_fasttext_new.bin": "a model of fastText",
    "non_ascii_fasttext.bin": "a model of fastText",
    "pang_lee_polarity_fasttext.bin": "a model of fastText",
    "toy-model.bin": "a model of fastText",
    "toy-model-pretrained.bin": "a model of fastText",
    "ensemblelda": "a pickle of Python's (gensim.models.ensemblelda.EnsembleLda)",
    "ft_kv_3.6.0.model.gz": "FastTextKeyedVectors) compressed by gzip",
    "model-from-gensim-3.8.0.w2v": "a pickle of Python's (gensim.models.word2vec.Word2Vec)",
    "old_keyedvectors_320.dat": "a pickle of Python's (gensim.models.keyedvectors.",
    "phraser-no-scoring.pkl": "a pickle of Python's (gensim.models.phrases.Phraser)",
    "varembed_morfessor.bin": "a pickle of Python's (morfessor.baseline.BaselineModel)",
    "varembed_vectors.pkl": "a pickle of Python's: ",
    "word2vec_old": "a pickle of Python's (gensim.models.word2vec.Word2Vec)",
    "word2vec_pre_kv_py3": "a pickle of Python's (gensim.models.word2vec.Word2Vec)",
    "2.txt.bz2": "a file compressed by bzip2",
    "testcorpus.blei.index": "a pickle of Python's",
}


def read(path: Path, **asked: object) -> tuple[str, list[str], np.ndarray]:
    """Format, names and vectors of a file."""
    name, reader = opened(VectorSource(path, **asked), None)  # type: ignore[arg-type]
    blocks = list(reader.blocks())
    return name, [x for b in blocks for x in b.labels], np.concatenate([b.vectors for b in blocks])


def by_gensim(path: Path, format: str, **options: object) -> tuple[list[str], np.ndarray]:
    from gensim.models import KeyedVectors

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = KeyedVectors.load_word2vec_format(
            str(path), binary=format == "word2vec-binary", no_header=format == "glove", **options
        )
    return found.index_to_key, found.vectors


@pytest.mark.parametrize("name", READ)
def test_word_vectors_are_those_that_gensim_reads(name: str) -> None:
    format, labels, vectors = read(THEIRS / name)
    assert format == READ[name]
    their_labels, their_vectors = by_gensim(THEIRS / name, format)
    assert labels == their_labels
    np.testing.assert_allclose(vectors, their_vectors, rtol=2e-7, atol=0)


@pytest.mark.parametrize("name", NOT_UTF8)
@pytest.mark.parametrize("errors", ["replace", "ignore"])
def test_names_that_are_cut_within_a_character_are_read_as_gensim_reads_them(
    name: str, errors: str
) -> None:
    with pytest.raises(
        BadVectors, match=r"line \d[\d,]*: label .* is not UTF-8.*--encoding-errors"
    ):
        read(THEIRS / name)
    format, labels, vectors = read(THEIRS / name, encoding_errors=errors)
    their_labels, their_vectors = by_gensim(THEIRS / name, format, unicode_errors=errors)
    assert labels == their_labels
    np.testing.assert_allclose(vectors, their_vectors, rtol=2e-7, atol=0)


def test_names_of_another_encoding_are_read_as_gensim_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes("2 2\nstraße 1 2\nКот 3 4\n".encode("koi8-r", "replace"))
    format, labels, _ = read(path, encoding="koi8-r")
    assert (format, labels[1]) == ("word2vec", "Кот")
    assert labels == by_gensim(path, format, encoding="koi8-r")[0]


def test_a_header_that_counts_wrong_is_corrected_and_said() -> None:
    name, reader = opened(VectorSource(THEIRS / "pretrained.vec"), None)
    assert (name, reader.rows, reader.width) == ("word2vec", 1, 5)
    assert reader.notes == ["pretrained.vec: line 1 says 3 vectors, and 1 follow: taken as 1"]
    (block,) = reader.blocks()
    labels, vectors = by_gensim(THEIRS / "pretrained.vec", name, limit=1)
    assert block.labels == labels
    np.testing.assert_allclose(block.vectors, vectors, rtol=2e-7)


@pytest.mark.parametrize("name", TOLD)
def test_what_holds_no_word_vectors_is_told_for_what_it_is(name: str) -> None:
    (path,) = [p for p in FILES if p.name == name]
    with pytest.raises(BadVectors) as err:
        read(path)
    assert f"{name} is " in str(err.value)
    assert TOLD[name] in str(err.value)


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(THEIRS)) for p in FILES])
def test_every_other_file_is_one_line_or_an_array(path: Path) -> None:
    refused = ""
    try:
        format, labels, vectors = read(path)
    except BadVectors as err:
        refused = str(err)
    assert "\n" not in refused
    if refused:
        assert path.name in refused
        return
    assert len(labels) == len(vectors)
    if format == "npy":
        np.testing.assert_array_equal(vectors, np.load(path).astype(np.float32))


@pytest.mark.parametrize("name", ["test_glove.txt", "euclidean_vectors.bin"])
def test_an_index_made_of_one_answers_as_gensim_does(name: str, tmp_path: Path) -> None:
    from gensim.models import KeyedVectors

    format = READ[name]
    import_vectors(
        ImportRequest(VectorSource(THEIRS / name), tmp_path, "theirs"), Narrator(quiet=True)
    )
    keyed = KeyedVectors.load_word2vec_format(
        str(THEIRS / name), binary=format == "word2vec-binary", no_header=format == "glove"
    )
    with explorer.open("theirs", tmp_path) as ix:
        for word in ("the", "of", "and"):
            ours = ix.neighbors(f'"{word}"', k=5, measure="cosine").rows
            theirs = keyed.most_similar(word, topn=5)
            assert [row.score for row in ours] == pytest.approx([s for _, s in theirs], abs=1e-5)
