"""The recording of what fires: taken in the words' own forward passes, sorted out when all are run.

Knows where activations lie that may yet be among a word's strongest, how an interrupted recording
goes on, and which words must be run once more; what is kept of a batch is
`indexer.extract.firing`'s to know.

A neuron of a gated MLP fires both ways: its activation is as often far below its mean as above, and
then adds its column of the output matrix turned around. There both ends are recorded, each as the
strongest of activations times 1 or -1; and of every word and neuron the sign.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from indexer import check
from indexer.extract.context import LastTokenStream, batches
from indexer.extract.firing import (
    NEURONS_PER_WORD,
    Kept,
    Moments,
    Signs,
    Strongest,
    Sums,
    Tally,
    floors,
    strongest_of_each,
)
from indexer.model import Model
from indexer.progress import Narrator
from indexer.store.grid import NeuronGrid
from indexer.store.signs import SignsWriter, drop_if_empty, signs_of
from indexer.store.write import Staging
from indexer.words import ChosenWord

SAMPLE = 1024
"""Words whose activations say beforehand what an ordinary one is."""

_RECORD = np.dtype([("neuron", "<i4"), ("activation", "<f4")])
_COUNT = np.dtype("<i4")
_WORDS_AT_ONCE = 512

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Hear = Callable[[int, Any], None]


@dataclass(frozen=True)
class Firing:
    """The activations of one build.

    Attributes:
        staging: where they are written.
        narrator: told what is being done.
        model: on the device and in the dtype that words are run in.
        words: in the order of the spaces' rows, by number of tokens.
        grid: which neuron is which row.
        suffix: token ids after every word, as an encoder has them.
        depth: how many neurons are kept of a word, at either end.
    """

    staging: Staging
    narrator: Narrator
    model: Model
    words: list[ChosenWord]
    grid: NeuronGrid
    suffix: tuple[int, ...] = ()
    depth: int = NEURONS_PER_WORD

    @property
    def layers(self) -> list[int]:
        """The blocks whose neurons are heard."""
        return [entry.layer for entry in self.grid.layers]

    @property
    def ends(self) -> tuple[int, ...]:
        """1, and -1 where neurons fire both ways."""
        return (1, -1) if self.model.family.gated else (1,)

    @property
    def signed(self) -> bool:
        """Whether every activation's sign is kept: without a gate hardly any is below 0."""
        return self.model.family.gated

    def recorder(self, prefix: Sequence[int], done: int) -> Recorder:
        """What hears the words from word `done` on, the earlier ones heard by an earlier run."""
        return Recorder(self, self.floors(prefix), done)

    def listener(self, prefix: Sequence[int]) -> Listener:
        """What hears one batch, for a recorder in another process."""
        return Listener(self, self.floors(prefix))

    def floors(self, prefix: Sequence[int]) -> list[Float32]:
        """For each end, from which activation one may be among its word's strongest.

        A bad guess costs time and nothing else.
        """
        kept = self.staging.array("firing floors")
        if kept is None:
            sample = _spread(len(self.words), SAMPLE)
            sums = Sums(self.grid)
            nothing = np.full(self.grid.rows, np.inf, np.float32)
            tallies = [Tally(self.grid, nothing) for _ in self.ends]

            def hear(layer: int, activations: Any) -> None:
                sums.hear(layer, activations)
                for end, tally in zip(self.ends, tallies, strict=True):
                    tally.hear(layer, end * activations)

            def after(here: Int64) -> None:
                for tally in tallies:
                    tally.batch(0, len(here))

            self._run(prefix, sample, hear, after)
            moments = sums.moments(len(sample))
            for tally in tallies:
                tally.merge()
            kept = {
                str(end): floors(moments.turned(end), tally)
                for end, tally in zip(self.ends, tallies, strict=True)
            }
            self.staging.keep_array("firing floors", **kept)
        return [kept[str(end)] for end in self.ends]

    def finish(self, prefix: Sequence[int]) -> None:
        """Each neuron's moments and strongest words, each word's strongest neurons."""
        if self.staging.array("firing") is not None:
            return
        recorder = self.recorder(prefix, len(self.words))
        moments = recorder.sums.moments(len(self.words))
        shape = (len(self.ends), len(self.words), self.depth)
        neurons, activations = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
        unsure: set[int] = set()
        with self.narrator.bar("firing", len(self.words) * len(self.ends), "words") as bar:
            for at, (end, heard) in enumerate(zip(self.ends, recorder.ends, strict=True)):
                turned = moments.turned(end)
                bound = heard.tally.bound(turned)
                for first, kept in heard.kept():
                    ids, values, last = strongest_of_each(kept, turned, self.depth)
                    here = slice(first, first + len(ids))
                    neurons[at, here], activations[at, here] = ids, values
                    # Of one with fewer than are kept of a word the last is below all bounds.
                    unsure.update((first + np.flatnonzero(last <= bound)).tolist())
                    bar.update(len(ids))
        again = self._strongest_of(prefix, np.array(sorted(unsure), np.int64), moments)
        for at, word, ids, values in again:
            neurons[at, word], activations[at, word] = -1, 0
            neurons[at, word, : len(ids)], activations[at, word, : len(ids)] = ids, values
        if self.signed:
            names = drop_if_empty(self.staging.folder)
            entries = {name: vars(self.staging.file_entry(name)) for name in names}
            self.staging.keep("signs", entries)
        turn = np.array(self.ends, np.float32)[:, None, None]
        self.staging.keep_array(
            "firing",
            mean=moments.mean,
            std=moments.std,
            neuron_words=np.stack([heard.tally.words for heard in recorder.ends]),
            neuron_activations=turn
            * np.stack([heard.tally.activations for heard in recorder.ends]),
            word_neurons=neurons,
            word_activations=turn * activations,
        )
        recorder.close()

    def _strongest_of(
        self, prefix: Sequence[int], words: Int64, moments: Moments
    ) -> Iterator[tuple[int, int, Int32, Float32]]:
        """Run words again whose strongest may not have been kept: (end, word, ids, activations)."""
        if not len(words):
            return
        sorters = [Strongest(self.grid, moments.turned(end), self.depth) for end in self.ends]

        def hear(layer: int, activations: Any) -> None:
            for end, sorter in zip(self.ends, sorters, strict=True):
                sorter.hear(layer, end * activations)

        found: list[tuple[int, int, Int32, Float32]] = []

        def after(here: Int64) -> None:
            for at, sorter in enumerate(sorters):
                for word, (ids, values) in zip(here.tolist(), sorter.batch(), strict=True):
                    found.append((at, word, ids, values))
            bar.update(len(here))

        with self.narrator.bar("firing, again", len(words), "words") as bar:
            self._run(prefix, words, hear, after)
        yield from found

    def check(self, prefix: Sequence[int], sample: Sequence[int], dtype: str) -> dict[str, float]:
        """What was recorded of some words, by position, equals plain forward passes.

        Returns:
            The relative error.
        """
        fired = self.staging.array("firing")
        assert fired is not None, "checked once it is finished"
        recorded = {
            end: [
                (ids[ids >= 0], values[ids >= 0])
                for ids, values in zip(
                    fired["word_neurons"][at][sample],
                    fired["word_activations"][at][sample],
                    strict=True,
                )
            ]
            for at, end in enumerate(self.ends)
        }
        return check.check_firing(
            self.model,
            self.grid,
            prefix,
            self.suffix,
            [self.words[at].token_ids for at in sample],
            recorded,
            Moments(fired["mean"], fired["std"]),
            dtype,
            self.depth,
            self._signs(sample),
        )

    def _signs(self, sample: Sequence[int]) -> NDArray[np.int8] | None:
        """What was recorded of some words' signs, (len(sample), neurons) int8; None where not."""
        if not self.signed:
            return None
        files, folder = self.staging.files("signs"), self.staging.folder
        return np.stack([signs_of(folder, files, self.grid.rows, word) for word in sample])

    def _run(
        self, prefix: Sequence[int], chosen: Int64, hear: Hear, after: Callable[[Int64], None]
    ) -> None:
        """Run some words, by position, for their activations alone."""
        stream = LastTokenStream(self.model, prefix, [], self.suffix, hear=hear, heard=self.layers)
        for start, end in batches([len(self.words[at].token_ids) for at in chosen]):
            here = chosen[start:end]
            stream.run([self.words[at].token_ids for at in here])
            after(here)


class Recorder:
    """Hears one run over the words: sums, and a tally of each end."""

    def __init__(self, firing: Firing, floor: Sequence[Float32], done: int) -> None:
        self._staging, self._turns = firing.staging, firing.ends
        self.sums = Sums(firing.grid)
        folder = self._staging.folder_of("firing")
        total = len(firing.words)
        self._signs = (
            [(Signs(firing.grid), SignsWriter(self._staging.folder, total, firing.grid.rows))]
            if firing.signed
            else []
        )
        self.ends = [
            _End(Tally(firing.grid, one), folder / f"candidates {at}", total)
            for at, one in enumerate(floor)
        ]
        state = self._staging.array(f"firing {done}") if done else None
        if state is not None:
            self.sums.sums = state["sums"]
            for at, end in enumerate(self.ends):
                end.tally.restore(state[f"words {at}"], state[f"values {at}"])
        for end in self.ends:
            end.open(done if state is not None else 0)
        self._saved = done

    def hear(self, layer: int, activations: Any) -> None:
        """One layer's activations of a batch: (words, neurons of the layer)."""
        self.sums.hear(layer, activations)
        for signs, _ in self._signs:
            signs.hear(layer, activations)
        for turn, end in zip(self._turns, self.ends, strict=True):
            end.tally.hear(layer, turn * activations)

    def take(self, heard: Mapping[str, NDArray[Any]]) -> None:
        """Have heard what a `Listener` did of a batch."""
        self.sums.take(heard["sums"])
        for signs, _ in self._signs:
            signs.take(heard["below"], heard["none"])
        for at, end in enumerate(self.ends):
            kept = (heard[f"{name} {at}"] for name in ("words", "neurons", "activations"))
            end.tally.take(*kept)

    def batch(self, start: int, end: int) -> None:
        """Words `start` to `end` have been heard."""
        for one in self.ends:
            one.keep(one.tally.batch(start, end - start))
        for signs, writer in self._signs:
            for first, below, none in signs.batch():
                writer.put(start + first, below, none)

    def state(self) -> dict[str, NDArray[Any]]:
        """What `save` is to be given, as things are now: as large however many words are run."""
        state: dict[str, NDArray[Any]] = {"sums": self.sums.sums.copy()}
        for at, end in enumerate(self.ends):
            end.tally.merge()
            state |= {
                f"words {at}": end.tally.words.copy(),
                f"values {at}": end.tally.activations.copy(),
            }
        return state

    def save(self, end: int, state: dict[str, NDArray[Any]]) -> None:
        """Have on the disk what a resumed run over the words from `end` on starts with."""
        for one in self.ends:
            one.flush()
        for _, writer in self._signs:
            writer.sync()
        self._staging.keep_array(f"firing {end}", **state)

    def saved(self, end: int) -> None:
        """A resumed run will start at `end`: what an earlier one would start with may go."""
        if self._saved not in (0, end):
            self._staging.drop_array(f"firing {self._saved}")
        self._saved = end

    def close(self) -> None:
        """Let go of the files."""
        for end in self.ends:
            end.close()
        for _, writer in self._signs:
            writer.close()


class Listener:
    """Hears one batch by itself, and hands it on to a `Recorder`."""

    def __init__(self, firing: Firing, floor: Sequence[Float32]) -> None:
        self._turns = firing.ends
        self._sums = Sums(firing.grid)
        self._signs = Signs(firing.grid) if firing.signed else None
        self._tallies = [Tally(firing.grid, one) for one in floor]

    def hear(self, layer: int, activations: Any) -> None:
        """One layer's activations of the batch: (words, neurons of the layer)."""
        self._sums.hear(layer, activations)
        if self._signs is not None:
            self._signs.hear(layer, activations)
        for turn, tally in zip(self._turns, self._tallies, strict=True):
            tally.hear(layer, turn * activations)

    def heard(self) -> dict[str, NDArray[Any]]:
        """What `Recorder.take` is to be given."""
        found: dict[str, NDArray[Any]] = {"sums": self._sums.sums}
        if self._signs is not None:
            found["below"], found["none"] = self._signs.heard()
        for at, tally in enumerate(self._tallies):
            words, neurons, activations = tally.heard()
            found |= {f"words {at}": words, f"neurons {at}": neurons}
            found[f"activations {at}"] = activations
        return found


class _End:
    """One end's tally, and the files of what it keeps, and of how much that is of each word."""

    def __init__(self, tally: Tally, path: Path, total: int) -> None:
        self.tally, self._path, self._total = tally, path, total
        self._records: IO[bytes]
        self._counts: IO[bytes]

    def open(self, done: int) -> None:
        """Go on after `done` words: what a killed run wrote after that is written again."""
        self._counts = _at_end(self._path.with_suffix(".counts"), done * _COUNT.itemsize)
        records = int(self._count(0, done).sum(dtype=np.int64))
        self._records = _at_end(self._path, records * _RECORD.itemsize)

    def keep(self, kept: Kept) -> None:
        """What was kept of the words that come next."""
        self._counts.write(kept.counts.astype(_COUNT).tobytes())
        records = np.empty(len(kept.neurons), _RECORD)
        records["neuron"], records["activation"] = kept.neurons, kept.activations
        self._records.write(records.tobytes())

    def flush(self) -> None:
        for file in (self._counts, self._records):
            file.flush()
            os.fsync(file.fileno())

    def _count(self, first: int, count: int) -> Int32:
        self._counts.seek(first * _COUNT.itemsize)
        counts = np.frombuffer(self._counts.read(count * _COUNT.itemsize), _COUNT)
        return counts.astype(np.int32)

    def kept(self) -> Iterator[tuple[int, Kept]]:
        """What was kept, some words at a time, and the first of them."""
        self._records.seek(0)
        for first in range(0, self._total, _WORDS_AT_ONCE):
            counts = self._count(first, _WORDS_AT_ONCE)
            size = int(counts.sum(dtype=np.int64))
            part = np.frombuffer(self._records.read(size * _RECORD.itemsize), _RECORD)
            yield first, Kept(counts, part["neuron"], part["activation"])

    def close(self) -> None:
        for file in (self._counts, self._records):
            file.close()


def _at_end(path: Path, size: int) -> IO[bytes]:
    """A file to read and go on writing, cut to `size` bytes."""
    file = path.open("r+b" if path.exists() else "w+b")
    file.truncate(size)
    file.seek(0, 2)
    return file


def _spread(count: int, few: int) -> Int64:
    """Up to `few` of `count` positions, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(few, count)).astype(np.int64))
