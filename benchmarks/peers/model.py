"""A model asked cold: our commands, and what a person writes with TransformerLens for the same."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from benchmarks.measure import Line, Process, process
from benchmarks.peers import agreement
from benchmarks.peers.libraries.library import Found
from benchmarks.peers.libraries.ours import BIN
from benchmarks.peers.page import Part, table
from benchmarks.peers.sizes import CACHE, say

FASTER, SMALLER = 20, 6
TURNS = 5
FOLDER = CACHE / "model"

_SAVE = """
import sys
from indexer.model import load
from indexer.source import PACKAGED, locate
model = load(locate(PACKAGED))
model.module.save_pretrained(sys.argv[1])
model.tokenizer.save_pretrained(sys.argv[1])
"""

_BOOT = """
import sys
import torch
from transformer_lens.model_bridge import TransformerBridge
bridge = TransformerBridge.boot_transformers(sys.argv[1], device="cpu", dtype=torch.float32)
word = bridge.to_single_token(" large")
"""

TOKENS = """
unit = bridge.W_E / bridge.W_E.norm(dim=1, keepdim=True)
best = (unit @ unit[word]).topk(11)
for score, token in zip(best.values.tolist(), best.indices.tolist()):
    if token != word:
        print(repr(bridge.to_string([token])), score)
"""

NEURONS = """
scores = bridge.W_out @ bridge.W_E[word]
best = scores.flatten().topk(10)
for score, at in zip(best.values.tolist(), best.indices.tolist()):
    print(repr(f"L{at // scores.shape[1]}N{at % scores.shape[1]}"), score)
"""

ASKED = {
    "tokens nearest to *large*": (["neighbors", "large"], TOKENS),
    "neurons that write it most, by dot product": (
        ["neighbors", "large", "--space", "neuron.out", "--measure", "dot"],
        NEURONS,
    ),
}


def cold() -> Part:
    """Process start to exit, in turn; both have answered once, and their answers are the same."""
    if not FOLDER.exists():
        say("saving the model as safetensors")
        subprocess.run([sys.executable, "-c", _SAVE, str(FOLDER)], check=True)
    rows, lines = [], []
    for what, (question, script) in ASKED.items():
        say(f"{what}: cold")
        command = [str(BIN / "explorer"), *question, "--index", "smollm2"]
        theirs = [sys.executable, "-c", _BOOT + script, str(FOLDER)]
        agreement.check("TransformerLens", [what], [_ours(command)], [_theirs(theirs)])
        turns = [(process(command), process(theirs)) for _ in range(TURNS)]
        rows += [_cells(f"{what}: `explorer {' '.join(question)}`", [one for one, _ in turns])]
        rows += [_cells(f"{what}: a script with TransformerLens", [two for _, two in turns])]
        lines += _targets(" ".join(question), turns)
    head = ("cold", "s", "MB", "of that its own, MB")
    text = [
        "SmolLM2-135M, asked for the ten tokens and the ten neurons nearest to *large*; "
        "TransformerLens boots the same weights from a local folder. Both give the same ten. Most "
        "of its time goes into opening the model, which it then holds for whatever is asked next.",
        "",
        *table(head, rows),
    ]
    return Part(text, lines, ["semantic-explorer", "transformer-lens", "transformers", "torch"])


def _cells(what: str, done: list[Process]) -> list[str]:
    seconds = statistics.median(one.seconds for one in done)
    most, own = (max(getattr(one, name) for one in done) for name in ("megabytes", "own"))
    return [what, f"{seconds:.2f}", f"{most:,.0f}", f"{own:,.0f}"]


def _targets(question: str, turns: list[tuple[Process, Process]]) -> list[Line]:
    faster = statistics.median(theirs.seconds / ours.seconds for ours, theirs in turns)
    share = max(ours.megabytes for ours, _ in turns) / max(two.megabytes for _, two in turns)
    return [
        Line(
            f"cold `explorer {question}`, beside TransformerLens",
            f"{faster:.1f} times as fast",
            f"{FASTER} times",
            faster >= FASTER,
        ),
        Line(
            "its memory, resident",
            f"{share:.2f} of TransformerLens",
            f"1/{SMALLER}",
            share * SMALLER <= 1,
        ),
    ]


def _ours(command: list[str]) -> Found:
    done = subprocess.run([*command, "--format", "json"], check=True, capture_output=True)
    return [(row["text"], row["score"]) for row in json.loads(done.stdout)["rows"]]


def _theirs(command: list[str]) -> Found:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = [line.rsplit(" ", 1) for line in done.stdout.splitlines()[-10:]]
    return [(name.strip("'\""), float(score)) for name, score in found]
