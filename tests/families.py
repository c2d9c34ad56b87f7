"""A tiny random model of every family in the table, made from its config, without a download.

Sizes are odd ones: no two axes of a model have the same length, so that none can be taken for
another. Gains and biases are moved away from 1 and 0, so that dropping one shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VOCABULARY_WORDS = """
the a large huge tall small tiny dog cat puppy king queen man woman red blue green
Large Dog Paris France Great Dane size house river mountain
""".split()  # noqa: SIM905  a list of words reads best as words


@dataclass(frozen=True)
class Case:
    """One tiny model: the class that is made, its config, and what of it the table must know."""

    family: str
    kind: str
    config: dict[str, Any] = field(default_factory=dict)
    tokenizer: str = "bpe"

    @property
    def encoder(self) -> bool:
        return self.kind.endswith("Model") and not self.kind.endswith("LMHeadModel")


_GQA = {
    "hidden_size": 24,
    "intermediate_size": 38,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.15,
}
_WIDE = {**_GQA, "head_dim": 10}
_ENCODER = {
    "hidden_size": 24,
    "intermediate_size": 38,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 70,
    "initializer_range": 0.15,
    "pad_token_id": 0,
}
_NEOX = {
    "hidden_size": 32,
    "intermediate_size": 38,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.15,
}
_OPT = {
    "hidden_size": 24,
    "ffn_dim": 38,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "init_std": 0.15,
}
_FALCON = {
    "hidden_size": 24,
    "ffn_hidden_size": 38,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.15,
}
_GPT2 = {"n_embd": 20, "n_layer": 2, "n_head": 4, "n_inner": 34, "n_positions": 64}
_SLIDING = {"sliding_window": 3, "layer_types": ["sliding_attention", "full_attention"] * 2}

CASES: dict[str, Case] = {
    "llama": Case(
        "Llama",
        "LlamaForCausalLM",
        {**_GQA, "initializer_range": 0.02, "head_dim": 6, "tie_word_embeddings": False},
    ),
    "llama-biases": Case(
        "Llama",
        "LlamaForCausalLM",
        {**_WIDE, "mlp_bias": True, "attention_bias": True, "tie_word_embeddings": True},
    ),
    "gpt2": Case("GPT-2", "GPT2LMHeadModel", _GPT2),
    "gpt2-scaled": Case(
        "GPT-2",
        "GPT2LMHeadModel",
        {**_GPT2, "scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False},
    ),
    "gpt_neo": Case(
        "GPT-Neo",
        "GPTNeoForCausalLM",
        {
            "hidden_size": 24,
            "intermediate_size": 38,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 3,
            "max_position_embeddings": 64,
            "initializer_range": 0.15,
        },
    ),
    "gptj": Case(
        "GPT-J",
        "GPTJForCausalLM",
        {
            "n_embd": 24,
            "n_layer": 3,
            "n_head": 4,
            "n_inner": 38,
            "rotary_dim": 4,
            "n_positions": 64,
            "initializer_range": 0.15,
        },
    ),
    "gpt_neox": Case("GPT-NeoX, Pythia", "GPTNeoXForCausalLM", _NEOX),
    "gpt_neox-sequential": Case(
        "GPT-NeoX, Pythia",
        "GPTNeoXForCausalLM",
        {**_NEOX, "use_parallel_residual": False, "attention_bias": False},
    ),
    "opt": Case("OPT", "OPTForCausalLM", {**_OPT, "word_embed_proj_dim": 24}),
    "opt-350m": Case(
        "OPT, norms last (350m)",
        "OPTForCausalLM",
        {**_OPT, "do_layer_norm_before": False, "word_embed_proj_dim": 14},
    ),
    "opt-plain": Case(
        "OPT",
        "OPTForCausalLM",
        {
            **_OPT,
            "word_embed_proj_dim": 24,
            "enable_bias": False,
            "layer_norm_elementwise_affine": False,
        },
    ),
    "bloom": Case(
        "BLOOM",
        "BloomForCausalLM",
        {"hidden_size": 24, "n_layer": 3, "n_head": 4, "initializer_range": 0.15},
    ),
    "bloom-residual": Case(
        "BLOOM",
        "BloomForCausalLM",
        {
            "hidden_size": 24,
            "n_layer": 2,
            "n_head": 4,
            "apply_residual_connection_post_layernorm": True,
        },
    ),
    "falcon": Case("Falcon", "FalconForCausalLM", {**_FALCON, "multi_query": True}),
    "falcon-grouped": Case(
        "Falcon",
        "FalconForCausalLM",
        {**_FALCON, "new_decoder_architecture": True, "num_kv_heads": 2},
    ),
    "falcon-sequential": Case(
        "Falcon",
        "FalconForCausalLM",
        {**_FALCON, "multi_query": False, "parallel_attn": False, "alibi": True, "bias": True},
    ),
    "phi": Case("Phi", "PhiForCausalLM", {**_GQA, "hidden_size": 32, "qk_layernorm": True}),
    "mistral": Case("Mistral", "MistralForCausalLM", {**_WIDE, "sliding_window": 3}),
    "qwen2": Case(
        "Qwen2", "Qwen2ForCausalLM", {**_GQA, "use_sliding_window": True, "max_window_layers": 1}
    ),
    "qwen3": Case("Qwen3", "Qwen3ForCausalLM", _WIDE),
    "gemma": Case("Gemma", "GemmaForCausalLM", _WIDE),
    "gemma2": Case(
        "Gemma 2",
        "Gemma2ForCausalLM",
        # Low enough to be felt by logits as small as a tiny model's.
        {**_WIDE, "num_hidden_layers": 4, **_SLIDING, "final_logit_softcapping": 2.0},
    ),
    "gemma3": Case("Gemma 3", "Gemma3ForCausalLM", {**_WIDE, "num_hidden_layers": 4, **_SLIDING}),
    "gemma3_vision": Case(
        "Gemma 3, with vision",
        "Gemma3ForConditionalGeneration",
        {
            "text_config": {**_WIDE, "num_hidden_layers": 4, **_SLIDING},
            "vision_config": {
                "hidden_size": 16,
                "intermediate_size": 20,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "image_size": 28,
                "patch_size": 14,
            },
            "mm_tokens_per_image": 4,
        },
    ),
    "olmo2": Case("OLMo2", "Olmo2ForCausalLM", _GQA),
    "stablelm": Case("StableLM", "StableLmForCausalLM", {**_GQA, "hidden_size": 32}),
    "stablelm-parallel": Case(
        "StableLM",
        "StableLmForCausalLM",
        {
            **_GQA,
            "hidden_size": 32,
            "use_parallel_residual": True,
            "use_qkv_bias": True,
            "qk_layernorm": True,
        },
    ),
    "smollm3": Case(
        "SmolLM3", "SmolLM3ForCausalLM", {**_GQA, "no_rope_layer_interval": 2, "pad_token_id": 0}
    ),
    "granite": Case(
        "Granite",
        "GraniteForCausalLM",
        {
            **_GQA,
            "embedding_multiplier": 12.0,
            "residual_multiplier": 0.22,
            "attention_multiplier": 0.1,
            "logits_scaling": 8.0,
        },
    ),
    "mixtral": Case("Mixtral", "MixtralForCausalLM", {**_WIDE, "num_local_experts": 5}),
    "qwen3_moe": Case(
        "Qwen3-MoE",
        "Qwen3MoeForCausalLM",
        {
            **_WIDE,
            "moe_intermediate_size": 22,
            "num_experts": 5,
            "num_experts_per_tok": 2,
            "mlp_only_layers": [1],
            "norm_topk_prob": True,
        },
    ),
    "bert": Case("BERT", "BertModel", _ENCODER, "wordpiece"),
    "roberta": Case("RoBERTa", "RobertaModel", _ENCODER, "bpe-framed"),
    "distilbert": Case(
        "DistilBERT",
        "DistilBertModel",
        {
            "dim": 24,
            "hidden_dim": 38,
            "n_layers": 3,
            "n_heads": 4,
            "max_position_embeddings": 70,
            "initializer_range": 0.15,
        },
        "wordpiece",
    ),
    "electra": Case("ELECTRA", "ElectraModel", {**_ENCODER, "embedding_size": 14}, "wordpiece"),
    "electra-square": Case(
        "ELECTRA", "ElectraModel", {**_ENCODER, "embedding_size": 24}, "wordpiece"
    ),
    "mpnet": Case("MPNet", "MPNetModel", {**_ENCODER, "pad_token_id": 1}, "wordpiece"),
    "modernbert": Case(
        "ModernBERT",
        "ModernBertModel",
        {
            **_ENCODER,
            "num_hidden_layers": 4,
            "local_attention": 4,
            "mlp_bias": True,
            "norm_bias": True,
            "attention_bias": True,
            "pad_token_id": 0,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
        "wordpiece",
    ),
}


def make_tokenizer(folder: Path, kind: str = "bpe") -> int:
    """A tokenizer over a few words, saved to a folder; returns its size.

    `bpe` is byte-level BPE over all bytes; `bpe-framed` the same with `<s>` and `</s>` around every
    text; `wordpiece` has `[CLS]` and `[SEP]`.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        trainer: Any = trainers.WordPieceTrainer(
            vocab_size=90, special_tokens=special, show_progress=False
        )
        tokenizer.train_from_iterator(VOCABULARY_WORDS * 50, trainer)
        frame, names = ("[CLS]", "[SEP]"), {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        framed = kind == "bpe-framed"
        special = ["<pad>", "<s>", "</s>"] if framed else ["<|endoftext|>", "<|start|>"]
        trainer = trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator([f" {word}" for word in VOCABULARY_WORDS] * 50, trainer)
        frame = ("<s>", "</s>") if framed else ("", "")
        names = {"bos_token": special[1], "eos_token": "</s>" if framed else "<|endoftext|>"}
    if frame[0]:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{frame[0]} $A {frame[1]}",
            special_tokens=[(text, tokenizer.token_to_id(text)) for text in frame],
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    fast.save_pretrained(folder)
    return len(fast)


def make_model(
    folder: Path,
    name: str,
    change: Callable[[Any], None] | None = None,
    dtype: str = "float32",
    config: dict[str, Any] | None = None,
    tokenizer: Any = None,
    **saving: Any,
) -> Path:
    """The tiny random model of a case, saved to a folder.

    `change` is given the model before it is saved; `config` goes over the case's own;
    `tokenizer` is one of `tokenizers`, in place of the case's; `saving` goes to `save_pretrained`.
    """
    import torch
    import transformers

    case = CASES[name]
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # threads wait for each other longer than these models take
    if tokenizer is None:
        size = make_tokenizer(folder, case.tokenizer)
    else:
        fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)
        fast.save_pretrained(folder)
        size = len(fast)
    torch.manual_seed(7)
    kind = getattr(transformers, case.kind)
    given = {**case.config, **(config or {})}
    if "text_config" in given:
        given["text_config"] = {**given["text_config"], "vocab_size": size}
    else:
        given["vocab_size"] = size
    model = kind(kind.config_class(**given))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            low = parameter_name.lower()
            if "norm" in low or "ln_" in low or low.endswith("bias"):
                parameter.add_(torch.randn_like(parameter) * 0.3)
        if change is not None:
            change(model)
    model.to(getattr(torch, dtype)).save_pretrained(folder, **saving)
    return folder
