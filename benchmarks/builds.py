"""Building: context extraction against the bare forward pass, and peak memory."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Line, interleaved, process

INDEXER = str(Path(sys.executable).parent / "indexer")
LOAD = (
    "from indexer.model import load, locate; import torch; load(locate('smollm2'), True);"
    "torch.set_num_threads(2)"
)


def throughput() -> list[Line]:
    """Words per second: extracted, normed and written, against the model alone."""
    import torch

    from indexer.extract.context import BATCH_TOKENS, LastTokenStream
    from indexer.model import load, locate
    from indexer.store.write import RowsWriter, unit_rows

    model = load(locate("smollm2"), with_tokenizer=False)
    layers = list(range(len(model.blocks) + 1))
    words = np.random.default_rng(0).integers(1000, 40_000, BATCH_TOKENS)
    prefix = 198
    batch = [[int(word)] for word in words]
    whole = torch.tensor([[prefix, int(word)] for word in words])
    stream = LastTokenStream(model, [prefix], layers)
    with tempfile.TemporaryDirectory() as folder:
        writers = [
            RowsWriter(Path(folder) / f"{layer}.faiss", len(batch), model.d_model)
            for layer in layers
        ]

        def extract() -> None:
            states = stream.run(batch)
            for at, writer in enumerate(writers):
                unit, _ = unit_rows(states[at])
                writer.put(0, unit)

        def bare() -> None:
            with torch.inference_mode():
                model.base(input_ids=whole, use_cache=False)

        times = interleaved(9, extract=extract, bare=bare)
    share = times["bare"] / times["extract"]
    return [
        Line(
            "context extraction, all layers, written to disk",
            f"{len(batch) / times['extract']:.0f} words/s, {share:.0%} of the bare forward pass "
            f"over prefix and word ({len(batch) / times['bare']:.0f} words/s)",
            "85 %",
            share >= 0.85,
        )
    ]


def memory() -> list[Line]:
    """Peak memory of a build above that of loading the model, for few words and for many."""
    loaded = process([sys.executable, "-c", LOAD])
    lines = []
    for words in (500, 20_000):
        with tempfile.TemporaryDirectory() as folder:
            command = [INDEXER, "build", "smollm2", "--words", str(words), "--indexes", folder]
            done = process(command)
        above = done.megabytes - loaded.megabytes
        lines.append(
            Line(
                f"build with {words:,} words",
                f"{done.seconds:.0f} s, peak {done.megabytes:.0f} MB, {above:+.0f} MB against "
                f"loading the model ({loaded.megabytes:.0f} MB)",
                "180 s, +1000 MB" if words == 20_000 else "+1000 MB",
                above <= 1000 and (words < 20_000 or done.seconds <= 180),
            )
        )
    return lines
