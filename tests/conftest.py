"""What the tests stand on: tiny random models of each family, and the real packaged model.

The real index is built once for a state of the code and kept in `.cache/`, so that a run after a
change elsewhere does not pay for it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

os.environ["HF_HUB_OFFLINE"] = "1"

VOCABULARY_WORDS = """
the a large huge tall small tiny dog cat puppy king queen man woman red blue green
Large Dog Paris France Great Dane size house river mountain
""".split()  # noqa: SIM905  a list of words reads best as words


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's own settings must not decide what a test finds."""
    for name in ("EXPLORER_INDEX", "EXPLORER_INDEXES"):
        monkeypatch.delenv(name, raising=False)


def make_tokenizer(folder: Path) -> int:
    """A byte-level BPE tokenizer over all bytes and a few words; returns its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|endoftext|>", "<|start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f" {word}" for word in VOCABULARY_WORDS] * 50, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|start|>", eos_token="<|endoftext|>"
    )
    fast.save_pretrained(folder)
    return len(fast)


def make_model(folder: Path, family: str, change: Callable[[Any], None] | None = None) -> Path:
    """A tiny random model of a family with every axis of another length, saved to a folder.

    `change` is given the model before it is saved.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # threads wait for each other longer than these models take
    size = make_tokenizer(folder)
    torch.manual_seed(7)
    if family == "llama":
        model: Any = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=size,
                hidden_size=24,
                intermediate_size=38,
                num_hidden_layers=3,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=6,
                max_position_embeddings=64,
                tie_word_embeddings=False,
            )
        )
    else:
        model = GPT2LMHeadModel(
            GPT2Config(vocab_size=size, n_embd=20, n_layer=2, n_head=4, n_inner=34, n_positions=64)
        )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Gains and biases away from 1 and 0, so that dropping one shows.
            if "norm" in name or "ln_" in name or name.endswith("bias"):
                parameter.add_(torch.randn_like(parameter) * 0.3)
        if change is not None:
            change(model)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny Llama: 3 gated layers, untied, RMSNorm."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-llama", "llama")


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny GPT-2: 2 layers, tied, LayerNorm, Conv1D."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2")


@pytest.fixture(params=["llama", "gpt2"], scope="session")
def tiny_model(request: pytest.FixtureRequest, tiny_llama: Path, tiny_gpt2: Path) -> Path:
    """Each tiny model in turn."""
    return tiny_llama if request.param == "llama" else tiny_gpt2


def run_build(model: str | Path, root: Path, name: str, **options: Any) -> Path:
    """Build an index in this process; returns its folder."""
    from indexer.build import build
    from indexer.progress import Narrator
    from indexer.request import Request

    request = Request(model=str(model), root=root, name=name, **{"words": 0, **options})
    return build(request, Narrator(quiet=True))[0]


@pytest.fixture(scope="session")
def tiny_indexes(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path, tiny_gpt2: Path
) -> Path:
    """A folder with sealed indexes `llama` and `gpt2` of the tiny models. Read only, please."""
    root = tmp_path_factory.mktemp("indexes")
    run_build(tiny_llama, root, "llama")
    run_build(tiny_gpt2, root, "gpt2")
    return root


def _state_of_the_code() -> str:
    """A digest of everything that decides what the real index holds."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "indexer").rglob("*")):
        if path.suffix in (".py", ".sql", ".toml") and path.name != "cli.py":
            digest.update(path.read_bytes())
    digest.update((ROOT / "constraints.txt").read_bytes())
    return digest.hexdigest()[:16]


REAL_WORDS = 1500
"""Words of the real index in tests: enough for the statistics, seconds to run."""


@pytest.fixture(scope="session")
def real_indexes() -> Path:
    """A folder with the sealed index `smollm2` of the packaged model, whole but for its words."""
    root = ROOT / ".cache" / "tests" / _state_of_the_code()
    if not (root / "smollm2" / "manifest.json").exists():
        shutil.rmtree(root.parent, ignore_errors=True)
        command = [str(BIN / "indexer"), "build", "smollm2", "--words", str(REAL_WORDS)]
        done = subprocess.run([*command, "--indexes", str(root), "--quiet"], check=False)
        assert done.returncode == 0, "the packaged model could not be indexed"
    return root


@pytest.fixture(scope="session")
def real(real_indexes: Path) -> Iterator[Any]:
    """An open Explorer on the real index."""
    import explorer

    with explorer.open("smollm2", real_indexes) as ix:
        yield ix


@pytest.fixture(scope="session")
def real_model() -> Any:
    """The packaged model itself, loaded in float32: the oracle for what the index holds."""
    from indexer.model import load, locate

    return load(locate("smollm2"), with_tokenizer=False)


Run = Callable[..., SimpleNamespace]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program of the project as a person would: `run("explorer", "neighbors", "dog")`.

    Returns `code`, `out`, `err`, and `json()`; runs in an empty folder unless `cwd` says otherwise.
    """

    def call(program: str, *args: str, cwd: Path | None = None, **env: str) -> SimpleNamespace:
        done = subprocess.run(
            [str(BIN / program), *map(str, args)],
            cwd=cwd or tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return SimpleNamespace(
            code=done.returncode,
            out=done.stdout,
            err=done.stderr,
            json=lambda: json.loads(done.stdout),
        )

    return call
