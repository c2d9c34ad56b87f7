"""A Ray cluster that does a build's tasks: several machines that see one folder.

Ray finds a machine for each task, and gives a task that was lost with its machine to another. What
a task does is `indexer.tasks`'s to know; here are connections, progress, and what went wrong.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from indexer.contexts import Contexts
from indexer.errors import MissingExtra, reason
from indexer.progress import Narrator
from indexer.request import versions
from indexer.store.errors import MachineError, SemanticError
from indexer.tasks import (
    Done,
    Job,
    MeasureNeurons,
    RunBatch,
    Seen,
    Task,
    WriteContext,
    WriteHeads,
    WriteNeurons,
    do,
    look,
)
from indexer.weights import Weights

LOCAL = "ray"
"""What `--on` is for a cluster of this machine alone, started and ended by the command."""

Ran = dict[str, dict[str, float]]
"""By machine, how many `tasks` it did, and in how many `seconds`."""

_STORE = 100_000_000
_PATIENCE, _TRIES = 10.0, 3
_RETRIES = 3
"""How often a task is given to another process after its own, or its machine, was lost."""


class Cluster:
    """A cluster that this process has joined, until it is closed.

    Args:
        address: `ray` for one of this machine alone, else that of a running one's client server
            (`ray://HOST:10001`) or head (`HOST:6379`).
        narrator: told of the machines.

    Raises:
        MissingExtra: Ray is not installed.
        MachineError: there is no cluster at the address.
    """

    def __init__(self, address: str, narrator: Narrator) -> None:
        self._address, self._narrator = address, narrator
        # A short path: what Ray makes in it are sockets.
        self._folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        self._ray = _connect(address, self._folder.name)
        # A head may have no cores, and only say who does what.
        self._nodes: list[dict[str, Any]] = [
            node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU")
        ]
        self._hosts: dict[str, str] = {}

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ray.shutdown()
        self._folder.cleanup()

    def join(self, job: Job, ran: Ran) -> None:
        """Be ready to work at a build, or fail before the work where a machine cannot.

        Args:
            job: the build.
            ran: what ran where before; what will is counted in it too.

        Raises:
            MachineError: naming it: it doesn't see the build's folder, or has another model or
                other versions.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        looking = self._ray.remote(num_cpus=0)(look)
        asked = [
            looking.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(job)
            for node in self._nodes
        ]
        if not asked:
            raise MachineError(f"the Ray cluster at {self._address} has no machine with a core")
        own = versions()
        for node, ref in zip(self._nodes, asked, strict=True):
            with _told(f"machine {node['NodeManagerAddress']}"):
                seen: Seen = self._ray.get(ref)
            name = f"{seen.host} ({node['NodeManagerAddress']}, {node['NodeID'][:6]})"
            self._hosts[node["NodeID"]] = name
            other = [lib for lib, version in own.items() if seen.versions.get(lib) != version]
            if other:
                said = ", ".join(f"{lib} {seen.versions.get(lib)}" for lib in other)
                here = ", ".join(f"{lib} {own[lib]}" for lib in other)
                raise MachineError(f"machine {name} has {said}, and this one {here}")
            if seen.fault:
                raise MachineError(f"machine {name} cannot work at the build: {seen.fault}")
        self._job, self._ran = job, ran
        cores = self._cores()
        several = "one machine" if len(self._nodes) == 1 else f"{len(self._nodes)} machines"
        each = "one core" if cores == 1 else f"{cores} cores"
        self._narrator.say(
            f"working on {several}, {each} a task: {', '.join(self._hosts.values())}"
        )

    def _cores(self) -> int:
        """Cores of the smallest machine: a task takes as many, so that a model is loaded once."""
        return max(1, int(min(node["Resources"]["CPU"] for node in self._nodes)))

    def neurons(self, weights: Weights) -> None:
        """The space of each side of the neurons: what `Weights.neurons` does alone."""
        layers = [MeasureNeurons(which) for which in weights.layers_to_measure()]
        self._begin(layers).wait("measuring neurons", "neurons")
        sides = [WriteNeurons(side) for side in weights.unfinished_sides()]
        self._begin(sides).wait("writing neurons", "spaces")

    def attention(self, weights: Weights) -> None:
        """The spaces of heads: what `Weights.attention` does alone."""
        sides = [WriteHeads(side) for side in weights.unfinished_heads()]
        self._begin(sides).wait("writing heads", "spaces")

    def extract(self, contexts: Contexts, prefix: Sequence[int]) -> None:
        """The words in context: what `Contexts.extract` and its spaces take alone."""
        batches = contexts.batches_to_run()
        if batches and contexts.firing is not None:
            contexts.firing.floors(prefix)  # which every batch is heard with
        running = self._begin([RunBatch(batch, tuple(prefix)) for batch in batches])
        running.wait("context", "words")
        writing = self._begin([WriteContext(layer) for layer in contexts.layers_to_write()])
        contexts.gather(prefix)  # meanwhile
        writing.wait("writing contexts", "spaces")
        contexts.drop_batches()

    def _begin(self, tasks: Sequence[Task]) -> Running:
        """Have tasks done, in any order, while this process does something else."""
        gpus = 1 if self._job.device.startswith("cuda") else 0
        options = {"num_cpus": self._cores(), "num_gpus": gpus, "max_retries": _RETRIES}
        doing = self._ray.remote(**options)(_do)
        refs = {doing.remote(self._job, task): task for task in tasks}
        return Running(self._ray, refs, self._count, self._narrator)

    def _count(self, done: Done) -> None:
        """Remember what ran where."""
        name = self._hosts.get(done.machine, done.machine)
        one = self._ran.setdefault(name, {"tasks": 0, "seconds": 0.0})
        one["tasks"] += 1
        one["seconds"] = round(one["seconds"] + done.seconds, 2)


class Running:
    """Tasks that a cluster was given."""

    def __init__(
        self,
        ray: Any,
        tasks: dict[Any, Task],
        count: Callable[[Done], None],
        narrator: Narrator,
    ) -> None:
        self._ray, self._tasks, self._count, self._narrator = ray, tasks, count, narrator

    def wait(self, label: str, unit: str) -> None:
        """Return once all are done.

        Raises:
            SemanticError: what one of them failed with, the others being cancelled.
        """
        waiting = list(self._tasks)
        if not waiting:
            return
        total = sum(task.amount for task in self._tasks.values())
        with self._narrator.bar(label, total, unit) as bar:
            try:
                while waiting:
                    with _told("the cluster"):
                        ready, waiting = self._ray.wait(waiting, timeout=1.0)
                    for ref in ready:
                        with _told(f"task {self._tasks[ref]}"):
                            self._count(self._ray.get(ref))
                        bar.update(self._tasks[ref].amount)
            except BaseException:
                self._cancel(waiting)
                raise

    def _cancel(self, waiting: list[Any]) -> None:
        for ref in waiting:
            with contextlib.suppress(Exception):  # the cluster may be what is gone
                self._ray.cancel(ref, force=True)


def _do(job: Job, task: Task) -> Done:
    import ray

    node = ray.get_runtime_context().get_node_id()
    return do(job, task, node)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Tell in one line what happened to something that ran elsewhere."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayTaskError as err:
        cause = err.cause
        if isinstance(cause, SemanticError):
            raise cause from None
        raise MachineError(f"{what} failed: {type(cause).__name__}: {reason(cause)}") from err
    except (RayError, ConnectionError) as err:
        why = reason(err).rstrip(".")
        raise MachineError(
            f"{what} was lost ({why}); what is finished stays: give the same command again"
        ) from None


def require_answer(address: str) -> None:
    """Fail before any work where nothing answers at an address.

    Raises:
        SemanticError: it is none.
        MachineError: nothing answers there.
    """
    if address == LOCAL:
        return
    found = re.fullmatch(r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):([0-9]{1,5})", address)
    if found is None:
        raise SemanticError(
            f"--on {address!r}: give ray, or where a Ray cluster runs, as ray://HOST:10001"
        )
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as err:
        why = getattr(err, "strerror", None) or str(err)
        raise MachineError(f"no Ray cluster answers at {address} ({why})") from None


def _connect(address: str, folder: str) -> Any:
    """Ray, with this process joined to a cluster.

    Args:
        address: as `Cluster` takes it.
        folder: where a cluster of this machine alone may keep its logs.
    """
    # Read as Ray is imported: a cluster of this machine alone listens on the loopback address, to
    # those that have its token.
    if address == LOCAL:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A client whose cluster is gone would look for another, for minutes.
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
    try:
        import ray as untyped
    except ImportError:
        raise MissingExtra("--on needs Ray: pip install 'semantic-explorer[index,ray]'") from None
    ray: Any = untyped
    # As `multiply_apart` has it: each of a process's threads multiplies by itself.
    surroundings = {"env_vars": {"OPENBLAS_NUM_THREADS": "1"}}
    options: dict[str, Any] = {"log_to_driver": False, "runtime_env": surroundings}
    if address == LOCAL:
        # Tasks leave what they find in files: next to nothing goes through Ray's own store.
        options |= {"object_store_memory": _STORE, "include_dashboard": False, "_temp_dir": folder}
    else:
        options |= {"address": address}
    # The server of a client's own starts within half a minute, or not at all on a busy machine.
    tries = _TRIES if address.startswith("ray://") else 1
    while True:
        tries -= 1
        try:
            with warnings.catch_warnings(action="ignore"):
                ray.init(logging_level="ERROR", **options)
            return ray
        except Exception as err:  # Ray raises anything where it cannot be joined
            if not tries:
                why = reason(err)
                raise MachineError(f"no Ray cluster could be joined at {address}: {why}") from None
