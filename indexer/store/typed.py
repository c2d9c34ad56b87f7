"""JSON taken as the dataclass that it should be: every field there, each of its declared type.

Knows annotations; knows no manifest. JSON that somebody else wrote is believed in nothing: a count
that is a text, a number that is none and a field too many are each told with their place.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Made = TypeVar("Made")

MOST = 2**63 - 1
"""The greatest whole number taken."""


class WrongType(ValueError):
    """A value is not what its field declares; the message begins with the field's place."""


def read(kind: type[Made], value: Any, place: str = "") -> Made:
    """An object of a dataclass from what JSON has for it.

    Whole numbers are from 0 to `MOST`, other numbers finite; `bool` is no number. A field with a
    default may be absent.

    Raises:
        WrongType: with the place, what is declared and what stands there.
    """
    made: Made = _read(kind, value, place)
    return made


def _read(kind: Any, value: Any, place: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _object(kind, value, place)
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):  # only `X | None` is declared
        if value is None:
            return None
        return _read(next(one for one in inner if one is not types.NoneType), value, place)
    if origin is Literal:
        if type(value) is not str or value not in inner:
            raise _wrong(place, f"one of {', '.join(inner)}", value)
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(place, "a list", value)
        return tuple(_read(inner[0], one, f"{place}[{at}]") for at, one in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(place, "an object", value)
        return {key: _read(inner[1], one, f"{place}[{key!r}]") for key, one in value.items()}
    return _plain(kind, value, place)


def _object(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(place, "an object", value)
    declared = _fields(kind)
    before = f"{place}." if place else ""
    for name in value:
        if name not in declared:
            raise WrongType(f"{before}{name[:80]} is no field of it")
    for name, (_, needed) in declared.items():
        if needed and name not in value:
            raise WrongType(f"{before}{name} is missing")
    given = {name: _read(declared[name][0], one, f"{before}{name}") for name, one in value.items()}
    return kind(**given)


def _plain(kind: Any, value: Any, place: str) -> Any:
    if kind is int:
        if type(value) is not int:
            raise _wrong(place, "a whole number", value)
        if not 0 <= value <= MOST:
            raise WrongType(f"{place} is {str(value)[:40]}, where 0 to {MOST:,} is possible")
        return value
    if kind is float:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise _wrong(place, "a finite number", value)
        return float(value)
    if type(value) is not kind:
        raise _wrong(place, "a text" if kind is str else "true or false", value)
    return value


def _wrong(place: str, expected: str, value: Any) -> WrongType:
    lists = {dict: "an object", list: "a list"}  # not shown: it may be nested without end
    found = next((said for kind, said in lists.items() if isinstance(value, kind)), "")
    found = found or repr(value)[:40]
    return WrongType(f"{place or 'it'} is {found}, where {expected} belongs")


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """By name, the type of each field, and whether it must be there."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
    }
