"""Builds on several machines: on however many, whatever befalls them, the index is the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from clustered import built, same, start
from conftest import BIN
from processes import until
from raylets import Raylets, raylets


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raylets]:
    """Three machines, all of which live."""
    with raylets(3, tmp_path_factory.mktemp("three")) as found:
        yield found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> Path:
    """The index as one process makes it."""
    root = tmp_path_factory.mktemp("alone")
    return built(start(tiny_llama, root, None), root)


def test_a_build_on_three_machines_is_that_of_one(
    cluster: Raylets, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    found = built(start(tiny_llama, tmp_path, cluster.head), tmp_path)
    assert same(alone, found) == []
    manifest = json.loads((found / "manifest.json").read_text())
    assert len(manifest["extra"]["machines"]) > 1
    assert not list(found.rglob("*.part"))
    shown = subprocess.run(
        [str(BIN / "indexer"), "show", "llama", "--indexes", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "machines " in shown


def test_rows_of_16_bits_are_the_same_too(
    cluster: Raylets, tiny_llama: Path, tmp_path: Path
) -> None:
    roots = [tmp_path / "alone", tmp_path / "together"]
    narrow = ("--store", "bfloat16")
    running = [
        start(tiny_llama, root, on, *narrow)
        for root, on in zip(roots, (None, cluster.head), strict=True)
    ]
    one, other = (built(process, root) for process, root in zip(running, roots, strict=True))
    assert same(one, other) == []


@pytest.mark.parametrize("machines", [1, 2])
def test_a_build_is_the_same_on_fewer_machines(
    machines: int, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    with raylets(machines, tmp_path) as found:
        assert same(alone, built(start(tiny_llama, tmp_path, found.client), tmp_path)) == []


def test_two_builds_at_once_get_in_no_ones_way(
    cluster: Raylets, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    roots = [tmp_path / "one", tmp_path / "other"]
    ways = [cluster.head, cluster.client]
    running = [start(tiny_llama, root, on) for root, on in zip(roots, ways, strict=True)]
    for process, root in zip(running, roots, strict=True):
        assert same(alone, built(process, root)) == []


def test_a_build_goes_on_where_a_machine_is_killed(
    alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    with raylets(2, tmp_path) as found:
        building = start(tiny_llama, tmp_path, found.head)
        until(lambda: list(tmp_path.glob(".llama.building/steps/neuron.*.npz")))
        found.kill(0)
        assert same(alone, built(building, tmp_path)) == []


def test_a_client_says_that_the_head_is_gone_and_the_build_resumes(
    cluster: Raylets, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    with raylets(1, tmp_path) as found:
        building = start(tiny_llama, tmp_path, found.client)
        until(lambda: list(tmp_path.glob(".llama.building/steps/neuron.*.npz")))
        found.kill()
        _, said = building.communicate()
    assert building.returncode == 1
    assert said.splitlines()[-1].startswith("indexer: ")
    assert "was lost" in said.splitlines()[-1]
    assert same(alone, built(start(tiny_llama, tmp_path, cluster.head), tmp_path)) == []


def test_an_interrupted_build_resumes_on_the_cluster_or_without(
    cluster: Raylets, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    building = start(tiny_llama, tmp_path, cluster.head)
    steps = tmp_path / ".llama.building" / "steps"
    until(lambda: list(steps.glob("words [0-9]*.npz")))
    building.send_signal(signal.SIGINT)
    _, said = building.communicate()
    assert building.returncode == 130, said
    assert "Traceback" not in said
    shutil.copytree(tmp_path / ".llama.building", tmp_path / "without" / ".llama.building")
    assert same(alone, built(start(tiny_llama, tmp_path, cluster.head), tmp_path)) == []
    without = tmp_path / "without"
    assert same(alone, built(start(tiny_llama, without, None), without)) == []


def test_a_killed_client_leaves_a_build_that_resumes(
    cluster: Raylets, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    building = start(tiny_llama, tmp_path, cluster.client)
    until(lambda: list(tmp_path.glob(".llama.building/steps/neuron.*.npz")))
    building.kill()
    building.communicate()
    assert same(alone, built(start(tiny_llama, tmp_path, cluster.client), tmp_path)) == []


def test_a_full_disk_is_told_with_the_machine_and_what_is_finished_stays(
    cluster: Raylets, alone: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        building = start(tiny_llama, disk, cluster.head)
        until(lambda: (disk / ".llama.building" / "steps" / "seconds.json").exists())
        with suppress(OSError), (disk / "of others").open("wb", buffering=0) as others:
            while True:
                others.write(bytes(1 << 12))
        _, said = building.communicate()
        assert building.returncode == 1
        assert "no room" in said.splitlines()[-1]
        (disk / "of others").unlink()
        assert same(alone, built(start(tiny_llama, disk, cluster.head), disk)) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
