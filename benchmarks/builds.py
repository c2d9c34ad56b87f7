"""Building: context extraction against the bare forward pass, peak memory, and loading."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Line, interleaved, process

INDEXER = str(Path(sys.executable).parent / "indexer")
LOAD = (
    "from indexer.model import load; from indexer.source import locate; import torch;"
    "load(locate('smollm2'), True); torch.set_num_threads(2)"
)


def throughput() -> list[Line]:
    """Words per second: extracted, recorded, normed and written, against the model alone."""
    import torch

    from indexer.extract.context import BATCH_TOKENS, LastTokenStream
    from indexer.extract.firing import Sums, Tally, floors
    from indexer.model import load
    from indexer.source import locate
    from indexer.store.grid import NeuronGrid, NeuronLayer
    from indexer.store.write import RowsWriter, unit_rows

    model = load(locate("smollm2"), with_tokenizer=False)
    layers = list(range(len(model.blocks) + 1))
    words = np.random.default_rng(0).integers(1000, 40_000, BATCH_TOKENS)
    prefix = 198
    batch = [[int(word)] for word in words]
    whole = torch.tensor([[prefix, int(word)] for word in words])
    grid = NeuronGrid(tuple(NeuronLayer(at, *model.neurons(at)) for at in layers[:-1]))
    sums, everything = Sums(grid), np.full(grid.rows, np.inf, np.float32)
    tallies = {end: Tally(grid, everything) for end in (1, -1)}

    def hear(layer: int, activations: torch.Tensor) -> None:
        sums.hear(layer, activations)
        for end, tally in tallies.items():
            tally.hear(layer, end * activations)

    # As a build has them: floors from a sample, and the strongest words of many words.
    stream = LastTokenStream(model, [prefix], layers, hear=hear, heard=layers[:-1])
    stream.run(batch)
    moments = sums.moments(len(batch))
    for end, tally in tallies.items():
        tally.batch(0, len(batch))
        tally.merge()
        known = Tally(grid, floors(moments.turned(end), tally))
        known.restore(tally.words, tally.activations)
        tallies[end] = known
    with tempfile.TemporaryDirectory() as folder:
        writers = [
            RowsWriter(Path(folder) / f"{layer}.faiss", len(batch), model.d_model)
            for layer in layers
        ]

        def extract() -> None:
            states = stream.run(batch)
            for tally in tallies.values():
                tally.batch(len(batch), len(batch))
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
            "context extraction, all layers, activations recorded, written to disk",
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


def loading() -> list[Line]:
    """What a checkpoint in shards costs to load, and to index without loading it."""
    imports = "import torch, transformers, accelerate.utils, safetensors.torch\n"
    bare = process([sys.executable, "-c", imports + "from transformers import LlamaForCausalLM"])
    load = imports + "from indexer.model import load\nfrom indexer.source import locate\n"
    code = load + "m = load(locate('smollm2'), False).module\n"
    whole = subprocess.run(
        [sys.executable, "-c", code + "print(m.num_parameters() * 4 / 1e6)"],
        check=True,
        capture_output=True,
        text=True,
    )
    own, weight = process([sys.executable, "-c", code]).own - bare.own, float(whole.stdout)
    lines = [
        Line(
            f"loading a GGUF file that weighs {weight:.0f} MB in float32",
            f"{own:.0f} MB, {own / weight:.2f} times that",
            "1.5 times",
            own <= 1.5 * weight,
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", _CHECKPOINT, folder], check=True)
        files = Path(folder).glob("*.safetensors")
        size = sum(file.stat().st_size for file in files) / 1e6
        for dtype, weight in (("bfloat16", size), ("float32", 2 * size)):
            code = f"{load}load(locate({folder!r}), False, dtype={dtype!r})"
            own = process([sys.executable, "-c", code]).own - bare.own
            lines.append(
                Line(
                    f"loading a bfloat16 checkpoint of {size:.0f} MB for {dtype} passes",
                    f"{own:.0f} MB, {own / weight:.2f} times what it weighs in {dtype}",
                    "1.1 times",
                    own <= 1.1 * weight,
                )
            )
        command = [INDEXER, "build", folder, "--name", "big", "--words", "0", "--layers", "0-3"]
        done = process([*command, "--spaces", "embed,neuron,head", "--indexes", folder])
        own = done.own - bare.own
        lines.append(
            Line(
                "indexing weights of the same, `--spaces embed,neuron,head --layers 0-3`",
                f"{done.seconds:.0f} s, {own:.0f} MB, {own / size:.2f} times the checkpoint",
                "less than the checkpoint",
                own < size,
            )
        )
    return lines


_CHECKPOINT = """
import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from indexer.model import load
from indexer.source import locate
torch.manual_seed(0)
load(locate("smollm2")).tokenizer.save_pretrained(sys.argv[1])
config = LlamaConfig(
    vocab_size=49_152,
    hidden_size=1024,
    intermediate_size=4096,
    num_hidden_layers=40,
    num_attention_heads=16,
    num_key_value_heads=4,
    tie_word_embeddings=True,
    dtype="bfloat16",
)
torch.set_default_dtype(torch.bfloat16)
model = LlamaForCausalLM(config)
model.save_pretrained(sys.argv[1], max_shard_size="200MB")
"""
