"""The tasks of a build: parts of it that need nothing of each other, done in whatever process.

A task leaves a file beside the steps of the build, or a finished space, so that the build finds
there what it would else do itself, bit for bit. A process loads the model for its first task and
keeps it. Knows no cluster; `indexer.cluster` has tasks done on one.
"""

from __future__ import annotations

import errno
import socket
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from indexer.contexts import Batch, Contexts
from indexer.extract.threads import threads_apart
from indexer.model import load
from indexer.plan import Plan, plan
from indexer.progress import Narrator
from indexer.request import Request, versions
from indexer.source import Source, locate
from indexer.store.errors import MachineError, SemanticError
from indexer.store.spaces import HeadSide, NeuronSide, context_space, head_space, neuron_space
from indexer.store.write import Staging
from indexer.weights import Measurer, NeuronsOfLayer, Weights

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where a disk is full."""


@dataclass(frozen=True)
class Job:
    """One build, as every process that works at it is told of it.

    Attributes:
        request: what was asked for.
        spaces: the kinds of spaces that were.
        words: the words that were asked for.
        identity: the build's fingerprint.
        device: where words are run.
        dtype: in which precision.
        files: by name, the size of each file that holds the model's weights.
    """

    request: Request
    spaces: frozenset[str]
    words: int | tuple[str, ...]
    identity: str
    device: str
    dtype: str
    files: tuple[tuple[str, int], ...]

    def staging(self) -> Staging:
        """The build's folder, for who works for it."""
        return Staging.joined(self.request.root, self.request.name, self.identity)

    def source(self) -> Source:
        """The model's files on this machine.

        Raises:
            MachineError: they are others than those of who leads the build.
        """
        request = self.request
        source = locate(request.model, request.offline, request.allow_pickle)
        if weight_files(source) != self.files:
            raise MachineError(
                f"the weights of {request.model!r} in {source.folder} are others than those of "
                "the machine that leads the build"
            )
        return source


def weight_files(source: Source) -> tuple[tuple[str, int], ...]:
    """By name, the size of each file of weights.

    A checksum of all would take as long as to read them; a model of the same shape with other
    weights fails the self-check of the build, which holds all rows against who leads it.
    """
    return tuple((path.name, path.stat().st_size) for path in source.weight_files())


@dataclass(frozen=True)
class MeasureNeurons:
    """Measure one side of a layer's neurons."""

    which: NeuronsOfLayer

    @property
    def amount(self) -> int:
        """How many neurons they are."""
        return self.which.units

    def __str__(self) -> str:
        return self.which.name

    def do(self, work: Work) -> None:
        """Leave what is written of them beside the build's steps."""
        with threads_apart() as pool:
            work.weights.measure_layer(self.which, work.measurer, pool)


@dataclass(frozen=True)
class WriteNeurons:
    """Write the space of one side of the neurons, once every layer of it is measured."""

    side: NeuronSide
    amount: int = 1

    def __str__(self) -> str:
        return neuron_space(self.side)

    def do(self, work: Work) -> None:
        """Finish the space."""
        with threads_apart() as pool:
            work.weights.neuron_side(self.side, work.measurer, pool)


@dataclass(frozen=True)
class WriteHeads:
    """Write the space of one side of the heads."""

    side: HeadSide
    amount: int = 1

    def __str__(self) -> str:
        return head_space(self.side)

    def do(self, work: Work) -> None:
        """Finish the space."""
        work.weights.head_side(self.side)


@dataclass(frozen=True)
class RunBatch:
    """Run a batch of words after the prefix."""

    batch: Batch
    prefix: tuple[int, ...]

    @property
    def amount(self) -> int:
        """How many words it has."""
        return self.batch.end - self.batch.start

    def __str__(self) -> str:
        return self.batch.name

    def do(self, work: Work) -> None:
        """Leave the streams and what fires beside the build's steps."""
        work.contexts.run_batch(self.prefix, self.batch)


@dataclass(frozen=True)
class WriteContext:
    """Write one context space, once every batch was run."""

    layer: int
    amount: int = 1

    def __str__(self) -> str:
        return context_space(self.layer)

    def do(self, work: Work) -> None:
        """Finish the space."""
        work.contexts.write_layer(self.layer)


Task = MeasureNeurons | WriteNeurons | WriteHeads | RunBatch | WriteContext


class Work:
    """A process's part in a build: the model, loaded once, and what its tasks share.

    Args:
        job: the build.
    """

    def __init__(self, job: Job) -> None:
        self.job, self.staging = job, job.staging()
        self._narrator = Narrator(quiet=True)
        source = job.source()
        offload = None
        if "context" not in job.spaces:
            self._scratch = tempfile.TemporaryDirectory(prefix="weights-")
            offload = Path(self._scratch.name)
        model = load(source, accepted=job.request.accept_config, dtype=job.dtype, offload=offload)
        words = job.words if isinstance(job.words, int) else list(job.words)
        self.plan: Plan = plan(
            job.request, source, job.spaces, words, model, self.staging, self._narrator
        )
        self.running = False

    @cached_property
    def weights(self) -> Weights:
        """The build's weight spaces."""
        return self.plan.weights(self.staging, self._narrator)

    @cached_property
    def measurer(self) -> Measurer:
        """Measures their neurons; what it needs of the tokens is found once."""
        return Measurer(self.weights)

    @cached_property
    def contexts(self) -> Contexts:
        """Its context spaces; from now on the model is as it is asked to be run."""
        self.plan.model.to(self.job.device, self.job.dtype)
        self.running = True
        return self.plan.contexts(self.staging, self._narrator)


@dataclass(frozen=True)
class Done:
    """That a task is done.

    Attributes:
        machine: by what process's machine.
        seconds: how long it took, the model's loading included.
    """

    machine: str
    seconds: float


_work: Work | None = None


def do(job: Job, task: Task, machine: str) -> Done:
    """Do a task in this process.

    Raises:
        SemanticError: with the machine's name where the machine is to blame.
    """
    global _work  # a process works at one build at a time
    began = time.monotonic()
    weights = isinstance(task, MeasureNeurons | WriteNeurons | WriteHeads)
    try:
        if _work is None or _work.job != job or (weights and _work.running):
            _work = None  # before the next model is loaded
            _work = Work(job)
        task.do(_work)
    except OSError as err:
        if err.errno not in NO_ROOM:
            raise
        raise MachineError(f"no room for {task} on {machine} ({err.strerror})") from None
    return Done(machine, time.monotonic() - began)


@dataclass(frozen=True)
class Seen:
    """What a machine says of itself before it is given any task.

    Attributes:
        host: its name.
        versions: of the libraries that a build's content depends on.
        fault: why it cannot work at the build; empty where it can.
    """

    host: str
    versions: dict[str, str]
    fault: str


def look(job: Job) -> Seen:
    """Whether this machine can work at a build."""
    fault = ""
    try:
        job.staging()
        job.source()
    except (SemanticError, OSError) as err:
        fault = str(err)
    return Seen(socket.gethostname(), versions(), fault)
