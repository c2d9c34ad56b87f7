"""An index against TransformerLens: every space compared with the tensors of its bridge.

`make test-peers` runs this in an environment of its own, which has TransformerLens, and writes the
table of docs/peers.md. Our side is the index read back: unit rows times norms. Theirs is
`TransformerBridge`: its weights as it names and lays them, its hooks on its forward pass.
"""

from __future__ import annotations

import contextlib
import platform
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformer_lens.model_bridge import TransformerBridge

from conftest import ROOT, run_build
from families import make_model
from indexer.model import load
from indexer.source import PACKAGED, locate
from indexer.store.items.word import Word
from indexer.store.read import Index

Float32 = NDArray[np.float32]

WEIGHTS_TOLERANCE, CONTEXT_TOLERANCE = 1e-6, 1e-4
COMPARED_WORDS = 24
COLUMNS = (
    *("embed", "unembed", "neuron.gate", "neuron.up", "neuron.in", "neuron.out"),
    *("head.value", "head.output", "context"),
)

TINY = {
    "tiny GPT-2": "gpt2",
    "tiny Pythia": "gpt_neox",
    "tiny Gemma": "gemma",
}
"""Random models by what the table calls them, and their cases in tests/families.py."""


@dataclass(frozen=True)
class Pair:
    """One model twice: as an index of this project, norms unfolded, and as a bridge."""

    index: Index
    bridge: Any

    @property
    def words(self) -> list[Word]:
        """Indexed words from the shortest to the longest, evenly spread."""
        return self.index.words.by_id(
            np.linspace(0, self.index.manifest.words - 1, COMPARED_WORDS).astype(int)
        )


def save_packaged(folder: Path) -> None:
    """The packaged model, unpacked from GGUF, as the safetensors that a bridge boots from."""
    model = load(locate(PACKAGED))
    model.module.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)


@contextlib.contextmanager
def pair_of(name: str) -> Iterator[Pair]:
    """Save, index and boot one model, in a folder that is gone afterwards."""
    torch.set_num_threads(1)  # threads wait for each other longer than these models take
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "model")
        saved.mkdir()
        if name in TINY:
            source = str(saved)
            make_model(saved, TINY[name])
        else:
            source = PACKAGED
            save_packaged(saved)
        built = run_build(source, Path(folder), "index", raw=True, device="cpu")
        bridge = TransformerBridge.boot_transformers(str(saved), device="cpu", dtype=torch.float32)
        with Index(built) as index:
            yield Pair(index, bridge.eval())


# -- one space, twice ---------------------------------------------------------------------------


def our_rows(index: Index, name: str) -> Float32:
    """Every vector of a space at its own length, (rows, d_model)."""
    space = index.space(name)
    rows: Float32 = space.rows.block(0, space.entry.rows) * space.norms[:, None]
    return rows


def their_weights(bridge: Any) -> dict[str, torch.Tensor]:
    """Space name -> (layers, rows, d_model), where the bridge has it; tokens are one layer.

    TransformerLens lays weights (in, out); in a gated MLP its `W_gate` is what the activation
    function is applied to, our `neuron.gate`, and its `W_in` our `neuron.up`. Its `W_V` holds the
    key-value heads, our `head.value` one for each query head.
    """
    sharing = bridge.cfg.n_heads // bridge.W_V.shape[1]
    values = bridge.W_V.repeat_interleave(sharing, dim=1)
    weights = {
        "embed": bridge.W_E[None],
        "unembed": bridge.W_U.T[None],
        "neuron.in": bridge.W_in.transpose(1, 2),
        "neuron.out": bridge.W_out,
        "head.value": values.transpose(2, 3).flatten(1, 2),
        "head.output": bridge.W_O.flatten(1, 2),
    }
    if bridge.W_gate is not None:
        weights["neuron.up"] = weights.pop("neuron.in")
        weights["neuron.gate"] = bridge.W_gate.transpose(1, 2)
    return weights


def their_streams(bridge: Any, prefix: tuple[int, ...], words: list[Word]) -> torch.Tensor:
    """The stream at each word's last token, before block 0 and after each: (L + 1, n, d_model)."""
    hooks = [f"blocks.{layer}.hook_resid_post" for layer in range(bridge.cfg.n_layers)]
    hooks.insert(0, "blocks.0.hook_resid_pre")
    streams = []
    for word in words:
        ids = torch.tensor([[*prefix, *word.token_ids]])
        _, cache = bridge.run_with_cache(ids, names_filter=hooks)
        streams.append(torch.stack([cache[hook][0, -1] for hook in hooks]))
    return torch.stack(streams, dim=1)


def greatest_error(ours: Float32, theirs: torch.Tensor) -> float:
    """|ours - theirs| / |theirs|, Frobenius norms over the rows of a layer; the worst layer.

    Args:
        ours: (layers * rows, d_model).
        theirs: (layers, rows, d_model).
    """
    expected = theirs.double().numpy()
    assert ours.size == expected.size
    difference = ours.reshape(expected.shape) - expected
    errors = np.linalg.norm(difference, axis=(1, 2)) / np.linalg.norm(expected, axis=(1, 2))
    return float(errors.max())


@torch.inference_mode()
def errors_of(pair: Pair) -> dict[str, float]:
    """Space -> greatest relative error, for every space of the index that the bridge has."""
    index, bridge = pair.index, pair.bridge
    errors = {
        name: greatest_error(our_rows(index, name), weights)
        for name, weights in their_weights(bridge).items()
        if name in index.space_names
    }
    words = pair.words
    streams = their_streams(bridge, index.manifest.prefix.token_ids, words)
    ids = [word.id for word in words]
    for layer, stream in enumerate(streams):
        name = f"context.{layer}"
        errors[name] = greatest_error(our_rows(index, name)[ids], stream[None])
    return errors


def tolerance(space: str) -> float:
    """Weights are copied; words in context are computed, in another order."""
    return CONTEXT_TOLERANCE if space.startswith("context.") else WEIGHTS_TOLERANCE


# -- what is asked ------------------------------------------------------------------------------


MODELS = ("SmolLM2-135M", *TINY)


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, dict[str, float]]]:
    """Model -> space -> error, to be filled; a whole run writes it to docs/peers.md."""
    rows: dict[str, dict[str, float]] = {}
    yield rows
    if set(rows) == set(MODELS):
        page = ROOT / "docs" / "peers.md"
        marked = r"(<!-- generated: peers -->\n).*?(<!-- end -->)"
        text = re.sub(
            marked, lambda m: m[1] + written(rows) + m[2], page.read_text("utf-8"), flags=re.DOTALL
        )
        page.write_text(text, "utf-8")


def written(rows: dict[str, dict[str, float]]) -> str:
    """The table as Markdown, the context spaces in one column, and what it was measured with."""
    lines = [
        f"| model | {' | '.join(f'`{c}`' for c in COLUMNS)} |",
        "| --- " * (len(COLUMNS) + 1) + "|",
    ]
    for model, errors in rows.items():
        worst = dict(errors)
        worst["context"] = max(e for space, e in errors.items() if space.startswith("context."))
        cells = [f"{worst[c]:.1e}" if c in worst else "" for c in COLUMNS]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    libraries = ("transformer-lens", "transformers", "torch", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return "\n".join([*lines, "", f"{versions}, Python {platform.python_version()}.", ""])


@pytest.mark.parametrize("name", MODELS)
def test_every_space_of_an_index_is_what_the_bridge_has(
    name: str, table: dict[str, dict[str, float]]
) -> None:
    with pair_of(name) as pair:
        errors = errors_of(pair)
        assert set(errors) == set(pair.index.space_names)
    assert {space: e for space, e in errors.items() if not e <= tolerance(space)} == {}
    table[name] = errors


def test_a_model_a_thousandth_off_is_told_apart_in_every_space() -> None:
    with pair_of("tiny GPT-2") as pair:
        with torch.no_grad():
            for parameter in pair.bridge.parameters():
                parameter.mul_(1.001)
        errors = errors_of(pair)
    assert {space: e for space, e in errors.items() if e <= tolerance(space)} == {}
