"""What neurons did at the indexed words' last tokens: the strongest, as tables, and every sign.

Knows what a build recorded; computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.store.catalog import Catalog
from indexer.store.signs import signs_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Fires:
    """A neuron at a word's last token.

    Attributes:
        neuron: id of the neuron.
        word: id of the word.
        rank: from 1 at the high end of a list, from -1 at the low.
        activation: what the neuron's column of the output matrix is multiplied by there.
        z: standard deviations above the neuron's mean over the indexed words.
    """

    neuron: int
    word: int
    rank: int
    activation: float
    z: float


class Activations:
    """What was recorded of one index's neurons."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def of_neuron(self, neuron: int) -> list[Fires]:
        """The words at whose last token a neuron fires most strongly; none where not recorded.

        From the highest down, then from the lowest up.
        """
        return self._listed("neuron_word", "neuron", neuron)

    def of_word(self, word: int) -> list[Fires]:
        """The neurons that fire most strongly at a word's last token, by z.

        From the highest down, then from the lowest up.

        Raises:
            UnknownSpace: no activations were recorded.
        """
        if not self._catalog.manifest.firing:
            raise self._catalog.lacks("activations", "embed,context,neuron")
        return self._listed("word_neuron", "word", word)

    def _listed(self, table: str, column: str, whose: int) -> list[Fires]:
        rows = self._catalog.sql(
            f"SELECT neuron, word, rank, activation, z FROM {table} WHERE {column} = ? "
            "ORDER BY rank < 0, abs(rank)",
            [whose],
        )
        return [Fires(*row) for row in rows]

    def signs(self, word: int, neurons: NDArray[np.int64] | None = None) -> NDArray[np.int8] | None:
        """Which way neurons acted at a word's last token: (n,) int8, 1, -1, or 0.

        All neurons unless some are given, by id. None where it was not recorded, or no neuron has a
        gate.
        """
        self._catalog.require_open()
        manifest = self._catalog.manifest
        if not manifest.signed:
            return None
        rows = self._catalog.neuron_grid.rows
        return signs_of(self._catalog.folder, manifest.files, rows, word, neurons)
