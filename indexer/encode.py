"""An index's model, kept ready for words that it does not hold.

The model is loaded when it is first run, with the index's own prefix and dtype; its weights must be
those that the index was made from. Knows no process; `indexer.worker` has it in one of its own.
"""

from __future__ import annotations

import io
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from indexer.errors import PickledWeights
from indexer.extract.context import LastTokenStream, context_layers
from indexer.model import load
from indexer.progress import Narrator
from indexer.source import Source, locate
from indexer.store.errors import MachineError
from indexer.store.layout import TOKENIZER, Manifest
from indexer.store.vocabulary import Vocabulary

ALLOW_PICKLE = "EXPLORER_ALLOW_PICKLE"
"""A variable that is 1 where pickled weights may be loaded for a text that is not indexed."""


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

    def file_of(self, words: list[str]) -> memoryview:
        """What `run` gives, as a NumPy file."""
        file = io.BytesIO()
        np.save(file, self.run(words))
        return file.getbuffer()

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
