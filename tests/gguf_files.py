"""A GGUF file of a tiny model, as llama.cpp's converter lays one out.

Knows llama.cpp's names, its keys and what it does to tensors on the way; nothing of how such a file
is read back, so that a test of the reading stands on something else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

ARCHITECTURES = {"qwen3_moe": "qwen3moe", "gemma3_text": "gemma3", "mistral": "llama"}
"""Where llama.cpp calls a family something else: Mistral is a Llama to it."""


def write_gguf(
    model: Any,
    tokenizer: Path,
    path: Path,
    q8: bool = False,
    name: str = "tiny",
    keys: dict[str, Any] | None = None,
    tensors: dict[str, Float32] | None = None,
) -> Path:
    """Write a model of `transformers` and a folder's BPE, over bytes or `▁`, to a GGUF file.

    `q8` packs matrices as Q8_0; `keys` and `tensors` are further ones, or others of their names.
    """
    kind = model.config.model_type
    architecture = ARCHITECTURES.get(kind, kind)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(name)
    for key, value in (_metadata(model.config, architecture) | (keys or {})).items():
        full = f"{architecture}.{key}"
        if isinstance(value, bool):
            writer.add_bool(full, value)
        elif isinstance(value, str):
            writer.add_string(full, value)
        elif value is not None:
            (writer.add_uint32 if isinstance(value, int) else writer.add_float32)(full, value)
    _add_tokenizer(writer, tokenizer)
    for tensor, array in (_tensors(model, architecture) | (tensors or {})).items():
        if q8 and array.ndim > 1:
            packed = gguf.quantize(array, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(tensor, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(tensor, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _metadata(config: Any, architecture: str) -> dict[str, Any]:
    """What the converter writes down of a config; activations, for one, it doesn't."""
    heads, d_model = config.num_attention_heads, config.hidden_size
    keys: dict[str, Any] = {
        "block_count": config.num_hidden_layers,
        "context_length": getattr(config, "max_position_embeddings", None) or 2048,
        "embedding_length": d_model,
        "feed_forward_length": getattr(config, "n_inner", None)
        or getattr(config, "intermediate_size", None)
        or 4 * d_model,
        "attention.head_count": heads,
    }
    if architecture == "falcon":
        grouped = config.new_decoder_architecture or not config.multi_query
        keys["attention.head_count_kv"] = config.num_kv_heads if grouped else 1
        keys |= {"tensor_data_layout": "jploski", "feed_forward_length": 4 * d_model}
    elif architecture != "gpt2":
        keys["attention.head_count_kv"] = getattr(config, "num_key_value_heads", heads)
    if hasattr(config, "rms_norm_eps"):
        keys["attention.layer_norm_rms_epsilon"] = config.rms_norm_eps
    else:
        stated = getattr(config, "layer_norm_epsilon", None) or config.layer_norm_eps
        keys["attention.layer_norm_epsilon"] = stated
    rope = getattr(config, "rope_parameters", None) or {}
    rope = rope.get("full_attention", rope)
    if rope and architecture not in ("falcon", "stablelm", "gemma2"):
        keys["rope.freq_base"] = rope["rope_theta"]
    width = getattr(config, "head_dim", None) or d_model // heads
    if architecture in ("llama", "stablelm"):
        keys["rope.dimension_count"] = int(width * rope.get("partial_rotary_factor", 1))
    if architecture in ("llama", "qwen3", "qwen3moe", "gemma2", "gemma3"):
        keys |= {"attention.key_length": width, "attention.value_length": width}
    if architecture in ("llama", "bloom"):
        keys["vocab_size"] = config.vocab_size
    if architecture == "stablelm":
        keys["use_parallel_residual"] = True  # whatever the model does: the tensors tell
    if architecture == "qwen3moe":
        keys |= {
            "expert_count": config.num_experts,
            "expert_used_count": config.num_experts_per_tok,
            "expert_feed_forward_length": config.moe_intermediate_size,
        }
    for key in ("attn_logit_softcapping", "final_logit_softcapping"):
        keys[key] = getattr(config, key, None)
    if architecture in ("gemma2", "gemma3"):
        keys["attention.sliding_window"] = config.sliding_window
    return keys


def _add_tokenizer(writer: gguf.GGUFWriter, folder: Path) -> None:
    spec = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids = {**spec["model"]["vocab"], **{t["content"]: t["id"] for t in spec["added_tokens"]}}
    tokens = sorted(ids, key=ids.__getitem__)
    control = {token["content"] for token in spec["added_tokens"] if token["special"]}
    if spec["model"].get("byte_fallback"):
        _add_sentencepiece(writer, tokens, control)
        return
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = (gguf.TokenType.NORMAL, gguf.TokenType.CONTROL)
    writer.add_token_types([kinds[token in control] for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in spec["model"]["merges"]])
    writer.add_bos_token_id(ids["<|start|>"])
    writer.add_eos_token_id(ids["<|endoftext|>"])


def _add_sentencepiece(writer: gguf.GGUFWriter, tokens: list[str], control: set[str]) -> None:
    """A SentencePiece vocabulary: scores in place of merges, blanks of several as they are."""
    kinds = []
    for token in tokens:
        if token == "<unk>":
            kinds.append(gguf.TokenType.UNKNOWN)
        elif token in control:
            kinds.append(gguf.TokenType.CONTROL)
        elif token.startswith("<0x"):
            kinds.append(gguf.TokenType.BYTE)
        elif token.strip("▁") == "" and len(token) > 1:
            kinds.append(gguf.TokenType.USER_DEFINED)
        else:
            kinds.append(gguf.TokenType.NORMAL)
    blank = gguf.TokenType.USER_DEFINED
    spelled = [" " * len(t) if k is blank else t for t, k in zip(tokens, kinds, strict=True)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(spelled)
    writer.add_token_scores([-float(i) for i in range(len(tokens))])
    writer.add_token_types(kinds)
    for name, add in (
        ("<bos>", writer.add_bos_token_id),
        ("<s>", writer.add_bos_token_id),
        ("<eos>", writer.add_eos_token_id),
        ("</s>", writer.add_eos_token_id),
        ("<unk>", writer.add_unk_token_id),
        ("<pad>", writer.add_pad_token_id),
    ):
        if name in tokens:
            add(tokens.index(name))


def _tensors(model: Any, architecture: str) -> dict[str, Float32]:
    """Every tensor under llama.cpp's name, as the converter leaves it: C order, (out, in)."""
    config = model.config
    arch = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    found: dict[str, Float32] = {}
    for full, tensor in model.state_dict().items():
        array: Float32 = tensor.float().numpy()
        if full.endswith("experts.gate_up_proj"):
            stem = full.removesuffix("gate_up_proj")
            gate, up = np.split(array, 2, axis=1)
            found[names.get_name(f"{stem}gate_proj") + ".weight"] = gate
            found[names.get_name(f"{stem}up_proj") + ".weight"] = up
            continue
        if full == "lm_head.weight" and tied:
            continue
        suffix = next((end for end in (".weight", ".bias") if full.endswith(end)), "")
        # BLOOM is converted from the model without its head, whose names have no prefix.
        stem = full.removesuffix(suffix)
        own = names.get_name(stem) or names.get_name(stem.partition(".")[2])
        found[own + (suffix or ".weight")] = _laid_out(array, full, own, config, architecture)
    return found


def _laid_out(array: Float32, full: str, name: str, config: Any, architecture: str) -> Float32:
    """One tensor as the converter writes it."""
    heads = config.num_attention_heads
    if architecture == "llama" and name.endswith(("attn_q", "attn_k")):
        # Two halves of a head's rows interleaved: llama.cpp turns neighbouring pairs.
        count = heads if name.endswith("attn_q") else config.num_key_value_heads
        halves = array.reshape(count, 2, len(array) // count // 2, *array.shape[1:])
        return halves.swapaxes(1, 2).reshape(array.shape)
    if architecture in ("gemma2", "gemma3") and full.endswith("norm.weight"):
        return array + 1
    if architecture == "gpt2" and array.ndim == 2 and ".h." in full:
        return array.T
    if architecture in ("bloom", "falcon") and name.endswith("attn_qkv"):
        groups = heads
        if architecture == "falcon":
            grouped = config.new_decoder_architecture or not config.multi_query
            groups = config.num_kv_heads if grouped else 1
        width = config.hidden_size // heads
        parts = array.reshape(groups, heads // groups + 2, width, *array.shape[1:])
        cut = (parts[:, :-2], parts[:, -2], parts[:, -1])
        return np.concatenate([part.reshape(-1, *array.shape[1:]) for part in cut])
    return array
