"""`python -m indexer.encode FOLDER`: an index's model, kept ready for words that it does not hold.

Talks over `indexer.store.wire`. Each frame `run` names words; it is answered by frames `say` and
`bar`, which tell how far it is, and then by one `states`, a NumPy file of (context spaces, words,
d_model) float32, or by one `error`. The model is loaded for the first of them and stays, with the
index's own prefix and dtype; its weights must be those that the index was made from. The process
ends when stdin does, since who asked is gone, and after `IDLE` seconds in which nothing was asked.
"""

from __future__ import annotations

import io
import os
import queue
import sys
import threading
import traceback
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from indexer.errors import PickledWeights
from indexer.extract.context import LastTokenStream, context_layers
from indexer.model import load
from indexer.progress import JsonNarrator, Narrator
from indexer.source import Source, locate
from indexer.store.errors import MachineError, at_the_edge
from indexer.store.layout import TOKENIZER, Manifest
from indexer.store.shown import escape_what_libraries_say, one_line
from indexer.store.vocabulary import Vocabulary
from indexer.store.wire import Writer, receive

ALLOW_PICKLE = "EXPLORER_ALLOW_PICKLE"
"""A variable that is 1 where pickled weights may be loaded for a text that is not indexed."""

IDLE = 600.0
"""Seconds that a model stays loaded while nobody asks for it."""


class Encoder:
    """The model of an index, loaded when it is first run.

    Args:
        folder: of the index.
        narrator: told how far it is.
    """

    def __init__(self, folder: Path, narrator: Narrator) -> None:
        self._folder, self._narrator = folder, narrator
        self._manifest = Manifest.load(folder)

    def run(self, words: list[str]) -> np.ndarray:
        """The residual stream at the last token of each word: (spaces, words, d_model) float32.

        Raises:
            MachineError: the model's weights are no longer those of the index.
        """
        stream, states = self._stream, []
        with self._narrator.bar("running the model", len(words), "texts") as bar:
            for word in words:
                states.append(stream.run([self._vocabulary.word_ids(word)]))
                bar.update(1)
        return np.concatenate(states, axis=1)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self._folder / TOKENIZER, self._manifest.model.vocabulary)

    @cached_property
    def _stream(self) -> LastTokenStream:
        manifest, prefix = self._manifest, self._manifest.prefix
        assert prefix is not None, "only context spaces have words to run"
        self._narrator.say("checking the model's weights")
        source = _source(manifest)
        if source.sha256() != manifest.model.weights_sha256:
            raise MachineError(
                f"the weights of {manifest.model.source!r} have changed since the index"
            )
        self._narrator.say("loading the model")
        model = load(source, False, manifest.model.accepted, manifest.dtype)
        model.to(manifest.device, manifest.dtype)
        layers = context_layers(manifest.layers)
        return LastTokenStream(model, prefix.token_ids, layers, prefix.suffix_ids, cached=False)


def _source(manifest: Manifest) -> Source:
    """The model of an index.

    Where it lies, and that its pickles were let through, is what the index says, which may be
    anybody's: whoever asks must allow pickles themselves.
    """
    allowed = os.environ.get(ALLOW_PICKLE) == "1"
    try:
        return locate(manifest.model.source, offline=True, allow_pickle=allowed)
    except PickledWeights:
        raise PickledWeights(
            f"the weights of {manifest.model.source!r} are pickles, which can run code when "
            f"loaded; where you trust them, set {ALLOW_PICKLE}=1"
        ) from None


def main() -> None:
    """Answer what is asked on stdin, until it ends or nothing is asked any more."""
    escape_what_libraries_say()
    writer = Writer(_stdout())
    requests: queue.Queue[tuple[dict[str, Any], bytes]] = queue.Queue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    encoder: Encoder | None = None
    while True:
        try:
            head, _ = requests.get(timeout=IDLE)
        except queue.Empty:
            return
        try:
            if encoder is None:
                encoder = Encoder(Path(sys.argv[1]), JsonNarrator(tell=writer.send))
            held = io.BytesIO()
            np.save(held, encoder.run(head["words"]))
        except BrokenPipeError:
            os._exit(1)
        except BaseException as err:
            edge = at_the_edge(err)
            if edge is None:
                traceback.print_exc()
                edge = 1, f"{type(err).__name__}: {err}"
            writer.send("error", code=edge[0], text=one_line(edge[1]))
            return
        writer.send("states", held.getbuffer())


def _stdout() -> IO[bytes]:
    """Stdout for frames alone: what a library prints goes to stderr."""
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return frames


def _listen(requests: queue.Queue[tuple[dict[str, Any], bytes]]) -> None:
    # Not sys.stdin: a thread that waits there holds a lock that Python needs at its end.
    with os.fdopen(os.dup(0), "rb") as pipe:
        while (frame := receive(pipe)) is not None:
            requests.put(frame)
    os._exit(1)


if __name__ == "__main__":
    main()
