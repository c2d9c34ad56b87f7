"""GPT-2 small from the model hub: skipped, saying why, where the hub cannot be reached."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conftest import BIN

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def gpt2_indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).hostname or ""
    try:
        socket.create_connection((host, 443), timeout=3).close()
    except OSError as err:
        pytest.skip(f"the model hub cannot be reached ({err})")
    root = tmp_path_factory.mktemp("hub")
    command = [str(BIN / "indexer"), "build", "gpt2", "--words", "0", "--indexes", str(root)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "cannot be had on the hub" in done.stderr:
        pytest.skip(f"gpt2 cannot be had: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.parametrize(
    ("word", "neuron", "score"),
    [
        ("large", "L11N3033", 10.153),
        ("large", "L11N584", 6.392),
        ("tall", "L11N3033", 15.379),
        ("red", "L11N2604", 5.679),
    ],
)
def test_raw_dot_products_with_the_writing_side(
    gpt2_indexes: Path, word: str, neuron: str, score: float
) -> None:
    import explorer

    with explorer.open("gpt2", gpt2_indexes) as ix:
        rows = ix.middleman(f'token:"{word}"', side="out", score="dot", k=50).rows
    found = {row.neuron: row.score for row in rows}
    assert found[neuron] == pytest.approx(score, abs=0.002)
