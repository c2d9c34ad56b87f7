"""Which tests are slow is told rightly, and the others ask every question."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from conftest import run_build
from everyquestion import QUESTIONS
from slow import reaches


def _starts() -> None:
    subprocess.run(["true"], check=True)


class _Driver:
    """Starts something in a method."""

    def go(self) -> None:
        _starts()


def _by_a_class() -> None:
    _Driver().go()


def _within() -> Callable[[], None]:
    def later() -> None:
        import torch

        torch.zeros(1)

    return later


def _builds() -> None:
    run_build("m", QUESTIONS, "n")  # type: ignore[arg-type]


def _only_asks(real: Any) -> Any:
    return [ask(real) for ask in QUESTIONS.values()]


@pytest.mark.parametrize("function", [_starts, _by_a_class, _within, _builds])
def test_what_reaches_a_process_or_a_model_is_slow(function: FunctionType) -> None:
    assert reaches(function)


def test_what_asks_an_index_is_not() -> None:
    assert isinstance(_only_asks, FunctionType)
    assert not reaches(_only_asks)


def test_every_question_is_asked_by_a_test_that_is_not_slow(request: pytest.FixtureRequest) -> None:
    found = [item for item in request.session.items if item.path.name == "test_notebooks.py"]
    if not found:
        pytest.skip("tests/test_notebooks.py, which asks them, was not collected")
    left = [item for item in found if item.get_closest_marker("slow") is None]
    asked = {item.callspec.params.get("name") for item in left if hasattr(item, "callspec")}
    assert set(QUESTIONS) <= asked
