"""Head dimensions: each what one dimension of an attention head reads off a position and writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from indexer.store.items.kind import Kind
from indexer.store.spaces import SpaceEntry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Heads(Kind):
    """The head dimensions of an index; which is which row, its grid of heads says."""

    name, plural, table = "head", "head dimensions", "head"
    columns = ("layer", "head", "dimension")

    def at(self, layer: int, head: int, dimension: int) -> int:
        """The id of a head dimension.

        Raises:
            UnknownName: there is none such in this index.
            UnknownSpace: the index was built without heads.
        """
        self.require()
        return self._catalog.head_grid.row(layer, head, dimension, f"index {self._catalog.name!r}")

    def require(self) -> None:
        """Raise `UnknownSpace` where the index was built without attention heads."""
        if self._catalog.manifest.of_kind("head", side="value") is None:
            raise self._catalog.lacks("heads", "embed,head")

    def names(self, space: SpaceEntry, ids: Sequence[int]) -> list[str]:
        """`L3H5D7` of each."""
        return [self._catalog.head_grid.name(row) for row in ids]

    def layers(self) -> NDArray[np.int64]:
        """The layer of every head dimension: (rows,) int64."""
        import numpy as np

        grid = self._catalog.head_grid
        return np.repeat(grid.layers, grid.heads * grid.width)
