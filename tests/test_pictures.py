"""Pictures: what is drawn is what the answer says, in characters and in files."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import explorer
from conftest import BIN, Run
from explorer.errors import QueryError
from explorer.show.draw.file import figure, save
from explorer.show.draw.grid import ABOVE, BELOW
from explorer.show.draw.room import columns_of, cut, folded
from explorer.show.draw.scale import Scale, scale_of, worst_of
from explorer.show.draw.terminal import NARROWEST, SHORTEST, drawn
from explorer.show.shapes import Bars, Grid, Histogram, Lines, Picture, Shares
from indexer.store.errors import MachineError
from processes import shown_in
from test_light import ASK, imported_by

# A picture holds the figures of an answer, which other files compute.
pytestmark = pytest.mark.native

HISTOGRAM = Histogram(
    "scores",
    "cosine",
    (0.0, 0.25, 0.5, 0.75, 1.0),
    Shares("chance", (0.5, 0.5, 0.0, 0.0)),
    Shares("asked", (0.0, 0.0, 0.25, 0.75)),
)


NOUGHTS = Grid(
    "heads that copy dog",
    "head",
    "layer",
    ("H0", "H1", "H2"),
    ("L0", "L1", "L2", "L3"),
    ((0.0, 9.0, -9.0), (4.1, None, -4.1), (1.9, -1.9, 6.0), (8.0, -6.0, 2.0)),
    "z",
    0,
)
RANKS = Lines(
    "puppy under dog: rank", "space", "rank", tuple("abcd"), (1, 9, 80, 700),
    (None,) * 4, (None,) * 4, ranks=True,
)  # fmt: skip


def layers_by_heads(layers: int, heads: int) -> Grid:
    """A grid whose values tell where they stand."""
    values = tuple(
        tuple(layer + head / 100 for head in range(heads)) for layer in range(-3, layers - 3)
    )
    columns = tuple(f"H{head}" for head in range(heads))
    rows = tuple(f"L{layer}" for layer in range(layers))
    return Grid("heads that copy dog", "head", "layer", columns, rows, values, "z", 0)


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


@pytest.fixture(scope="module")
def answer(tiny: Any) -> Any:
    return tiny.congruence(group="size", permutations=200)


# -- what is drawn --------------------------------------------------------------------------


def test_a_congruence_is_drawn_as_effects_and_as_scores(answer: Any, tiny: Any) -> None:
    effects, scores = answer.pictures()
    assert isinstance(effects, Lines)
    assert effects.labels == tuple(row.space for row in answer.rows)
    assert effects.values == tuple(row.effect for row in answer.rows)
    assert effects.low == tuple(row.low for row in answer.rows)
    shown = answer.meta.drawn[0].histogram
    assert isinstance(scores, Histogram)
    assert (scores.edges, scores.scores.shares) == (shown.edges, shown.words)
    assert scores.baseline.shares == shown.controls
    one = tiny.congruence(group="size", space="embed", permutations=200)
    assert [type(picture) for picture in one.pictures()] == [Histogram]


def test_other_answers_are_drawn_where_a_picture_says_more(tiny: Any) -> None:
    layers = tiny.layers("dog", "puppy")
    (change,) = tiny.layers("dog").pictures()
    changed = {row.space: row.change for row in tiny.layers("dog").rows if row.change is not None}
    assert dict(zip(change.labels, change.values, strict=True)) == changed
    assert tiny.analogy_layers("dog + cat").pictures() == ()
    for by_layer in (layers, tiny.analogy_layers("dog + cat", target="puppy")):
        z, rank = by_layer.pictures()
        assert z.labels == rank.labels == tuple(row.space for row in by_layer.rows)
        assert z.values == tuple(row.target.z for row in by_layer.rows)
        assert rank.values == tuple(row.target.rank for row in by_layer.rows)
        assert (z.ranks, rank.ranks) == (False, True)
    baseline = tiny.baseline(pairs=500)
    assert baseline.pictures()[0].values == tuple(row.mean for row in baseline.rows)
    assert baseline.pictures()[0].high == tuple(row.quantiles["0.95"] for row in baseline.rows)
    assert tiny.baseline("embed", pairs=500).pictures() == ()
    ov = tiny.ov("dog", k=4)
    assert ov.pictures()[0].labels == tuple(row.head for row in ov.rows)
    assert tiny.neighbors("dog").pictures() == ()


@pytest.mark.parametrize(
    "asked",
    [
        {"per_layer": 1},
        {"per_layer": 3, "avoid": ["red", "blue"]},
        {"k": 20, "score": "cosine", "combine": "mean"},
        {"k": 5, "by": "activations"},
    ],
)
def test_middle_men_are_drawn_as_the_best_of_each_layer(asked: dict[str, Any], real: Any) -> None:
    answer = real.middleman("large", "tall", **asked)
    (grid,) = answer.pictures()
    assert isinstance(grid, Grid)
    assert grid.columns == ("large", "tall", *(f"not {word}" for word in asked.get("avoid", ())))
    layers = sorted({row.layer for row in answer.rows})
    assert len(grid.rows) == len(grid.values) == len(layers)
    assert ("per_layer" in asked) == (layers == list(range(30)))
    for layer, name, values in zip(layers, grid.rows, grid.values, strict=True):
        best = max((row for row in answer.rows if row.layer == layer), key=lambda row: row.score)
        assert name == best.neuron
        assert values == (*best.scores.values(), *best.avoided.values())
    assert (grid.unit, grid.middle) == (asked.get("score", "z"), 0)
    assert real.middleman("large", layers="3", k=5).pictures() == ()


def test_percentiles_of_a_comparison_are_drawn(tiny: Any) -> None:
    two = tiny.compare("dog", "cat", pairs=100)
    (bars,) = two.pictures()
    assert dict(zip(bars.labels, bars.values, strict=True)) == two.rows[0].percentiles
    assert tiny.compare("dog", "cat", pairs=0).pictures() == ()
    many = tiny.compare("dog", "cat", "puppy", "red", pairs=100)
    (bars,) = many.pictures()
    first = many.query.measure[0]
    assert bars.labels == tuple(f"{row.first}, {row.second}" for row in many.rows)
    assert bars.values == tuple(row.percentiles[first] for row in many.rows)


def test_evaluations_of_several_rows_are_drawn(real: Any) -> None:
    lines = [": family", "king queen man woman", ": size", "large larger small smaller"]
    by_space = real.evaluate_analogies(lines, space=["embed", "context.3"])
    (line,) = by_space.pictures()
    assert line.labels == ("embed", "context.3")
    assert line.values == tuple(row.accuracy for row in by_space.rows)
    sections = real.evaluate_analogies(lines, space="embed")
    (bars,) = sections.pictures()
    assert bars.labels == tuple(row.section for row in sections.rows)
    one = real.evaluate_analogies(lines, space="embed", sections=False)
    assert one.pictures() == ()


def test_heads_are_drawn_as_a_grid_where_they_fill_one(real: Any) -> None:
    every = real.ov("dog", target="puppy", k=270)
    grid, spread = every.pictures()
    assert isinstance(grid, Grid)
    scores = np.array([row.score for row in every.rows])
    assert spread.counts == tuple(np.histogram(scores, spread.edges)[0].tolist())
    assert sum(spread.counts) == len(scores)
    assert spread.names == tuple(row.head for row in every.rows[:10])
    assert spread.places == tuple(row.score for row in every.rows[:10])
    assert grid.columns == tuple(f"H{head}" for head in range(9))
    assert grid.rows == tuple(f"L{layer}" for layer in range(30))
    for row in every.rows:
        assert grid.values[row.layer][row.number] == row.score
    most = real.ov("dog", target="puppy", k=150)
    part, _ = most.pictures()
    shown = {(row.layer, row.number): row.score for row in most.rows}
    first = min(row.layer for row in most.rows)
    there = {
        (first + down, across): value
        for down, values in enumerate(part.values)
        for across, value in enumerate(values)
    }
    assert {place: value for place, value in there.items() if value is not None} == shown
    assert None in there.values()
    for few in (real.ov("dog", k=10), real.ov("dog", layers=3)):
        (bars,) = few.pictures()
        assert isinstance(bars, Bars)
        assert bars.values == tuple(row.score for row in few.rows)


# -- in the terminal ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_picture(answer: Any, tiny: Any) -> list[Picture]:
    """Pictures of each shape, made up and of answers, small and large."""
    long = Grid(
        "of a title that is longer than any line of a drawing that is narrow",
        "word", "neuron", ("Chihuahua", "Great Dane", "not red"),
        tuple(f"L{layer}E12N12345" for layer in range(30)),
        tuple((layer / 7, None, -layer / 3) for layer in range(30)), "z", 0,
    )  # fmt: skip
    wide = Grid("猫", "語", "層", ("猫猫猫猫", "犬"), ("層一", "層二"), ((1, -2), (3, 0)), "z")
    return [
        *answer.pictures(),
        *tiny.ov("dog", k=4).pictures(),
        *tiny.layers("dog", "puppy").pictures(),
        *tiny.middleman("dog", "cat", avoid=["red"], per_layer=2).pictures(),
        *(HISTOGRAM, NOUGHTS, RANKS, long, wide, layers_by_heads(30, 9), layers_by_heads(96, 128)),
        Bars("heads", "z", tuple(f"L{at}H1" for at in range(40)), tuple(map(float, range(40)))),
    ]


@pytest.mark.parametrize("height", [None, SHORTEST, 9, 12, 17, 40])
@pytest.mark.parametrize("width", [NARROWEST, 25, 31, 40, 57, 80, 120])
def test_a_drawing_fits_its_room_and_needs_no_colour(
    width: int, height: int | None, every_picture: list[Picture]
) -> None:
    for picture in every_picture:
        lines = drawn(picture, width, height).splitlines()
        assert max(map(columns_of, lines)) <= width
        assert height is None or len(lines) <= height
        assert "\x1b" not in "".join(lines)
        if height is None:
            assert " ".join(lines).startswith(picture.title)
        else:
            assert lines[0][: width // 2].rstrip("… ") in picture.title
        if isinstance(picture, Histogram | Lines):
            assert height is None or len(lines) == height


@settings(max_examples=60)
@given(
    width=st.integers(NARROWEST, 130),
    height=st.none() | st.integers(SHORTEST, 60),
    layers=st.integers(1, 40),
    names=st.lists(st.text(st.characters(categories=["L", "N", "P"]), max_size=14), max_size=70),
    middle=st.none() | st.just(0.0),
    values=st.data(),
)
def test_any_grid_fits_its_room(
    width: int,
    height: int | None,
    layers: int,
    names: list[str],
    middle: float | None,
    values: st.DataObject,
) -> None:
    number = st.none() | st.floats(-1e6, 1e6)
    some = values.draw(st.lists(number, min_size=1, max_size=9))
    cells = tuple(
        tuple(some[(row * 7 + at) % len(some)] for at in range(len(names))) for row in range(layers)
    )
    rows = tuple(f"L{layer}N{layer * 7}" for layer in range(layers))
    lines = drawn(
        Grid("a grid", "word", "neuron", tuple(names), rows, cells, "z", middle), width, height
    ).splitlines()
    assert max(map(columns_of, lines)) <= width
    assert height is None or len(lines) <= height


def test_a_grid_shows_each_value_by_shade_and_figure() -> None:
    lines = drawn(NOUGHTS, 60).splitlines()
    assert lines[0] == NOUGHTS.title
    assert "blank -2 to 2  ░░ 2 to 4  ▒▒ 4 to 6  ▓▓ 6 to 8  ██ from 8" in "  ".join(lines[:4])
    assert "-- -2 to -4  == -4 to -6  ≡≡ -6 to -8  ## from -8  · none" in "  ".join(lines[:4])
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("L")}
    assert rows["L0"] == ["0.0", "████", "9.0", "####", "-9.0"]
    assert rows["L1"] == ["▒▒▒▒", "4.1", "·", "====", "-4.1"]
    assert rows["L2"] == ["1.9", "-1.9", "▓▓▓▓", "6.0"]
    assert rows["L3"] == ["████", "8.0", "≡≡≡≡", "-6.0", "░░░░", "2.0"]


@pytest.mark.parametrize(("layers", "heads", "width"), [(30, 3, 24), (30, 9, 24), (30, 9, 80)])
def test_a_grid_of_every_layer_has_a_row_of_each(layers: int, heads: int, width: int) -> None:
    picture = layers_by_heads(layers, heads)
    lines = drawn(picture, width).splitlines()
    rows = lines[-layers:]
    assert [row.split()[0] for row in rows] == list(picture.rows)
    step = scale_of(picture).step
    for row, values in zip(rows, picture.values, strict=True):
        level = int(values[-1] / step)
        shades = {one for one in row[3:] if one in (ABOVE + BELOW[1:]).replace(" ", "")}
        expected = ABOVE[min(level, 4)] if level >= 0 else BELOW[-level]
        # Shades are of the values: a minus may also be a figure's.
        assert expected == " " or expected in shades
    assert all(name in lines[-layers - 1] for name in ("H0", f"H{heads - 1}"))


@settings(max_examples=60)
@given(
    st.floats(-1e4, 1e4), st.floats(1e-3, 1e3), st.lists(st.floats(-1e5, 1e5, width=32), min_size=1)
)
def test_a_shade_is_of_the_range_its_legend_says(
    origin: float, step: float, values: list[float]
) -> None:
    scale = Scale(origin, step)
    for value in values:
        level = scale.level(value)
        away = abs(value - origin)
        assert abs(level) * step <= away * (1 + 1e-12)
        assert abs(level) == 4 or away < (abs(level) + 1) * step * (1 + 1e-12)
        assert level == 0 or (level > 0) == (value > origin)


def test_rows_that_have_no_room_give_way_to_the_strongest_beside_them() -> None:
    values = [[0.1, -0.2] for _ in range(30)]
    values[13], values[22] = [0.0, -8.0], [7.0, 1.0]
    picture = Grid(
        "heads", "head", "layer", ("H0", "H1"), tuple(f"L{at}" for at in range(30)),
        tuple(map(tuple, values)), "z", 0,
    )  # fmt: skip
    lines = drawn(picture, 50, 12).splitlines()
    shown = [line.split()[0] for line in lines if line[:2].strip("L").isdigit()]
    assert {"L13", "L22"} <= set(shown)
    assert shown == sorted(shown, key=lambda name: int(name[1:]))
    assert any(f"{len(shown)} of 30 rows" in line for line in lines)
    assert len(lines) == 12
    assert "rows" not in drawn(picture, 50)


def test_ranks_are_drawn_by_orders_of_magnitude_with_the_first_on_top() -> None:
    lines = drawn(RANKS, 60).splitlines()
    ticks = [line.split("┤")[0].strip() for line in lines if "┤" in line]
    assert ticks == ["1", "10", "100", "1,000"]
    at = [down for down, line in enumerate(lines) if "●" in line.replace("● rank", "")]
    assert len(at) == 4
    assert "1┤●" in lines[at[0]]
    between = [lower - upper for upper, lower in pairwise(at)]
    assert max(between) - min(between) <= 1
    first = Lines("r", "space", "rank", ("a", "b"), (1, 7), (None,) * 2, (None,) * 2, ranks=True)
    assert "1┤●" in drawn(first, 40, 8)
    ticks = [line.split("┤")[0].strip() for line in drawn(first, 40).splitlines() if "┤" in line]
    assert ticks == ["1", "2", "5", "10"]


@pytest.mark.parametrize("width", [24, 33, 40, 48, 57, 60, 75, 90, 120])
@pytest.mark.parametrize(("first", "later", "n"), [("embed", "context.", 31), ("L0", "L", 30)])
def test_an_axis_names_its_first_and_its_last_place(
    width: int, first: str, later: str, n: int
) -> None:
    labels = (first, *(f"{later}{at}" for at in range(1, n)))
    values = tuple(float(at % 7) for at in range(n))
    lines = drawn(Lines("z", "space", "z", labels, values, (None,) * n, (None,) * n), width, 12)
    named = lines.splitlines()[-1].split()
    assert (named[0], named[-1]) == (first, f"{later}{n - 1}")
    assert set(named) <= set(labels)
    assert len(named) > 2 or width <= 40


@pytest.mark.parametrize(
    ("worst", "end"),
    [(1, 2), (2, 2), (3, 5), (10, 10), (11, 20), (19_004, 20_000), (20_001, 50_000)],
)
def test_an_axis_of_ranks_ends_at_a_round_one(worst: int, end: int) -> None:
    assert worst_of([1, worst]) == end


def test_bars_that_have_no_room_are_counted() -> None:
    bars = Bars("heads", "z", tuple(f"L{at}H1" for at in range(40)), tuple(map(float, range(40))))
    lines = drawn(bars, 40, 10).splitlines()
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == list(bars.labels[:5])
    assert lines[1] == "█ z, the first 5 of 40"


def test_text_is_cut_and_folded_by_the_columns_it_takes() -> None:
    assert columns_of("猫 e\u0301") == 4
    assert cut("Chihuahua", 6) == "Chihu…"
    assert cut("猫猫猫", 4) == "猫…"
    assert folded(["one", "two", "three"], 8) == ["one two", "three"]
    assert folded(["Chihuahua"], 4) == ["Chih", "uahu", "a"]
    assert folded(["░░ 2 to 4", "▒▒ 4 to 6"], 21, "  ") == ["░░ 2 to 4  ▒▒ 4 to 6"]
    assert folded([], 8) == []


def test_baseline_and_scores_are_told_apart_by_glyph_and_place() -> None:
    text = drawn(HISTOGRAM, 60)
    assert "░ chance" in text
    assert "● asked" in text
    plot = [line[8:] for line in text.splitlines() if "░" in line[8:] or "●" in line[8:]]
    upper = plot[: len(plot) // 2]
    middle = len(max(plot, key=len)) // 2
    assert all("●" not in line[: middle - 8] for line in upper)
    assert all("░" not in line[middle + 8 :] for line in upper)
    assert any("●" in line for line in upper)


def test_every_bar_has_its_name_and_the_longest_is_first() -> None:
    text = drawn(Bars("heads", "z", ("L1H2", "L0H1", "L2H0"), (3.0, 2.0, 0.5)), 60)
    lengths = {
        line.split("┤")[0].strip(): line.count("█") for line in text.splitlines() if "┤" in line
    }
    assert list(lengths) == ["L1H2", "L0H1", "L2H0"]
    assert lengths["L1H2"] > lengths["L0H1"] > lengths["L2H0"] > 0


def test_drawings_of_several_threads_are_what_each_draws_alone() -> None:
    pictures = [HISTOGRAM, RANKS, Bars("heads", "z", ("a", "b"), (1.0, 2.0)), NOUGHTS] * 8
    alone = [drawn(picture, 60) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda picture: drawn(picture, 60), pictures)) == alone


def test_a_drawing_leaves_nothing_behind_for_the_next() -> None:
    first = drawn(HISTOGRAM, 70)
    drawn(Bars("heads", "z", ("a", "b"), (1.0, 2.0)), 50)
    assert drawn(HISTOGRAM, 70) == first


# -- in a file ------------------------------------------------------------------------------


def test_a_figure_holds_the_numbers_of_the_answer(answer: Any) -> None:
    made = answer.plot()
    effects, scores = made.axes
    line = effects.get_lines()[0]
    assert line.get_ydata().tolist() == [row.effect for row in answer.rows]
    assert [t.get_text() for t in effects.get_xticklabels()] == [row.space for row in answer.rows]
    stairs = {patch.get_label(): patch.get_data().values.tolist() for patch in scores.patches}
    assert list(stairs.values()) == [
        list(answer.meta.drawn[0].histogram.controls),
        list(answer.meta.drawn[0].histogram.words),
    ]


def test_a_figure_of_a_grid_holds_its_numbers_and_says_them(real: Any) -> None:
    answer = real.ov("dog", k=270)
    grid, _, bar = answer.plot().axes
    shown = grid.get_images()[0]
    values = shown.get_array()
    for row in answer.rows:
        assert values[row.layer, row.number] == row.score
    assert shown.norm.vmax == -shown.norm.vmin == max(abs(row.score) for row in answer.rows)
    written = [text.get_text() for text in grid.texts]
    assert sorted(written) == sorted(f"{row.score:.1f}" for row in answer.rows)
    assert [t.get_text() for t in grid.get_yticklabels()] == [f"L{layer}" for layer in range(30)]
    assert bar.get_ylabel() == "z"


def test_a_figure_of_a_grid_leaves_out_what_is_none_and_marks_what_is_below() -> None:
    grid = figure([NOUGHTS]).axes[0]
    values = grid.get_images()[0].get_array()
    assert values.mask.sum() == 1
    assert values.mask[1, 1]
    assert len(grid.texts) == 11
    wide = layers_by_heads(5, 40)  # too many columns for figures
    grid, bar = figure([wide]).axes
    assert not grid.texts
    step = scale_of(wide).step
    marked = {tuple(place) for place in grid.collections[0].get_offsets().tolist()}
    assert marked == {
        (across, down)
        for down, row in enumerate(wide.values)
        for across, value in enumerate(row)
        if value is not None and value <= -step
    }
    assert bar.get_ylabel() == f"z (\u2013: {-step:g} or less)"


def test_a_figure_of_ranks_is_logarithmic_with_the_first_on_top() -> None:
    axes = figure([RANKS]).axes[0]
    assert axes.get_yscale() == "log"
    bottom, top = axes.get_ylim()
    assert bottom == 1000
    assert top < 1
    assert axes.get_lines()[0].get_ydata().tolist() == [1, 9, 80, 700]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "10", "100", "1,000"]


def test_an_svg_is_the_same_to_the_byte_and_has_no_date(answer: Any, tmp_path: Path) -> None:
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        answer.plot(str(file))
    one, two = (file.read_bytes() for file in files)
    assert one == two
    assert b"<dc:date>" not in one
    texts = [e.text for e in ET.fromstring(one).iter("{http://www.w3.org/2000/svg}text")]
    assert "context.3" in texts
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.svg", "two.svg"]


def test_every_picture_is_written_the_same_to_the_byte(
    every_picture: list[Picture], tmp_path: Path
) -> None:
    for at, picture in enumerate(every_picture):
        files = [tmp_path / f"{at}.one.svg", tmp_path / f"{at}.two.svg"]
        for file in files:
            save(figure([picture]), str(file))
        one, two = (file.read_bytes() for file in files)
        assert one == two
        assert ET.fromstring(one).tag == "{http://www.w3.org/2000/svg}svg"


def test_words_are_written_as_they_are(tmp_path: Path) -> None:
    words = ("$x$", r"$\frac$", "a_b", "猫")
    values = ((1.0, 2.0, 3.0, 4.0), (0.0, -1.0, -2.0, -3.0))
    grid = Grid(f"neurons of {' '.join(words)}", "word", "neuron", words, ("$1$", "b"), values, "z")
    file = tmp_path / "a.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure([grid]), str(file))
    root = ET.fromstring(file.read_bytes())
    texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {grid.title, *words, "$1$", "b"} <= set(texts)


@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_a_png_is_written_too(answer: Any, every_picture: list[Picture], tmp_path: Path) -> None:
    answer.plot(str(tmp_path / "a.PNG"))
    for at, picture in enumerate(every_picture):
        save(figure([picture]), str(tmp_path / f"{at}.png"))
    written = list(tmp_path.iterdir())
    assert len(written) == len(every_picture) + 1
    for path in written:
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.width) == ("PNG", 1200)


@pytest.mark.parametrize("path", ["a.jpg", "a", ""])
def test_another_kind_of_file_is_refused(path: str, answer: Any) -> None:
    with pytest.raises(QueryError, match=r"no kind of picture .* \(there are: svg, png\)"):
        answer.plot(path)


def test_a_file_that_cannot_be_written_is_a_failure_of_the_machine(
    answer: Any, tmp_path: Path
) -> None:
    with pytest.raises(MachineError, match="cannot write"):
        answer.plot(str(tmp_path / "nowhere" / "a.svg"))


def test_an_answer_without_a_picture_says_so(tiny: Any) -> None:
    with pytest.raises(QueryError, match="no picture"):
        tiny.neighbors("dog").plot()


def test_without_matplotlib_one_line_says_what_to_install(tiny_indexes: Path) -> None:
    code = (
        "import importlib.util as u, sys; find = u.find_spec;"
        "u.find_spec = lambda name, *a: None if name == 'matplotlib' else find(name, *a);"
        "from explorer.cli import main; main()"
    )
    place = ["--indexes", str(tiny_indexes), "--index", "llama", "--plot", "a.svg"]
    done = subprocess.run(
        [sys.executable, "-c", code, "congruence", "--group", "size", *place],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "semantic-explorer[plot]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1


# -- the program ----------------------------------------------------------------------------


def test_the_program_draws_when_asked_and_writes_where_told(
    tiny_indexes: Path, run: Run, tmp_path: Path
) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama"]
    ask = ["congruence", "--group", "size", "--permutations", "200", *args]
    plain, asked = run("explorer", *ask), run("explorer", *ask, "--draw")
    assert "░" not in plain.out
    assert asked.out.startswith(plain.out)
    assert asked.out.count("░ ") >= 2
    file = tmp_path / "a.svg"
    done = run("explorer", *ask, "--plot", str(file), "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json()["rows"]
    assert file.read_text().startswith("<?xml")
    for extra in (["--plot", "a.pdf"], ["--draw", "--format", "json"]):
        refused = run("explorer", *ask, *extra)
        assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    none = run("explorer", "ov", "dog", "--layer", "1", "--head", "0", "--draw", *args)
    assert (none.code, none.out) == (2, "")


def test_middle_men_and_analogies_by_layer_are_drawn_too(
    tiny_indexes: Path, run: Run, tmp_path: Path
) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama"]
    for ask in (
        ["middleman", "dog", "cat", "--not", "red", "--per-layer", "1"],
        ["analogy", "dog + cat", "--target", "puppy", "--all-layers"],
    ):
        plain, asked = run("explorer", *ask, *args), run("explorer", *ask, "--draw", *args)
        assert (asked.code, asked.err) == (0, "")
        assert asked.out.startswith(plain.out)
        title = "the best of each layer" if ask[0] == "middleman" else "puppy under dog + cat: rank"
        assert title in asked.out[len(plain.out) :]
        file = tmp_path / f"{ask[0]}.svg"
        assert run("explorer", *ask, "--plot", str(file), *args).code == 0
        assert file.read_text().startswith("<?xml")
    for extra in ([], ["--target", "puppy"], ["--all-layers"]):
        for option in (["--draw"], ["--plot", str(tmp_path / "none.svg")]):
            refused = run("explorer", "analogy", "dog + cat", *extra, *option, *args)
            assert (refused.code, refused.out) == (2, "")
            said = f"{option[0]} shows a target by layer; add --all-layers and --target WORD"
            assert refused.err == f"explorer: {said}\n"
    assert not (tmp_path / "none.svg").exists()
    assert run("explorer", "analogy", "dog + cat", "--no-draw", *args).code == 0


def test_in_a_terminal_a_histogram_is_drawn_unasked(tiny_indexes: Path) -> None:
    command = [str(BIN / "explorer"), "congruence", "--group", "size", "--permutations", "200"]
    command += ["--indexes", str(tiny_indexes), "--index", "llama"]
    for extra, drawn_there in ([], True), (["--no-draw"], False):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([*command, *extra], stdout=theirs, stderr=subprocess.PIPE)
        os.close(theirs)
        text = shown_in(ours).decode()
        assert child.wait() == 0
        assert ("● 190 pairs of the words asked" in text) == drawn_there
        assert "95 % interval over words" not in text


def test_only_drawing_imports_what_draws(tiny_indexes: Path) -> None:
    place = ["--indexes", str(tiny_indexes), "--index", "llama"]
    plain = imported_by(ASK, json.dumps(["layers", "dog", "puppy", *place]))
    assert not {"plotext", "matplotlib"} & plain
    shown = imported_by(ASK, json.dumps(["layers", "dog", "puppy", "--draw", *place]))
    assert "plotext" in shown
    assert "matplotlib" not in shown
