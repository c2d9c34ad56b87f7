"""What every answer has: its items as resolved, what it rests on, and its form in plain values."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, overload

from explorer.show.gauge import Gauge
from explorer.show.layout import Layout

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from explorer.show.frames import FrameColumn
    from explorer.show.shapes import Picture


Row = TypeVar("Row", covariant=True)
R = TypeVar("R", bound="Result[Any]", covariant=True)

SHOWN_IN_NOTEBOOK = 100
"""Rows that a notebook is sent of one answer; its other forms have them all."""

SHOWN_OF_EACH = 5
"""Rows that a notebook is sent of each of several answers, and a prompt of one."""

SHOWN_TOGETHER = 10
"""Answers that a notebook is sent of several."""


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
        instead: what may have been meant, the likeliest first, to be asked in place of `asked`.
    """

    asked: str
    item: str
    tokens: tuple[str, ...]
    token_ids: tuple[int, ...]
    space: str
    weight: float = 1.0
    note: str = ""
    instead: tuple[str, ...] = ()


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
class Scoring:
    """How the scores of a space's items were found, which changes nothing in an answer.

    Attributes:
        passes: over 8-bit codes, of one space with one query each.
        scans: of all rows of a space, with one query each: where there are no codes, or a pass left
            too much open.
        exact: items that were scored in float64, from their rows.
    """

    passes: int
    scans: int
    exact: int


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
        fewer: why there are fewer rows than `k`; empty where there are as many.
        scoring: how scores were found, where a space was asked for its best; no part of what is
            compared or written out.
    """

    index: str
    model: str
    space: str
    measure: str
    convention: str
    resolved: tuple[Resolved, ...]
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()
    scoring: Scoring | None = dataclasses.field(default=None, compare=False)

    @property
    def every_resolved(self) -> tuple[Resolved, ...]:
        """What each item was taken to be: of the query, and of whatever was asked beside it."""
        return self.resolved


Held = Literal["token", "word", "neuron", "head", "space", "item"]
"""What a name in a row may be of; an item is whatever its space holds."""


@dataclass(frozen=True)
class Mention:
    """Something in a row that can be asked about.

    Attributes:
        kind: what it is.
        name: as the row has it.
        text: what it says, where the row has that.
        space: of an item, the space it is of.
        what: what it is to the row, where it is one of several: `reads`, `writes`.
    """

    kind: Held
    name: str
    text: str | None = None
    space: str | None = None
    what: str = ""


@dataclass(frozen=True)
class Holds:
    """Of a field of a row: it names one thing that can be asked about, or several."""

    kind: Held


TokenName = Annotated[str, Holds("token")]
"""A token, its spaces visible."""

WordText = Annotated[str, Holds("word")]
"""A word, as it was asked or indexed."""

NeuronName = Annotated[str, Holds("neuron")]
"""`L29N112`."""

HeadName = Annotated[str, Holds("head")]
"""`L3H5`."""

SpaceName = Annotated[str, Holds("space")]
"""`context.12`."""


class Result(Sequence[Row]):
    """What every result is and can do; results are frozen, and compare and pickle as plain data.

    A result is the sequence of its rows: `len(result)`, `result[0]`, `for row in result`, and a
    slice, which is a tuple of rows. One without rows is false, as an empty list is.

    Attributes:
        query: what was asked, every default filled in.
        rows: the answer, one dataclass a row.
        meta: what the answer rests on.
    """

    if TYPE_CHECKING:

        @property
        def rows(self) -> tuple[Row, ...]:
            """A field of every result."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # A dataclass makes one of its own unless its class has one.
        cls.__repr__ = Result.__repr__  # type: ignore[method-assign]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[at]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __contains__(self, row: object) -> bool:
        return row in self.rows

    def __reversed__(self) -> Iterator[Row]:
        return reversed(self.rows)

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

    def gauge(self) -> Gauge | None:
        """What is ordinary for its rows' scores; None where they have no baseline."""
        return None

    def mentions(self, row: Any) -> Iterator[Mention]:
        """What can be asked about in one of its rows: what the types of its fields say."""
        for name, kind in held(type(row)).items():  # type: ignore[arg-type]  # a class, hashable
            value = getattr(row, name)
            several = isinstance(value, tuple)
            for one in value if several else (value,):
                yield Mention(kind, one, what=name.replace("_", " ") if several else "")

    def told(self) -> tuple[str, ...]:
        """What is not quite as it was asked, a line each: items with a note, and fewer rows."""
        from explorer.questions.lines import told_lines

        meta = getattr(self, "meta", None)
        if not isinstance(meta, Meta):
            return ()
        return tuple(told_lines(meta.every_resolved, meta.fewer))

    def columns(self) -> list[FrameColumn]:
        """The columns that CSV and every frame of it have."""
        from explorer.show.frames import columns_of, row_kind

        return columns_of(row_kind(type(self)), self.rows, self.named_columns())

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

        `baseline`, `compare`, `congruence`, `layers`, `middleman`, `ov`, the evaluations of
        several rows, and with a target `analogy_layers` have pictures. In a notebook the figure
        shows itself, once, where it is the value of a cell.

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

    def __repr__(self) -> str:
        """What a prompt shows: what was asked, how the table begins, and what is to be known.

        `print` shows it all.
        """
        from explorer.show.text import begin_of

        rows = f"{len(self):,} row{'' if len(self) == 1 else 's'}"
        before = f"{type(self).__name__}, {rows}: "
        return begin_of(self.layout(), before, SHOWN_OF_EACH, self.told())


class Answers(tuple[R, ...]):
    """Several answers together: a tuple, which a prompt and a notebook show in few lines."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(str(one) for one in self)

    def __repr__(self) -> str:
        """What was asked, a line an answer, and below it what is not quite as it was asked."""
        from explorer.show.text import cut

        answers, shown = f"{len(self):,} answer{'' if len(self) == 1 else 's'}", list[str]()
        for one in self[:SHOWN_TOGETHER]:
            shown.append(f"{type(one).__name__}, {one.layout().head[0]}")
            shown += [f"  {line}" for line in one.told()]
        more = ["…"] if len(self) > SHOWN_TOGETHER else []
        return "\n".join([answers, *(cut(f"  {line}") for line in [*shown, *more])])

    def _repr_html_(self) -> str:
        from explorer.show.markup import to_html

        shown = [to_html(one.layout(), SHOWN_OF_EACH) for one in self[:SHOWN_TOGETHER]]
        left = len(self) - len(shown)
        shown += [f"<div>and {left:,} more answers</div>\n"] if left else []
        return "".join(f'<div style="margin-bottom:16px">\n{one}</div>\n' for one in shown)


@functools.cache
def held(row: type) -> dict[str, Held]:
    """Fields of a row that name what can be asked about, and what that is."""
    found: dict[str, Held] = {}
    for name, hint in typing.get_type_hints(row, include_extras=True).items():
        inside = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
        for said in getattr(inside, "__metadata__", ()):
            if isinstance(said, Holds):
                found[name] = said.kind
    return found


def records(answer: type) -> list[type]:
    """The dataclasses that an answer is made of, its rows' first, each once."""
    found: dict[type, None] = {}

    def look(hint: Any) -> None:
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            if hint in found:
                return
            found[hint] = None
            for one in typing.get_type_hints(hint).values():
                look(one)
        for one in typing.get_args(hint):
            look(one)

    said = {name: answer.__annotations__.get(name) for name in ("rows", "meta")}
    there = types.SimpleNamespace(__annotations__={n: one for n, one in said.items() if one})
    for hint in typing.get_type_hints(there, vars(sys.modules[answer.__module__])).values():
        look(hint)
    return list(found)


def described(part: type) -> dict[str, str]:
    """What a dataclass's docstring says of each of its attributes."""
    _, _, text = inspect.cleandoc(part.__doc__ or "").partition("Attributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", text, re.MULTILINE)
    return {name: " ".join(said.split()) for name, said in entries}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        compared = [field.name for field in dataclasses.fields(value) if field.compare]
        return {name: _plain(getattr(value, name)) for name in compared}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
