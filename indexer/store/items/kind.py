"""What every kind of item says of itself, and what can be asked of its items in one index.

Knows a table of the catalog; knows no kind in particular, and no vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from indexer.store.catalog import Catalog
from indexer.store.errors import DamagedIndex
from indexer.store.layout import CATALOG
from indexer.store.spaces import ItemName, SpaceEntry
from indexer.store.vocabulary import display_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Item = TypeVar("_Item")


class Kind(ABC):
    """The items of one kind in an index. What is said of the kind alone stands in the class.

    Attributes:
        name: as an entry of a space has it in `item`: one of them in a message.
        plural: several of them in a message.
        table: of the catalog.
        columns: of that table, those that go with vectors when these are exported, `id` aside.
        named_by_text: whether a text names one, so that it may be written `text@space`.
        is_text: whether it is a piece of language, whose forms (case, leading space) are one.
    """

    name: ClassVar[ItemName]
    plural: ClassVar[str]
    table: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()
    named_by_text: ClassVar[bool] = False
    is_text: ClassVar[bool] = False

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @abstractmethod
    def names(self, space: SpaceEntry, ids: Sequence[int]) -> list[str]:
        """What some rows of a space of this kind are called, in the order asked.

        Raises:
            DamagedIndex: there is no item of an id.
        """

    @staticmethod
    def shown(name: str) -> str:
        """A name as answers show it."""
        return display_name(name)

    def reference(self, space: SpaceEntry) -> NDArray[np.int64]:
        """Rows that the mean and covariance of a space of this kind are of: (n,) int64."""
        import numpy as np

        return np.arange(space.rows)

    def layers(self) -> NDArray[np.int64] | None:
        """The layer of every item, (rows,) int64; None where items are of no layer."""
        return None

    def first_ids(self, space: SpaceEntry, texts: Sequence[str]) -> dict[str, int]:
        """The lowest id of a row of a space that says each of some texts; those there are."""
        where, of = self._rows_of(space)
        return dict(
            self._catalog.sql(
                f"SELECT text, min(id) FROM {self.table} "
                f"WHERE {where} AND text IN (SELECT unnest(?)) GROUP BY text",
                [*of, list(texts)],
            )
        )

    def table_rows(self, space: SpaceEntry, *columns: str) -> list[tuple[Any, ...]]:
        """Some columns of the table, a row of the space each, in the space's order."""
        where, of = self._rows_of(space)
        return self._catalog.sql(
            f"SELECT {', '.join(columns)} FROM {self.table} WHERE {where} ORDER BY id", of
        )

    def _rows_of(self, space: SpaceEntry) -> tuple[str, list[Any]]:
        """Which rows of the table are a space's: a condition, and its parameters."""
        return "true", []

    def _of_ids(self, known: Mapping[int, _Item], wanted: Iterable[int]) -> list[_Item]:
        """The items of some ids.

        Raises:
            DamagedIndex: there is none of an id that something else in the index refers to.
        """
        try:
            return [known[i] for i in wanted]
        except KeyError as err:
            raise DamagedIndex(
                f"index {self._catalog.name!r}: {CATALOG}: there is no {self.table} {err}, which "
                "something else refers to: `indexer verify` says what is damaged"
            ) from None


class Whole:
    """A table of few rows, read whole once it has been asked for often.

    A look-up in the database takes longer than a search among all vectors.

    Args:
        catalog: of the index.
        item: whose table it is.
        query: its columns, a row an item in the order of their ids.
    """

    OFTEN, MOST = 8, 1 << 17

    def __init__(self, catalog: Catalog, item: ItemName, query: str) -> None:
        self._catalog, self._item, self._query = catalog, item, query
        self._times, self._columns = 0, dict[str, list[Any]]()

    def columns(self) -> dict[str, list[Any]]:
        """By name, a list a column; empty before it has been asked for often, or of many rows."""
        self._times += 1
        if self._times == self.OFTEN and self._catalog.manifest.counts[self._item] <= self.MOST:
            found = self._catalog.columns(self._query)
            self._columns = {name: column.tolist() for name, column in found.items()}
        return self._columns


def one_of(column: str, values: Sequence[Any]) -> str:
    """A condition that the index on a column serves where the values are few."""
    if len(values) > 2:
        return f"{column} IN (SELECT unnest(?))"
    return f"{column} IN ({', '.join('?' * len(values))})"


def given(values: Sequence[Any]) -> list[Any]:
    """The parameters of that condition."""
    return [list(values)] if len(values) > 2 else list(values)
