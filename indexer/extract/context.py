"""Words in context: the residual stream at a word's last token, after each block.

Knows hooks and the key-value cache; knows nothing of files. The stream is taken by hooks on the
blocks, never from the model's own list of hidden states, whose last entry has the final norm
applied. Words come in batches of one length, so nothing is padded. An encoder reads both ways: its
special tokens stand before and after every word, and the word's last token is not the last of all.
Neurons' activations at that token can be heard in passing.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.extract.linear import fastest_linear
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
        cached: False recomputes the prefix with every batch and has layers multiply as they do,
            as a plain forward pass would. An encoder's prefix, which sees the word, is always
            recomputed.
        hear: given, of each of `heard`, the activations at the last token, (words, neurons)
            float32 on the model's device, while the words are run. Experts' neurons stand one
            expert after another; those of an expert that a word is not sent to are 0.
        heard: which blocks' neurons are heard.
    """

    def __init__(
        self,
        model: Model,
        prefix: Sequence[int],
        layers: Sequence[int],
        suffix: Sequence[int] = (),
        cached: bool = True,
        hear: Callable[[int, Any], None] | None = None,
        heard: Sequence[int] = (),
    ) -> None:
        self._model, self._prefix, self.layers = model, list(prefix), list(layers)
        self._suffix = list(suffix)
        self._last, self._cached = -1 - len(self._suffix), cached
        self._hear, self._heard = hear, list(heard) if hear is not None else []
        self._words = 0
        self._states: dict[int, Any] = {}
        fixed = cached and bool(self._prefix) and not model.family.encoder
        self._cache = self._prefix_cache() if fixed else None

    def run(self, words: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Words of one length, as token ids -> (len(layers), len(words), d_model) float32."""
        import torch

        before = [] if self._cache is not None else self._prefix
        ids = [[*before, *word, *self._suffix] for word in words]
        self._words = len(ids)
        device = self._model.device
        options: dict[str, Any] = {} if self._model.family.encoder else {"use_cache": False}
        if self._cache is not None:
            cache = copy.deepcopy(self._cache)
            cache.batch_repeat_interleave(len(words))
            options = {"past_key_values": cache, "use_cache": True}
        with torch.inference_mode(), self._multiplying():
            handles = self._hooks()
            try:
                self._model.base(input_ids=torch.tensor(ids, device=device), **options)
            finally:
                for handle in handles:
                    handle.remove()
            states = [self._states.pop(layer).float().cpu().numpy() for layer in self.layers]
        shape = (len(self.layers), len(ids), self._model.d_model)
        return np.stack(states) if states else np.empty(shape, np.float32)

    def _multiplying(self) -> contextlib.AbstractContextManager[None]:
        """How layers multiply: as is fastest, but in a plain forward pass as they do."""
        plain = contextlib.nullcontext()
        return fastest_linear(self._model.base, BATCH_TOKENS) if self._cached else plain

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
        return handles + [self._activation_hook(layer) for layer in self._heard]

    def _activation_hook(self, layer: int) -> Any:
        hear, model, mlp = self._hear, self._model, self._model.mlp(layer)
        assert hear is not None, "only what is heard is hooked"

        def last(positions: Any) -> Any:
            # Some families flatten words and positions before the MLP.
            return positions.reshape(self._words, -1, positions.shape[-1])[:, self._last].detach()

        def writing(_: Any, args: Any) -> None:
            fires = last(args[0]).float().contiguous()
            # Sums are taken in float64, which Apple's devices do not have.
            hear(layer, fires.cpu() if fires.device.type == "mps" else fires)

        def routing(_: Any, args: Any, kwargs: Any) -> None:
            given = dict(zip(("hidden_states", "top_k_index"), args, strict=False)) | kwargs
            chosen = last(given["top_k_index"])
            hear(layer, expert_activations(model, layer, last(given["hidden_states"]), chosen))

        if mlp.experts:
            module = model.part(layer, mlp.experts)
            return module.register_forward_pre_hook(routing, with_kwargs=True)
        return model.part(layer, mlp.writing.path).register_forward_pre_hook(writing)


def expert_activations(model: Model, layer: int, hidden: Any, chosen: Any) -> Any:
    """What the neurons of a block's experts do: (words, experts x units) float32.

    Experts' matrices are parameters of one module, so that no hook sees what is between them; it
    is computed here from the same matrices, as `indexer.check` does for every expert.

    Args:
        model: whose block it is.
        layer: which block.
        hidden: (words, d_model), what the experts are given.
        chosen: (words, k), which experts each word is sent to.
    """
    import torch

    experts, units = model.neurons(layer)
    found = torch.zeros(len(hidden), experts, units, device=hidden.device)
    for expert in chosen.unique().tolist():
        sent = (chosen == expert).any(dim=1)
        read = hidden[sent].float()
        reading = model.matrix(layer, model.family.sides[0], expert)
        fires = model.activation(read @ reading.to(read.device).T)
        if "up" in model.family.sides:
            fires = fires * (read @ model.matrix(layer, "up", expert).to(read.device).T)
        found[sent, expert] = fires
    return found.flatten(1)
