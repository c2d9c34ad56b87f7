"""`python -m indexer.encode FOLDER`: run an index's model on words that it does not hold.

Reads a JSON list of words from stdin and writes a NumPy array to stdout, (context spaces, words,
d_model) float32, made with the index's own prefix and dtype. The weights must be those that the
index was made from.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np

from indexer.extract.context import LastTokenStream, context_layers
from indexer.model import load
from indexer.source import locate
from indexer.store.errors import MachineError, at_the_edge
from indexer.store.layout import TOKENIZER, Manifest
from indexer.store.vocabulary import Vocabulary


def encode(folder: Path, words: list[str]) -> np.ndarray:
    """The residual stream at the last token of each word: (spaces, words, d_model) float32.

    Raises:
        MachineError: the model's weights are no longer those of the index.
    """
    manifest = Manifest.load(folder)
    source = locate(manifest.model.source, offline=True, allow_pickle=manifest.model.allow_pickle)
    if source.sha256() != manifest.model.weights_sha256:
        raise MachineError(f"the weights of {manifest.model.source!r} have changed since the index")
    assert manifest.prefix is not None, "only context spaces have words to run"
    model = load(source, False, manifest.model.accepted, manifest.dtype)
    model.to(manifest.device, manifest.dtype)
    vocabulary = Vocabulary(folder / TOKENIZER)
    layers = context_layers(manifest.layers)
    prefix = manifest.prefix
    stream = LastTokenStream(model, prefix.token_ids, layers, prefix.suffix_ids, cached=False)
    return np.concatenate([stream.run([vocabulary.word_ids(word)]) for word in words], axis=1)


def main() -> None:
    """Words in, vectors out; one line on stderr and an exit code where that fails."""
    try:
        states = encode(Path(sys.argv[1]), json.load(sys.stdin))
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        print(edge[1], file=sys.stderr)
        sys.exit(edge[0])
    # Not np.save to stdout itself: it asks where in the file it is, which a pipe cannot say.
    held = io.BytesIO()
    np.save(held, states)
    sys.stdout.buffer.write(held.getbuffer())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
