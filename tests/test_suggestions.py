"""What is suggested in place of a name that is not known: never the very name that was asked."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from indexer.architectures import FAMILIES, UnknownFamily, family_of
from indexer.store.errors import SemanticError, did_you_mean, nearest, unknown

names = st.lists(st.text("aAbBé\u0301\u200b\u0430 ", min_size=1, max_size=6), max_size=6)


@settings(derandomize=True, deadline=None)
@given(st.text("aAbBé\u0301\u200b\u0430 ", min_size=1, max_size=6), names)
def test_no_suggestion_is_what_was_asked(asked: str, existing: list[str]) -> None:
    existing = [*existing, asked, asked.upper(), asked]
    near = nearest(asked, existing)
    assert asked not in near
    assert set(near) <= set(existing)
    for said in (did_you_mean(asked, near), did_you_mean(asked, existing)):
        assert f"mean {asked!r}?" not in said
        assert said == "" or "; did you mean " in said
    assert f"mean {asked!r}?" not in unknown("name", asked, existing)
    assert did_you_mean(asked, [asked]) == ""


def test_another_case_is_a_suggestion_and_the_nearest_comes_first() -> None:
    assert nearest("Size", ["size", "Size", "sizes"])[0] == "size"
    assert did_you_mean("Size", ["size"]) == "; did you mean 'size'?"
    assert did_you_mean("larg3", ["large", "larger"]) == "; did you mean 'large', 'larger'?"


@pytest.mark.parametrize(
    ("asked", "name", "holds"),
    [
        ("cafe\u0301", "café", "what was asked holds U+0301 COMBINING ACUTE ACCENT"),
        ("café", "cafe\u0301", "what was asked holds U+00E9 LATIN SMALL LETTER E WITH ACUTE"),
        ("lar\u200bge", "large", "what was asked holds U+200B ZERO WIDTH SPACE"),
        ("large", "lar\u00adge", "that holds U+00AD SOFT HYPHEN"),
        ("l\u0430rge", "large", "what was asked holds U+0430 CYRILLIC SMALL LETTER A"),
        ("large\u00a0one", "large one", "what was asked holds U+00A0 NO-BREAK SPACE"),
    ],
)
def test_a_name_that_looks_the_same_is_told_apart(asked: str, name: str, holds: str) -> None:
    assert did_you_mean(asked, [name]) == f"; did you mean {name!r}? (they look alike: {holds})"


@pytest.mark.parametrize(
    ("asked", "name"), [("largé", "large"), ("straße", "strasse "), ("naïve", "native")]
)
def test_what_looks_otherwise_needs_no_more_said(asked: str, name: str) -> None:
    assert did_you_mean(asked, [name]) == f"; did you mean {name!r}?"


def test_a_family_that_is_known_with_another_config_is_not_suggested_for_itself() -> None:
    asked = [
        {"model_type": family.model_types[0], **{name: object() for name, _ in family.when}}
        for family in FAMILIES
        if family.when
    ]
    refused = 0
    for config in asked:
        try:
            family_of(config)
        except UnknownFamily as err:
            refused += 1
            line = str(err).splitlines()[0]
            assert f"did you mean {config['model_type']!r}" not in line
            assert f"no entry for model family {config['model_type']!r} with such a config" in line
    assert refused


@pytest.mark.parametrize("asked", ["zzxqvf", "L99N1x", "qqqqqqqq"])
def test_what_is_like_nothing_has_no_suggestion(real: Any, asked: str) -> None:
    for ask in (real.neighbors, real.word):
        with pytest.raises(SemanticError) as caught:
            ask(asked)
        assert "did you mean" not in str(caught.value)
        assert "nearest" not in str(caught.value)
        assert set(caught.value.instead) <= {f'"{asked}"'}


def test_a_question_about_a_look_alike_says_what_it_holds(tiny_indexes: Any) -> None:
    with explorer.open("llama", tiny_indexes) as ix:
        for asked, holds in (("d\u043eg", "U+043E"), ("do\u200bg", "U+200B")):
            with pytest.raises(SemanticError, match="did you mean") as caught:
                ix.neighbors(asked)
            assert holds in str(caught.value)
            assert unicodedata.name(chr(int(holds[2:], 16))) in str(caught.value)
        with pytest.raises(SemanticError) as caught:
            ix.congruence(group="\u0455ize")
        assert "CYRILLIC SMALL LETTER DZE" in str(caught.value)
