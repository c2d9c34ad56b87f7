"""The grammar of expressions: every form that is read, every fault that is named, and two laws."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadExpression
from explorer.expressions import Kind, Term, parse

quick = settings(max_examples=300)


def only(text: str) -> Term:
    (term,) = parse(text).terms
    return term


FORMS = [
    ("large", Term(Kind.WORD, text="large")),
    ("well-known", Term(Kind.WORD, text="well-known")),
    ("C++", Term(Kind.WORD, text="C++")),
    ("a*b", Term(Kind.WORD, text="a*b")),
    ("1984", Term(Kind.WORD, text="1984")),
    ("Great Dane", Term(Kind.WORD, text="Great Dane")),
    ("  Great \t Dane \n", Term(Kind.WORD, text="Great Dane")),
    ('"Great Dane"', Term(Kind.TEXT, text="Great Dane")),
    ('"king - man"', Term(Kind.TEXT, text="king - man")),
    (r'"say \"hi\" \\ now"', Term(Kind.TEXT, text=r'say "hi" \ now')),
    ('token:"large"', Term(Kind.TOKEN, text="large")),
    ('token:" large"', Term(Kind.TOKEN, text=" large")),
    ('token:" "', Term(Kind.TOKEN, text=" ")),
    ("token:large", Term(Kind.TOKEN, text="large")),
    ("␣large", Term(Kind.TOKEN, text=" large")),
    ("#1507", Term(Kind.TOKEN_ID, number=1507)),
    ("L29N112.out", Term(Kind.NEURON, layer=29, unit=112, side="out")),
    ("L0N0.in", Term(Kind.NEURON, layer=0, unit=0, side="in")),
    ("L3N4.up", Term(Kind.NEURON, layer=3, unit=4, side="up")),
    ("dog@context.12", Term(Kind.WORD, text="dog", space="context.12")),
    ("Great Dane@context.3", Term(Kind.WORD, text="Great Dane", space="context.3")),
    ('"Great Dane"@context.3', Term(Kind.TEXT, text="Great Dane", space="context.3")),
    ("#15@unembed", Term(Kind.TOKEN_ID, number=15, space="unembed")),
    ("@embed", Term(Kind.WORD, text="@embed")),
]


@pytest.mark.parametrize(("text", "term"), FORMS)
def test_each_form_is_read_as_what_it_says(text: str, term: Term) -> None:
    assert only(text) == term


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("0.5*dog", 0.5),
        ("0.5 * dog", 0.5),
        ("0.5* dog", 0.5),
        ("0.5 *dog", 0.5),
        (".5*dog", 0.5),
        ("2.*dog", 2.0),
        ("-2*dog", -2.0),
        ("-2 * dog", -2.0),
        ("+2*dog", 2.0),
        ("- 2*dog", -2.0),
        ("- -2*dog", 2.0),
        ("1e3*dog", 1000.0),
        ("2.5e-3*dog", 0.0025),
        ("- dog", -1.0),
        ("+ dog", 1.0),
    ],
)
def test_a_weight_and_a_sign_multiply(text: str, weight: float) -> None:
    assert only(text) == Term(Kind.WORD, weight, "dog")


def test_a_weight_stands_before_every_kind_of_item() -> None:
    text = '2*"Great Dane" - 3*token:"x" + 4*#5 - 5*L1N2.in + 6*dog@context.1'
    found = [(term.kind, term.weight) for term in parse(text).terms]
    assert found == [
        (Kind.TEXT, 2.0),
        (Kind.TOKEN, -3.0),
        (Kind.TOKEN_ID, 4.0),
        (Kind.NEURON, -5.0),
        (Kind.WORD, 6.0),
    ]


def test_signs_belong_to_the_terms_they_stand_before() -> None:
    terms = parse("king - man + woman").terms
    assert [(term.text, term.weight) for term in terms] == [
        ("king", 1.0),
        ("man", -1.0),
        ("woman", 1.0),
    ]
    assert [term.weight for term in parse("- man + king").terms] == [-1.0, 1.0]


def test_a_phrase_takes_its_weight_from_its_first_word_and_its_space_from_its_last() -> None:
    assert only("0.5*Great Dane@context.3") == Term(Kind.WORD, 0.5, "Great Dane", space="context.3")


def test_the_text_is_kept_with_single_blanks_and_its_quotes_as_they_are() -> None:
    assert parse(' dog  -  "a  b" ').text == 'dog - "a  b"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the expression is empty"),
        (" \t\n ", "the expression is empty"),
        ("+", "ends with an operator"),
        ("king -", "ends with an operator"),
        ("2 *", "ends with an operator"),
        ("2*", "ends with an operator"),
        ("king - + man", "follows an operator"),
        ("- - king", "follows an operator"),
        ("2 * + dog", "follows an operator"),
        ("* dog", "follows no weight"),
        ("king + * dog", "follows no weight"),
        ("2 * * dog", "follows no weight"),
        ("2 * 3 * dog", "two weights in a row"),
        ("dog * 2", "'dog' before '*' is not a number"),
        ("nan * dog", "must be finite"),
        ("inf * dog", "must be finite"),
        ("1e999*dog", "must be finite"),
        ("0*dog", "not zero"),
        ("-0.0*dog", "not zero"),
        ("1e7*dog", "between 1e-06 and 1e+06"),
        ("1e-7*dog", "between 1e-06 and 1e+06"),
        ("9" * 5000 + "*dog", "must be finite"),
        ('"Great Dane', "a quote is left open"),
        ('Great "Dane', "a quote is left open"),
        ('dog" - cat', "a quote is left open"),
        ('""', "an empty text in quotes"),
        ('"  "', "an empty text in quotes"),
        ('"a" "b"', "no operator before '\"b\"'"),
        ("dog 2*cat", "no operator before '2*cat'"),
        ("dog L1N2.in", "no operator before 'L1N2.in'"),
        ("dog@embed cat", "no operator before 'cat'"),
        ("king -man", "no blank after '-'"),
        ("king +man", "no blank after '+'"),
        ("king- man", "no blank before '-'"),
        ('"a"b', "cannot read '\"a\"b'"),
        ("dog@", "no space is named after '@'"),
        ('"dog"@', "no space is named after '@'"),
        ("L29N112", "which side of L29N112"),
        ("L29N112.over", "no side 'over' of L29N112"),
        ("L29N112.IN", "no side 'IN' of L29N112"),
        ("#" + "9" * 5000, "a number of 5000 digits"),
        ("L1N" + "9" * 5000 + ".in", "a number of 5000 digits"),
        ("dog\udcff", "not UTF-8"),
    ],
)
def test_each_fault_is_named_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadExpression) as caught:
        parse(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_quotes_what_was_asked() -> None:
    with pytest.raises(BadExpression, match=r"^'king -' "):
        parse("king -")


@quick
@given(st.text(st.sampled_from("ab1.5eL N#@*+-\"\\␣: \t\n'") | st.characters(), max_size=30))
def test_any_text_is_read_or_refused_as_a_bad_expression(text: str) -> None:
    try:
        terms = parse(text).terms
    except BadExpression:
        return
    assert terms
    assert all(term.weight != 0 for term in terms)


plain_words = st.text("abcdefgXYZ", min_size=1, max_size=6)
phrases = st.lists(plain_words, min_size=1, max_size=3).map(" ".join)
raw_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
texts = raw_texts.map(lambda text: unicodedata.normalize("NFC", text))
weights = st.floats(1e-6, 1e6, allow_nan=False)
spaces = st.none() | st.sampled_from(["embed", "context.0", "context.12"])


def of_kind(kind: Kind, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Term]:
    return st.builds(Term, st.just(kind), st.tuples(weights, st.sampled_from([1, -1])).map(
        lambda pair: pair[0] * pair[1]
    ), space=spaces, **fields)  # fmt: skip


numbers = st.integers(0, 10**6)
terms = st.one_of(
    of_kind(Kind.WORD, text=phrases),
    of_kind(Kind.TEXT, text=texts),
    of_kind(Kind.TOKEN, text=raw_texts | st.just(" ")),
    of_kind(Kind.TOKEN_ID, number=numbers),
    of_kind(
        Kind.NEURON, layer=numbers, unit=numbers, side=st.sampled_from(["gate", "up", "in", "out"])
    ),
)


def written(term: Term) -> str:
    space = f"@{term.space}" if term.space else ""
    return f"{abs(term.weight)!r}*{term.name}{space}"


@quick
@given(st.lists(terms, min_size=1, max_size=5))
def test_terms_written_out_are_read_back_as_they_were(wanted: list[Term]) -> None:
    signs = ["-" if term.weight < 0 else "+" for term in wanted]
    text = " ".join(f"{sign} {written(term)}" for sign, term in zip(signs, wanted, strict=True))
    assert list(parse(text).terms) == wanted
    assert parse(parse(text).text).terms == tuple(wanted)
