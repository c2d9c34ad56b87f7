"""What a view is: what it asks of an index, with what beside the query, and whether as one types.

A view follows from the fields of a query. Knows places and fields; knows no screen,
and no question in particular.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.errors import QueryError, SemanticError, TooFewRows
from explorer.expressions import single_word
from explorer.progress import Progress
from explorer.questions.fields import ROWS
from explorer.questions.query import Parameter, Query, about, parameters
from explorer.views.place import Place
from explorer.views.terms import alone, only_words, several
from indexer.store.spaces import UNGATED_SIDES

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.show.layout import Layout


@dataclass(frozen=True)
class Choice:
    """A picker beside the query bar.

    Attributes:
        name: what it chooses; a name means the same in every view.
        values: what there is to choose in the index that is open.
        default: what is chosen at first; the first value where the index hasn't it.
        label: what stands before it; the name unless given.
        shown: how a value is written where not as it is.
    """

    name: str
    values: Callable[[Explorer], Sequence[str]]
    default: str = ""
    label: str = ""
    shown: Callable[[str], str] = str


@dataclass(frozen=True)
class TextField:
    """A line of text beside the query bar: a target, a file."""

    name: str
    placeholder: str


Option = Choice | TextField


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        name: as the command of the same question.
        title: on its tab.
        about: what it answers, a line.
        example: what may be typed in its bar.
        options: what stands beside the bar.
        ask: the answer at a place; told how far it has come, it stops where that raises.
        live: whether it is asked while one types; else on Enter.
        picture: a further answer, whose pictures are drawn beside the table; the answer's own where
            there is none. It may be None at a place, which draws nothing more.
        further: the table of an answer with more in it, asked once the answer stands there; None
            where there is no more.
        check: raises where what is typed could not be asked, in a moment; for a view that is not
            live.
        lay_out: the table of an answer; that of the command line unless given.
        letter: with alt, leads to the view.
        explains: a line on a word that its answers rest on.
    """

    name: str
    title: str
    about: str
    example: str
    options: tuple[Option, ...]
    ask: Callable[[Explorer, Place, Progress], Any]
    live: bool = True
    picture: Callable[[Explorer, Place], Any] | None = None
    further: Callable[[Explorer, Any, Progress], Layout | None] | None = None
    check: Callable[[Explorer, Place], object] | None = None
    lay_out: Callable[[Any], Any] | None = None
    letter: str = ""
    instead: str = ""
    explains: str = ""


def fixed(*values: str) -> Callable[[Any], Sequence[str]]:
    """Values that are the same in every index."""
    return lambda _: values


ROWS_SHOWN = "20"
"""Rows that a table has at first, where there are as many as one likes."""

_OF_INDEX: dict[str, Callable[[Explorer], Sequence[str]]] = {
    "space": lambda ix: ix.spaces,
    "depth": lambda ix: [entry.name for entry in ix.manifest.depths],
    "layer": lambda ix: [str(layer) for layer in ix.manifest.layers],
    "layers": lambda ix: [str(layer) for layer in ix.manifest.layers],
    "head": lambda ix: [str(head) for head in range(ix.manifest.model.n_heads)],
    "side": lambda ix: ix.manifest.sides or UNGATED_SIDES,
    "group": lambda ix: ix.groups,
}
"""By what a field takes, the values that an index has."""


def option_of(one: Parameter, default: str = "") -> Option | None:
    """What stands beside the query bar for a field of a query; None where nothing does."""
    if not one.shown:
        return None
    label = one.name.replace("_", " ")
    if one.folds_forms:
        return Choice(one.name, fixed("yes", "no"), "yes", "forms", _folded)
    if one.takes == "flag":
        return Choice(one.name, fixed("no", "yes"), "no", label)
    if one.takes == "number":
        if not one.offered:
            return None
        usual = ROWS_SHOWN if one.count == ROWS else str(one.count or one.default)
        at_first = default or usual
        if "" in one.offered:
            return Choice(one.name, fixed(*one.offered), "", label, _how_many)
        label = "rows" if one.name == "k" else label
        return Choice(one.name, fixed(*one.offered), at_first, label)
    if one.choices and one.takes == "choice":
        values = ("", *one.choices) if one.optional else one.choices
        return Choice(one.name, fixed(*values), shown=lambda v: v or "own")
    if one.takes in _OF_INDEX:
        there = _OF_INDEX[one.takes]
        # What is chosen in one view is chosen in the next.
        name = "layer" if one.takes == "layers" else one.kept_as
        if one.optional and one.takes != "side":
            usual = one.usual or "all"
            return Choice(name, lambda ix: ("", *there(ix)), shown=lambda v: v or usual)
        return Choice(name, there, str(one.default or ""))
    return TextField(one.kept_as, one.placeholder or label)


def _how_many(value: str) -> str:
    return f"top {value}" if value else "all"


def _folded(value: str) -> str:
    return "folded" if value == "yes" else "all"


def view_of(
    kind: type[Query[Any]],
    adjusted: Callable[[Explorer, dict[str, Any]], dict[str, Any]] = lambda _, given: given,
    rows: str = "",
) -> View:
    """The view of a kind of query: what its fields say stands beside the bar, the first in it.

    Args:
        kind: what is asked.
        adjusted: of what was chosen, what goes together, where not everything does.
        rows: how many at first.
    """
    bar, *others = parameters(kind)
    options: dict[str, Option] = {}
    for one in sorted(others, key=lambda one: one.name == "k"):  # how many rows stands last
        option = option_of(one, rows if one.name == "k" else "")
        if option is not None:
            options[one.name] = option
    avoids = any(one.name == "avoid" for one in others)

    def made(ix: Explorer, place: Place) -> Query[Any]:
        given = typed(bar, place.text, avoids)
        given |= {one.name: True for one in others if one.folds_forms}
        for one in others:
            if one.name in options and (value := chosen(place, ix, options[one.name]).strip()):
                given[one.name] = _value(one, value)
        try:
            return kind(**adjusted(ix, given))
        except QueryError as err:
            if err.instead and not err.asked:
                err.offering(place.text, err.instead)
            raise

    def ask(ix: Explorer, place: Place, progress: Progress) -> Any:
        return ask_as_many(ix, made(ix, place), place, progress)

    def picture(ix: Explorer, place: Place) -> Any:
        wider = made(ix, place).beside(ix.manifest)
        return None if wider is None else ix.ask(wider)

    def check(ix: Explorer, place: Place) -> None:
        check_words(ix, only_words(place.text))

    return View(
        name=kind.question,
        title=kind.title,
        about=about(kind).split("\n\n")[0].replace("`", ""),
        example=kind.example,
        options=tuple(options.values()),
        ask=ask,
        live=kind.live,
        picture=picture if kind.beside is not Query.beside else None,
        check=check if bar.several and not kind.live else None,
        letter=kind.letter,
        explains=kind.explains,
    )


def check_words(ix: Explorer, words: Sequence[str]) -> None:
    """Raise where one of some words is none, or not known: its error is that of one word alone."""
    embed = ix.manifest.embed.name
    for word in words:
        single_word(word, "here words are asked, each by itself", "here words are asked")
    try:
        ix.vectors(embed, words)
    except SemanticError:
        for word in words:
            ix.neighbors(word, space=embed, k=1)
        raise


def ask_as_many(ix: Explorer, query: Any, place: Place, progress: Progress) -> Any:
    """The answer of a query, of as many rows as there are where its place shows more.

    How many a view shows at first, nobody has asked for; a number that was chosen is told of.
    """
    try:
        return ix.ask(query, progress)
    except TooFewRows as err:
        found = ix.ask(dataclasses.replace(query, k=err.there), progress)
        if not place.get("k"):
            return found
        meta = dataclasses.replace(found.meta, fewer=(*found.meta.fewer, str(err)))
        return dataclasses.replace(found, meta=meta)


def typed(bar: Parameter, text: str, avoids: bool = False) -> dict[str, Any]:
    """What stands in the bar, as the field that it is for, and as `avoid` where that is one."""
    if not bar.several:
        return {bar.name: alone(text)}
    if not avoids:
        return {bar.name: only_words(text)}
    found = several(text)
    return {bar.name: found.words, "avoid": found.avoid}


def _value(one: Parameter, text: str) -> Any:
    """What was chosen, as the field has it."""
    if one.type is bool:
        return text == "yes"
    return one.type(text)


def chosen(place: Place, ix: Explorer, option: Option) -> str:
    """What an option stands at; its default where that isn't to be had in this index."""
    value = place.get(option.name)
    known = isinstance(option, TextField) or value in option.values(ix)
    return value if known else default_of(option, ix)


def default_of(option: Option, ix: Explorer) -> str:
    """What an option stands at until something is chosen."""
    if isinstance(option, TextField):
        return ""
    values = list(option.values(ix))
    return option.default if option.default in values else values[0]
