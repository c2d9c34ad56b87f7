"""A large `.npy` made searchable: `indexer import`, against FAISS and a checksum of its file."""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.measure import Line, Process, process
from benchmarks.peers.libraries import library
from benchmarks.peers.page import Part, table
from benchmarks.peers.rows import SIZES, VECTORS
from benchmarks.peers.sizes import CACHE, rows_of, say

TARGET, TURNS = 1.5, 2

_PLAIN = """
import hashlib, sys
import faiss, numpy as np
rows = np.load(sys.argv[1])
index = faiss.IndexFlatIP(rows.shape[1])
index.add(rows)
faiss.write_index(index, sys.argv[2])
with open(sys.argv[2], "rb") as file:
    print(hashlib.file_digest(file, "sha256").hexdigest())
"""


def npy() -> Part:
    """Process start to exit, in turn; what was written is removed each time."""
    of, folder = SIZES["1000000"], CACHE / "imported"
    ours: list[Process] = []
    theirs: list[Process] = []
    rows = rows_of(of)
    vectors = str(rows / VECTORS)
    plain = [sys.executable, "-c", _PLAIN, vectors, str(folder / "rows.faiss")]
    commands = {"ours": library("ours").making("ours", rows, folder), "plain": plain}
    for turn in range(TURNS):
        for name, done in (("ours", ours), ("plain", theirs)):
            say(f"import of {of.rows:,} rows, {name}, {turn + 1} of {TURNS}")
            done.append(_done(commands[name], folder))
    ratio = statistics.median(o.seconds / t.seconds for o, t in zip(ours, theirs, strict=True))
    cells = [
        _cells("`indexer import vectors.npy`: sealed, checked, with a catalog and findings", ours),
        _cells("`np.load`, `IndexFlatIP.add`, `write_index`, SHA-256 of the file", theirs),
    ]
    line = Line(
        f"`indexer import` of {of.rows:,} x {of.width}",
        f"{ratio:.2f} times FAISS and a checksum",
        f"{TARGET} times",
        ratio <= TARGET,
    )
    text = [
        f"A file of {of.rows:,} x {of.width} numbers, {of.rows * of.width * 4 / 1e9:.1f} GB, with "
        "its names.",
        "",
        *table(("import", "s", "MB", "of that its own, MB"), cells),
    ]
    return Part(text, [line], ["semantic-explorer", "faiss-cpu", "numpy"])


def _done(command: list[str], folder: Path) -> Process:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return process(command)
    finally:
        shutil.rmtree(folder)


def _cells(what: str, done: list[Process]) -> list[str]:
    return [
        what,
        f"{statistics.median(one.seconds for one in done):.1f}",
        f"{max(one.megabytes for one in done):,.0f}",
        f"{max(one.own for one in done):,.0f}",
    ]
