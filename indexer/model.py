"""A loaded model, and named ways to its matrices; the only place that loads weights.

Knows transformers' loaders, and accelerate's for models larger than memory. Code that comes with a
model is never run. What is loaded is checked against the table of families: a config attribute
that the table doesn't know, or a tensor that the checkpoint lacks, is an error and never a guess.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.architectures import Axes, Family, Fused, Matrix, Mlp, Norm, check_config, family_of
from indexer.errors import (
    CheckFailed,
    IncompleteWeights,
    ModelNotFound,
    QuantizedWeights,
    UnknownConfig,
    reason,
)
from indexer.gguf_file import quick_reader, require_architecture, require_whole
from indexer.source import Source, require_extra, silence
from indexer.store.errors import MachineError, SemanticError
from indexer.store.spaces import HeadSide, TokenSpace

if TYPE_CHECKING:
    import torch


class Model:
    """A loaded model in evaluation mode, and the ways to its parts.

    Matrices are given as `(n, d_model)` float32 on the CPU, whatever the checkpoint's layout and
    precision, and wherever its weights are: on a device, or still on the disk.
    """

    def __init__(self, module: Any, family: Family, tokenizer: Any = None) -> None:
        self.module, self.family, self.tokenizer = module, family, tokenizer
        self.config = module.config.get_text_config()
        module.eval().requires_grad_(False)

    # -- modules ----------------------------------------------------------------------------

    @property
    def base(self) -> Any:
        """The transformer without its head: a forward pass that computes no logits."""
        return self.module.base_model

    @cached_property
    def blocks(self) -> list[Any]:
        """The transformer blocks, first to last."""
        return list(self.base.get_submodule(self.family.blocks))

    def part(self, layer: int, path: str) -> Any:
        """A module of a block, or None where the block has none of that name."""
        module = self.blocks[layer]
        for name in path.split("."):
            module = getattr(module, name, None)
            if module is None:
                return None
        return module

    def mlp(self, layer: int) -> Mlp:
        """How one block's MLP is built: with experts, or without where the block has none."""
        mlp = self.family.mlp
        if mlp.experts and self.part(layer, mlp.experts) is None:
            assert mlp.dense is not None, "a family with experts says what a block without has"
            return mlp.dense
        return mlp

    def norm(self, layer: int, names: tuple[str, ...]) -> Any:
        """The first of some norms that a block has, or None where nothing norms."""
        for name in names:
            module = self.part(layer, name)
            if module is not None:
                # An Identity stands where another block has a norm.
                return module if hasattr(module, "weight") or hasattr(module, "eps") else None
        return None

    @property
    def activation(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The function between the reading and the writing side of a neuron."""
        from transformers.activations import ACT2FN

        function: Callable[[torch.Tensor], torch.Tensor] = ACT2FN[self.activation_name]
        return function

    @property
    def activation_name(self) -> str:
        """Its name, as transformers has it."""
        name = self.family.activation
        return name[1:] if name[0] == "=" else str(getattr(self.config, name))

    @property
    def activation_signs(self) -> str:
        """The signs of what it makes of numbers below 0 and of those above, as `ModelEntry` has it.

        Found by trying, as SiLU and GELU keep a number's sign and ReLU leaves none below 0; `?`
        where it is not the same for all of those tried, which lie where nothing underflows.
        """
        import torch

        tried = torch.logspace(-3, 0.5, 50, dtype=torch.float64)
        found = ""
        with torch.inference_mode():
            for side in (-tried, tried):
                signs = set(self.activation(side).sign().int().tolist())
                found += {-1: "-", 0: "0", 1: "+"}[signs.pop()] if len(signs) == 1 else "?"
        return found

    # -- sizes ------------------------------------------------------------------------------

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self.config.hidden_size)

    @property
    def vocabulary(self) -> int:
        """Rows of the embedding."""
        return int(self._embedding.weight.shape[0])

    @property
    def device(self) -> Any:
        """Where token ids are to be."""
        return self._embedding.weight.device

    @property
    def tied(self) -> bool:
        """Whether the model reads its output off with the embedding's own rows, or with none."""
        family = self.family
        if not family.unembedding:
            return True
        if self.project_out is not None:
            return False
        head, own = self.unembedding.weight, self._embedding.weight
        return head is own or (head.data_ptr() == own.data_ptr() != 0)

    def neurons(self, layer: int) -> tuple[int, int]:
        """How many experts a block's MLP has (0 for none), and how many neurons each."""
        mlp = self.mlp(layer)
        shape = tuple(self._parameter(layer, mlp.writing).shape)
        units = shape[-1] if mlp.writing.layout is Axes.LINEAR else shape[-2]
        return (shape[0] if mlp.experts else 0), units

    def heads(self, layer: int) -> tuple[int, int, int]:
        """A block's attention heads, its key-value heads, and the width of each."""
        count = int(self.config.num_attention_heads)
        attention = self.family.attention
        shape = self._parameter(layer, attention.output).shape
        width = int(shape[1 if attention.output.layout is Axes.LINEAR else 0]) // count
        shape = self._parameter(layer, attention.value).shape
        outputs = int(shape[0 if attention.value.layout is Axes.LINEAR else 1]) // width
        keyed = outputs if attention.fused is Fused.NO else (outputs - count) // 2
        return count, keyed, width

    # -- matrices ---------------------------------------------------------------------------

    def token_rows(self, kind: TokenSpace, first: int, count: int) -> torch.Tensor:
        """Rows of `embed` or `unembed` as they meet the residual stream: (count, d_model) float32.

        Where embeddings have another width than the stream, the model's projection is applied.
        """
        family = self.family
        embed = kind == "embed"
        module = self._embedding if embed else self.unembedding
        rows: torch.Tensor = module.weight[first : first + count].detach().float().cpu()
        projection = self._projection(family.project_in if embed else family.project_out)
        if projection is None:
            return rows
        matrix: torch.Tensor = projection.weight.detach().float().cpu()
        return rows @ (matrix.T if embed else matrix)

    def matrix(self, layer: int, side: str, expert: int | None = None) -> torch.Tensor:
        """One side of one layer's neurons as the model has it, raw: (units, d_model) float32.

        Raises:
            ValueError: the family has no such side.
            CheckFailed: the matrix has no axis of width d_model where the family's entry says.
        """
        mlp = self.mlp(layer)
        matrix = self.family.matrix_of(side, mlp)
        if matrix is None:
            raise ValueError(f"{self.family.title} neurons have no side {side!r}")
        return self._rows(layer, matrix, writing=side == "out", expert=expert)

    def bias(self, layer: int, side: str) -> torch.Tensor | None:
        """The bias of one side's matrix, float32, or None."""
        mlp = self.mlp(layer)
        matrix = self.family.matrix_of(side, mlp)
        assert matrix is not None
        return self._bias(layer, matrix)

    def head_rows(self, layer: int, side: HeadSide) -> torch.Tensor:
        """One row per head and head dimension: (heads x width, d_model) float32, raw.

        Of `value`, heads that share a key-value head share its rows.
        """
        attention = self.family.attention
        if side == "output":
            return self._rows(layer, attention.output, writing=True)
        return self._per_head(layer, self._rows(layer, attention.value, writing=False))

    def head_bias(self, layer: int, side: HeadSide) -> torch.Tensor | None:
        """The bias of the values (heads x width) or of the output (d_model), float32, or None."""
        attention = self.family.attention
        if side == "output":
            return self._bias(layer, attention.output)
        bias = self._bias(layer, attention.value)
        return None if bias is None else self._per_head(layer, bias)

    def gain(self, norm: Any) -> torch.Tensor | None:
        """What a norm multiplies by, (d_model,) float64, or None where it multiplies by nothing."""
        with _at_hand(norm):
            weight = getattr(norm, "weight", None)
            if weight is None:
                return None
            wide: torch.Tensor = weight.detach().double().cpu()
        return wide + 1 if self.family.norm is Norm.RMS_ONE_PLUS else wide

    def shift(self, norm: Any) -> torch.Tensor | None:
        """What a norm adds, (d_model,) float64, or None."""
        with _at_hand(norm):
            bias = getattr(norm, "bias", None)
            return None if bias is None else bias.detach().double().cpu()

    @property
    def final_norm(self) -> Any:
        """The norm between the last block and the unembedding, or None where nothing norms there.

        Raises:
            CheckFailed: there is no such module where the family's entry looks.
        """
        path = self.family.final_norm
        if path is None:
            return None
        holder, _, name = path.rpartition(".")
        module = self.base.get_submodule(holder)
        if not hasattr(module, name):
            raise CheckFailed(f"no {path}, where the entry for {self.family.title} looks")
        return getattr(module, name)

    @property
    def project_out(self) -> Any:
        """The projection between the last norm and the unembedding, or None."""
        return self._projection(self.family.project_out)

    @property
    def unembedding(self) -> Any:
        """The module whose rows logits are read off with; for families that have one."""
        return self.module.get_submodule(self.family.unembedding)

    @property
    def unembedding_bias(self) -> torch.Tensor | None:
        """What is added to each token's logit, (vocabulary,) float32, or None.

        Raises:
            CheckFailed: there is one where the family's entry says none, or the other way round.
        """
        with _at_hand(self.unembedding):
            bias = getattr(self.unembedding, "bias", None)
            if (bias is not None) != self.family.unembedding_bias:
                have = "no bias" if bias is None else "a bias"
                raise CheckFailed(
                    f"{self.family.unembedding} has {have}, which is not what the entry for "
                    f"{self.family.title} says"
                )
            return None if bias is None else bias.detach().float().cpu().clone()

    @property
    def logit_scale(self) -> float:
        """What logits are multiplied by."""
        name = self.family.logits_divided_by
        return 1 / float(getattr(self.config, name)) if name else 1.0

    @property
    def logit_softcap(self) -> float | None:
        """The c of c tanh(logits / c), or None where logits are left as they are."""
        name = self.family.logits_softcap
        cap = getattr(self.config, name, None) if name else None
        return None if cap is None else float(cap)

    def to(self, device: str, dtype: str) -> None:
        """Move the module, and set the precision of its forward passes."""
        import torch

        self.module.to(device=device, dtype=getattr(torch, dtype))

    # -- the table's paths, followed ----------------------------------------------------------

    def projected(self, kind: TokenSpace) -> bool:
        """Whether the rows of a token space pass a projection on their way to the stream."""
        family = self.family
        path = family.project_in if kind == "embed" else family.project_out
        return self._projection(path) is not None

    @property
    def _embedding(self) -> Any:
        return self.base.get_submodule(self.family.embedding)

    def _projection(self, path: str | None) -> Any:
        """A projection between embeddings and stream, or None where their widths are the same."""
        module = self.base
        for name in path.split(".") if path else [""]:
            module = getattr(module, name, None)
        return module

    def _parameter(self, layer: int, matrix: Matrix) -> Any:
        part = self.part(layer, matrix.path)
        if part is None:
            raise CheckFailed(
                f"block {layer} has no {matrix.path}, where the entry for {self.family.title} looks"
            )
        return getattr(part, "weight", part)

    def _rows(
        self, layer: int, matrix: Matrix, writing: bool, expert: int | None = None
    ) -> torch.Tensor:
        owner = self.part(layer, matrix.path)
        if not hasattr(owner, "weight"):  # a parameter: what holds it is what knows where it is
            owner = self.part(layer, matrix.path.rpartition(".")[0])
        with _at_hand(owner):
            weight = self._parameter(layer, matrix).detach()
            if expert is not None:
                weight = weight[expert]
            # A reading matrix kept (out, in) has a neuron a row; a writing matrix a column.
            turned = (matrix.layout is Axes.LINEAR) == writing
            rows = weight.T if turned else weight
            if rows.shape[-1] != self.d_model:
                raise CheckFailed(
                    f"{matrix.path} of layer {layer} is {tuple(weight.shape)}, which does not lie "
                    f"as the entry for {self.family.title} says, {matrix.layout.value}, "
                    f"with d_model {self.d_model}"
                )
            # A copy: what is at hand may be let go of.
            narrow: torch.Tensor = _half(rows, matrix).float().cpu().clone()
        return narrow

    def _bias(self, layer: int, matrix: Matrix) -> torch.Tensor | None:
        module = self.part(layer, matrix.path)
        if not hasattr(module, "weight"):
            return None  # experts' parameters have none
        with _at_hand(module):
            bias = getattr(module, "bias", None)
            return None if bias is None else _half(bias.detach(), matrix).float().cpu().clone()

    def _per_head(self, layer: int, values: torch.Tensor) -> torch.Tensor:
        """The value outputs, (n, ...), as one per head and head dimension, shared ones repeated."""
        count, keyed, width = self.heads(layer)
        rest = values.shape[1:]
        fused = self.family.attention.fused
        if fused is Fused.LAST:
            values = values[-keyed * width :]
        elif fused is Fused.GROUPS:
            groups = values.reshape(keyed, count // keyed + 2, width, *rest)
            values = groups[:, -1].reshape(keyed * width, *rest)
        shared = values.reshape(keyed, 1, width, *rest)
        return shared.expand(keyed, count // keyed, width, *rest).reshape(count * width, *rest)


def _half(outputs: torch.Tensor, matrix: Matrix) -> torch.Tensor:
    if matrix.half is None:
        return outputs
    size = outputs.shape[0] // 2
    return outputs[matrix.half * size : (matrix.half + 1) * size]


@contextlib.contextmanager
def _at_hand(module: Any) -> Iterator[None]:
    """Have a module's weights in memory for a while, where they are still on the disk."""
    if not any(p.device.type == "meta" for p in module.parameters(recurse=False)):
        yield
        return
    from accelerate.utils import align_module_device

    with align_module_device(module, "cpu"):
        yield


# -- loading ------------------------------------------------------------------------------------


def load(
    source: Source,
    with_tokenizer: bool = True,
    accepted: tuple[str, ...] = (),
    dtype: str = "float32",
    offload: Path | None = None,
) -> Model:
    """Load a model on the CPU, once, and its tokenizer.

    Args:
        source: where its files are.
        with_tokenizer: whether a tokenizer is needed.
        accepted: config attributes to let through, though the table doesn't know them, and keys
            and tensors of a GGUF file, though they are not read.
        dtype: of the forward passes to come. A checkpoint in that precision is kept in it; any
            other is loaded in float32.
        offload: a folder: leave the blocks on the disk, and read each tensor when it is needed,
            in float32. For models larger than memory, of which only weights are wanted.

    Raises:
        UnknownFamily, UnknownConfig, QuantizedWeights, NotFromGguf: before any weights are read.
        IncompleteWeights: the checkpoint lacks some of the model's tensors.
        MachineError: the files cannot be loaded.
    """
    require_extra()
    with silence(), _parsed_once():
        import torch
        from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

        options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
        # Where peft is installed, an adapter beside the weights would be put into the model.
        without_adapter = {"adapter_kwargs": {"subfolder": "no-adapter"}}
        if source.gguf:
            from transformers import GgufConfig

            options["gguf_file"] = source.gguf
        try:
            if source.gguf:
                require_architecture(source)
                config = AutoConfig.from_pretrained(source.folder, **options)
                written = config.to_dict()
            else:
                written = _config(source)
            family = family_of(written)
            _require_plain(source, written)
            check_config(family, _of_text(written), _defaults(written, family), accepted)
            kind = AutoModel if family.encoder else AutoModelForCausalLM
            if source.gguf:
                require_whole(source, family, _empty(kind, config), accepted)
            if with_tokenizer:
                source.require_tokenizer()
            tokenizer = (
                AutoTokenizer.from_pretrained(source.folder, **options) if with_tokenizer else None
            )
            if source.gguf:
                # Without this the linear layers keep packed weights and there is no matrix.
                options |= {"quantization_config": GgufConfig(dequantize=True), "config": config}
            else:
                options["use_safetensors"] = not source.pickled
            if family.mlp.experts:
                # The grouped kernels refuse widths that are no multiple of 16 bytes.
                options["experts_implementation"] = "eager"
            narrow = written.get("dtype", written.get("torch_dtype")) == dtype
            options["dtype"] = getattr(torch, dtype) if narrow else torch.float32
            # Not ignored: they are refused below, by name.
            options["ignore_mismatched_sizes"] = True
            if offload is not None and not source.gguf:
                _let_go_of_what_is_freed()
                options |= _left_on_disk(source, kind, family, offload)
            options |= without_adapter
            module, found = kind.from_pretrained(source.folder, output_loading_info=True, **options)
        except (SemanticError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as err:  # transformers raises anything for a file it cannot use
            raise MachineError(f"model {source.asked!r} cannot be loaded: {reason(err)}") from None
    _require_whole(source, found, written, family)
    if offload is not None:
        module.float()
    return Model(module, family, tokenizer)


def _config(source: Source) -> dict[str, Any]:
    path = source.folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text("utf-8"))
        config["model_type"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelNotFound(f"{source.asked!r}: config.json names no model_type") from None
    return config


def _of_text(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a config that is about text, where a model sees images as well."""
    part: dict[str, Any] = config.get("text_config", config)
    return part


def _defaults(config: Mapping[str, Any], family: Family) -> dict[str, Any]:
    """The attributes of a family's default config, under every name they go by.

    Raises:
        UnknownConfig: the installed transformers has no such family.
    """
    from transformers import CONFIG_MAPPING

    try:
        kind = CONFIG_MAPPING[config["model_type"]]
    except KeyError:
        raise UnknownConfig(
            f"{family.title} needs a newer transformers: it has no {config['model_type']!r}"
        ) from None
    default = _of_text(kind().to_dict())
    return default | {k: default[v] for k, v in kind.attribute_map.items() if v in default}


def _empty(kind: Any, config: Any) -> Any:
    """A model of a config that takes no memory: shapes and names without weights."""
    import torch

    with torch.device("meta"):
        return kind.from_config(config)


def _left_on_disk(source: Source, kind: Any, family: Family, offload: Path) -> dict[str, Any]:
    """Options that leave every block on the disk, and load only what is around them."""
    from transformers import AutoConfig

    empty = _empty(kind, AutoConfig.from_pretrained(source.folder, local_files_only=True))
    prefix = "" if empty.base_model is empty else f"{empty.base_model_prefix}."
    blocks = f"{prefix}{family.blocks}"
    places: dict[str, str] = {}
    for name, module in empty.named_modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        if own and not name.startswith(f"{blocks}."):
            places[name] = "cpu"
    count = len(empty.get_submodule(blocks))
    places |= {f"{blocks}.{layer}": "disk" for layer in range(count)}
    # The checkpoint's own precision: nothing is then written anew, unless tensors must be joined.
    return {"device_map": places, "offload_folder": str(offload), "dtype": "auto"}


def _let_go_of_what_is_freed() -> None:
    """Have glibc give every freed matrix back to the system, for the rest of the process.

    It keeps freed pieces of up to 32 MB for later, in a heap that small pieces break up: of blocks
    read one after another it kept none in some runs, 1.7 GB in others. Other C libraries have no
    such call, or no such heap.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 20)


_M_MMAP_THRESHOLD = -3
"""Its number in glibc's malloc.h."""


def _require_plain(source: Source, config: Mapping[str, Any]) -> None:
    """Refuse weights that are packed into integers, whatever packs them."""
    packing = config.get("quantization_config")
    if not packing or source.gguf:
        return
    how = packing if isinstance(packing, dict) else {}
    four = how.get("load_in_4bit") or how.get("load_in_8bit")
    method = str(how.get("quant_method") or ("bitsandbytes" if four else "an unknown method"))
    bits = f" ({how['bits']} bits)" if type(how.get("bits")) is int else ""
    raise QuantizedWeights(
        f"the weights of {source.asked!r} are quantized by {method[:40]}{bits}, and only plain "
        "ones are read, in float32, bfloat16 or float16: build the model they were made from, or a "
        "GGUF file of it, which is unpacked"
    )


def _require_whole(
    source: Source, found: Mapping[str, Any], config: Mapping[str, Any], family: Family
) -> None:
    """Refuse a checkpoint that lacks tensors; poolers are never run, so they may be missing."""
    missing = sorted(name for name in found["missing_keys"] if "pooler" not in name.split("."))
    wrong = sorted(str(entry[0]) for entry in found["mismatched_keys"])
    kinds = config.get("architectures") or []
    kind = str(kinds[0]) if isinstance(kinds, list) and kinds else ""
    if family.unembedding and missing == [f"{family.unembedding}.weight"] and "LM" not in kind:
        what = f"is of {kind[:60]}, which" if kind else "holds a model that"
        raise IncompleteWeights(
            f"the checkpoint of {source.asked!r} {what} predicts no tokens: it has no "
            f"{missing[0]}; build the language model that it was made from"
        )
    for names, what in ((missing, "has no"), (wrong, "has another shape of")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise IncompleteWeights(
                f"the checkpoint of {source.asked!r} {what} {names[0]}{more}: "
                "it is of another model than its config says"
            )


@contextlib.contextmanager
def _parsed_once() -> Iterator[None]:
    """Parse a GGUF file once: transformers does so for config, tokenizer and weights each.

    The table of tensor names is made anew for every module; it too depends on its arguments alone.
    """
    import gguf

    ours: dict[str, Any] = {
        "GGUFReader": quick_reader(),
        "get_tensor_name_map": gguf.get_tensor_name_map,
    }
    kept = {name: getattr(gguf, name) for name in ours}
    for name, made in ours.items():
        setattr(gguf, name, functools.cache(made))
    try:
        yield
    finally:
        for name, original in kept.items():
            setattr(gguf, name, original)
