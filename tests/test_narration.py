"""What long commands of the indexer tell a program that shows progress itself."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Run
from indexer.progress import JsonNarrator

pytestmark = pytest.mark.native


def said(err: str) -> list[dict[str, Any]]:
    """Every line as the object that it is."""
    return [json.loads(line) for line in err.splitlines()]


def test_a_build_tells_its_steps_as_json_lines(run: Run, tiny_llama: Path, tmp_path: Path) -> None:
    (tmp_path / "indexes").mkdir()
    done = run("indexer", "build", str(tiny_llama), "--words", "30", "--progress", "json")
    assert done.code == 0, done.err
    lines = said(done.err)
    assert {line["kind"] for line in lines} == {"say", "bar"}
    assert all(set(line) == {"kind", "text"} for line in lines if line["kind"] == "say")
    assert lines[0] == {
        "kind": "say",
        "text": f"loading {tiny_llama}, to make indexes/{tiny_llama.name}",
    }
    assert lines[-1]["text"].startswith(f"built indexes/{tiny_llama.name} in ")
    bars: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["kind"] == "bar":
            assert set(line) == {"kind", "label", "done", "total", "unit"}
            bars.setdefault(line["label"], []).append(line)
    assert {"embed", "neuron.gate", "neuron.out", "context", "context means"} <= set(bars)
    for label, told in bars.items():
        steps = [line["done"] for line in told]
        assert steps == sorted(set(steps)), label
        assert steps[0] == 0
        assert steps[-1] == told[0]["total"]
        assert len({(line["total"], line["unit"]) for line in told}) == 1
    again = run("indexer", "build", str(tiny_llama), "--words", "30", "--progress", "json")
    (line,) = said(again.err)
    assert line == {"kind": "say", "text": f"indexes/{tiny_llama.name} is there already"}
    assert again.out == done.out


def test_imports_and_exports_tell_it_too_and_the_quiet_tell_the_end_alone(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "indexes").mkdir()
    np.save(tmp_path / "v.npy", np.eye(4, dtype=np.float32))
    (tmp_path / "v.labels.txt").write_text("one\ntwo\nthree\nfour\n")
    come = run("indexer", "import", "v.npy", "--name", "n", "--progress", "json")
    assert come.code == 0, come.err
    lines = said(come.err)
    bars = [line for line in lines if line["kind"] == "bar"]
    assert (bars[0]["done"], bars[-1]["done"]) == (0, 4)
    assert bars[-1] == {**bars[0], "done": 4}
    assert lines[-1] == {"kind": "say", "text": "indexes/n: embed, 4 words, 4 wide"}
    command = ("indexer", "export", "n", "embed", "--format", "npy", "-o", "w.npy")
    went = run(*command, "--progress", "json")
    assert said(went.err)[-1]["done"] == 4
    quiet = run("indexer", "import", "v.npy", "--name", "m", "--progress", "json", "--quiet")
    assert said(quiet.err) == [{"kind": "say", "text": "indexes/m: embed, 4 words, 4 wide"}]


def test_another_way_is_refused_and_errors_stay_lines(run: Run) -> None:
    refused = run("indexer", "build", "smollm2", "--progress", "jsno")
    assert refused.code == 2
    assert "did you mean 'json'?" in refused.err
    nothing = run("indexer", "build", "./nowhere", "--progress", "json")
    assert nothing.code == 2
    assert nothing.err.startswith("indexer: no folder './nowhere'")
    assert nothing.err.count("\n") == 1


def test_a_bar_is_told_of_ten_times_a_second_at_most(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = itertools.count()  # a clock that goes on a millisecond at every look
    monkeypatch.setattr(time, "monotonic", lambda: next(looks) / 1000)
    with JsonNarrator().bar("rows", 200_000, "rows", done=5) as bar:
        for _ in range(199_995):
            bar.update(1)
    monkeypatch.undo()
    lines = said(capsys.readouterr().err)
    assert lines[0]["done"] == 5
    assert lines[-1]["done"] == 200_000
    seconds = next(looks) / 1000
    assert 0.9 * seconds < len(lines) * JsonNarrator.INTERVAL < seconds + 2


def test_a_bar_that_fails_says_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with JsonNarrator().bar("rows", 10, "rows") as bar:
            bar.update(1)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert [line["done"] for line in said(capsys.readouterr().err)] == [0]
