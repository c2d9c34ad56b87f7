"""What is asked, as a value: a frozen dataclass a question, whose fields are all there is to ask.

Knows what a field says of itself (its type, default, help, what it takes), and nothing of who reads
that: the command line, SQL, the terminal UI, completion, JSON and the docs are derived from it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import operator
import re
import textwrap
import threading
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    TypeVar,
    cast,
    get_args,
    get_origin,
)

from explorer.errors import QueryError
from explorer.expressions import expressions
from indexer.store.errors import unknown

if TYPE_CHECKING:
    from explorer.questions.answer import Result
    from indexer.store.layout import Manifest

R = TypeVar("R", bound="Result[Any]", covariant=True)

Takes = Literal[
    "expression", "word", "neuron", "space", "depth", "layer", "layers", "head", "side", "group",
    "file", "table", "text", "number", "choice", "flag",
]  # fmt: skip
"""What a field takes: `depth` is `embed` or a context space, `text` anything."""

_METAVARS = {
    "word": "WORD",
    "expression": "EXPR",
    "neuron": "NEURON",
    "space": "S",
    "depth": "S",
    "layer": "L",
    "layers": "0-28",
    "head": "H",
    "group": "NAME",
    "file": "FILE",
    "table": "NAME",
    "number": "N",
    "text": "TEXT",
}
ALL = "all"
"""Of an option that takes several of some choices: every one of them."""


@dataclass(frozen=True)
class Parameter:
    """A field of a query, as a face sees it.

    Attributes:
        name: the same in every face.
        help: what it is, as a part of a sentence.
        takes: what may be given.
        type: of a value, or of each of several.
        several: whether it takes any number of them.
        optional: whether it may be None.
        choices: the values there are, where they are few.
        default: the value unless given; `dataclasses.MISSING` where one must be.
        positional: whether it may be given without its name.
        metavar: what the command line writes for a value.
        usual: what None stands for, where that can be said in a word.
        count: how many rows None stands for, as far as there are so many; 0 of any other field.
        also: what it was called on the command line, which its help doesn't show; or a pair of
            flags.
        offered: of a number, those that the terminal UI offers, the first unless `usual` says so.
        shown: whether the terminal UI has it beside the query.
        folds_forms: whether it is on where a person reads a table and off where a program does.
        noun: what its choices are called where one does not exist.
        placeholder: what stands in its empty line of the terminal UI.
        kept_as: the name under which the terminal UI keeps it from one view to the next.
    """

    name: str
    help: str
    takes: Takes
    type: type
    several: bool
    optional: bool
    choices: tuple[str, ...]
    default: Any
    positional: bool
    metavar: str
    usual: str
    count: int
    also: tuple[str, ...]
    offered: tuple[str, ...]
    shown: bool
    folds_forms: bool
    noun: str
    placeholder: str
    kept_as: str

    @functools.cached_property
    def plain(self) -> Any:
        """The type whose values are all taken as they are; None where each is looked at."""
        looked_at = self.several or self.choices or self.takes in ("layers", "file")
        return None if looked_at or self.type not in (str, int, bool) else self.type

    @property
    def about(self) -> str:
        """Which choices there are, what it is, and what it is unless given, as a sentence."""
        choices = ", ".join(f"`{choice}`" for choice in self.choices)
        return _sentence(f"{choices}; {self.help}" if choices else self.help, self.usual)

    @property
    def listed(self) -> bool:
        """Whether one text may hold several values between commas."""
        return bool(self.choices) or self.takes in ("space", "depth")

    @property
    def pair(self) -> tuple[str, str] | None:
        """The flags of the command line that say yes and no, where it has two of its own."""
        found = next((also for also in self.also if "/" in also), None)
        if found is None:
            return None
        yes, _, no = found.partition("/")
        return yes, no

    @property
    def required(self) -> bool:
        """Whether a value must be given; of several, whether one must."""
        return self.default is MISSING


def argument(
    help: str,
    takes: Takes,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    metavar: str = "",
    placeholder: str = "",
) -> Any:
    """A field that may be given without its name."""
    said = {"help": help, "takes": takes, "positional": True, "metavar": metavar}
    said |= {"placeholder": placeholder}
    if default_factory is not MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=said)
    return dataclasses.field(default=default, metadata=said)


def option(
    default: Any,
    help: str,
    takes: Takes | None = None,
    *,
    metavar: str = "",
    usual: str = "",
    count: int = 0,
    also: tuple[str, ...] = (),
    offered: tuple[str, ...] = (),
    shown: bool = True,
    folds_forms: bool = False,
    noun: str = "",
    placeholder: str = "",
    kept_as: str = "",
) -> Any:
    """A field that is given by name; what it takes follows from its type unless said."""
    said: dict[str, Any] = {"help": help, "takes": takes, "metavar": metavar, "usual": usual}
    said |= {"also": also, "offered": offered, "shown": shown, "folds_forms": folds_forms}
    said |= {"count": count, "noun": noun, "placeholder": placeholder, "kept_as": kept_as}
    return dataclasses.field(default=default, metadata=said)


@dataclass(frozen=True)
class Query(Generic[R]):
    """What is asked: `Explorer.ask(query)` answers it.

    Made of plain values, it compares, pickles and can be asked again. An answer's own `query` has
    the defaults filled in that hold for the whole of it, and asked of the same index it gives the
    same answer; where lines of a test set were asked, or SQL of tables that were attached, it says
    no more than that. A value of another type, or a choice that does not exist, is refused when
    the query is made.
    """

    question: ClassVar[str] = ""
    """Its name: that of the method of `Explorer` and of SQL's function."""

    command: ClassVar[tuple[str, ...]] = ()
    """The words of its command, where those are not its name."""

    part_of: ClassVar[tuple[str, ...]] = ()
    """The words of the command that asks it too, where another question's does."""

    told_by: ClassVar[tuple[str, ...]] = ()
    """The fields by which that command tells the two apart."""

    example: ClassVar[str] = ""
    """What may be written for its arguments."""

    examples: ClassVar[tuple[str, ...]] = ()
    """Two commands that ask it, which its command's help ends with; none where it has no command of
    its own."""

    title: ClassVar[str] = ""
    """On the tab of the terminal UI."""

    letter: ClassVar[str] = ""
    """With alt, to its view of the terminal UI; one without has no view of its own."""

    live: ClassVar[bool] = True
    """Whether it is answered while one types; one that takes seconds is asked on Enter."""

    explains: ClassVar[str] = ""
    """A line on a word of the field that its answers rest on."""

    more: ClassVar[str] = ""
    """What its command's help says below the options."""

    computed: ClassVar[bool] = True
    """Whether a module of `explorer.compute` answers it."""

    pictured: ClassVar[bool] = False
    """Whether its answers have pictures."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__doc__ = documented(cls)

    def __post_init__(self) -> None:
        for one in parameters(type(self)):
            given = getattr(self, one.name)
            if type(given) is one.plain:  # as it is: most are, and queries are made by the hundred
                continue
            value = _tidied(one, given)
            if value is not given:
                object.__setattr__(self, one.name, value)
        self.check()

    def check(self) -> None:
        """Raise `QueryError` where fields do not go together; overridden where they may not."""

    def beside(self, manifest: Manifest) -> Query[Any] | None:
        """A wider question, whose pictures are worth a look beside this one's table; or None."""
        return None


def parameters(kind: type[Query[Any]]) -> tuple[Parameter, ...]:
    """What a query's fields say of themselves, in order."""
    return _parameters(kind)  # type: ignore[arg-type]  # a class, which can be hashed


def usual_rows(kind: type[Query[Any]]) -> int:
    """How many rows an answer has where no number is given, and there are so many; 0 of others."""
    return next((one.count for one in parameters(kind) if one.name == "k"), 0)


@functools.cache
def _parameters(kind: type[Query[Any]]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(_parameter(one, hints[one.name]) for one in dataclasses.fields(kind))


def _parameter(field: dataclasses.Field[Any], hint: Any) -> Parameter:
    said = dict(field.metadata)
    optional = several = False
    if isinstance(hint, types.UnionType) or get_origin(hint) is typing.Union:
        parts = [one for one in get_args(hint) if one is not type(None)]
        optional = len(parts) < len(get_args(hint))
        hint = parts[0]
    if get_origin(hint) is tuple:
        several, hint = True, get_args(hint)[0]
    choices: tuple[str, ...] = get_args(hint) if get_origin(hint) is Literal else ()
    kind = str if choices else get_origin(hint) or hint
    takes = said["takes"] or _takes(kind, choices)
    metavar = said.get("metavar") or "|".join(choices) or _METAVARS.get(takes, "")
    return Parameter(
        name=field.name,
        help=said["help"],
        takes=takes,
        type=kind,
        several=several,
        optional=optional,
        choices=choices,
        default=field.default,
        positional=said.get("positional", False),
        metavar=metavar,
        usual=said.get("usual", ""),
        count=said.get("count", 0),
        also=said.get("also", ()),
        offered=said.get("offered", ()),
        shown=said.get("shown", True),
        folds_forms=said.get("folds_forms", False),
        noun=said.get("noun") or field.name.replace("_", " "),
        placeholder=said.get("placeholder", ""),
        kept_as=said.get("kept_as") or field.name,
    )


def _takes(kind: type, choices: tuple[str, ...]) -> Takes:
    if choices:
        return "choice"
    if kind is bool:
        return "flag"
    return "number" if kind in (int, float) else "text"


def _tidied(one: Parameter, value: Any) -> Any:
    """A value as the field has it: several as a tuple, whole numbers as int, choices that exist.

    Raises:
        QueryError: it is of another type, or none of the choices.
    """
    if value is None:
        if one.optional:
            return None
        raise QueryError(f"{one.name} is None: {_expected(one)}")
    if one.type is dict:
        return value
    if one.takes == "layers":
        return value if isinstance(value, str) else _numbers(one, value)
    if one.takes == "file" and not isinstance(value, str):
        return _texts(one, value)
    if one.several:
        return _several(one, value)
    value = _of_type(one, value)
    # Which sides there are, the index says.
    return value if one.takes == "side" else _chosen(one, value, one.choices)


def _several(one: Parameter, value: Any) -> Any:
    """Some texts; of a choice, a space or a word, one text may hold several between commas."""
    each = _texts(one, [value] if isinstance(value, str) else value)
    if one.listed:
        each = tuple(part.strip() for text in each for part in text.split(","))
    if one.takes in ("word", "expression"):
        # A text without any is left as it is, for whoever reads it to refuse.
        return tuple(part for text in each for part in expressions(text) or (text,))
    if not one.choices:
        return each
    each = tuple(filter(None, each))
    if not each:
        raise QueryError(f"no {one.noun} is named (there are: {', '.join(one.choices)}, {ALL})")
    for part in each:
        _chosen(one, part, (*one.choices, ALL))
    return one.choices if ALL in each else each


def _chosen(one: Parameter, value: Any, choices: tuple[str, ...]) -> Any:
    if choices and value not in choices:
        raise QueryError(unknown(one.noun, str(value), choices))
    return value


def whole(value: Any) -> int:
    """A whole number of any library's; raises `TypeError` for what is none, as True and False."""
    if isinstance(value, bool):
        raise TypeError("a bool is no number here")
    return operator.index(value)


def _of_type(one: Parameter, value: Any) -> Any:
    if one.type is bool:
        if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
            return bool(value)
    elif one.type is int:
        with contextlib.suppress(TypeError):
            return whole(value)
    elif isinstance(value, one.type):
        return value
    raise QueryError(f"{one.name} {value!r}: {_expected(one)}")


def _texts(one: Parameter, value: Any) -> tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        each = tuple(value)
        wrong = [part for part in each if not isinstance(part, str)]
        if not wrong:
            return each
        if one.positional:
            said = f"{wrong[0]!r} is no text; each {one.takes} is an argument of its own, or all "
            said += "are in one list"
            raise QueryError(said)
    raise QueryError(f"{one.name} {value!r}: {_expected(one)}")


def _numbers(one: Parameter, value: Any) -> tuple[int, ...]:
    with contextlib.suppress(TypeError):
        return tuple(map(whole, (value,) if hasattr(value, "__index__") else value))
    raise QueryError(f"{one.name} {value!r}: write numbers, or a text such as 0-28")


def _expected(one: Parameter) -> str:
    if one.type is int:
        return "a whole number is needed"
    if one.type is bool:
        return "True or False is needed"
    if one.takes == "file":
        return "the path of a file is needed, or its lines"
    return "texts are needed" if one.several else "a text is needed"


def documented(kind: type[Query[Any]]) -> str:
    """The docstring of a query: what it says of itself, and what its fields say of themselves."""
    about = inspect.cleandoc(kind.__doc__ or "")
    fields = [
        f"    {name}: {_sentence(value.metadata['help'], value.metadata.get('usual', ''))}"
        for name, value in vars(kind).items()
        if isinstance(value, dataclasses.Field)
    ]
    lines = [line for each in fields for line in _wrapped(each)]
    return "\n".join([about, "", "Attributes:", *lines]) if fields else about


def about(kind: type[Query[Any]]) -> str:
    """What a query says of itself, without its fields."""
    return (kind.__doc__ or "").partition("\n\nAttributes:")[0]


def _sentence(help: str, usual: str) -> str:
    """What a field is, with what it is unless given."""
    said = f"{help}; {usual} unless given" if usual else help
    return said if said.endswith(".") else f"{said}."


def _wrapped(entry: str) -> list[str]:
    return textwrap.wrap(entry, 92, subsequent_indent=" " * 8, break_on_hyphens=False)


_PROGRESS = "told what is done, how many steps of it, and of how many."

F = TypeVar("F", bound=Callable[..., Any])


def asks(**said: str) -> Callable[[F], F]:
    """A method that asks the query of its name: it takes the query's fields, and is documented so.

    It is documented when it is first looked at, since the query is imported for that: a program
    that asks one question needs no other.

    Args:
        said: of an argument, what it is where the method takes more than the field does.
    """

    def in_its_place(method: F) -> F:
        assert "\nArgs:" not in (method.__doc__ or ""), "what these are, the query's fields say"
        return cast(F, _Asked(method, said))

    return in_its_place


class _Asked:
    """In the place of a method that asks, until it is looked at."""

    def __init__(self, method: Callable[..., Any], said: Mapping[str, str]) -> None:
        self._method, self._said, self._looking = method, said, threading.Lock()
        self.__doc__, self.__wrapped__ = method.__doc__, method

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    def __get__(self, asked: object | None, kind: type) -> Any:
        with self._looking:
            if vars(self._owner)[self._method.__name__] is self:
                _document(self._method, self._said)
                setattr(self._owner, self._method.__name__, self._method)
        return self._method.__get__(asked, kind)


def _document(method: Callable[..., Any], said: Mapping[str, str]) -> None:
    """Write into a method's docstring what its arguments are."""
    from explorer.questions import kind_of

    text = inspect.cleandoc(method.__doc__ or "")
    taken = inspect.signature(method).parameters
    abouts = {one.name: one.about for one in parameters(kind_of(method.__name__))}
    abouts |= {"progress": _PROGRESS} | {name: _sentence(each, "") for name, each in said.items()}
    lines = [
        line
        for name, one in taken.items()
        if name in abouts
        for line in _wrapped(
            f"    {'*' * (one.kind is one.VAR_POSITIONAL)}{name}: {abouts[name]}"
            + " Each an argument, or all in one list." * (one.kind is one.VAR_POSITIONAL)
        )
    ]
    at = re.search(r"^(Raises:|Example:|\Z)", text, re.MULTILINE)
    assert at is not None
    section = "\n".join(["Args:", *lines, "\n"])
    method.__doc__ = text[: at.start()] + section + text[at.start() :]
