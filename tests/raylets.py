"""A Ray cluster on the loopback address: a head and some machines, each a raylet of its own.

Run as a program it starts them, says where it is answered, and does what it is told on stdin, a
line at a time; it ends, and they with it, where stdin does. So the tests' own process has no Ray.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = "a-token-of-the-tests-alone-0123456789abcdef"

SURROUNDINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on the loopback address, and nowhere else
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}
"""What every process of the cluster, and whoever joins it, has in its environment."""


class Raylets:
    """A cluster under way.

    Attributes:
        head: its address for programs on one of its machines.
        client: its address for those elsewhere.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        said = self._said()
        self.head, self.client = str(said["head"]), str(said["client"])

    def kill(self, machine: int | None = None) -> None:
        """Kill one of its machines, and everything that ran on it; its head unless one is given."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{'head' if machine is None else machine}\n")
        self._process.stdin.flush()
        assert self._said()["killed"]

    def _said(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the cluster did not start"
        return dict(json.loads(line))


@contextmanager
def raylets(machines: int, folder: Path) -> Iterator[Raylets]:
    """A cluster of so many machines with a core each; its logs are in a folder."""
    environment = {**os.environ, **SURROUNDINGS, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, __file__, str(machines), str(folder)]
    with (folder / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            yield Raylets(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def main(machines: int, folder: str) -> None:
    """Start the cluster, and do what is said."""
    from ray._common.network_utils import find_free_port
    from ray.cluster_utils import Cluster

    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Ray prints is no answer
    port = find_free_port()
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 0,
            "include_dashboard": False,
            "object_store_memory": 100_000_000,
            "ray_client_server_port": port,
        },
    )
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=100_000_000) for _ in range(machines)]
    cluster.wait_for_nodes()
    print(
        json.dumps({"head": cluster.address, "client": f"ray://127.0.0.1:{port}"}),
        file=told,
        flush=True,
    )
    for line in map(str.strip, sys.stdin):
        if line == "head":
            cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        else:
            cluster.remove_node(nodes[int(line)], allow_graceful=False)
        print(json.dumps({"killed": True}), file=told, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
