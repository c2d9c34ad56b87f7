"""The rows of the embedding and unembedding matrices, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.model import Model
from indexer.store.spaces import TokenSpace

BLOCK = 8192


def token_spaces(model: Model) -> list[TokenSpace]:
    """`embed`, and `unembed` where the model keeps a matrix of its own for it."""
    return ["embed"] if model.tied else ["embed", "unembed"]


def token_rows(model: Model, kind: TokenSpace) -> Iterator[NDArray[np.float32]]:
    """Rows of one matrix, in the order of token ids, as they meet the residual stream.

    Yields:
        (up to BLOCK, d_model) float32.
    """
    for first in range(0, model.vocabulary, BLOCK):
        yield model.token_rows(kind, first, min(BLOCK, model.vocabulary - first)).numpy()
