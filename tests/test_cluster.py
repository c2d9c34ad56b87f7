"""A build on a cluster is that of a single process; what may befall it is in `tests/cluster`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from clustered import built, same, start
from indexer.request import Request
from indexer.source import locate
from indexer.store.layout import Manifest
from indexer.store.write import Staging
from indexer.tasks import Job, look, weight_files
from raylets import raylets

pytestmark = pytest.mark.native


def test_a_build_on_two_machines_is_that_of_one_process(tiny_llama: Path, tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("alone", "together", "ray")]
    for root in roots:
        root.mkdir()
    with raylets(2, roots[2]) as found:
        together = start(tiny_llama, roots[1], found.head)
        one = built(start(tiny_llama, roots[0], None), roots[0])
        other = built(together, roots[1])
    assert same(one, other) == []
    # A layer's side of neurons, and its space; a side of heads; a batch of words, and a space.
    manifest = Manifest.load(other)
    kinds = [space.kind for space in manifest.spaces]
    least = 3 * kinds.count("neuron") + len(kinds) - kinds.count("embed") - kinds.count("unembed")
    assert sum(machine["tasks"] for machine in manifest.machines.values()) > least
    assert Manifest.load(one).machines == {}


def test_a_machine_that_cannot_work_at_a_build_says_why(tiny_llama: Path, tmp_path: Path) -> None:
    request = Request(model=str(tiny_llama), root=tmp_path, name="llama")
    source = locate(request.model)
    job = Job(request, frozenset(["embed"]), 0, "one", "cpu", "float32", weight_files(source))
    assert "is not the build that is under way" in look(job).fault
    staging = Staging(tmp_path, "llama", "one")
    assert look(job).fault == ""
    other = dataclasses.replace(job, files=(("model.safetensors", 1),))
    assert "are others than those of the machine that leads" in look(other).fault
    gone = dataclasses.replace(request, model=str(tmp_path / "none"))
    assert "none" in look(dataclasses.replace(job, request=gone)).fault
    staging.close()
