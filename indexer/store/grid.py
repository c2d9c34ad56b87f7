"""Which neuron, and which dimension of which head, is which row of its space.

Knows how items are numbered and named: neurons by layer, expert and unit (`L29N112`, `L3E5N112`),
head dimensions by layer, head and dimension (`L3H5D7`), all from 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from indexer.store.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def neuron_name(layer: int, unit: int, expert: int | None = None) -> str:
    """`L29N112`: layer 29, unit 112; `L3E5N112`: unit 112 of expert 5 of layer 3."""
    return f"L{layer}N{unit}" if expert is None else f"L{layer}E{expert}N{unit}"


def head_name(layer: int, head: int, dimension: int) -> str:
    """`L3H5D7`: layer 3, head 5, dimension 7 of it."""
    return f"L{layer}H{head}D{dimension}"


@dataclass(frozen=True)
class NeuronLayer:
    """One indexed layer's neurons.

    Attributes:
        layer: block, from 0.
        experts: how many experts it has; 0 in a block without.
        units: how many neurons, in each expert where there are experts.
    """

    layer: int
    experts: int
    units: int

    @property
    def rows(self) -> int:
        """How many neurons it has."""
        return max(1, self.experts) * self.units

    @property
    def shape(self) -> str:
        """`1,536 neurons`, or `8 experts of 1,792 neurons`."""
        each = f"{self.units:,} neurons"
        return f"{self.experts} experts of {each}" if self.experts else each


@dataclass(frozen=True)
class NeuronPlace:
    """Where a neuron is.

    Attributes:
        layer: block, from 0.
        expert: which of the block's experts, from 0; None in a block without.
        unit: from 0.
    """

    layer: int
    expert: int | None
    unit: int

    @property
    def name(self) -> str:
        """`L29N112`, or `L3E5N112`."""
        return neuron_name(self.layer, self.unit, self.expert)


@dataclass(frozen=True)
class NeuronGrid:
    """The neurons of an index, in the order of rows: by layer, expert, unit.

    Attributes:
        layers: the indexed layers, in order.
    """

    layers: tuple[NeuronLayer, ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(entry.rows for entry in self.layers))

    @property
    def rows(self) -> int:
        """How many neurons there are."""
        return self._ends[-1] if self.layers else 0

    @property
    def shape(self) -> str:
        """The neurons of a layer in words; where layers differ, every kind; empty where none."""
        return " or ".join(dict.fromkeys(entry.shape for entry in self.layers))

    def groups(self) -> Iterator[tuple[NeuronLayer, int | None]]:
        """Every layer without experts and every expert of the others, in the order of rows."""
        for entry in self.layers:
            for expert in range(entry.experts) if entry.experts else [None]:
                yield entry, expert

    def place(self, row: int) -> NeuronPlace:
        """The neuron of a row."""
        at = bisect_right(self._ends, row)
        entry = self.layers[at]
        expert, unit = divmod(row - (self._ends[at] - entry.rows), entry.units)
        return NeuronPlace(entry.layer, expert if entry.experts else None, unit)

    def span(self, layer: int) -> slice:
        """The rows of one layer."""
        at = next(i for i, entry in enumerate(self.layers) if entry.layer == layer)
        return slice(self._ends[at] - self.layers[at].rows, self._ends[at])

    def layer_of_rows(self) -> NDArray[np.int64]:
        """(rows,) int64: the layer of every neuron."""
        import numpy as np

        return np.repeat(
            [entry.layer for entry in self.layers], [entry.rows for entry in self.layers]
        )

    def row(self, layer: int, unit: int, expert: int | None, label: str) -> int:
        """The row of a neuron.

        Raises:
            UnknownName: there is no such layer, expert or unit; says what there is.
        """
        name = neuron_name(layer, unit, expert)
        entry = next((e for e in self.layers if e.layer == layer), None)
        if entry is None:
            have = [e.layer for e in self.layers]
            near = neuron_name(_near(layer, have), unit, expert)
            raise UnknownName(
                f"no neuron {name!r} in {label}: its layers are {span(have)}; "
                f"did you mean {near!r}?"
            )
        if entry.experts and (expert is None or expert >= entry.experts):
            last = entry.experts - 1
            near = neuron_name(layer, min(unit, entry.units - 1), min(expert or 0, last))
            raise UnknownName(
                f"no neuron {name!r} in {label}: layer {layer} has experts 0 to "
                f"{last}; did you mean {near!r}?"
            )
        if not entry.experts and expert is not None:
            raise UnknownName(
                f"no neuron {name!r} in {label}: layer {layer} has no experts; "
                f"did you mean {neuron_name(layer, min(unit, entry.units - 1))!r}?"
            )
        if unit >= entry.units:
            raise UnknownName(
                f"no neuron {name!r} in {label}: units of a layer run from 0 to "
                f"{entry.units - 1}; did you mean {neuron_name(layer, entry.units - 1, expert)!r}?"
            )
        first: int = self.span(layer).start
        return first + (expert or 0) * entry.units + unit


@dataclass(frozen=True)
class HeadGrid:
    """The head dimensions of an index, in the order of rows: by layer, head, dimension.

    Attributes:
        layers: the indexed layers, in order.
        heads: heads of a layer.
        width: dimensions of a head.
    """

    layers: tuple[int, ...]
    heads: int
    width: int

    @property
    def rows(self) -> int:
        """How many head dimensions there are."""
        return len(self.layers) * self.heads * self.width

    def place(self, row: int) -> tuple[int, int, int]:
        """Layer, head and dimension of a row."""
        at, rest = divmod(row, self.heads * self.width)
        return self.layers[at], *divmod(rest, self.width)

    def name(self, row: int) -> str:
        """`L3H5D7`."""
        return head_name(*self.place(row))

    def row(self, layer: int, head: int, dimension: int, label: str) -> int:
        """The row of a head dimension.

        Raises:
            UnknownName: there is no such layer, head or dimension; says what there is.
        """
        name = head_name(layer, head, dimension)
        for asked, have, what in (
            (layer, self.layers, "its layers are"),
            (head, range(self.heads), "heads of a layer run from"),
            (dimension, range(self.width), "dimensions of a head run from"),
        ):
            if asked not in have:
                raise UnknownName(f"no {name!r} in {label}: {what} {span(list(have))}")
        at = self.layers.index(layer)
        return (at * self.heads + head) * self.width + dimension


def span(numbers: Sequence[int]) -> str:
    """`0 to 29` for a run, `0, 3, 7` otherwise."""
    first, last = numbers[0], numbers[-1]
    if list(numbers) == list(range(first, last + 1)) and first != last:
        return f"{first} to {last}"
    return ", ".join(map(str, numbers))


def _near(number: int, numbers: Sequence[int]) -> int:
    return min(numbers, key=lambda n: abs(n - number))
