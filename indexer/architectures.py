"""Where each model family keeps its matrices, and how they lie: one entry a family.

Knows names of modules and the arithmetic of an MLP block; imports no model library. Nothing here
is trusted: `indexer.check` recomputes every layer's MLP from what was extracted through this
table and refuses an index that does not reproduce the model.

Adding a family is adding an entry to `FAMILIES`:
  1. name its modules as `model.named_modules()` prints them,
  2. say whether its matrices are `LINEAR` (out, in) or `CONV1D` (in, out), and which norm it has,
  3. add its tiny random config to the tests; the self-check tells whether the entry is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from indexer.errors import UnknownFamily
from indexer.store.errors import nearest


class Layout(Enum):
    """Which axis of a weight matrix is which."""

    LINEAR = "(out, in), as torch.nn.Linear keeps it"
    CONV1D = "(in, out), as GPT-2's Conv1D keeps it"


class Norm(Enum):
    """What is done to the residual stream before the MLP reads it, the gain aside."""

    RMS = "x / sqrt(mean(x^2) + eps)"
    LAYER = "(x - mean(x)) / sqrt(var(x) + eps)"


@dataclass(frozen=True)
class Family:
    """One family's anatomy. Paths are relative to the model, or to a block where said so.

    Attributes:
        title: the family's name, as people write it.
        model_types: `config.model_type` of the checkpoints it covers.
        base: the transformer without its language-model head.
        blocks: the list of blocks.
        embedding: the token embedding.
        unembedding: the output matrix, (vocabulary, d_model).
        norm: in a block, the norm whose output the MLP reads.
        norm_kind: its arithmetic.
        norm_epsilon: its attribute that holds eps.
        mlp: in a block, the module whose output is added to the residual stream.
        reading: in a block, the matrix of the reading side (the gate, where there is one).
        up: in a block, the second reading matrix of a gated MLP.
        writing: in a block, the matrix of the writing side.
        layout: how those three matrices lie.
        activation: attribute of the config that names the activation function.
    """

    title: str
    model_types: tuple[str, ...]
    base: str
    blocks: str
    embedding: str
    unembedding: str
    norm: str
    norm_kind: Norm
    norm_epsilon: str
    mlp: str
    reading: str
    writing: str
    layout: Layout
    activation: str
    up: str | None = None

    @property
    def gated(self) -> bool:
        """Whether the MLP multiplies two reading directions."""
        return self.up is not None

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides its neurons have."""
        return ("in", "up", "out") if self.gated else ("in", "out")


FAMILIES = (
    Family(
        title="Llama",
        model_types=("llama",),
        base="model",
        blocks="model.layers",
        embedding="model.embed_tokens",
        unembedding="lm_head",
        norm="post_attention_layernorm",
        norm_kind=Norm.RMS,
        norm_epsilon="variance_epsilon",
        mlp="mlp",
        reading="mlp.gate_proj",
        up="mlp.up_proj",
        writing="mlp.down_proj",
        layout=Layout.LINEAR,
        activation="hidden_act",
    ),
    Family(
        title="GPT-2",
        model_types=("gpt2",),
        base="transformer",
        blocks="transformer.h",
        embedding="transformer.wte",
        unembedding="lm_head",
        norm="ln_2",
        norm_kind=Norm.LAYER,
        norm_epsilon="eps",
        mlp="mlp",
        reading="mlp.c_fc",
        writing="mlp.c_proj",
        layout=Layout.CONV1D,
        activation="activation_function",
    ),
)


def family_of(model_type: str) -> Family:
    """The entry that covers a `config.model_type`.

    Raises:
        UnknownFamily: there is none; the message lists what is known and where to add one.
    """
    for family in FAMILIES:
        if model_type in family.model_types:
            return family
    known = [name for family in FAMILIES for name in family.model_types]
    close = nearest(model_type, known, limit=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UnknownFamily(
        f"no entry for model family {model_type!r}{hint} (known: {', '.join(known)}); "
        "a family is one entry in indexer/architectures.py, whose first lines say how to add it"
    )
