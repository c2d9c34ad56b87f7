"""A GGUF file, held against what transformers reads of it.

A GGUF file has no config. transformers makes one of the keys it knows, lets the family's defaults
stand for the rest, and passes over a tensor that it has no name for. Both are silent, and the model
then computes something else with matrices that are its own, which no check of matrices can see. So
every key of the file's architecture must say what the config says, and every tensor must be read.
"""

from __future__ import annotations

import math
from typing import Any

from indexer.architectures import FAMILIES, Family
from indexer.errors import NotFromGguf
from indexer.source import Source

HARMLESS = frozenset(
    ("context_length", "vocab_size", "tensor_data_layout", "pooling_type", "use_parallel_residual")
)
"""Keys that change nothing a forward pass computes, or that the tensors tell (the last one)."""


def require_architecture(source: Source) -> None:
    """Refuse a file of an architecture that no family of the table is read from.

    Raises:
        NotFromGguf: names it, and those that are read.
    """
    found = _architecture(_reader(source))
    # What llama.cpp calls a family is what transformers calls it, without the joints.
    read = {
        kind.removesuffix("_text").replace("_", "")
        for family in FAMILIES
        for kind in family.model_types
        if family.gguf
    }
    if found not in read:
        raise NotFromGguf(
            f"{source.asked!r} is a GGUF file of architecture {found!r}, which is not read from "
            f"GGUF (read: {', '.join(sorted(read))}); use the model's safetensors"
        )


def require_whole(
    source: Source, family: Family, empty: Any, accepted: tuple[str, ...] = ()
) -> None:
    """Refuse a file that says something, or holds a tensor, that would be lost in reading it.

    Args:
        source: where the file is.
        family: the entry of the table that covers its model.
        empty: the model that transformers makes of it, with its config; no weights are needed.
        accepted: keys and tensors that were looked into and may be lost.

    Raises:
        NotFromGguf: names the key or the tensor, or the family that is not read from GGUF.
    """
    from transformers.modeling_gguf_pytorch_utils import (
        TENSOR_PROCESSORS,
        TensorProcessor,
        get_gguf_hf_weights_map,
    )

    if not family.gguf:
        raise NotFromGguf(
            f"{source.asked!r}: {family.title} is not read from GGUF; use the model's safetensors"
        )
    reader = _reader(source)
    architecture = _architecture(reader)
    known = _known(empty.config)
    for key, field in reader.fields.items():
        name = key.removeprefix(f"{architecture}.")
        if name == key or key in accepted or (name in HARMLESS and name not in known):
            continue
        value, read = field.contents(), known.get(name)
        if not _same(value, read):
            raise NotFromGguf(
                f"{source.asked!r} says {key} = {value!r}, which would be read as {read!r}"
                f"{_ADVICE.format(key)}"
            )
    kind = TENSOR_PROCESSORS.get(architecture, TensorProcessor)
    names = get_gguf_hf_weights_map(empty, kind(config={}))
    if empty.config.tie_word_embeddings:
        names["output.weight"] = ""  # the embedding, once more
    for tensor in reader.tensors:
        if not {tensor.name, tensor.name.removesuffix(".weight")} & {*names, *accepted}:
            raise NotFromGguf(
                f"{source.asked!r} holds a tensor {tensor.name}, which would not be read"
                f"{_ADVICE.format(tensor.name)}"
            )


def quick_reader() -> type[Any]:
    """A reader of GGUF files that takes a third of the time of gguf's own.

    Every entry of a vocabulary is a slice of the mapped file, and slicing a `numpy.memmap` costs
    several times what slicing a plain array over the same memory does.
    """
    import gguf
    import numpy as np

    class Quick(gguf.GGUFReader):
        @property
        def data(self) -> Any:
            return self._plain

        @data.setter
        def data(self, mapped: Any) -> None:
            self._plain = mapped.view(np.ndarray)

    return Quick


def _reader(source: Source) -> Any:
    import gguf

    # Spelled as transformers spells it: the model is loaded with a reader that is kept by its path.
    return gguf.GGUFReader(str(source.weight_files()[0]))


def _architecture(reader: Any) -> str:
    return str(reader.fields["general.architecture"].contents())


_ADVICE = "; use the model's safetensors, or if it does not matter --accept-config {}"


def _known(config: Any) -> dict[str, Any]:
    """What a config says, under the names that a GGUF file has for it."""

    def first(*names: str) -> Any:
        return next((v for v in (getattr(config, name, None) for name in names) if v), None)

    heads = config.num_attention_heads
    width = first("head_dim") or config.hidden_size // heads
    shared = first("multi_query") and not first("new_decoder_architecture")
    rope = first("rope_parameters") or {}
    full, local = rope.get("full_attention", rope), rope.get("sliding_attention", {})
    scaling = full.get("rope_type", "default")
    # Where positions are learned, there are as many as there are.
    learned = {"context_length": config.n_positions} if first("n_positions") else {}
    return learned | {
        "block_count": config.num_hidden_layers,
        "embedding_length": config.hidden_size,
        "feed_forward_length": first("n_inner", "ffn_hidden_size", "intermediate_size")
        or 4 * config.hidden_size,
        "expert_count": first("num_experts"),
        "expert_used_count": first("num_experts_per_tok"),
        "expert_feed_forward_length": first("moe_intermediate_size"),
        "attention.head_count": heads,
        "attention.head_count_kv": 1 if shared else first("num_key_value_heads") or heads,
        # Where a config has a divisor of its own, the file has none: it is the width of a head.
        "attention.key_length": first("query_pre_attn_scalar") or width,
        "attention.value_length": width,
        "attention.layer_norm_rms_epsilon": first("rms_norm_eps"),
        "attention.layer_norm_epsilon": first("layer_norm_epsilon", "layer_norm_eps"),
        "attention.sliding_window": first("sliding_window"),
        "attention.causal": True,
        "attn_logit_softcapping": first("attn_logit_softcapping"),
        "final_logit_softcapping": first("final_logit_softcapping"),
        "rope.dimension_count": int(width * full.get("partial_rotary_factor", 1)),
        "rope.freq_base": full.get("rope_theta"),
        "rope.freq_base_swa": local.get("rope_theta"),
        "rope.scaling.type": "none" if scaling == "default" else scaling,
    }


def _same(said: Any, read: Any) -> bool:
    """Equal, to the precision of the file's 32-bit floats."""
    if isinstance(said, float) and isinstance(read, (int, float)):
        return math.isclose(said, read, rel_tol=1e-6)
    return bool(said == read)
