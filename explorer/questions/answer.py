"""What every answer has: its items as resolved, what it rests on, and its form in plain values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.show.frames import FrameColumn, columns_of, row_kind
from explorer.show.layout import Layout
from explorer.show.shapes import Picture

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


SHOWN_IN_NOTEBOOK = 100
"""Rows that a notebook is sent of one answer; its other forms have them all."""


@dataclass(frozen=True)
class Resolved:
    """What one item of a query was taken to be.

    Attributes:
        asked: as written.
        item: what it is: a token with its spaces visible, a word, a neuron's side, a label.
        tokens: its tokens, spaces visible; empty for a neuron, a label or an imported word.
        token_ids: their ids.
        space: the space its vector was taken from.
        weight: signed weight in the expression.
        note: what a reader should know: a mean of parts, a sink, text that was not indexed.
    """

    asked: str
    item: str
    tokens: tuple[str, ...]
    token_ids: tuple[int, ...]
    space: str
    weight: float = 1.0
    note: str = ""


@dataclass(frozen=True)
class Calibration:
    """What a score is read against: the query's scores over all items of the space.

    `z = (score - mean) / std`.

    Attributes:
        mean: of the scores.
        std: their standard deviation, divided by n.
        n: how many there are.
        population: whose they are.
    """

    mean: float
    std: float
    n: int
    population: str


@dataclass(frozen=True)
class Meta:
    """What an answer rests on.

    Attributes:
        index: name of the index.
        model: the model it was made from.
        space: the space that was searched.
        measure: how vectors were scored.
        convention: what was folded into the space's rows; empty where nothing was.
        resolved: what each item of the query was taken to be.
        calibration: what `z` is read against.
        notes: anything else a reader should know.
    """

    index: str
    model: str
    space: str
    measure: str
    convention: str
    resolved: tuple[Resolved, ...]
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()

    @property
    def every_resolved(self) -> tuple[Resolved, ...]:
        """What each item was taken to be: of the query, and of whatever was asked beside it."""
        return self.resolved


class Result:
    """What every result is and can do; results are frozen, and compare and pickle as plain data.

    Attributes:
        query: what was asked, every default filled in.
        rows: the answer, one dataclass a row.
        meta: what the answer rests on.
    """

    def to_dict(self) -> dict[str, Any]:
        """`{"query": ..., "rows": [...], "meta": ...}`, of plain lists, dicts and numbers."""
        return _plain(self)  # type: ignore[no-any-return]

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows alone, each as a dict; what is nested in a row stays so."""
        rows: list[dict[str, Any]] = self.to_dict()["rows"]
        return rows

    def layout(self) -> Layout:
        """It as a table for people."""
        raise NotImplementedError(f"{type(self).__name__} has no table")

    def pictures(self) -> tuple[Picture, ...]:
        """What of it is worth drawing, from the whole to the part; empty where nothing is."""
        return ()

    def columns(self) -> list[FrameColumn]:
        """The columns that CSV and every frame of it have."""
        rows = self.rows  # type: ignore[attr-defined]  # every result has rows
        return columns_of(row_kind(type(self)), rows, self.named_columns())

    def named_columns(self) -> dict[str, list[str]]:
        """By a field of its rows, the columns that the query names: keys that no row may have."""
        return {}

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame, with the columns that CSV has.

        A record in a row becomes columns `target.rank`, a dict columns `scores.large`; lists stay
        lists. Whole numbers are int64, or Int64 where one may be missing; texts are str.

        Raises:
            QueryError: pandas is not installed.
        """
        from explorer.show.frames import to_pandas

        return to_pandas(self.columns())

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars DataFrame, with the columns of `to_pandas`.

        Raises:
            QueryError: polars is not installed.
        """
        from explorer.show.frames import to_polars

        return to_polars(self.columns())

    def to_arrow(self) -> pyarrow.Table:
        """The rows as an Arrow table, with the columns of `to_pandas`.

        Raises:
            QueryError: pyarrow is not installed.
        """
        from explorer.show.frames import to_arrow

        return to_arrow(self.columns())

    def plot(self, path: str | None = None) -> Any:
        """Its pictures as one matplotlib Figure, which is written where a path is given.

        `baseline`, `congruence`, `middleman`, `ov`, and with a target `layers` and `analogy_layers`
        have pictures. In a notebook the figure shows itself, once, where it is the value of a cell.

        Args:
            path: a name that ends in `.svg` or `.png`.

        Raises:
            QueryError: there is nothing to draw, the name ends otherwise, or matplotlib is not
                installed (`pip install "semantic-explorer[plot]"`).
            MachineError: the file cannot be written.
        """
        from explorer.show.draw.file import figure, save

        made = figure(self.pictures())
        if path is not None:
            save(made, path)
        return made

    def __str__(self) -> str:
        from explorer.show.text import to_text

        return to_text(self.layout())

    def _repr_html_(self) -> str:
        from explorer.show.markup import to_html

        return to_html(self.layout(), SHOWN_IN_NOTEBOOK)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """In IPython, where there is no HTML, the table too, and not nested dataclasses."""
        return {"text/plain": str(self).rstrip()}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
