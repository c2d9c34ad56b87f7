"""The spaces of words in context: the prefix found, the words run, the rows written and checked.

Knows how far an interrupted extraction came; what the stream at a last token is, is
`indexer.extract.context`'s to know.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import check
from indexer.extract.context import LastTokenStream, batches
from indexer.extract.threads import threads_apart
from indexer.firing import Firing, Recorder
from indexer.model import Model
from indexer.progress import Narrator
from indexer.store.layout import PrefixEntry, read_prefix
from indexer.store.rows import ShardsWriter
from indexer.store.sixteen import apart
from indexer.store.spaces import RowType, SpaceEntry, context_space, narrow
from indexer.store.vocabulary import Vocabulary
from indexer.store.write import Staging, unit_rows
from indexer.words import ChosenWord, find_prefix, sink_flags

SYNC_SECONDS = 60.0
"""How much extraction a kill may cost."""

CHECKED_WORDS = 24
"""Words that stored rows are compared with plain forward passes on."""


@dataclass(frozen=True)
class Batch:
    """Words that are run at once.

    Attributes:
        start: the first of them.
        end: what follows the last.
    """

    start: int
    end: int

    @property
    def name(self) -> str:
        """What a build calls them where it keeps their rows."""
        return f"words {self.start}"

    @property
    def heard(self) -> str:
        """The same, of what fires at them."""
        return f"firing at words {self.start}"


@dataclass(frozen=True)
class Contexts:
    """The context spaces of one build; each step returns at once where an earlier run finished it.

    Attributes:
        staging: where they are written.
        narrator: told what is being done.
        model: on the device and in the dtype that words are run in.
        words: in the order of the spaces' rows, by number of tokens.
        layers: which context spaces.
        suffix: token ids after every word, as an encoder has them.
        firing: records what neurons do meanwhile; None in an index without neurons.
        dtype: how rows are stored; of 16 bits they are rounded.
    """

    staging: Staging
    narrator: Narrator
    model: Model
    words: list[ChosenWord]
    layers: list[int]
    suffix: tuple[int, ...] = ()
    firing: Firing | None = None
    dtype: RowType = "float32"

    def prefix(
        self, candidates: Sequence[str], chosen: str, vocabulary: Vocabulary, seed: int
    ) -> PrefixEntry:
        """The first candidate that makes no sampled word a sink, else the best of them."""
        kept = read_prefix(self.staging.step("prefix"))
        if kept is not None:
            return kept
        self.narrator.say("choosing the prefix that stands before every word")
        found = dataclasses.replace(
            find_prefix(self.words, candidates, vocabulary, self._norms, seed, chosen),
            suffix_ids=self.suffix,
        )
        sinks = found.tried[found.text]
        if sinks:
            self.narrator.say(
                f"warning: after prefix {found.text!r}, {sinks} of {found.sample} sampled words "
                "are attention sinks at some layer; `indexer show` gives the share per layer"
            )
        self.staging.keep("prefix", dataclasses.asdict(found))
        return found

    def _norms(self, prefix: tuple[int, ...], words: Sequence[ChosenWord]) -> NDArray[np.float32]:
        stream = LastTokenStream(self.model, prefix, self.layers, self.suffix)
        norms = np.empty((len(self.layers), len(words)), np.float32)
        for start, end in batches([len(c.token_ids) for c in words]):
            states = stream.run([c.token_ids for c in words[start:end]])
            norms[:, start:end] = np.linalg.norm(states.astype(np.float64), axis=2)
        return norms

    def extract(self, prefix: Sequence[int]) -> None:
        """The stream at each word's last token, streamed to disk; a kill loses seconds."""
        total = len(self.words)
        done = (self.staging.step("context") or {"rows": 0})["rows"]
        if done >= total:
            return
        norms = self.staging.scratch("context norms", (len(self.layers), total))
        writers = [self._writer(layer) for layer in self.layers]
        recorder = self.firing.recorder(prefix, done) if self.firing else None
        heard: list[tuple[int, Any]] = []
        stream = LastTokenStream(
            self.model,
            prefix,
            self.layers,
            self.suffix,
            hear=(lambda *one: heard.append(one)) if recorder else None,
            heard=self.firing.layers if self.firing else (),
        )

        def keep(start: int, states: NDArray[np.float32], heard: list[tuple[int, Any]]) -> int:
            end = start + int(states.shape[1])
            for at, writer in enumerate(writers):
                unit, norms[at, start:end] = unit_rows(states[at])
                writer.put(start, unit)
            if recorder is not None:
                for layer, activations in heard:
                    recorder.hear(layer, activations)
                recorder.batch(start, end)
            return end

        with (
            self.narrator.bar("context", total, "words", done) as bar,
            _Checkpoints(self.staging, writers, norms, recorder) as checkpoints,
            threads_apart(1) as behind,
        ):
            keeping: Future[int] | None = None

            def wait() -> None:
                nonlocal done
                if keeping is not None:
                    end = keeping.result()
                    bar.update(end - done)
                    checkpoints.reached(end)
                    done = end

            # What is kept of a batch is sorted out while the next one is run; of one at a time.
            for start, end in batches([len(c.token_ids) for c in self.words], done):
                states = stream.run([c.token_ids for c in self.words[start:end]])
                wait()
                keeping = behind.submit(keep, start, states, heard[:])
                heard.clear()
            wait()
        for writer in writers:
            writer.close()
        if recorder is not None:
            recorder.close()

    def batches_to_run(self) -> list[Batch]:
        """What `run_batch` is to be given before `gather` and `write_layer` can do the rest."""
        if (self.staging.step("context") or {"rows": 0})["rows"] >= len(self.words):
            return []
        every = self._batches()
        return [one for one in every if not self.staging.has_array(one.name)]

    def _batches(self) -> list[Batch]:
        return [Batch(*run) for run in batches([len(c.token_ids) for c in self.words])]

    def run_batch(self, prefix: Sequence[int], batch: Batch) -> None:
        """Keep the stream at each word's last token, and what fires, of a few words."""
        listener = self.firing.listener(prefix) if self.firing else None
        stream = LastTokenStream(
            self.model,
            prefix,
            self.layers,
            self.suffix,
            hear=listener.hear if listener else None,
            heard=self.firing.layers if self.firing else (),
        )
        states = stream.run([c.token_ids for c in self.words[batch.start : batch.end]])
        if listener is not None:
            self.staging.keep_array(batch.heard, **listener.heard())
        rows = {}
        for at, layer in enumerate(self.layers):
            rows[f"unit {layer}"], rows[f"norms {layer}"] = unit_rows(states[at])
        self.staging.keep_array(batch.name, **rows)

    def gather(self, prefix: Sequence[int]) -> None:
        """What fires, from the batches that were run elsewhere, in order."""
        done = (self.staging.step("context") or {"rows": 0})["rows"]
        if done >= len(self.words):
            return
        recorder = self.firing.recorder(prefix, 0) if self.firing else None
        if recorder is not None:
            with self.narrator.bar("gathering", len(self.words), "words") as bar:
                for batch in self._batches():
                    recorder.take(self._kept(batch.heard))
                    recorder.batch(batch.start, batch.end)
                    bar.update(batch.end - batch.start)
            recorder.save(len(self.words), recorder.state())
            recorder.close()
        self.staging.keep("context", {"rows": len(self.words)})

    def _kept(self, name: str, only: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        kept = self.staging.array(name, only)
        assert kept is not None, "every batch was run"
        return kept

    def layers_to_write(self) -> list[int]:
        """The context spaces that are to be written yet."""
        return [n for n in self.layers if not self.staging.finished(context_space(n))]

    def write_layer(self, layer: int) -> None:
        """One context space, from the batches that were run, in whatever process."""
        writer = self._writer(layer)
        norms = np.empty(len(self.words), np.float32)
        for batch in self._batches():
            kept = self._kept(batch.name, (f"unit {layer}", f"norms {layer}"))
            writer.put(batch.start, kept[f"unit {layer}"])
            norms[batch.start : batch.end] = kept[f"norms {layer}"]
        self.staging.finish_space(self._entry(layer), writer, norms)

    def drop_batches(self) -> None:
        """Forget what was kept of batches, once every space is written."""
        for batch in self._batches():
            self.staging.drop_array(batch.heard)
            self.staging.drop_array(batch.name)

    def finish(self, prefix: Sequence[int]) -> None:
        """Norms, means and covariances of the context spaces; what was recorded, sorted out."""
        if self.firing is not None:
            self.firing.finish(prefix)
        todo = self.layers_to_write()
        with (
            self.narrator.bar("context means", len(self.layers), "layers") as bar,
            threads_apart() as pool,
        ):
            bar.update(len(self.layers) - len(todo))
            for _ in pool.map(self._finish_layer, todo):
                bar.update(1)

    def _finish_layer(self, layer: int) -> None:
        norms = self.staging.scratch("context norms", (len(self.layers), len(self.words)))
        row = np.array(norms[self.layers.index(layer)])
        self.staging.finish_space(self._entry(layer), self._writer(layer), row)

    def _writer(self, layer: int) -> ShardsWriter:
        rows, width = len(self.words), self.model.d_model
        return self.staging.rows(context_space(layer), rows, width, dtype=self.dtype)

    def _entry(self, layer: int) -> SpaceEntry:
        return SpaceEntry(
            name=context_space(layer),
            kind="context",
            layer=layer,
            side=None,
            item="word",
            dtype=self.dtype,
            rows=len(self.words),
            width=self.model.d_model,
            measure="centered",
            population="indexed words",
            population_rows=len(self.words),
        )

    def check(self, prefix: Sequence[int], dtype: str) -> dict[str, float]:
        """Some words' stored rows and activations equal plain forward passes over prefix and word.

        Returns:
            The greatest relative error of each part: `context`, `firing`.
        """
        kept: dict[str, float] | None = self.staging.step("check context")
        if kept is None:
            step = max(1, len(self.words) // CHECKED_WORDS)
            sample = list(range(0, len(self.words), step))
            stored = {
                layer: self.staging.stored_rows(context_space(layer), sample)
                for layer in self.layers
            }
            words = [self.words[i].token_ids for i in sample]
            kept_as = narrow(self.dtype)
            rounding = apart(kept_as, self.model.d_model) if kept_as else 0.0
            by_layer = check.check_context(
                self.model, stored, prefix, self.suffix, words, dtype, rounding
            )
            kept = {"context": max(by_layer.values())}
            if self.firing is not None:
                kept |= self.firing.check(prefix, sample, dtype)
            self.staging.keep("check context", kept)
        return kept

    def sinks(self) -> NDArray[np.bool_]:
        """Which words are attention sinks, (context spaces, words) bool."""
        norms = [self.staging.moments(context_space(layer), "norms") for layer in self.layers]
        return sink_flags(np.stack(norms))


class _Checkpoints:
    """Records how far an extraction has come, once what it wrote is on the disk.

    Waiting for a disk takes as long as the disk likes, so a thread does it while the model runs.
    """

    def __init__(
        self,
        staging: Staging,
        writers: Sequence[ShardsWriter],
        norms: NDArray[np.float32],
        recorder: Recorder | None,
    ) -> None:
        self._staging, self._writers, self._norms = staging, writers, norms
        self._recorder = recorder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None
        self._last = time.monotonic()
        self._end = 0

    def __enter__(self) -> _Checkpoints:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._end:
            self._submit(self._end)
            self._wait()
        self._thread.shutdown()

    def reached(self, end: int) -> None:
        """Rows up to `end` are written; a kill from now on costs at most `SYNC_SECONDS`."""
        self._end = end
        if time.monotonic() - self._last > SYNC_SECONDS:
            self._submit(end)
            self._last = time.monotonic()

    def _submit(self, end: int) -> None:
        self._wait()
        state = self._recorder.state() if self._recorder else {}
        self._pending = self._thread.submit(self._record, end, state)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()

    def _record(self, end: int, state: dict[str, NDArray[Any]]) -> None:
        for writer in self._writers:
            writer.sync()
        self._norms.flush()  # type: ignore[attr-defined]  # a memmap
        if self._recorder is not None:
            self._recorder.save(end, state)
        self._staging.keep("context", {"rows": end})
        if self._recorder is not None:
            self._recorder.saved(end)
