"""What a space is: its kind, layer, side and items, what of these go together, and its name.

Knows words and numbers, no file. A space is found by its kind, layer and side; its name follows
from them here and nowhere else, and nothing is ever read out of a name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from indexer.store.errors import SemanticError, unknown
from indexer.store.typed import WrongType

SpaceKind = Literal["embed", "unembed", "context", "neuron", "head", "imported"]
ItemName = Literal["token", "word", "neuron", "head", "label"]
TokenSpace = Literal["embed", "unembed"]
NeuronSide = Literal["gate", "up", "in", "out"]
HeadSide = Literal["value", "output"]
Side = Literal["gate", "up", "in", "out", "value", "output"]
Narrow = Literal["bfloat16", "float16"]
RowType = Literal["float32", "bfloat16", "float16"]
"""How the rows of a space are stored."""

ROW_TYPES: tuple[RowType, ...] = get_args(RowType)
NARROW: tuple[Narrow, ...] = get_args(Narrow)
"""Those of 16 bits."""

NEURON_SIDES: tuple[NeuronSide, ...] = get_args(NeuronSide)
HEAD_SIDES: tuple[HeadSide, ...] = get_args(HeadSide)

GATED_SIDES: tuple[NeuronSide, ...] = ("gate", "up", "out")
"""The sides of a neuron of a gated MLP, the reading side first and the writing side last."""

UNGATED_SIDES: tuple[NeuronSide, ...] = ("in", "out")
"""Those of one without a gate, in the same order."""

SIDE_PAIRS: tuple[tuple[NeuronSide, NeuronSide], ...] = (
    ("gate", "up"),
    ("gate", "out"),
    ("up", "out"),
    ("in", "out"),
)
"""Sides of a neuron between which the cosine is kept, where the model has both."""

SPACE_NAME = re.compile(r"(?!.*-\d{5}-of-\d{5}$)[a-z0-9_][a-z0-9_.-]*", re.ASCII | re.IGNORECASE)
"""What a space may be called: it is the name of its files too, and not of a part of another's."""

MOST_ROWS = 2**31 - 1
"""The most items of a kind: their ids are INTEGER in the catalog."""


@dataclass(frozen=True)
class SpaceEntry:
    """One space: what its rows are and how they are normalised.

    Attributes:
        name: `embed`, `unembed`, `context.12`, `neuron.out`, ...; a further one as it was imported.
            It is what a person writes, and the name of its files; what the space is stands below.
        kind: `embed`, `unembed`, `context`, `neuron`, `head` or `imported`.
        layer: of a context space, how many blocks the stream has passed; None of others.
        side: of gated neurons `gate`, `up` or `out`, of others `in` or `out`; of heads `value` or
            `output`; None of other spaces.
        item: what a row stands for: `token`, `word`, `neuron`, `head`, a dimension of one, or
            `label`, the name that a vector was imported under.
        dtype: how the rows are stored.
        rows: number of rows.
        width: `d_model`.
        measure: the measure a query uses unless told otherwise.
        population: whose mean and covariance are stored: `word-like tokens`, `indexed words`,
            `neurons`, `head dimensions`, `labels`.
        population_rows: how many rows that is.
        convention: what was folded into the rows, in one line; empty where nothing was.
    """

    name: str
    kind: SpaceKind
    layer: int | None
    side: Side | None
    item: ItemName
    dtype: RowType
    rows: int
    width: int
    measure: str
    population: str
    population_rows: int
    convention: str = ""

    @property
    def what(self) -> tuple[SpaceKind, int | None, Side | None]:
        """Kind, layer and side: what it is, whatever its name."""
        return self.kind, self.layer, self.side


@dataclass(frozen=True)
class Holds:
    """What goes with a kind of space.

    Attributes:
        items: what its rows may stand for.
        sides: of each of which there is a space; empty where the kind has no sides.
        layered: whether there is a space a layer.
        several: whether there may be more than one of the same layer and side.
    """

    items: tuple[ItemName, ...]
    sides: tuple[Side, ...] = ()
    layered: bool = False
    several: bool = False


KINDS: dict[SpaceKind, Holds] = {
    "embed": Holds(("token", "word")),
    "unembed": Holds(("token",)),
    "context": Holds(("word",), layered=True),
    "neuron": Holds(("neuron",), NEURON_SIDES),
    "head": Holds(("head",), HEAD_SIDES),
    "imported": Holds(("label",), several=True),
}
"""An index of imported vectors has one space, of kind `embed`, whose items are words; a space that
was imported into an index is of kind `imported`, and its items are labels."""

MODELLED: tuple[SpaceKind, ...] = tuple(kind for kind in KINDS if kind != "imported")
"""Kinds that a build makes; no imported space may be named as one of these."""

EMBED = "embed"
"""The name of the space that is asked where none is named, that of kind `embed`."""


def narrow(dtype: str) -> Narrow | None:
    """A type of rows as one of those of 16 bits; None of another."""
    return next((one for one in NARROW if one == dtype), None)


def check_store(asked: str) -> None:
    """Raise `SemanticError` unless rows can be stored in a type that is asked for."""
    if asked not in ROW_TYPES:
        raise SemanticError(f"--store: {unknown('type', asked, ROW_TYPES)}")


def token_space(kind: TokenSpace) -> str:
    """`embed` or `unembed`: the name of a space of tokens."""
    return kind


def context_space(layer: int) -> str:
    """`context.3`: the name of the residual stream after 3 blocks."""
    return f"context.{layer}"


def neuron_space(side: str) -> str:
    """`neuron.gate`: the name of one side of the neurons."""
    return f"neuron.{side}"


def sides_of(gated: bool) -> tuple[NeuronSide, ...]:
    """The sides that neurons have, the reading side first and the writing side last."""
    return GATED_SIDES if gated else UNGATED_SIDES


def side_named(asked: str, sides: Sequence[NeuronSide]) -> str:
    """The side that is asked for: of gated neurons `in` is their reading side, the gate.

    Args:
        asked: what was written, a side that is there or not.
        sides: that neurons have in the index, the reading side first; empty where it has none.
    """
    return sides[0] if asked == "in" and sides else asked


def space_named(asked: str, sides: Sequence[NeuronSide]) -> str:
    """The name of the space that is asked for: of gated neurons `neuron.in` is `neuron.gate`."""
    return neuron_space(side_named("in", sides)) if asked == neuron_space("in") else asked


def head_space(side: str) -> str:
    """`head.value`: the name of one side of the heads."""
    return f"head.{side}"


def space_table(spaces: Sequence[SpaceEntry]) -> dict[str, list[Any]]:
    """The catalog's table of spaces, one row a space: its columns by name."""
    columns = [field.name for field in dataclasses.fields(SpaceEntry)]
    return {name: [getattr(space, name) for space in spaces] for name in columns}


def named_as(name: str) -> SpaceKind | None:
    """The kind whose spaces' names begin as a name that was given does, capitals aside, or None.

    It keeps an imported space from being called what a model has; it says nothing of what a space
    is.
    """
    first = name.partition(".")[0].casefold()
    return next((kind for kind in MODELLED if kind == first), None)


def check_spaces(
    spaces: Sequence[SpaceEntry],
    counts: Mapping[ItemName, int],
    d_model: int,
    blocks: Sequence[int],
) -> None:
    """Raise `WrongType` where a space cannot be what its entry says it is.

    Args:
        spaces: of one index.
        counts: how many items there are, by what they are; no tokens in one without a tokenizer.
        d_model: width of the residual stream.
        blocks: those that are indexed.
    """
    named: set[str] = set()
    there: set[tuple[SpaceKind, int | None, Side | None]] = set()
    for at, space in enumerate(spaces):
        place = f"spaces[{at}]"
        if not SPACE_NAME.fullmatch(space.name):
            raise WrongType(f"{place}.name is {space.name[:40]!r}, which names no file of spaces/")
        if space.name.casefold() in named:
            raise WrongType(f"{place}.name is {space.name!r}, which another space has")
        _check_kind(space, place, counts, blocks)
        if space.what in there and not KINDS[space.kind].several:
            raise WrongType(f"{place} is of the kind, layer and side of another space")
        if space.width != d_model or not space.width:
            raise WrongType(f"{place}.width is {space.width}, and d_model {d_model}")
        if not 0 < space.rows <= MOST_ROWS:
            raise WrongType(f"{place}.rows is {space.rows:,}, where 1 to {MOST_ROWS:,} can be")
        if space.rows != counts.get(space.item, space.rows):
            have = f"{counts[space.item]:,} {space.item}s"
            raise WrongType(f"{place}.rows is {space.rows:,}, and there are {have}")
        if space.population_rows > space.rows:
            raise WrongType(f"{place}.population_rows is more than its rows")
        named.add(space.name.casefold())
        there.add(space.what)
    if ("embed", None, None) not in there:
        raise WrongType("spaces: none is of kind embed, which every index has")


def _check_kind(
    space: SpaceEntry, place: str, counts: Mapping[ItemName, int], blocks: Sequence[int]
) -> None:
    """Raise `WrongType` where item, layer or side do not go with the kind of a space."""
    holds = KINDS[space.kind]
    items = holds.items
    if space.kind == "embed":  # of tokens where there is a tokenizer, of words where there is none
        items = ("token",) if counts["token"] else ("word",)
    if space.item not in items:
        raise WrongType(
            f"{place}.item is {space.item}, and spaces of kind {space.kind} have {items[0]}s"
        )
    if (space.side is not None or holds.sides) and space.side not in holds.sides:
        can = f"one of {', '.join(holds.sides)}" if holds.sides else "none"
        raise WrongType(f"{place}.side is {space.side}, and spaces of kind {space.kind} have {can}")
    if holds.layered != (space.layer is not None):
        has = "one" if holds.layered else "none"
        raise WrongType(
            f"{place}.layer is {space.layer}, and spaces of kind {space.kind} have {has}"
        )
    if space.layer is not None and not {space.layer, space.layer - 1} & set(blocks):
        raise WrongType(
            f"{place}.layer is {space.layer:,}, and no block that is indexed begins or ends there"
        )
