"""What people type, in every face: signs of other keyboards, commas, phrases, and what was meant.

One text is one expression; a comma parts several; a phrase is of words that are known.
"""

from __future__ import annotations

import pickle
import unicodedata
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer
from conftest import Run
from explorer.errors import BadExpression, QueryError, UnknownWord
from explorer.expressions import Kind, Term, apart, expressions, parse
from explorer.progress import no_progress
from explorer.questions import CompareQuery, CongruenceQuery, MiddlemanQuery
from explorer.views import VIEWS
from explorer.views.place import Place
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator
from indexer.store.errors import at_the_edge, in_python, in_sql, on_command_line
from indexer.words import read_words

pytestmark = pytest.mark.native

NFD = unicodedata.normalize("NFD", "café")

# -- signs of other keyboards -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("king \N{MINUS SIGN} man + woman", "king - man + woman"),
        ("king \N{EN DASH} man + woman", "king - man + woman"),
        ("king \N{EM DASH} man", "king - man"),
        ("king \N{FULLWIDTH HYPHEN-MINUS} man \N{FULLWIDTH PLUS SIGN} woman", "king - man + woman"),
        ("\N{MINUS SIGN} man + king", "- man + king"),
        ("\N{MINUS SIGN}2*man + king", "-2*man + king"),
        ("0.5\N{MULTIPLICATION SIGN}dog", "0.5*dog"),
        ("0.5 \N{MULTIPLICATION SIGN} dog", "0.5*dog"),
        ("“Great Dane” + small", '"Great Dane" + small'),
        ("„Great Dane“ + small", '"Great Dane" + small'),
        ("«Great Dane»@context.3", '"Great Dane"@context.3'),
        ("2*“Great Dane”", '2*"Great Dane"'),
        ("＂Great Dane＂", '"Great Dane"'),
        ("“say \"hi\"”", r'"say \"hi\""'),
        ("token:“large”", 'token:"large"'),
        (NFD, "café"),
        (f'"{NFD}"', '"café"'),
        ("dog\N{IDEOGRAPHIC SPACE}+ cat", "dog + cat"),
        ("＃15", "#15"),
        ("dog＠embed", "dog@embed"),
    ],
)  # fmt: skip
def test_signs_stand_for_those_of_the_grammar(typed: str, meant: str) -> None:
    assert parse(typed).terms == parse(meant).terms


@pytest.mark.parametrize(
    ("typed", "term"),
    [
        ("don’t", Term(Kind.WORD, text="don’t")),
        ('token:"’"', Term(Kind.TOKEN, text="’")),
        (f'token:"{NFD}"', Term(Kind.TOKEN, text=NFD)),
        ("␣“", Term(Kind.TOKEN, text=" “")),
        ('"a – b, “c”"', Term(Kind.TEXT, text="a – b, “c”")),
        ("well–known", Term(Kind.WORD, text="well–known")),
        ("×", Term(Kind.WORD, text="×")),
        ("1,000", Term(Kind.WORD, text="1,000")),
        ("token:,", Term(Kind.TOKEN, text=",")),
        ("␣,", Term(Kind.TOKEN, text=" ,")),
    ],
)
def test_what_is_no_sign_of_the_grammar_stays(typed: str, term: Term) -> None:
    assert parse(typed).terms == (term,)


@pytest.mark.parametrize("typed", ["“Great Dane", "“", "king –man", "king− man"])
def test_signs_that_are_half_meant_are_refused(typed: str) -> None:
    with pytest.raises(BadExpression):
        parse(typed)


# -- commas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("large, tall", ("large", "tall")),
        ("large,tall,", ("large", "tall")),
        ("large，tall、huge", ("large", "tall", "huge")),
        ('"a, b", c', ('"a, b"', "c")),
        ("“a, b”, c", ('"a, b"', "c")),
        ("10,000, 20", ("10,000", "20")),
        ('token:",", dog', ('token:","', "dog")),
        ("dog - cat, tall", ("dog - cat", "tall")),
        (" , ", ()),
        ("", ()),
    ],
)
def test_commas_part_expressions(text: str, several: tuple[str, ...]) -> None:
    assert expressions(text) == several


def test_several_words_are_one_text_or_many_alike() -> None:
    wanted = MiddlemanQuery(("large", "tall"), avoid=("red", "blue"))
    for words in (("large, tall",), ("large,", "tall"), ["large", "tall"], "large, tall"):
        assert MiddlemanQuery(words, avoid=("red, blue",)) == wanted  # type: ignore[arg-type]
    assert CompareQuery(("a,b",)).words == CongruenceQuery(("a", "b")).words == ("a", "b")


def test_one_expression_is_never_several(real: Any) -> None:
    for ask in (
        lambda: real.neighbors("large, tall"),
        lambda: real.analogy("large, tall"),
        lambda: real.analogy("large", target="tall, red"),
        lambda: real.layers("large, tall"),
        lambda: real.ov("large, tall"),
        lambda: real.word("large, tall"),
        lambda: real.vector("large, tall"),
        lambda: real.sql("FROM neighbors('large, tall')"),
        lambda: VIEWS["neighbors"].ask(real, Place("neighbors", "large, tall"), no_progress),
        lambda: VIEWS["ov"].ask(real, Place("ov", "large, tall"), no_progress),
        lambda: VIEWS["neuron"].ask(real, Place("neuron", "L1N2, L1N3"), no_progress),
    ):
        with pytest.raises(QueryError, match="holds 2 expressions, parted by commas") as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert len(caught.value.instead) == 2


def test_every_face_takes_the_same_words(real: Any) -> None:
    wanted = [row.neuron for row in real.middleman("large", "tall", k=3).rows]
    assert [row.neuron for row in real.middleman("large, tall", k=3).rows] == wanted
    for words in ("'large, tall'", "['large', 'tall']", "['large, tall']"):
        rows = real.sql(f"SELECT neuron FROM middleman({words}, k := 3)").rows
        assert [row["neuron"] for row in rows] == wanted
    place = Place("middleman", "large, tall").choosing("side", "gate", "out")
    assert [row.neuron for row in VIEWS["middleman"].ask(real, place, no_progress).rows][
        :3
    ] == wanted
    column = (
        "SELECT m.neuron FROM (SELECT 'large, tall' AS w) t, middleman(t.w, k := 3) m "
        "ORDER BY m.rank"
    )
    assert [row["neuron"] for row in real.sql(column).rows] == wanted


# -- one text is one expression, and the other reading is offered -------------------------------


def test_a_phrase_among_words_offers_the_words(real: Any) -> None:
    assert apart("large tall") is not None
    assert apart("large") is apart("large + tall") is apart('"large tall"') is None
    (item,) = real.middleman("large tall", k=1).meta.resolved
    assert item.instead == ("large, tall",)
    assert "two words? `large, tall`" in item.note
    place = Place("middleman", "large tall")
    assert VIEWS["middleman"].ask(real, place, no_progress).meta.resolved == (item,)
    # Where the question takes one expression it is one, and nothing else is offered.
    assert real.neighbors("large tall", k=1).meta.resolved[0].instead == ()
    for ask in (
        lambda: real.compare("large tall"),
        lambda: VIEWS["compare"].ask(real, Place("compare", "large tall"), no_progress),
    ):
        with pytest.raises(QueryError, match=r"two words\? `large, tall`") as caught:
            ask()
        assert (caught.value.asked, caught.value.instead) == ("large tall", ("large, tall",))
    # A phrase that is indexed was meant as one.
    assert real.middleman("Great Dane", k=1).meta.resolved[0].instead == ()


def test_what_is_not_known_offers_whole_expressions(real: Any) -> None:
    with pytest.raises(UnknownWord) as caught:
        real.neighbors("king - elefant + 2*tall")
    assert caught.value.asked == "king - elefant + 2*tall"
    assert "king - elephant + 2.0*tall" in caught.value.instead
    for text in caught.value.instead:
        real.neighbors(text, k=1)
    for ask in (lambda: real.ov("elefant"), lambda: real.neighbors("elefant")):
        with pytest.raises(UnknownWord) as caught:
            ask()
        assert caught.value.asked == "elefant"
        assert "elephant" in caught.value.instead
    with pytest.raises(QueryError) as told:
        real.sql("FROM neighbors('elefant')")
    assert "elephant" in told.value.instead
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.instead) == (str(caught.value), caught.value.instead)


# -- phrases, and pieces of words ---------------------------------------------------------------


def test_a_phrase_needs_each_of_its_words(real: Any) -> None:
    for text in ("zzxqvf elephant", "elephant zzxqvf", "elephant zzxqvf + dog"):
        with pytest.raises(UnknownWord, match="'zzxqvf' in '") as caught:
            real.neighbors(text)
        assert any('"' in one for one in caught.value.instead)
    assert len(real.neighbors("large elephant", k=1).meta.resolved[0].tokens) == 2
    quoted = real.neighbors('"zzxqvf elephant"', k=1).meta.resolved[0]
    assert quoted.note.startswith("the mean of its")


def test_a_piece_of_words_is_told_with_a_whole_word(real: Any) -> None:
    pieces = real.sql(
        "SELECT t.text FROM token t WHERE regexp_full_match(t.text, '[a-z]{3,8}') AND NOT EXISTS "
        "(SELECT 1 FROM token o WHERE o.text = ' ' || t.text) AND NOT EXISTS "
        "(SELECT 1 FROM word w WHERE w.text = t.text) AND EXISTS "
        "(SELECT 1 FROM word w WHERE contains(w.text, t.text)) ORDER BY id LIMIT 5"
    ).rows
    assert pieces
    for row in pieces:
        (item,) = real.neighbors(row["text"], k=1).meta.resolved
        assert "only a piece of longer ones" in item.note
        (whole,) = item.instead
        assert row["text"] in whole
        named = real.neighbors(f'token:"{row["text"]}"', k=1).meta.resolved[0]
        assert named.note == ""
    assert real.neighbors("large", k=1).meta.resolved[0].note == ""


def test_plain_numbers_come_with_a_warning_where_something_else_may_be_meant(real: Any) -> None:
    piece = real.sql(
        "SELECT t.text FROM token t WHERE regexp_full_match(t.text, '[a-z]{3,8}') AND NOT EXISTS "
        "(SELECT 1 FROM token o WHERE o.text = ' ' || t.text) AND NOT EXISTS "
        "(SELECT 1 FROM word w WHERE w.text = t.text) AND EXISTS "
        "(SELECT 1 FROM word w WHERE contains(w.text, t.text)) ORDER BY id LIMIT 1"
    ).rows[0]["text"]
    for ask in (lambda: real.most_similar(piece), lambda: real.similarity("dog", piece)):
        with pytest.warns(UserWarning, match="only a piece of longer ones") as caught:
            ask()
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        real.most_similar(["large", "Great Dane"], "dog")
        real.similarity("large", "Great Dane")


def test_each_piece_within_a_phrase_is_told(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.resolve._MANY", 1e-9)  # as where many words are indexed
    (row,) = real.sql(
        "SELECT trim(t.text) AS piece FROM token t WHERE regexp_full_match(t.text, ' [a-z]{4,8}') "
        "AND NOT EXISTS (SELECT 1 FROM word w WHERE w.text = trim(t.text)) AND EXISTS "
        "(SELECT 1 FROM word w WHERE starts_with(w.text, trim(t.text))) ORDER BY id LIMIT 1"
    ).rows
    piece, ix = row["piece"], explorer.Explorer(real.index)
    (alone,) = ix.neighbors(piece, k=1).meta.resolved
    (whole,) = alone.instead
    (item, _) = ix.neighbors(f"{piece} {whole} {piece} - dog", k=1).meta.resolved
    assert item.note.startswith("the mean of its ")
    assert f"; {piece}: {alone.note}" in item.note
    assert item.instead == (f"{whole} {whole} {whole}",)
    assert ix.neighbors("dog cat", k=1).meta.resolved[0].instead == ()
    assert f"{piece} {whole} = " in repr(ix.neighbors([f"{piece} {whole}", "dog"], k=1))


def test_of_a_phrase_only_the_whole_word_is_respelled(real: Any) -> None:
    with pytest.raises(UnknownWord) as caught:
        real.neighbors("zzxqvf zzxqvfs")
    assert caught.value.instead
    assert all("zzxqvfs" in one for one in caught.value.instead)


# -- letters and marks --------------------------------------------------------------------------


def test_a_word_is_found_however_its_letters_are_written(real: Any) -> None:
    (one,), (other,) = (real.neighbors(text, k=1).meta.resolved for text in ("café", NFD))
    assert one == other


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_a_label_is_found_by_either_form(stored: str, tmp_path: Path) -> None:
    file = tmp_path / "v.npy"
    np.save(file, np.eye(4))
    labels = ["king", unicodedata.normalize(stored, "café"), "dog", "cat"]  # type: ignore[arg-type]
    file.with_suffix(".labels.txt").write_text("\n".join(labels) + "\n", "utf-8")
    request = ImportRequest(VectorSource(file), tmp_path / "ix", "four", "embed")
    import_vectors(request, Narrator(quiet=True))
    with explorer.open("four", tmp_path / "ix") as ix:
        for text in ("café", NFD, f'"{NFD}"'):
            assert ix.neighbors(text, k=1).meta.resolved[0].item == "café"


def test_a_file_of_words_is_read_in_one_form(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text(f"{NFD}\ncafé\nking\n", "utf-8")
    assert read_words(tmp_path / "words.txt") == ["café", "king"]


def test_what_is_more_unlike_than_alike_is_not_offered(real: Any) -> None:
    for text in ("29", "zzqx"):
        with pytest.raises(UnknownWord) as caught:
            real.neighbors(text)
        assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("dash", "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}")
def test_layers_are_read_with_any_dash(real: Any, dash: str) -> None:
    asked = real.middleman("large", layers=f"2{dash}4", k=2)
    assert asked == real.middleman("large", layers="2-4", k=2)


def test_true_is_no_number(real: Any) -> None:
    for ask in (
        lambda: real.neuron(True, 112),
        lambda: real.neuron(29, True),
        lambda: real.middleman("large", layers=[True]),
        lambda: real.middleman("large", layers=True),
        lambda: real.neighbors("large", k=True),
    ):
        with pytest.raises(QueryError, match="True"):
            ask()


# -- options in errors --------------------------------------------------------------------------


def test_a_view_says_what_to_take_out_of_its_bar(real: Any) -> None:
    place = Place("middleman", "large, tall - red").choosing("by", "activations", "weights")
    with pytest.raises(QueryError, match="leave out - red") as caught:
        VIEWS["middleman"].ask(real, place, no_progress)
    assert (caught.value.asked, caught.value.instead) == (place.text, ("large, tall",))
    alone = Place("ov", "large").choosing("head", "3", "")
    with pytest.raises(QueryError, match="head=3 of which layer"):
        VIEWS["ov"].ask(real, alone, no_progress)


def test_each_face_writes_an_option_in_its_own_way(real: Any, real_indexes: Path, run: Run) -> None:
    with pytest.raises(QueryError) as caught:
        real.middleman("large", by="activations", avoid=("red",))
    assert str(caught.value).startswith("by=activations ranks")
    assert str(caught.value).endswith("leave out avoid")
    for spelling, said in (
        (in_python, "by=activations"),
        (in_sql, "by := activations"),
        (on_command_line, "--by activations"),
    ):
        edge = at_the_edge(caught.value, spelling)
        assert edge is not None
        assert edge[1].startswith(said)
    with pytest.raises(QueryError, match=r"k := 0: ask for 1 row"):
        real.sql("FROM neighbors('dog', k := 0)")
    args = ("dog", "--by", "activations", "--avoid", "cat", "--indexes", str(real_indexes))
    done = run("explorer", "middleman", *args)
    assert done.err.startswith("explorer: --by activations ranks")
    assert done.err.endswith("leave out --avoid\n")
