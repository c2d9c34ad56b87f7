"""What the views ask, without any screen: places, trails, texts, links, gauges, details."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from explorer import questions
from explorer.errors import BadExpression, QueryError, SemanticError
from explorer.expressions import expressions
from explorer.progress import no_progress
from explorer.views import VIEWS, detail, gauge, links, terms
from explorer.views.completion import completions
from explorer.views.offers import offer
from explorer.views.place import LONGEST_TRAIL, Place, RowMark, Trail
from explorer.views.view import Choice, chosen, default_of

pytestmark = pytest.mark.native


def ask(ix: Any, view: str, text: str, **chosen: str) -> Any:
    place = Place(view, text)
    for name, value in chosen.items():
        place = place.choosing(name, value)
    return VIEWS[view].ask(ix, place, no_progress)


# -- what is offered where a question is refused ------------------------------------------------


def offered(ix: Any, view: str, text: str, **chosen: str) -> tuple[str, ...]:
    """What stands in the line at fault once the offer is taken; it is answered, or nothing is."""
    place = Place(view, text)
    for name, value in chosen.items():
        place = place.choosing(name, value)
    asks = VIEWS[view].ask if VIEWS[view].live else None

    def again(there: Place) -> None:
        if asks is not None:
            asks(ix, there, no_progress)
        elif (check := VIEWS[view].check) is not None:
            check(ix, there)

    with pytest.raises(SemanticError) as caught:
        again(place)
    offer(ix, caught.value, place, again)
    for one in caught.value.instead:
        there = place.writing(caught.value.asked, one)
        assert there is not None
        again(there)
    return caught.value.instead


@pytest.mark.parametrize("view", ["neighbors", "analogy", "layers", "middleman", "compare", "ov"])
@pytest.mark.parametrize("text", ["L99N1", "L29N99999", "L99N1.foo", "#999999"])
def test_what_would_be_refused_is_not_offered(real: Any, view: str, text: str) -> None:
    assert offered(real, view, text) == ()


@pytest.mark.parametrize(
    ("view", "text", "meant"),
    [
        ("neighbors", "L29N112", "L29N112.gate"),
        ("neighbors", "lagre, zzxqvf", "large"),
        ("neighbors", "king - woamn + qeen", "king - woman + queen"),
        ("middleman", "lagre, womn", "large, women"),
        ("compare", "lagre, tall", "large, tall"),
        ("congruence", "large, talll", "large, tall"),
        ("neuron", "lagre", "large"),
        ("logits", "large, L29N112", "L29N112"),
    ],
)
def test_what_is_offered_is_answered(real: Any, view: str, text: str, meant: str) -> None:
    assert offered(real, view, text) == (meant,)


def test_a_line_beside_the_bar_is_mended_too(real: Any) -> None:
    assert offered(real, "analogy", "dog + small", target="pupppy") == ("puppy",)


@pytest.mark.parametrize("view", ["middleman", "compare", "congruence", "ov"])
@pytest.mark.parametrize("name", ["L29N112", "L3H5D7", "L29N112.out"])
def test_where_words_are_asked_a_neuron_is_not_asked_for_its_side(
    real: Any, view: str, name: str
) -> None:
    with pytest.raises(QueryError, match=r"is a (neuron|head dimension); ") as caught:
        ask(real, view, f"large, {name}" if view != "ov" else name)
    assert caught.value.instead == ()


def test_a_neuron_without_such_a_side_is_no_word(real: Any) -> None:
    with pytest.raises(BadExpression, match="names no neuron"):
        ask(real, "neuron", "L29N112.foo")


# -- places -----------------------------------------------------------------------------------


def test_the_default_is_no_choice_and_a_choice_is_kept_over_views() -> None:
    place = Place("neighbors", "dog").choosing("space", "context.12", "embed")
    assert place.get("space") == "context.12"
    assert place.choosing("space", "embed", "embed") == Place("neighbors", "dog")
    assert Place.from_dict(json.loads(json.dumps(place.to_dict()))) == place


def test_a_trail_goes_back_and_forward_and_forgets_what_lay_ahead() -> None:
    trail = Trail()
    for text in ("a", "b", "c"):
        trail.step(Place("neighbors", text))
    assert [place.text for place in trail.places] == ["a", "b", "c"]  # an empty bar is no place
    assert trail.back()
    assert trail.back()
    assert not trail.back()
    assert trail.here.text == "a"
    assert trail.forward()
    trail.step(Place("ov", "d"))
    assert [place.text for place in trail.places] == ["a", "b", "d"]
    assert not trail.forward()
    trail.step(trail.here)
    assert len(trail.places) == 3
    for at in range(2 * LONGEST_TRAIL):
        trail.step(Place("ov", str(at)))
    assert len(trail.places) == LONGEST_TRAIL
    assert trail.here.text == str(2 * LONGEST_TRAIL - 1)


def test_a_row_is_found_by_what_it_is_about_else_by_its_number() -> None:
    assert RowMark("b", 3).found(["b", "a", "b", "c"]) == 2
    assert RowMark("b", 0).found(["c", "a", "b"]) == 2
    assert RowMark("b", 1).found(["c", "a"]) == 1
    assert RowMark("", 1).found(["", "", "c"]) == 1


def test_letters_make_no_trail_but_the_first_after_an_arrival() -> None:
    trail = Trail()
    for text in ("l", "la", "lar"):
        trail.write(Place("neighbors", text))
    assert [place.text for place in trail.places] == ["lar"]
    trail.arrive()
    for text in ("large", "larges"):
        trail.write(Place("neighbors", text))
    assert [place.text for place in trail.places] == ["lar", "larges"]


# -- the bar ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "avoid"),
    [
        ("large, tall - red", ("large", "tall"), ("red",)),
        ("large + tall", ("large", "tall"), ()),
        ('"Great Dane", token:","', ('"Great Dane"', 'token:","'), ()),
        ("dog@context.3,cat", ("dog@context.3", "cat"), ()),
        ("great dane, dog,", ("great dane", "dog"), ()),
        ("dog, dog", ("dog",), ()),
        ("L29N112.out, large", ("L29N112.out", "large"), ()),
    ],
)
def test_words_stand_between_commas_or_are_added(
    text: str, words: tuple[str, ...], avoid: tuple[str, ...]
) -> None:
    assert terms.several(text) == terms.TypedWords(words, avoid)
    if len(expressions(text)) > 1:
        with pytest.raises(BadExpression, match="one is asked here") as caught:
            terms.alone(text)
        assert caught.value.instead == tuple(dict.fromkeys(expressions(text)))


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_nothing_is_asked_of_an_empty_bar(text: str) -> None:
    for read in (terms.alone, terms.several, terms.only_words):
        with pytest.raises(BadExpression, match="nothing is asked"):
            read(text)


def test_weights_and_what_is_taken_away_are_refused_where_they_mean_nothing() -> None:
    with pytest.raises(QueryError, match="weight"):
        terms.several("2*dog, cat")
    with pytest.raises(QueryError, match="'red' is taken away"):
        terms.only_words("large - red")
    with pytest.raises(BadExpression, match="2 words"):
        terms.only_words("large", 2)


@pytest.mark.slow
def test_every_token_and_word_is_written_so_that_it_is_asked_again(real: Any) -> None:
    """What stands in an answer, put into the bar, is the same item."""
    names = real.sql("SELECT text, display FROM token WHERE id % 97 = 0 AND NOT special").rows
    assert len(names) > 400
    for row in names:
        said = terms.item(row["display"], "token", row["text"])
        assert real.neighbors(terms.alone(said), k=1).meta.resolved[0].item == row["display"]
    for row in real.sql("SELECT text FROM word WHERE id % 31 = 0").rows:
        said = terms.item(row["text"], "word", row["text"])
        assert real.neighbors(said, "context.3", k=1).meta.resolved[0].item == row["text"]


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("king - woamn + man", "woamn"),
        ("lrage", "lrage"),
        ("dog@contxt.3 + cat", "contxt.3"),
        ("large, 2*taal", "2*taal"),
        ("L99N3.out", "L99N3.out"),
        ('"open', '"open'),
        ("  dog +  ", "dog +"),
    ],
)
def test_an_error_is_marked_where_it_stands(real: Any, text: str, bad: str) -> None:
    with pytest.raises(QueryError.__mro__[1]) as caught:
        real.neighbors((expressions(text) or (text,))[-1])
    first, end = terms.bad_span(text, str(caught.value))
    assert text[first:end] == bad


def test_completions_keep_what_is_written_before(real: Any) -> None:
    assert completions(real, "lar")[0] == "large"
    assert completions(real, "king - lar")[0] == "king - large"
    assert completions(real, "tall,lar")[0] == "tall,large"
    assert completions(real, '"lar')[0] == '"large"'
    assert completions(real, "2*lar")[0] == "2*large"
    assert completions(real, "dog@con")[0] == "dog@context.0"
    for nothing in ("", "large ", "king - ", "king -", "xqzw", "large,"):
        assert completions(real, nothing) == (), nothing


# -- views ------------------------------------------------------------------------------------


def test_what_is_chosen_must_be_there_or_is_the_default(real: Any) -> None:
    for view in VIEWS.values():
        for option in view.options:
            if isinstance(option, Choice):
                assert default_of(option, real) in option.values(real), (view.name, option.name)
                nowhere = Place(view.name).choosing(option.name, "nowhere")
                assert chosen(nowhere, real, option) == default_of(option, real)


def test_views_ask_the_questions_of_the_api(real: Any) -> None:
    assert ask(real, "neighbors", "dog", space="context.3", k="50") == real.neighbors(
        "dog", "context.3", k=50, distinct=True
    )
    assert ask(real, "middleman", "large, tall - red", side="out", layer="29") == real.middleman(
        "large", "tall", avoid=("red",), side="out", layers="29", k=20
    )
    assert ask(real, "analogy", "dog + small", target="Chihuahua") == real.analogy(
        "dog + small", "Chihuahua", k=20, distinct=True
    )
    assert ask(real, "layers", "large", target="tall") == real.layers(
        "large", "tall", distinct=True
    )
    assert ask(real, "ov", "large", layer="29", head="1") == real.ov("large", layers="29", head=1)
    assert ask(real, "neuron", "L29N112") == real.neuron("L29N112")
    assert ask(real, "neuron", "large") == real.word("large")
    assert ask(real, "congruence", "large, tall", space="embed") == real.congruence(
        "large", "tall", space="embed"
    )
    assert ask(real, "congruence", "", group="size", space="embed") == real.congruence(
        group="size", space="embed"
    )
    assert ask(real, "compare", "large, tall", pairs="100") == real.compare(
        "large", "tall", pairs=100
    )
    assert ask(real, "index", "") is real.manifest


# -- rows -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_everything_a_row_names_can_be_explored(real: Any) -> None:
    for view, text in (
        ("neighbors", "large"),
        ("middleman", "large, tall"),
        ("layers", "large"),
        ("ov", "large"),
        ("neuron", "L29N112"),
        ("neuron", "large"),
        ("compare", "large, tall"),
    ):
        answer = ask(real, view, text, **({"pairs": "0"} if view == "compare" else {}))
        for row in answer.layout().rows[:1]:
            found = links.links(answer, row, real.manifest)
            assert found, (view, row)
            for link in found[:6]:
                there = links.follow(link, Place(view, text))
                assert ask(real, there.view, there.text, **dict(there.chosen)).rows, link


def test_neurons_heads_and_spaces_lead_to_their_own_views() -> None:
    here = Place("middleman", "large, tall")
    assert links.follow(links.neuron("L29N112"), here) == Place("neuron", "L29N112")
    assert links.follow(links.head("L3H5"), here) == Place(
        "ov", "large, tall", (("head", "5"), ("layer", "3"))
    )
    assert links.follow(links.space("context.3"), here).get("space") == "context.3"
    word = links.of_item("␣dog", "token")
    assert links.follow(word, here) == Place("neighbors", "␣dog")
    assert links.follow(word, Place("ov", "x")).view == "ov"


def test_rows_of_sql_are_explored_by_what_stands_in_them() -> None:
    row = {"item": "␣dog", "n": 3, "neuron": "L29N112", "nearest": ["cat", "␣cats"], "x": "a b"}
    found = links.links(None, row, None)
    assert [(one.label, one.text, one.view) for one in found] == [
        ("␣dog", "␣dog", None),
        ("L29N112", "L29N112", "neuron"),
        ("cat", 'token:"cat"', None),
        ("␣cats", "␣cats", None),
        ("a b", "a b", None),
    ]


def test_a_bar_is_as_long_as_the_score_is_far_from_ordinary(real: Any) -> None:
    answer = real.neighbors("large", k=50)
    found = answer.meta.calibration
    span = gauge.range_of(answer, answer.rows)
    assert span is not None
    assert np.isclose(span.gauge.high, found.mean + 2 * found.std)
    bars = [span.bar(row, 40) for row in answer.rows]
    assert all(len(bar) == 40 for bar in bars)
    filled = [bar.count(gauge.WITHIN) + bar.count(gauge.BEYOND) for bar in bars]
    assert filled == sorted(filled, reverse=True)
    assert filled[0] == 40
    for row, bar in zip(answer.rows, bars, strict=True):
        assert (gauge.BEYOND in bar) == (row.z > 2 + 0.5 * (span.most - span.least) / 40)


def test_a_distance_is_drawn_the_other_way_round(real: Any) -> None:
    answer = real.neighbors("large", measure="euclidean", k=5)
    span = gauge.range_of(answer, answer.rows)
    assert span is not None
    first, last = (span.bar(answer.rows[at], 30).count(gauge.BEYOND) for at in (0, -1))
    assert first > last


def test_scores_on_both_sides_are_drawn_from_the_middle(real: Any) -> None:
    answer = real.word("large")
    span = gauge.range_of(answer, answer.rows)
    assert span is not None
    for row in answer.rows:
        bar = span.bar(row, 60)
        middle = round((span.gauge.middle - span.least) / (span.most - span.least) * 60)
        side = bar[:middle] if row.z < 0 else bar[middle:]
        assert bar.count(gauge.BEYOND) == side.count(gauge.BEYOND) > 0


def test_without_a_baseline_there_is_no_bar(real: Any) -> None:
    dots = real.middleman("large", "tall", score="dot")
    assert gauge.range_of(dots, dots.rows) is None
    assert gauge.range_of(real.manifest, []) is None


def test_a_row_that_leads_nowhere_is_told_whole(real: Any) -> None:
    answer = real.evaluate_analogies([": family", "king queen man woman"], space="embed")
    row = answer.rows[0]
    said = detail.row_detail(answer, answer.layout(), row, real.manifest)
    assert said.links == ()
    assert detail.Line("covered", f"{row.covered}") in said.lines
    assert detail.Line("of asked", f"{row.of_asked:.1%}") in said.lines


def test_a_row_is_told_at_length(real: Any) -> None:
    answer = real.neighbors("large")
    said = detail.row_detail(answer, answer.layout(), answer.rows[0], real.manifest)
    assert said.title == answer.rows[0].item
    more = detail.full_detail(real, answer, said)
    assert more.lines[: len(said.lines)] == said.lines
    near = [link.label for what, link in more.links if what == "near in embed"]
    assert near[0] == real.neighbors("␣big", k=1).rows[0].item
    assert "tokens" in {line.name for line in more.lines}
    middle = real.middleman("large", "tall")
    said = detail.row_detail(middle, middle.layout(), middle.rows[0], real.manifest)
    more = detail.full_detail(real, middle, said)
    assert {"acts", "norms", "cosines"} <= {line.name for line in more.lines}
    assert {"reads", "writes"} <= {what for what, _ in more.links}
    assert isinstance(middle.rows[0], questions.MiddleMan)
