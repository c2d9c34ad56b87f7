"""Words in context: the residual stream at a word's last token, after each block.

Knows hooks and the key-value cache; knows nothing of files. The stream is taken by hooks on the
blocks, never from the model's own list of hidden states, whose last entry has the final norm
applied. Words come in batches of one length, so nothing is padded. An encoder reads both ways: its
special tokens stand before and after every word, and the word's last token is not the last of all.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.model import Model

BATCH_TOKENS = 512
"""Tokens per forward pass, the prefix not counted."""


def context_layers(blocks: Sequence[int]) -> list[int]:
    """The context spaces of some blocks: the stream that enters each, and that leaves it."""
    return sorted({layer for block in blocks for layer in (block, block + 1)})


def batches(lengths: Sequence[int], first: int = 0) -> Iterator[tuple[int, int]]:
    """Runs of words of one length, (start, end), from word `first` on.

    `lengths` must not decrease; the runs depend on nothing else, so that a resumed extraction
    meets the batches that the interrupted one would have.
    """
    start = 0
    while start < len(lengths):
        length = lengths[start]
        size = max(1, BATCH_TOKENS // length)
        end = start + 1
        while end < len(lengths) and end - start < size and lengths[end] == length:
            end += 1
        if start >= first:
            yield start, end
        start = end


class LastTokenStream:
    """Runs words after a fixed prefix and hands back the stream at their last token.

    The prefix is the same for every word, so its keys and values are computed once; a causal
    model's result does not depend on it (the self-check compares with plain forward passes).

    Args:
        model: on its device, in the dtype the forward passes are to have.
        prefix: token ids before every word; may be empty.
        layers: which context spaces, 0 to the number of blocks.
        suffix: token ids after every word, as an encoder has them; may be empty.
        cached: False recomputes the prefix with every batch, as a plain forward pass would; so
            does an encoder, whose prefix sees the word.
    """

    def __init__(
        self,
        model: Model,
        prefix: Sequence[int],
        layers: Sequence[int],
        suffix: Sequence[int] = (),
        cached: bool = True,
    ) -> None:
        self._model, self._prefix, self.layers = model, list(prefix), list(layers)
        self._suffix = list(suffix)
        self._last = -1 - len(self._suffix)
        self._states: dict[int, Any] = {}
        fixed = cached and bool(self._prefix) and not model.family.encoder
        self._cache = self._prefix_cache() if fixed else None

    def run(self, words: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Words of one length, as token ids -> (len(layers), len(words), d_model) float32."""
        import torch

        before = [] if self._cache is not None else self._prefix
        ids = [[*before, *word, *self._suffix] for word in words]
        device = self._model.device
        options: dict[str, Any] = {} if self._model.family.encoder else {"use_cache": False}
        if self._cache is not None:
            cache = copy.deepcopy(self._cache)
            cache.batch_repeat_interleave(len(words))
            options = {"past_key_values": cache, "use_cache": True}
        with torch.inference_mode():
            handles = self._hooks()
            try:
                self._model.base(input_ids=torch.tensor(ids, device=device), **options)
            finally:
                for handle in handles:
                    handle.remove()
            stacked = torch.stack([self._states.pop(layer) for layer in self.layers])
            array: NDArray[np.float32] = stacked.float().cpu().numpy()
        return array

    def _prefix_cache(self) -> Any:
        import torch

        ids = torch.tensor([self._prefix], device=self._model.device)
        with torch.inference_mode():
            return self._model.base(input_ids=ids, use_cache=True).past_key_values

    def _hooks(self) -> list[Any]:
        handles = []
        for layer in self.layers:
            if layer == 0:

                def entering(_: Any, args: Any, kwargs: Any) -> None:
                    hidden = args[0] if args else kwargs["hidden_states"]
                    self._states[0] = hidden[:, self._last].detach().clone()

                block = self._model.blocks[0]
                handles.append(block.register_forward_pre_hook(entering, with_kwargs=True))
            else:

                def leaving(_: Any, __: Any, output: Any, layer: int = layer) -> None:
                    hidden = output[0] if isinstance(output, tuple) else output
                    self._states[layer] = hidden[:, self._last].detach().clone()

                handles.append(self._model.blocks[layer - 1].register_forward_hook(leaving))
        return handles
