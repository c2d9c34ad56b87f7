"""Which tests take long, told by what their code reaches: `make test-fast` leaves them out.

A test is slow that makes an index, runs a model, starts a process, or opens the terminal UI:
itself, by a fixture, or by a function of `tests` that either calls. One that computes for more than
a second or two says so itself, with `@pytest.mark.slow`. What is left asks an index that is there.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

TESTS = Path(__file__).parent
REACHED = (
    "asyncio.subprocess",
    "explorer.building",
    "explorer.screen",
    "explorer.sql.session",
    "explorer.worker",
    "indexer.build",
    "indexer.cli",
    "indexer.importing",
    "indexer.model",
    "multiprocessing",
    "nbclient",
    "subprocess",
    "textual",
    "torch",
    "transformers",
)
"""Modules that make an index, run a model, start a process, or draw the terminal UI."""
GIVEN = {"real", "real_indexes"}
"""Fixtures that are there already, but for the first run."""


def takes_long(item: pytest.Item) -> bool:
    """Whether a test, or a fixture that it asks for, reaches what takes long."""
    if "fuzz" in item.path.parts:
        return True
    functions = [getattr(item, "function", None)]
    info = getattr(item, "_fixtureinfo", None)
    for name, found in (info.name2fixturedefs if info else {}).items():
        if name not in GIVEN:
            functions += [fixture.func for fixture in found]
    return any(reaches(function) for function in functions if isinstance(function, FunctionType))


@cache
def reaches(function: FunctionType) -> bool:
    """Whether a function names such a module, or anything of it, or calls a function that does."""
    return any(_leads(thing) for thing in _everything(function))


def _everything(function: FunctionType) -> list[Any]:
    """What is reached from a function: names of modules, and whatever globals it names."""
    seen: set[int] = set()
    waiting, found = [function], []
    while waiting:
        at = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        for name in _names(at.__code__):
            thing = at.__globals__.get(name, name)
            found.append(thing)
            waiting += _of_the_tests(thing)
    return found


def _names(code: CodeType) -> Iterator[str]:
    """Every name in a function's code, and in the code within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _of_the_tests(thing: Any) -> list[FunctionType]:
    """The functions to look into: one of `tests`, or the methods of a class there."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    methods = list(vars(thing).values()) if inspect.isclass(thing) else [thing]
    return [
        one
        for one in methods
        if isinstance(one, FunctionType) and Path(one.__code__.co_filename).is_relative_to(TESTS)
    ]


def _leads(thing: Any) -> bool:
    """Whether a global, or a name that is none, is a module that takes long, or of one."""
    if isinstance(thing, ModuleType):
        name = thing.__name__
    elif isinstance(thing, str):
        name = thing
    else:
        name = getattr(thing, "__module__", None) or ""
    return any(name == one or name.startswith(f"{one}.") for one in REACHED)
