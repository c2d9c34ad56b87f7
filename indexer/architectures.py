"""Where each model family keeps its matrices, and how they lie: one entry a family.

Knows names of modules and of config attributes, the arithmetic around an MLP and an attention, and
what follows the last block; imports no model library. Nothing here is trusted: `indexer.check`
recomputes every layer's MLP and attention, and logits, from what was extracted through this table,
and refuses an index that does not reproduce the model.

Adding a family is adding an entry to `FAMILIES`:
  1. name its modules as `model.base_model.named_modules()` prints them,
  2. say how its matrices lie, which norms stand around them and before the unembedding, which
     config attributes matter,
  3. add its tiny random config to tests/families.py: the self-check tells whether it is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from indexer.errors import UnknownConfig, UnknownFamily
from indexer.store.errors import did_you_mean, nearest
from indexer.store.spaces import NeuronSide, sides_of


class Axes(Enum):
    """Which axis of a weight matrix is which."""

    LINEAR = "(out, in), as torch.nn.Linear keeps it"
    CONV1D = "(in, out), as GPT-2's Conv1D keeps it"


class Norm(Enum):
    """What a norm does to the residual stream."""

    RMS = "x / sqrt(mean(x^2) + eps), times weight"
    RMS_ONE_PLUS = "x / sqrt(mean(x^2) + eps), times 1 + weight"
    LAYER = "(x - mean(x)) / sqrt(var(x) + eps), times weight, plus bias"


class Fused(Enum):
    """Where the value's outputs lie in the matrix that holds them."""

    NO = "a matrix of its own"
    LAST = "one matrix: all queries, all keys, all values"
    GROUPS = "one matrix, by key-value head: its queries, its key, its value"


@dataclass(frozen=True)
class Matrix:
    """One weight matrix in a block.

    Attributes:
        path: the module whose `weight` it is, or the parameter itself.
        layout: which axis is which; of an experts' parameter, after the axis of experts.
        half: where two reading matrices share one, which half of its outputs: 0 or 1.
    """

    path: str
    layout: Axes = Axes.LINEAR
    half: int | None = None


@dataclass(frozen=True)
class Mlp:
    """One block's MLP: `write(act(read(x)) [* up(x)])`.

    Attributes:
        reading: the matrix of the reading side (the gate, where there is one).
        up: the second reading matrix of a gated MLP.
        writing: the matrix of the writing side.
        norm: the norm whose output the MLP reads: the first of these that a block has. None where
            it reads the stream itself.
        norm_after: the norm between the MLP's output and the stream.
        norm_sum: the norm of the sum of stream and output, in a family that norms last.
        experts: the module of experts, of which each position uses a few; its parameters have the
            axis of experts first. In a block without that module the matrices are `dense`'s.
        dense: the MLP of the blocks that have no experts.
    """

    reading: Matrix
    writing: Matrix
    up: Matrix | None = None
    norm: tuple[str, ...] = ()
    norm_after: str | None = None
    norm_sum: str | None = None
    experts: str | None = None
    dense: Mlp | None = None


@dataclass(frozen=True)
class Attention:
    """One block's attention, as far as values and outputs go.

    Attributes:
        value: the matrix of the values, or the fused one.
        output: the matrix that writes to the stream.
        norm: as in `Mlp`.
        norm_after: the norm between the attention's output and the stream.
        fused: where the values lie in `value`.
    """

    value: Matrix
    output: Matrix
    norm: tuple[str, ...] = ()
    norm_after: str | None = None
    fused: Fused = Fused.NO


@dataclass(frozen=True)
class Family:
    """One family's anatomy. Paths are relative to the transformer without its head, or to a block.

    Attributes:
        title: the family's name, as people write it.
        model_types: `config.model_type` of the checkpoints it covers.
        blocks: the list of blocks.
        embedding: the token embedding.
        norm: the arithmetic of its norms.
        mlp: its MLP.
        attention: its attention.
        activation: attribute of the config that names the activation; after `=`, the name itself.
        arithmetic: further attributes of the config that change what it computes, all covered.
        when: config attributes and values this entry is for, where a family has two anatomies.
        encoder: whether it reads both ways, with special tokens around every text.
        unembedding: the output matrix, relative to the whole model; empty where none reads it.
        project_in: the matrix between the embedding and the stream, where their widths differ.
        project_out: the matrix between the stream and the unembedding.
        final_norm: the norm between the last block and the unembedding; None where there is none,
            or nothing is read off with an unembedding.
        unembedding_bias: whether the unembedding adds a number a token.
        logits_divided_by: attribute of the config that logits are divided by.
        logits_softcap: attribute of the config with the c of c tanh(logits / c); nothing is done
            where a config leaves it out.
        embedding_note: what else happens to an embedding before block 0.
        notes: what a reader of the table should know.
        gguf: whether its GGUF files are read; held by tests/test_gguf.py.
    """

    title: str
    model_types: tuple[str, ...]
    blocks: str
    embedding: str
    norm: Norm
    mlp: Mlp
    attention: Attention
    activation: str = "hidden_act"
    arithmetic: tuple[str, ...] = ()
    when: tuple[tuple[str, Any], ...] = ()
    encoder: bool = False
    unembedding: str = "lm_head"
    project_in: str | None = None
    project_out: str | None = None
    final_norm: str | None = "norm"
    unembedding_bias: bool = False
    logits_divided_by: str = ""
    logits_softcap: str = ""
    embedding_note: str = ""
    notes: str = ""
    gguf: bool = False

    @property
    def gated(self) -> bool:
        """Whether the MLP multiplies two reading directions."""
        return self.mlp.up is not None

    @property
    def sides(self) -> tuple[NeuronSide, ...]:
        """The sides its neurons have, the reading side first and the writing side last."""
        return sides_of(self.gated)

    def matrix_of(self, side: str, mlp: Mlp) -> Matrix | None:
        """Where a block's MLP has the matrix of one side; None where it has no such side."""
        reading = (mlp.reading, mlp.up) if self.gated else (mlp.reading,)
        return dict(zip(self.sides, (*reading, mlp.writing), strict=True)).get(side)


_LLAMA = Family(
    title="Llama",
    model_types=("llama",),
    blocks="layers",
    embedding="embed_tokens",
    norm=Norm.RMS,
    mlp=Mlp(
        norm=("post_attention_layernorm",),
        reading=Matrix("mlp.gate_proj"),
        up=Matrix("mlp.up_proj"),
        writing=Matrix("mlp.down_proj"),
    ),
    attention=Attention(
        norm=("input_layernorm",),
        value=Matrix("self_attn.v_proj"),
        output=Matrix("self_attn.o_proj"),
    ),
    arithmetic=("mlp_bias",),
)
_GEMMA = replace(
    _LLAMA,
    title="Gemma",
    model_types=("gemma",),
    norm=Norm.RMS_ONE_PLUS,
    embedding_note="the model multiplies it by sqrt(d_model)",
)
_GEMMA2 = replace(
    _GEMMA,
    title="Gemma 2",
    model_types=("gemma2",),
    mlp=replace(
        _LLAMA.mlp, norm=("pre_feedforward_layernorm",), norm_after="post_feedforward_layernorm"
    ),
    attention=replace(_LLAMA.attention, norm_after="post_attention_layernorm"),
    activation="hidden_activation",
    arithmetic=(
        "query_pre_attn_scalar",
        "sliding_window",
        "layer_types",
        "final_logit_softcapping",
        "attn_logit_softcapping",
    ),
    logits_softcap="final_logit_softcapping",
)
_GEMMA3 = replace(
    _GEMMA2,
    title="Gemma 3",
    model_types=("gemma3_text",),
    arithmetic=(*_GEMMA2.arithmetic, "_sliding_window_pattern", "sliding_window_pattern"),
)
_MIXTRAL = replace(
    _LLAMA,
    title="Mixtral",
    model_types=("mixtral",),
    mlp=Mlp(
        norm=("post_attention_layernorm",),
        reading=Matrix("mlp.experts.gate_up_proj", half=0),
        up=Matrix("mlp.experts.gate_up_proj", half=1),
        writing=Matrix("mlp.experts.down_proj"),
        experts="mlp.experts",
        dense=_LLAMA.mlp,
    ),
    arithmetic=("sliding_window", "num_experts_per_tok", "num_local_experts"),
    notes="every expert's neurons, named L3E5N112",
)
_GPT_NEO = Family(
    title="GPT-Neo",
    model_types=("gpt_neo",),
    blocks="h",
    embedding="wte",
    norm=Norm.LAYER,
    mlp=Mlp(norm=("ln_2",), reading=Matrix("mlp.c_fc"), writing=Matrix("mlp.c_proj")),
    attention=Attention(
        norm=("ln_1",),
        value=Matrix("attn.attention.v_proj"),
        output=Matrix("attn.attention.out_proj"),
    ),
    activation="activation_function",
    arithmetic=("attention_types", "attention_layers", "window_size"),
    final_norm="ln_f",
    embedding_note="the model adds a learned position",
)
_NEOX = Family(
    title="GPT-NeoX, Pythia",
    model_types=("gpt_neox",),
    blocks="layers",
    embedding="embed_in",
    norm=Norm.LAYER,
    mlp=Mlp(
        norm=("post_attention_layernorm",),
        reading=Matrix("mlp.dense_h_to_4h"),
        writing=Matrix("mlp.dense_4h_to_h"),
    ),
    attention=Attention(
        norm=("input_layernorm",),
        value=Matrix("attention.query_key_value"),
        output=Matrix("attention.dense"),
        fused=Fused.GROUPS,
    ),
    arithmetic=("use_parallel_residual",),
    final_norm="final_layer_norm",
    notes="attention and MLP read the same stream, each through a norm of its own",
)
_OPT = Family(
    title="OPT",
    model_types=("opt",),
    blocks="decoder.layers",
    embedding="decoder.embed_tokens",
    norm=Norm.LAYER,
    mlp=Mlp(norm=("final_layer_norm",), reading=Matrix("fc1"), writing=Matrix("fc2")),
    attention=Attention(
        norm=("self_attn_layer_norm",),
        value=Matrix("self_attn.v_proj"),
        output=Matrix("self_attn.out_proj"),
    ),
    activation="activation_function",
    arithmetic=(
        "do_layer_norm_before",
        "_remove_final_layer_norm",
        "enable_bias",
        "layer_norm_elementwise_affine",
    ),
    when=(("do_layer_norm_before", True),),
    project_in="decoder.project_in",
    project_out="decoder.project_out",
    final_norm="decoder.final_layer_norm",
    embedding_note="the model adds a learned position",
)
_BERT = Family(
    title="BERT",
    model_types=("bert",),
    blocks="encoder.layer",
    embedding="embeddings.word_embeddings",
    norm=Norm.LAYER,
    mlp=Mlp(
        reading=Matrix("intermediate.dense"),
        writing=Matrix("output.dense"),
        norm_sum="output.LayerNorm",
    ),
    attention=Attention(
        value=Matrix("attention.self.value"), output=Matrix("attention.output.dense")
    ),
    encoder=True,
    unembedding="",
    final_norm=None,
    embedding_note="the model adds a position and a segment, then norms the sum",
    notes="norms stand after each sum: nothing is folded",
)

FAMILIES: tuple[Family, ...] = (
    Family(
        title="GPT-2",
        model_types=("gpt2",),
        blocks="h",
        embedding="wte",
        norm=Norm.LAYER,
        mlp=Mlp(
            norm=("ln_2",),
            reading=Matrix("mlp.c_fc", Axes.CONV1D),
            writing=Matrix("mlp.c_proj", Axes.CONV1D),
        ),
        attention=Attention(
            norm=("ln_1",),
            value=Matrix("attn.c_attn", Axes.CONV1D),
            output=Matrix("attn.c_proj", Axes.CONV1D),
            fused=Fused.LAST,
        ),
        activation="activation_function",
        arithmetic=(
            "scale_attn_weights",
            "scale_attn_by_inverse_layer_idx",
            "reorder_and_upcast_attn",
        ),
        final_norm="ln_f",
        embedding_note="the model adds a learned position",
        gguf=True,
    ),
    _GPT_NEO,
    replace(
        _GPT_NEO,
        title="GPT-J",
        model_types=("gptj",),
        mlp=Mlp(norm=("ln_1",), reading=Matrix("mlp.fc_in"), writing=Matrix("mlp.fc_out")),
        attention=Attention(
            norm=("ln_1",), value=Matrix("attn.v_proj"), output=Matrix("attn.out_proj")
        ),
        arithmetic=("rotary_dim",),
        unembedding_bias=True,
        embedding_note="",
        notes="attention and MLP read the same normed stream",
    ),
    _NEOX,
    _OPT,
    replace(
        _OPT,
        title="OPT, norms last (350m)",
        mlp=replace(_OPT.mlp, norm=(), norm_sum="final_layer_norm"),
        attention=replace(_OPT.attention, norm=()),
        when=(("do_layer_norm_before", False),),
        final_norm=None,
        notes="norms stand after each sum: nothing is folded",
    ),
    replace(
        _NEOX,
        title="BLOOM",
        model_types=("bloom",),
        blocks="h",
        embedding="word_embeddings",
        attention=Attention(
            norm=("input_layernorm",),
            value=Matrix("self_attention.query_key_value"),
            output=Matrix("self_attention.dense"),
            fused=Fused.GROUPS,
        ),
        activation="=gelu_new",
        arithmetic=("apply_residual_connection_post_layernorm", "slow_but_exact"),
        final_norm="ln_f",
        embedding_note="the model norms it",
        notes="",
        gguf=True,
    ),
    replace(
        _NEOX,
        title="Falcon",
        model_types=("falcon",),
        blocks="h",
        embedding="word_embeddings",
        mlp=replace(_NEOX.mlp, norm=("ln_mlp", "post_attention_layernorm", "input_layernorm")),
        attention=Attention(
            norm=("ln_attn", "input_layernorm"),
            value=Matrix("self_attention.query_key_value"),
            output=Matrix("self_attention.dense"),
            fused=Fused.GROUPS,
        ),
        activation="activation",
        arithmetic=(
            "alibi",
            "bias",
            "multi_query",
            "new_decoder_architecture",
            "num_ln_in_parallel_attn",
            "parallel_attn",
        ),
        final_norm="ln_f",
        notes="parallel or not, with one norm or two; one key-value head, several, or all",
        gguf=True,
    ),
    Family(
        title="Phi",
        model_types=("phi",),
        blocks="layers",
        embedding="embed_tokens",
        norm=Norm.LAYER,
        mlp=Mlp(norm=("input_layernorm",), reading=Matrix("mlp.fc1"), writing=Matrix("mlp.fc2")),
        attention=Attention(
            norm=("input_layernorm",),
            value=Matrix("self_attn.v_proj"),
            output=Matrix("self_attn.dense"),
        ),
        arithmetic=("qk_layernorm",),
        final_norm="final_layernorm",
        unembedding_bias=True,
        notes="attention and MLP read the same normed stream",
    ),
    replace(_LLAMA, gguf=True),
    replace(_LLAMA, title="Mistral", model_types=("mistral",), arithmetic=("sliding_window",)),
    replace(
        _LLAMA,
        title="Qwen2",
        model_types=("qwen2",),
        arithmetic=("use_sliding_window", "sliding_window", "max_window_layers", "layer_types"),
        gguf=True,
    ),
    replace(
        _LLAMA,
        title="Qwen3",
        model_types=("qwen3",),
        arithmetic=("use_sliding_window", "sliding_window", "max_window_layers", "layer_types"),
        gguf=True,
    ),
    _GEMMA,
    replace(_GEMMA2, gguf=True),
    replace(_GEMMA3, gguf=True),
    replace(
        _GEMMA3,
        title="Gemma 3, with vision",
        model_types=("gemma3",),
        blocks="language_model.layers",
        embedding="language_model.embed_tokens",
        final_norm="language_model.norm",
        logits_softcap="",
        notes="the language model of it; its logits have no softcap, whatever its config says",
    ),
    replace(
        _LLAMA,
        title="OLMo2",
        model_types=("olmo2",),
        mlp=replace(_LLAMA.mlp, norm=(), norm_after="post_feedforward_layernorm"),
        attention=replace(_LLAMA.attention, norm=(), norm_after="post_attention_layernorm"),
        arithmetic=(),
        notes="norms stand after attention and MLP only",
    ),
    replace(
        _LLAMA,
        title="StableLM",
        model_types=("stablelm",),
        norm=Norm.LAYER,
        mlp=replace(_LLAMA.mlp, norm=("post_attention_layernorm", "input_layernorm")),
        arithmetic=("use_qkv_bias", "qk_layernorm", "use_parallel_residual"),
        gguf=True,
    ),
    replace(
        _LLAMA,
        title="SmolLM3",
        model_types=("smollm3",),
        arithmetic=(
            "mlp_bias",
            "no_rope_layers",
            "no_rope_layer_interval",
            "use_sliding_window",
            "sliding_window",
            "max_window_layers",
            "layer_types",
        ),
    ),
    replace(
        _LLAMA,
        title="Granite",
        model_types=("granite",),
        arithmetic=(
            "mlp_bias",
            "embedding_multiplier",
            "logits_scaling",
            "residual_multiplier",
            "attention_multiplier",
        ),
        logits_divided_by="logits_scaling",
        embedding_note="the model multiplies it by embedding_multiplier",
        notes="what a block writes is multiplied by residual_multiplier; the rows are not",
    ),
    _MIXTRAL,
    replace(
        _MIXTRAL,
        title="Qwen3-MoE",
        model_types=("qwen3_moe",),
        arithmetic=(
            "use_sliding_window",
            "sliding_window",
            "max_window_layers",
            "layer_types",
            "decoder_sparse_step",
            "mlp_only_layers",
            "norm_topk_prob",
            "num_experts_per_tok",
        ),
        notes="every expert's neurons, named L3E5N112; blocks without experts have L3N112",
        gguf=True,
    ),
    _BERT,
    replace(_BERT, title="RoBERTa", model_types=("roberta",)),
    replace(
        _BERT,
        title="DistilBERT",
        model_types=("distilbert",),
        blocks="transformer.layer",
        mlp=Mlp(
            reading=Matrix("ffn.lin1"),
            writing=Matrix("ffn.lin2"),
            norm_sum="output_layer_norm",
        ),
        attention=Attention(value=Matrix("attention.v_lin"), output=Matrix("attention.out_lin")),
        activation="activation",
        arithmetic=("sinusoidal_pos_embds",),
        embedding_note="the model adds a position, then norms the sum",
    ),
    replace(
        _BERT,
        title="ELECTRA",
        model_types=("electra",),
        project_in="embeddings_project",
        embedding_note="the model adds a position and a segment, norms the sum, then projects it",
    ),
    replace(
        _BERT,
        title="MPNet",
        model_types=("mpnet",),
        attention=Attention(value=Matrix("attention.attn.v"), output=Matrix("attention.attn.o")),
        arithmetic=("relative_attention_num_buckets",),
        embedding_note="the model adds a position, then norms the sum",
    ),
    replace(
        _BERT,
        title="ModernBERT",
        model_types=("modernbert",),
        blocks="layers",
        embedding="embeddings.tok_embeddings",
        mlp=Mlp(
            norm=("mlp_norm",),
            reading=Matrix("mlp.Wi", half=0),
            up=Matrix("mlp.Wi", half=1),
            writing=Matrix("mlp.Wo"),
        ),
        attention=Attention(
            norm=("attn_norm",),
            value=Matrix("attn.Wqkv"),
            output=Matrix("attn.Wo"),
            fused=Fused.LAST,
        ),
        activation="hidden_activation",
        arithmetic=(
            "norm_bias",
            "mlp_bias",
            "layer_types",
            "local_attention",
            "global_attn_every_n_layers",
            "global_rope_theta",
            "local_rope_theta",
        ),
        embedding_note="the model norms it",
        notes="block 0's attention reads the stream itself",
    ),
)

COMMON = frozenset(
    """
    model_type vocab_size hidden_size n_embd n_embed dim d_model word_embed_proj_dim embedding_size
    num_hidden_layers n_layer n_layers num_layers num_attention_heads n_head n_heads num_heads
    num_key_value_heads num_kv_heads n_head_kv head_dim intermediate_size n_inner ffn_dim
    ffn_hidden_size feed_forward_length hidden_dim moe_intermediate_size num_experts
    num_local_experts max_position_embeddings n_positions n_ctx seq_length type_vocab_size
    hidden_act hidden_activation activation activation_function
    rms_norm_eps layer_norm_eps layer_norm_epsilon norm_eps attention_bias
    rope_parameters rope_theta rope_scaling rope_local_base_freq partial_rotary_factor rotary_pct
    rotary_emb_base tie_word_embeddings
    """.split()  # noqa: SIM905  a list of words reads best as words
)
"""Attributes that change the arithmetic of many families, in a way every entry is covered for."""

HARMLESS = frozenset(
    """
    architectures auto_map _name_or_path _model_name_or_path transformers_version torch_dtype dtype
    use_cache
    bos_token_id eos_token_id pad_token_id unk_token_id cls_token_id sep_token_id mask_token_id
    decoder_start_token_id forced_bos_token_id forced_eos_token_id begin_suppress_tokens
    suppress_tokens prefix tokenizer_class chunk_size_feed_forward id2label label2id problem_type
    task_specific_params finetuning_task return_dict output_attentions output_hidden_states
    output_router_logits router_aux_loss_coef router_jitter_noise torchscript pruned_heads
    initializer_range initializer_factor initializer_cutoff_factor init_std gradient_checkpointing
    dropout attention_dropout hidden_dropout activation_dropout embedding_dropout mlp_dropout
    classifier_dropout attention_probs_dropout_prob hidden_dropout_prob resid_pdrop embd_pdrop
    attn_pdrop resid_dropout embed_dropout qa_dropout seq_classif_dropout layerdrop summary_type
    summary_use_proj summary_activation summary_proj_to_labels summary_first_dropout
    summary_last_dropout classifier_pooling classifier_bias classifier_activation decoder_bias
    sparse_prediction sparse_pred_ignore_index deterministic_flash_attn reference_compile
    repad_logits_with_grad pretraining_tp attn_implementation _attn_implementation
    _attn_implementation_internal is_llama_config rope_interleaved attention_probs_dropout
    generator_size vocab_type pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers
    pooler_size_per_head pooler_type directionality bias_dropout_fusion masked_softmax_fusion
    offset_alibi skip_bias_add skip_bias_add_qkv unk_token apply_query_key_layer_scaling
    attention_softmax_in_fp32 transformers.js_config tie_weights_ temperature do_sample top_k top_p
    max_length num_labels cache_implementation
    """.split()  # noqa: SIM905
)
"""Attributes that change nothing a forward pass in evaluation computes at a word's position."""


HARMLESS_VALUES: Mapping[str, Any] = {
    "position_embedding_type": "absolute",
    "rotary": True,
    "scale_attn_weights": True,
}
"""Attributes of older checkpoints, with the one value that transformers still computes."""


def family_of(config: Mapping[str, Any]) -> Family:
    """The entry that covers a model's config.

    Of a family with two anatomies the first is for configs that leave the attribute out.

    Raises:
        UnknownFamily: there is none; the message lists what is known and how to add one.
    """
    model_type = str(config.get("model_type"))
    for family in FAMILIES:
        if model_type in family.model_types and all(
            config.get(name, value) == value for name, value in family.when
        ):
            return family
    known = sorted({name for family in FAMILIES for name in family.model_types})
    hint = did_you_mean(model_type, nearest(model_type, known, limit=1))
    if model_type in known:
        whens = [family.when for family in FAMILIES if model_type in family.model_types]
        said = " or ".join(", ".join(f"{k}={v!r}" for k, v in when) for when in whens)
        hint = f" with such a config (known with {said})"
    raise UnknownFamily(
        f"no entry for model family {model_type!r}{hint} (known: {', '.join(known)})\n"
        "to add one, in indexer/architectures.py: 1. name its modules in an entry of FAMILIES;\n"
        "2. say how its matrices lie, which norms stand around them, what its config changes;\n"
        "3. add its tiny config to tests/families.py: the self-check tells whether it is right "
        "(docs/families.md shows an entry)"
    )


def check_config(
    family: Family,
    config: Mapping[str, Any],
    defaults: Mapping[str, Any],
    accepted: tuple[str, ...] = (),
) -> None:
    """Refuse a config attribute that may change the arithmetic and that the entry doesn't know.

    An attribute is known where the entry or the common list names it, harmless where it has to do
    with training or text, and off where it has the family's default value, or none.

    Args:
        family: the entry.
        config: the attributes as the checkpoint gives them.
        defaults: those of the family's default config, on which every entry is tested.
        accepted: attributes that were looked into and are to be let through.

    Raises:
        UnknownConfig: names the attribute.
    """
    known = {*COMMON, *HARMLESS, *family.arithmetic, *accepted}
    for name, value in config.items():
        off = value is None or value is False or value in ("", [], {})
        usual = name in defaults and defaults[name] == value
        if name in known or off or usual or HARMLESS_VALUES.get(name) == value:
            continue
        raise UnknownConfig(
            f"config attribute {name!r} ({value!r}) is not known for {family.title}: it may change "
            f"what the model computes; if it does not, let it through with --accept-config {name}"
        )
