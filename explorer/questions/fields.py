"""The fields that several questions have, each declared once."""

from __future__ import annotations

from typing import Any

from explorer.questions.query import option

ROWS = 10
"""Rows of an answer, unless its question says otherwise."""


def measure_option(one: str = "as an answer is one ranking") -> Any:
    """How vectors are scored, and why in one way alone."""
    return option(
        None,
        f"how vectors are scored; one, {one}; centered in context.*, cosine elsewhere, unless "
        "given",
    )


def rows_option(help: str = "how many rows", count: int = ROWS, shown: bool = True) -> Any:
    """How many of the best; where fewer exist than is usual and none is said, all of them."""
    usual = f"{count}, or as many as there are"
    offered = ("10", "20", "50", "100", "500")
    return option(None, help, usual=usual, count=count, shown=shown, offered=offered)


def inputs_option() -> Any:
    """Whether what is asked for may be found."""
    return option(False, "keep the query's own items", shown=False)


def forms_option(shown: bool = True) -> Any:
    """Whether forms of one word are one row."""
    return option(
        False,
        "fold forms that differ only in case or leading space into one row",
        shown=shown,
        folds_forms=True,
        also=("--distinct/--all-forms",),
    )


def seed_option() -> Any:
    """Of whatever is drawn."""
    return option(0, "seed of the draw", shown=False)


def target_option() -> Any:
    """Where does a word stand?"""
    return option(
        None,
        "a word: its rank, score, z and gain over each component",
        "word",
        placeholder="target, such as Chihuahua",
    )


def against_option() -> Any:
    """What the target is compared under."""
    return option(
        None,
        "another expression that the target is compared under",
        "expression",
        placeholder="against another expression",
    )


def method_option() -> Any:
    """How an analogy is scored."""
    return option("add", "3CosAdd, or 3CosMul")
