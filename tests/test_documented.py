"""What a script can reach is documented and annotated, and its examples give what they say."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import os
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas  # noqa: F401  # what results are turned into is looked up by name
import polars  # noqa: F401
import pyarrow  # noqa: F401
import pytest
from numpy.typing import NDArray

import explorer
from conftest import ROOT
from explorer import api, questions
from explorer.profiles import Profiles
from explorer.questions import choices, compare, middleman
from explorer.show.frames import FrameColumn
from explorer.show.shapes import Picture
from explorer.testsets.files import Source
from explorer.words import Words
from indexer.store.layout import Manifest

pytestmark = pytest.mark.native

SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Example):$", re.MULTILINE)
OURS = ("explorer", "indexer.store")


def section(of: Any, name: str) -> dict[str, str]:
    """The entries of one section of a docstring, by name."""
    text = inspect.getdoc(of) or ""
    body = re.search(rf"^{name}:\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    if body is None:
        return {}
    return dict(re.findall(r"^    \*{0,2}(\w+): (.+)", body[1], re.MULTILINE))


def inside(hint: Any) -> Iterator[type]:
    """Every class that an annotation names."""
    if isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from inside(part)


def methods(kind: type) -> dict[str, Callable[..., Any]]:
    """The public functions and properties that a class itself defines."""
    found = {}
    for name, value in vars(kind).items():
        if name.startswith("_"):
            continue
        if getattr(value, "__wrapped__", None) is not None:
            value = getattr(kind, name)  # a method that asks has its whole docstring from then on
        if isinstance(value, property):
            value = value.fget
        elif isinstance(value, (classmethod, staticmethod)):
            value = value.__func__
        elif hasattr(value, "func") and hasattr(value, "attrname"):
            value = value.func  # a cached property
        if inspect.isfunction(value):
            found[name] = value
    return found


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's annotations; of what is imported for them alone, whatever stands there."""
    here: ModuleType = sys.modules[function.__module__]
    late = {
        "np": np,
        "NDArray": NDArray,
        "Path": Path,
        "Explorer": explorer.Explorer,
        "Manifest": Manifest,
    }
    late |= {"Source": Source, "Words": Words, "Profiles": Profiles, "FrameColumn": FrameColumn}
    late |= {name: getattr(questions, name) for name in questions.__all__}
    late |= {**vars(choices), **vars(compare), **vars(middleman)}
    libraries = {name: sys.modules[name] for name in ("pandas", "polars", "pyarrow")}
    return typing.get_type_hints(function, {**late, **libraries, "Picture": Picture, **vars(here)})


def reachable() -> list[type]:
    """Classes of ours that a script gets hold of: what is exported, and from there on."""
    seen: dict[type, None] = {}
    waiting = [explorer.Explorer, *(getattr(questions, name) for name in questions.__all__)]
    while waiting:
        kind = waiting.pop()
        if kind in seen or not kind.__module__.startswith(OURS):
            continue
        seen[kind] = None
        waiting += [base for base in kind.__bases__ if base is not object]
        hints = typing.get_type_hints(kind, localns={"pyarrow": sys.modules["pyarrow"]})
        waiting += [c for hint in hints.values() for c in inside(hint)]
        for function in [*methods(kind).values(), *filter(inspect.isfunction, [kind.__init__])]:
            if not dataclasses.is_dataclass(kind) or function is not kind.__init__:
                waiting += [c for hint in hints_of(function).values() for c in inside(hint)]
    return sorted(seen, key=lambda kind: (kind.__module__, kind.__name__))


KINDS = reachable()


def test_what_is_reached_is_more_than_what_is_exported() -> None:
    names = {kind.__name__ for kind in KINDS}
    assert {"Explorer", "Index", "Manifest", "ModelEntry", "Neighbors", "Calibration"} <= names


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_class_that_can_be_reached_is_documented(kind: type) -> None:
    text = inspect.getdoc(kind) or ""
    assert text
    assert not text.startswith(f"{kind.__name__}("), "a dataclass's own signature is no docstring"
    if dataclasses.is_dataclass(kind):
        told = section(kind, "Attributes")
        own = [f.name for f in dataclasses.fields(kind) if f.name in vars(kind)["__annotations__"]]
        if issubclass(kind, questions.Result) and kind is not questions.SqlRows:
            assert own == ["query", "rows", "meta"] == list(section(questions.Result, "Attributes"))
        else:
            assert list(told) == own
    for name, function in methods(kind).items():
        assert inspect.getdoc(function), name
        parameters = list(inspect.signature(function).parameters.values())[1:]
        hints = hints_of(function)
        assert {p.name for p in parameters} | {"return"} <= set(hints), name
        told = section(function, "Args")
        if told or kind is explorer.Explorer:
            assert list(told) == [p.name for p in parameters], name


def test_the_package_is_documented_and_annotated() -> None:
    assert explorer.__doc__
    for name in explorer.__all__:
        assert inspect.getdoc(getattr(explorer, name)), name
    assert list(section(explorer.open, "Args")) == list(inspect.signature(explorer.open).parameters)
    assert {"name", "indexes", "return"} <= set(explorer.open.__annotations__)


def test_every_module_of_the_store_and_its_names_are_documented() -> None:
    for path in sorted((ROOT / "indexer/store").glob("*.py")):
        name = f"indexer.store.{path.stem}".removesuffix(".__init__")
        __import__(name)
        module = sys.modules[name]
        assert module.__doc__, name
        for public, value in vars(module).items():
            own = getattr(value, "__module__", None) == name
            if own and not public.startswith("_") and callable(value):
                assert inspect.getdoc(value), f"{name}.{public}"


# -- examples -------------------------------------------------------------------------------

QUESTIONS = [name for name, function in methods(api.Explorer).items()]


def examples_of(name: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(getattr(api.Explorer, name)) or "")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_method_shows_what_it_gives(name: str, real: Any, tmp_path: Path) -> None:
    found = examples_of(name)
    assert found, f"Explorer.{name} has no example"
    questions, pairs = tmp_path / "questions.txt", tmp_path / "pairs.txt"
    questions.write_text(": family\nking queen man woman\n")
    pairs.write_text("dog cat 7\nred blue 6\ndog red 2\n")
    # `close` would close what other tests ask.
    with explorer.open("smollm2", real.index.folder.parent) as own:
        ix = own if name == "close" else real
        test = doctest.DocTest(found, {"ix": ix, "explorer": explorer}, name, None, None, None)
        said: list[str] = []
        done = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert done.failed == 0, "".join(said)


# -- types ----------------------------------------------------------------------------------


def test_a_script_that_uses_the_package_checks_strictly(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent",
            "--config-file=", f"--cache-dir={ROOT / '.cache' / 'mypy'}",
            str(ROOT / "tests" / "typed_script.py"),
        ],
        env={**os.environ, "MYPYPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    # The last lines of the script are wrong on purpose: types that are not there would pass.
    lines = done.stdout.splitlines()
    wrong = [line for line in lines if "error:" in line]
    assert len(wrong) == 2, done.stdout + done.stderr
    assert '"Neighbors" has no attribute "row"' in wrong[0]
    assert 'No overload variant of "neighbors"' in wrong[1]
