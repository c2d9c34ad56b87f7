"""Files with something wrong: vectors, labels, words, test sets, tables of a user's own.

Each is a sound file, as we or another library write it, broken at random, or one whose header is
made up. Whatever is refused leaves nothing; what is taken is a sound index.
"""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from fuzz.madeup import altered, broken, texts, tried, written
from fuzz.program import inside, ran
from indexer.store.places import index_names
from indexer.store.verify import verify

LABELS = ["the", "of", "Köln", "naïve", "a b"]
ROWS = np.arange(1, 21, dtype=np.float32).reshape(5, 4)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with inside(tmp_path_factory.mktemp("files")) as here:
        yield here


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, ROWS)
    return file.getvalue()


def _parquet(**options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"label": LABELS, "vector": ROWS.tolist()}), file, **options)
    return file.getvalue()


def _word2vec(binary: bool, header: bool = True) -> bytes:
    keyed = KeyedVectors(4)
    keyed.add_vectors([label.replace(" ", "_") for label in LABELS], ROWS)
    path = Path("keyed")
    keyed.save_word2vec_format(str(path), binary=binary, write_header=header)
    return path.read_bytes()


def sound(ending: str) -> bytes:
    """A file of that ending that can be imported."""
    match ending:
        case "npy":
            return _npy()
        case "safetensors":
            return save({"w": ROWS}, {"labels": '["a", "b", "c", "d", "e"]'})
        case "parquet":
            return _parquet()
        case "bin":
            return _word2vec(binary=True)
        case "vec":
            return _word2vec(binary=False)
        case "txt":
            return _word2vec(binary=False, header=False)
        case "vec.gz":
            return gzip.compress(_word2vec(binary=False), mtime=0)
        case _:
            return gzip.compress(_word2vec(binary=True), mtime=0)


def imported(name: str, data: bytes, *options: str, labels: bytes | None = None) -> int:
    """Import a file; nothing half done is left, and what is done is sound. The exit code."""
    file = Path(name)
    file.write_bytes(data)
    beside = Path(name.partition(".")[0] + ".labels.txt")
    beside.write_bytes("".join(f"{label}\n" for label in LABELS).encode())
    if labels is not None:
        beside.write_bytes(labels)
    root = Path("made")
    try:
        ended = ran(
            "indexer", "import", name, "--name", "m", "--indexes", "made", "--quiet", *options
        )
        assert index_names(root) == (["m"] if ended.code == 0 else [])
        if ended.code == 0:
            assert verify(root / "m") == []
        return ended.code
    finally:
        shutil.rmtree(root, ignore_errors=True)


ENDINGS = ["npy", "safetensors", "parquet", "bin", "vec", "txt", "vec.gz", "bin.gz"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_vectors_with_some_bytes_wrong(ending: str) -> None:
    data = sound(ending)
    if not ending.endswith(".gz"):
        assert imported(f"v.{ending}", data) == 0

    @tried(60 if ending in ("npy", "safetensors", "parquet") else 30)
    @given(broken(data), st.sampled_from([(), (), ("--transpose",), ("--allow-zero",)]))
    def run(data: bytes, options: tuple[str, ...]) -> None:
        imported(f"v.{ending}", data, *options)

    run()


@tried(20)
@given(st.sampled_from(ENDINGS), st.sampled_from(ENDINGS))
def test_a_file_that_is_called_another(ending: str, other: str) -> None:
    imported(f"v.{ending}", sound(other))


# -- headers made up ----------------------------------------------------------------------------

_sizes = st.integers(-2, 6) | st.sampled_from([2**31, 2**62, 2**64, 10**30])
_TYPES = "<f4 >f8 <f2 |O <i8 <U3 |V4 <M8[s] <c8 ? f4,f4 <f40 <f999999999 f"
_FIELDS = [("a", "<f4")], [("a", "|O", (2,))], {"names": [], "formats": []}, None, 3, ""
_descr = st.sampled_from([*_TYPES.split(), *_FIELDS])


@tried(80)
@given(
    st.fixed_dictionaries(
        {"descr": _descr, "fortran_order": st.booleans() | texts,
         "shape": st.lists(_sizes, max_size=4).map(tuple) | _sizes}
    ),
    st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"]),
    st.binary(max_size=100),
)  # fmt: skip
def test_the_header_of_an_array_made_up(header: Any, version: bytes, data: bytes) -> None:
    text = repr(header).encode() + b"\n"
    size = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    imported("v.npy", b"\x93NUMPY" + version + size + text + data)


_tensor = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(
            ["F32", "F16", "BF16", "F64", "I64", "F8_E4M3", "BOOL", "", "F31"]
        ),
        "shape": st.lists(_sizes, max_size=3),
        "data_offsets": st.lists(st.integers(-1, 90) | _sizes, max_size=3),
    }
)
_header = st.dictionaries(texts | st.just("w"), _tensor, max_size=3)
_metadata = st.dictionaries(st.just("labels") | texts, texts | st.just('["a", "b"]'), max_size=2)


@tried(80)
@given(_header, _metadata, st.binary(max_size=90), st.none() | st.sampled_from([0, 2**60, 2**63]))
def test_the_header_of_safetensors_made_up(
    header: Any, metadata: Any, data: bytes, size: int | None
) -> None:
    text = written({**header, "__metadata__": metadata})
    length = len(text) if size is None else size
    imported("v.safetensors", length.to_bytes(8, "little") + text + data)


@tried(40)
@given(
    altered({"w": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]}, "__metadata__": {}})
)
def test_the_header_of_safetensors_altered(header: Any) -> None:
    text = written(header)
    imported("v.safetensors", len(text).to_bytes(8, "little") + text + ROWS.tobytes()[:32])


_columns = st.sampled_from(
    [
        pa.array(LABELS),
        pa.array([None, *LABELS[1:]]),
        pa.array([b"\xff", b"a", b"b", b"c", b"d"]),
        pa.array(range(5)),
        pa.array(ROWS.tolist()),
        pa.array([[1.0], [1.0, 2.0], None, [], [float("nan")]]),
        pa.array(ROWS.tolist(), pa.list_(pa.float16(), 4)),
        pa.array([[1, 2]] * 5),
        pa.array([["a"]] * 5),
        pa.array([{"a": 1}] * 5),
        pa.array(LABELS).dictionary_encode(),
        pa.nulls(5),
        pa.array([[[1.0]]] * 5),
    ]
)


@tried(60)
@given(
    st.dictionaries(st.sampled_from(["label", "vector", "token", "x", ""]), _columns, max_size=3)
)
def test_columns_of_any_kind(columns: dict[str, Any]) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    imported("v.parquet", file.getvalue())


# -- texts --------------------------------------------------------------------------------------

_numbers = st.sampled_from(["1", "-0.5", "1e400", "nan", "inf", "1,5", "0x1", "", "١", "1_0", "a"])
_words = texts | st.sampled_from(["the", "a b", "</s>", "\x85x"])
_lines = st.lists(
    st.tuples(_words, st.lists(_numbers, max_size=4)).map(
        lambda row: " ".join([row[0], *row[1]])
    )
    | st.sampled_from(["2 3", "0 0", "-1 2", "9" * 30 + " 2", "", " ", "\t"]),
    max_size=5,
)  # fmt: skip


@tried(60)
@given(_lines, st.sampled_from(["\n", "\r\n", "\r", " \n"]), st.sampled_from(["vec", "txt"]))
def test_lines_of_vectors_made_up(lines: list[str], end: str, ending: str) -> None:
    imported(f"v.{ending}", end.join(lines).encode())


@tried(40)
@given(broken("".join(f"{label}\n" for label in LABELS).encode()) | st.binary(max_size=30))
def test_labels(labels: bytes) -> None:
    imported("v.npy", _npy(), labels=labels)


_WORDS = "large\nGreat Dane\n\nKöln\n".encode()
_PAIRS = b"# a comment\nword1\tword2\tscore\ndog\tcat\t3.5\nlarge\thuge\t9\n"
_QUESTIONS = b": size\nlarge huge small tiny\n: other\ndog cat red blue\n"
_TABLE = b"word,rating\nlarge,3.5\ndog,\n"

READ = {
    "words": (_WORDS, ("congruence", "--permutations", "20", "--file", "{}")),
    "pairs": (_PAIRS, ("evaluate", "similarity", "{}")),
    "pairs-by-name": (_PAIRS, ("evaluate", "similarity", "{}", "--column", "score")),
    "questions": (_QUESTIONS, ("evaluate", "analogies", "{}")),
    "group": (_WORDS, ("compare", "--pairs", "5", "--file", "{}")),
}


@pytest.mark.parametrize("kind", READ)
def test_a_file_of_words(kind: str, tiny_indexes: Path) -> None:
    data, asked = READ[kind]
    place = ("--index", "llama", "--indexes", str(tiny_indexes))

    @tried(40)
    @given(broken(data) | st.binary(max_size=40))
    def run(data: bytes) -> None:
        Path("asked.txt").write_bytes(data)
        ran("explorer", *("asked.txt" if part == "{}" else part for part in asked), *place)

    run()


@pytest.mark.parametrize("ending", ["csv", "parquet", "sql"])
def test_a_table_or_a_statement_in_a_file(ending: str, tiny_indexes: Path) -> None:
    data = {"csv": _TABLE, "parquet": _parquet(), "sql": b"SELECT text FROM token LIMIT 3"}[ending]
    place = ("--index", "llama", "--indexes", str(tiny_indexes))
    asked = ("-f", "t.sql") if ending == "sql" else ("FROM own", "--attach", f"own=t.{ending}")

    @tried(8)  # each starts a process
    @given(broken(data))
    def run(data: bytes) -> None:
        Path(f"t.{ending}").write_bytes(data)
        ran("explorer", "sql", *asked, *place)

    run()
