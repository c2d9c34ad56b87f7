"""`ix.middleman` of two words, against the two products it cannot do without, in NumPy.

python -m benchmarks.peers.middlemen
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from benchmarks.measure import Line
from benchmarks.peers.page import Part
from benchmarks.peers.rows import SIZES, WORDS, read_names
from benchmarks.peers.served import IN_A_ROW, REST, WAKING
from benchmarks.peers.sizes import QUERIES, WARM, rows_of, say

TARGET = 1.0


def products() -> Part:
    """Words not asked before each time, both sides in turn, in a process of their own."""
    say("middleman and two products")
    names = read_names(rows_of(SIZES["49152"]) / WORDS)[: 2 * (WARM + QUERIES)]
    words = [name.strip() for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.middlemen"],
        input=json.dumps(words),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout)
    line = Line(
        '`ix.middleman(word, word, side="out")`, 46,080 neurons, words not asked before',
        f"{found['ratio']:.2f} times two NumPy products ({1000 * found['ours']:.1f} ms and "
        f"{1000 * found['products']:.1f} ms)",
        f"{TARGET} time",
        found["ratio"] <= TARGET,
    )
    text = [
        "Two words over the writing sides of all neurons of SmolLM2-135M, (46,080, 576): names, z, "
        "the signs they act with and what they read and write, against `rows @ first` and "
        "`rows @ second` over rows that lie in memory as float32, on all threads, and nothing more."
    ]
    return Part(text, [line], ["semantic-explorer", "numpy"])


def measure(words: list[str]) -> dict[str, float]:
    """Median seconds of both, and the median of their ratio."""
    import numpy as np

    import explorer

    with explorer.open("smollm2") as ix:
        space = ix.index.space("neuron.out")
        rows = space.rows.block(0, space.entry.rows)
        pairs = list(zip(words[::2], words[1::2], strict=True))
        vectors = {word: ix.vector(word, measure="cosine").astype(np.float32) for word in words}
        times: dict[str, list[float]] = {"ours": [], "products": []}

        def ours(first: str, second: str) -> None:
            ix.middleman(first, second, side="out")

        def products(first: str, second: str) -> None:
            _ = rows @ vectors[first], rows @ vectors[second]

        for turn in range(0, len(pairs), IN_A_ROW):
            for name, ask in (("ours", ours), ("products", products)):
                time.sleep(REST)
                for at, pair in enumerate(pairs[turn : turn + IN_A_ROW]):
                    start = time.perf_counter()
                    ask(*pair)
                    if at >= WAKING and turn + at >= WARM:
                        times[name].append(time.perf_counter() - start)
    ratio = statistics.median(o / p for o, p in zip(times["ours"], times["products"], strict=True))
    return {name: statistics.median(found) for name, found in times.items()} | {"ratio": ratio}


if __name__ == "__main__":
    json.dump(measure(json.load(sys.stdin)), sys.stdout)
