"""`python -m indexer.encode FOLDER`: run an index's model on words that it does not hold.

Reads a JSON list of words, one line of stdin, and writes a NumPy array to stdout, (context spaces,
words, d_model) float32, made with the index's own prefix and dtype. The weights must be those that
the index was made from. Says how far it is on stderr, in JSON lines, and ends when stdin does: who
asked is gone.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path

import numpy as np

from indexer.errors import PickledWeights
from indexer.extract.context import LastTokenStream, context_layers
from indexer.model import load
from indexer.progress import JsonNarrator, Narrator
from indexer.source import Source, locate
from indexer.store.errors import MachineError, at_the_edge
from indexer.store.layout import TOKENIZER, Manifest
from indexer.store.shown import escape_what_libraries_say, lines
from indexer.store.vocabulary import Vocabulary

ALLOW_PICKLE = "EXPLORER_ALLOW_PICKLE"
"""A variable that is 1 where pickled weights may be loaded for a text that is not indexed."""


def encode(folder: Path, words: list[str], narrator: Narrator) -> np.ndarray:
    """The residual stream at the last token of each word: (spaces, words, d_model) float32.

    Raises:
        MachineError: the model's weights are no longer those of the index.
    """
    manifest = Manifest.load(folder)
    narrator.say("checking the model's weights")
    source = _source(manifest)
    if source.sha256() != manifest.model.weights_sha256:
        raise MachineError(f"the weights of {manifest.model.source!r} have changed since the index")
    assert manifest.prefix is not None, "only context spaces have words to run"
    narrator.say("loading the model")
    model = load(source, False, manifest.model.accepted, manifest.dtype)
    model.to(manifest.device, manifest.dtype)
    vocabulary = Vocabulary(folder / TOKENIZER, manifest.model.vocabulary)
    layers = context_layers(manifest.layers)
    prefix = manifest.prefix
    stream = LastTokenStream(model, prefix.token_ids, layers, prefix.suffix_ids, cached=False)
    states = []
    with narrator.bar("running the model", len(words), "texts") as bar:
        for word in words:
            states.append(stream.run([vocabulary.word_ids(word)]))
            bar.update(1)
    return np.concatenate(states, axis=1)


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
    """Words in, vectors out; one line on stderr and an exit code where that fails."""
    escape_what_libraries_say()
    try:
        words = json.loads(sys.stdin.buffer.readline())
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        states = encode(Path(sys.argv[1]), words, JsonNarrator())
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        print(lines(edge[1]), file=sys.stderr)
        sys.exit(edge[0])
    # Not np.save to stdout itself: it asks where in the file it is, which a pipe cannot say.
    held = io.BytesIO()
    np.save(held, states)
    sys.stdout.buffer.write(held.getbuffer())
    sys.stdout.buffer.flush()


def _end_with_stdin() -> None:
    # Not sys.stdin: a thread that waits there holds a lock that Python needs at its end.
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
