"""Neurons: the units of each layer's MLP, each a row of every side's space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.store.catalog import Catalog
from indexer.store.grid import neuron_name
from indexer.store.items.kind import Kind
from indexer.store.items.token import Token, Tokens
from indexer.store.spaces import SpaceEntry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = (
    "id, layer, expert, unit, norm_gate, norm_up, norm_in, norm_out, "
    "cosine_gate_up, cosine_gate_out, cosine_up_out, cosine_in_out, activation_mean, activation_std"
)


@dataclass(frozen=True)
class Neuron:
    """One unit of one layer's MLP; sides that the model lacks are None.

    Attributes:
        id: its row in spaces of neurons.
        layer: block, from 0.
        expert: which of the block's experts, from 0; None in a block without.
        unit: from 0.
        norm_gate: Euclidean norm of the gate, the reading side of a gated MLP, under the index's
            convention.
        norm_up: of the second reading direction of a gated MLP.
        norm_in: of the reading side of an MLP without a gate.
        norm_out: of the writing side.
        cosine_gate_up: cosine between the two reading directions.
        cosine_gate_out: between the gate and the writing side.
        cosine_up_out: between the second reading direction and the writing side.
        cosine_in_out: between reading and writing side of an MLP without a gate.
        activation_mean: over the indexed words' last tokens; None where not recorded.
        activation_std: their standard deviation, divided by n; None where not recorded.
    """

    id: int
    layer: int
    expert: int | None
    unit: int
    norm_gate: float | None
    norm_up: float | None
    norm_in: float | None
    norm_out: float
    cosine_gate_up: float | None
    cosine_gate_out: float | None
    cosine_up_out: float | None
    cosine_in_out: float | None
    activation_mean: float | None
    activation_std: float | None

    @property
    def name(self) -> str:
        """`L29N112`, or `L3E5N112` of a layer with experts."""
        return neuron_name(self.layer, self.unit, self.expert)


@dataclass(frozen=True)
class NeuronToken:
    """One of a neuron's nearest tokens.

    Attributes:
        neuron: id of the neuron.
        side: of gated neurons `gate`, `up` or `out`, of others `in` or `out`.
        rank: from 1 at the top, from -1 at the bottom.
        token: which token.
        score: z of the token among what the neuron gives word-like tokens.
    """

    neuron: int
    side: str
    rank: int
    token: Token
    score: float


class Neurons(Kind):
    """The neurons of an index; which is which row, its grid of neurons says."""

    name, plural, table = "neuron", "neurons", "neuron"
    columns = ("layer", "expert", "unit")

    def __init__(self, catalog: Catalog, tokens: Tokens) -> None:
        super().__init__(catalog)
        self._tokens = tokens

    def by_id(self, ids: Iterable[int]) -> list[Neuron]:
        """Neurons by id, in the order asked."""
        wanted = [int(i) for i in ids]
        rows = self._catalog.sql(
            f"SELECT {_COLUMNS} FROM neuron WHERE id IN (SELECT unnest(?))", [wanted]
        )
        return self._of_ids({row[0]: Neuron(*row) for row in rows}, wanted)

    def at(self, layer: int, unit: int, expert: int | None = None) -> Neuron:
        """One neuron by layer, unit, and expert where the layer has experts.

        Raises:
            UnknownName: there is none such in this index.
            UnknownSpace: the index was built without neurons.
        """
        self.require()
        row = self._catalog.neuron_grid.row(layer, unit, expert, f"index {self._catalog.name!r}")
        return self.by_id([row])[0]

    def require(self) -> None:
        """Raise `UnknownSpace` where the index was built without neurons."""
        if not self._catalog.manifest.sides:
            raise self._catalog.lacks("neurons", "embed,neuron")

    def names(self, space: SpaceEntry, ids: Sequence[int]) -> list[str]:
        """`L29N112` of each."""
        return [self._catalog.neuron_grid.place(row).name for row in ids]

    def layers(self) -> NDArray[np.int64]:
        """The layer of every neuron: (rows,) int64."""
        return self._catalog.neuron_grid.layer_of_rows()

    def stored_tokens(self, ids: Iterable[int], ranks: Sequence[int]) -> list[NeuronToken]:
        """The stored nearest tokens of some neurons at some ranks, in the table's order."""
        numbers = ", ".join(str(int(rank)) for rank in ranks)
        # One equality a neuron: the table is in their order, so each reads one stretch of it.
        query = " UNION ALL ".join(
            "SELECT neuron, side::VARCHAR, rank, token, score FROM neuron_token "
            f"WHERE neuron = {int(i)} AND rank IN ({numbers})"
            for i in ids
        )
        rows = self._catalog.sql(query)
        tokens = {token.id: token for token in self._tokens.by_id({row[3] for row in rows})}
        return [NeuronToken(row[0], row[1], row[2], tokens[row[3]], row[4]) for row in rows]
