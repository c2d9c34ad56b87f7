"""Files of vectors with any byte broken: read, or refused in one line, and nothing else.

Every byte of a small file of each format is changed, and the file cut at every place. What is read
all the same has as many names as vectors, and all of them as wide as it says. Texts are held to a
reading of each line by itself.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.errors import BadVectors
from indexer.portable.formats import opened, written
from indexer.portable.vectors import Labelled, VectorSource

pytestmark = pytest.mark.native

NAMES = ["a", "bé", "the dog", "d", "e", "f"]
VECTORS = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
WAYS = {
    "v.npy": ("npy", False),
    "v.safetensors": ("safetensors", False),
    "v.parquet": ("parquet", False),
    "v.vec": ("word2vec", False),
    "v.bin": ("word2vec", True),
}
HUGE = 2 << 30


def sound(folder: Path, file: str) -> bytes:
    """A file of a format as we write it."""
    to, binary = WAYS[file]
    how = written(to, binary)
    paths = how.files(folder / file)
    with how.write(paths, Labelled("s", [how.carried(n) for n in NAMES], 4)) as put:
        put(VECTORS)
    return paths[0].read_bytes()


def broken(data: bytes) -> Iterator[bytes]:
    """The same with one byte changed in two ways, and cut at every place."""
    for at in range(len(data)):
        for turned in (0x10, 0xFF):
            yield data[:at] + bytes([data[at] ^ turned]) + data[at + 1 :]
        yield data[:at]


def walked(path: Path) -> tuple[list[str], np.ndarray]:
    """All names and vectors of a file that is read."""
    reader = opened(VectorSource(path), None)[1]
    names = [name for part in reader.names() for name in part]
    blocks = list(reader.blocks())
    assert names == [label for block in blocks for label in block.labels]
    assert len(names) == reader.rows
    assert all(b.vectors.shape == (len(b.labels), reader.width) for b in blocks)
    assert all(b.vectors.dtype == np.float32 for b in blocks)
    return names, np.concatenate([block.vectors for block in blocks])


def tried(path: Path) -> tuple[list[str], np.ndarray] | None:
    """The same, or None where it is refused as it should be."""
    refused = ""
    try:
        return walked(path)
    except BadVectors as err:
        refused = str(err)
    assert "\n" not in refused
    assert path.name in refused
    return None


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A limit on what this process may take besides what it has, so that a huge claim fails."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + HUGE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.slow
@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("file", WAYS)
def test_a_file_broken_in_any_byte_is_read_or_refused_in_one_line(
    file: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, refused = tmp_path / file, 0
    for data in broken(sound(tmp_path, file)):
        path.write_bytes(data)
        refused += tried(path) is None
    assert refused > 100
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("file", WAYS)
def test_a_compressed_file_broken_in_any_byte_is_the_same_or_refused(
    file: str, tmp_path: Path
) -> None:
    data = gzip.compress(sound(tmp_path, file), mtime=0)
    path = tmp_path / f"{file}.gz"
    path.write_bytes(data)
    names, vectors = walked(path)
    assert file == "v.npy" or names == NAMES
    np.testing.assert_array_equal(vectors, VECTORS)
    for at in range(len(data)):
        for one in (data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :], data[:at]):
            path.write_bytes(one)
            found = tried(path)
            # A byte of gzip's own header may say nothing of the content.
            assert found is None or (found[0], found[1].tolist()) == (names, vectors.tolist())


CLAIMS = {
    "v.npy": lambda data: data.replace(b"(6, 4), }" + b" " * 15, b"(1000000000000000, 4), }"),
    "v.safetensors": lambda data: data.replace(b"[6, 4]", b"[9, 9]"),
    "v.vec": lambda data: data.replace(b"6 4\n", b"1000000000000000 4\n"),
    "v.bin": lambda data: data.replace(b"6 4\n", b"1000000000000000 4\n"),
}


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("file", CLAIMS)
def test_what_a_header_claims_is_held_against_the_file(file: str, tmp_path: Path) -> None:
    data = sound(tmp_path, file)
    claimed = CLAIMS[file](data)
    assert claimed != data
    (tmp_path / file).write_bytes(claimed)
    if file in ("v.vec", "v.bin"):
        reader = opened(VectorSource(tmp_path / file), None)[1]
        assert reader.rows == 6
        assert "1,000,000,000,000,000 vectors" in reader.notes[0]
        assert "6 follow: taken as 6" in reader.notes[0]
    else:
        with pytest.raises(BadVectors, match=r"cut short|another number of bytes"):
            opened(VectorSource(tmp_path / file), None)


def test_a_table_that_claims_more_rows_than_it_can_hold_is_refused(tmp_path: Path) -> None:
    data = sound(tmp_path, "v.parquet")
    # The count of rows in the footer, a field of 64 bits as thrift's compact form writes it: 6.
    at = data.rindex(b"\x16\x0c\x19")
    claimed = data[:at] + b"\x16\x80\x80\x9a\xa6\xea\xaf\xe3\x03\x19" + data[at + 3 :]
    length = int.from_bytes(data[-8:-4], "little") + 7
    (tmp_path / "v.parquet").write_bytes(claimed[:-8] + length.to_bytes(4, "little") + b"PAR1")
    with pytest.raises(BadVectors, match=r"tells of [\d,]{20,} rows, which [\d,]+ bytes cannot"):
        opened(VectorSource(tmp_path / "v.parquet"), None)


# -- texts ----------------------------------------------------------------------------------------

FIELDS = st.sampled_from(
    ["a", "b", "é", "1", "2.5", "-3e2", "nan", "1_0", "0x1", "1,5", ".", "\u00a0", "66"]
)
BETWEEN = st.sampled_from([" ", " ", " ", "\t", "  ", " \t "])
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", "\n\n"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Lines much like those of GloVe, most of them of one width, and some with a fault."""
    width = draw(st.integers(1, 3))
    out = draw(st.sampled_from(["", "", "\ufeff", f"3 {width}\n", f"9 {width}\n"]))
    for _ in range(draw(st.integers(1, 5))):
        name = draw(FIELDS)
        count = draw(st.sampled_from([width] * 8 + [width + 1, width - 1]))
        numbers = [draw(st.sampled_from(["1", "2.5", "-3e2", "+4", "7"])) for _ in range(count)]
        if draw(st.integers(0, 9)) == 0:
            numbers.append(draw(FIELDS))
        out += name + "".join(draw(BETWEEN) + number for number in numbers) + draw(ENDS)
    return out.encode()


@given(data=texts())
@example(data=(Path(__file__).parent / "cases/vector_files/glove_shifted.txt").read_bytes())
@example(data=b"a 1 2\t3\nb 4\t5\n")
@settings(max_examples=400, deadline=None, derandomize=True)
def test_each_line_of_a_text_gives_its_own_numbers_or_an_error(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "v.txt"
        path.write_bytes(data)
        found = tried(path)
        if found is None:
            return
        reader, (names, vectors) = opened(VectorSource(path), None)[1], found
    for row, (name, vector) in enumerate(zip(names, vectors, strict=True)):
        number = int(reader.place(row).removeprefix("line "))
        line = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[number - 1]
        fields = line.split()
        assert [float(x) for x in fields[-reader.width :]] == pytest.approx(
            vector.tolist(), nan_ok=True
        )
        # Nothing between the name and its numbers is a number itself, unless a tab says so.
        between = fields[1 : -reader.width]
        assert not between or b"\t" in line or not between[-1].isdigit()
        assert name.encode().split() == fields[: -reader.width] or b"\t" in line


@given(data=st.binary(max_size=200), ending=st.sampled_from(["txt", "bin", "npy", "x", "parquet"]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes, ending: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"v.{ending}"
        path.write_bytes(data)
        tried(path)
