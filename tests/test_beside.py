"""Pictures beside tables: each figure in one is what NumPy finds from the stored vectors."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from textual.widgets import OptionList

import explorer
from driving import Driven, drive
from explorer.compute.spread import MOST_BINS, edges_over
from explorer.questions.beside import (
    DepthsQuery,
    EffectsQuery,
    NeuronScoresQuery,
    Spread,
)
from explorer.scan import scan_of
from explorer.screen.panes.picture import BelowPane, PicturePane
from explorer.show.draw.alt import described
from explorer.show.draw.coloured import BLACK, WHITE, contrast, figures_fit, ground, ink, lines_of
from explorer.show.draw.file import as_bytes, figure
from explorer.show.draw.room import columns_of
from explorer.show.draw.scale import LEVELS
from explorer.show.draw.terminal import NARROWEST, SHORTEST, drawn
from explorer.show.shapes import Bars, Distribution, Grid, Histogram, Lines
from explorer.views import beside

Vectors = NDArray[np.float64]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))


def vectors(ix: Any, space: str) -> Vectors:
    one = ix.index.space(space)
    found: Vectors = one.vectors(0, one.entry.rows)
    return found


def unit(rows: Vectors) -> Vectors:
    found: Vectors = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return found


def counted(spread: Spread, z: Vectors) -> None:
    """The bins hold z as NumPy counts it; nothing lies outside them."""
    edges = np.array([*(one.low for one in spread.rows), spread.rows[-1].high])
    # A score that lies on an edge to within rounding may stand on either side of it.
    for at, one in enumerate(spread.rows):
        inside = int(((z >= edges[at]) & (z < edges[at + 1])).sum())
        near = int((np.abs(z - edges[at]) < 1e-9).sum() + (np.abs(z - edges[at + 1]) < 1e-9).sum())
        assert abs(one.count - inside) <= near
    assert sum(one.count for one in spread.rows) == len(z)
    assert all(one.high == other.low for one, other in pairwise(spread.rows))


# -- the numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("expression", ["large", "king - man + woman", "2*dog - cat"])
def test_scores_are_spread_as_numpy_counts_them(real: Any, expression: str) -> None:
    near = real.neighbors(expression, k=20)
    spread = real.ask(beside.of_answer(near))
    rows = unit(vectors(real, "embed"))
    ids = {one.asked: one.token_ids[0] for one in near.meta.resolved}
    query = sum(one.weight * rows[ids[one.asked]] for one in near.meta.resolved)
    cosines = rows @ unit(np.asarray(query))
    z = (cosines - near.meta.calibration.mean) / near.meta.calibration.std
    assert abs(cosines.mean() - near.meta.calibration.mean) < 1e-6
    counted(spread, np.delete(z, list(ids.values())))
    assert [(one.name, one.z) for one in spread.marks] == [(r.item, r.z) for r in near.rows]
    assert spread.of == f"{len(rows) - len(ids):,} tokens, the query's own left out"


@pytest.mark.parametrize("measure", ["dot", "centered", "euclidean"])
def test_scores_of_any_measure_are_spread(real: Any, measure: str) -> None:
    near = real.neighbors("large", k=10, measure=measure)
    spread = real.ask(beside.of_answer(near))
    every = real.neighbors("large", k=49_151, measure=measure)
    counted(spread, np.array([row.z for row in every.rows]))


def test_an_analogy_is_spread_as_it_is_asked(real: Any) -> None:
    near = real.analogy("king - man + woman", method="mul", k=20)
    spread = real.ask(beside.of_answer(near))
    assert spread.query.method == "mul"
    assert [one.z for one in spread.marks] == [row.z for row in near.rows]
    every = real.analogy("king - man + woman", method="mul", k=49_149)
    counted(spread, np.array([row.z for row in every.rows]))


@pytest.mark.parametrize("side", ["gate", "up", "out"])
def test_what_a_neuron_reads_is_spread_over_the_vocabulary(real: Any, side: str) -> None:
    spread = real.ask(NeuronScoresQuery("L29N112", side, ("large", "tall")))
    embed = real.index.embed
    population = real.index.kind_of(embed.entry).reference(embed.entry)
    words = vectors(real, "embed")
    at = real.index.neurons.at(29, 112).id
    neuron = vectors(real, f"neuron.{side}")[at]
    products = words[population] @ neuron
    spread_of = np.sqrt(neuron @ np.cov(words[population].T, bias=True) @ neuron)
    z = (products - products.mean()) / spread_of
    assert abs(sum(one.count for one in spread.rows) - len(population)) == 0
    edges = [*(one.low for one in spread.rows), spread.rows[-1].high]
    # The moments that the build stored are float64 sums in another order: 1e-6 of z.
    for at_bin, one in enumerate(spread.rows):
        low = ((z >= edges[at_bin] + 1e-5) & (z < edges[at_bin + 1] - 1e-5)).sum()
        high = ((z >= edges[at_bin] - 1e-5) & (z < edges[at_bin + 1] + 1e-5)).sum()
        assert low <= one.count <= high
    middle = real.middleman("large", "tall", side=side, layers="29", k=1536)
    row = next(row for row in middle.rows if row.neuron == "L29N112")
    assert {one.name: one.z for one in spread.marks} == row.scores


def test_an_effect_is_spread_over_the_tokens_that_logits_counts(real: Any) -> None:
    found = real.logits("L29N112", k=49_117)
    z = np.array([row.z for row in found.rows if row.sign == 1])
    spread = real.ask(EffectsQuery("L29N112"))
    counted(spread, z)
    few = real.logits("L29N112", k=12)
    marks = real.ask(beside.of_answer(few)).marks
    assert [one.name for one in marks[:2]] == [few.rows[0].token, few.rows[12].token]


def test_a_word_stands_at_every_depth_where_layers_says(real: Any) -> None:
    for method in ("add", "mul"):
        depths = real.ask(DepthsQuery("king - man + woman", "queen", method=method))
        told = real.analogy_layers("king - man + woman", target="queen", method=method)
        assert [one.space for one in depths.rows] == [row.space for row in told.rows]
        assert [one.score for one in depths.rows] == [row.target.score for row in told.rows]
        assert [one.z for one in depths.rows] == [row.target.z for row in told.rows]
    (lines,) = depths.pictures()
    assert lines.values == tuple(row.target.z for row in told.rows)
    # The next word of the same expression, from what was read for the first.
    again = real.ask(DepthsQuery("king - man + woman", "princess", method="mul"))
    told = real.analogy_layers("king - man + woman", target="princess", method="mul")
    assert [one.z for one in again.rows] == [row.target.z for row in told.rows]


def test_every_row_of_a_neuron_has_a_picture_in_which_it_is_marked(real: Any) -> None:
    report = real.neuron("L29N112", k=3)
    for row in report.rows:
        spread = real.ask(*beside.of_row(report, row, real.manifest))
        assert spread.marks[0].name == row.item
        if row.kind == "token":
            assert spread.marks[0].z == row.score
        if row.kind == "neuron":
            assert abs(spread.marks[0].z - (row.score - spread.meta.calibration.mean)
                       / spread.meta.calibration.std) < 1e-9  # fmt: skip


def test_what_has_no_further_picture_asks_for_none(tiny_indexes: Path) -> None:
    with explorer.open("llama", tiny_indexes) as ix:
        ov = ix.ov("dog", k=4)
        assert beside.of_answer(ov) is None
        assert beside.of_row(ov, ov.rows[0], ix.manifest) == ()
        heads = ix.neighbors("L0N1.out", space="neuron.out", k=3)
        assert beside.of_row(heads, heads.rows[0], ix.manifest) == ()


@settings(max_examples=100)
@given(
    st.lists(st.floats(-50, 50, allow_subnormal=False), min_size=1, max_size=60),
    st.floats(0, 0.3),
    st.randoms(use_true_random=False),
)
def test_what_a_scan_is_unsure_of_is_counted_exactly(
    exact: list[float], off: float, random: Any
) -> None:
    values = np.array([one + random.uniform(-off, off) for one in exact])
    scores = np.array(exact)
    scanned = scan_of(values, off + 1e-12, lambda at: scores[at])
    edges = edges_over(float(scores.min()), float(scores.max()))
    assert len(edges) - 1 <= MOST_BINS
    expected = [int(((scores >= a) & (scores < b)).sum()) for a, b in pairwise(edges.tolist())]
    assert scanned.counts(edges).tolist() == expected
    assert sum(expected) == len(exact)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_bins_hold_everything_and_are_few(low: float, span: float) -> None:
    edges = edges_over(low, low + span)
    assert edges[0] <= low
    assert low + span < edges[-1]
    assert 1 <= len(edges) - 1 <= MOST_BINS


# -- how they are drawn -----------------------------------------------------------------------

HILL = Distribution(
    "scores of what is near", "z", tuple(at / 2 for at in range(-8, 21)),
    tuple(int(1000 * np.exp(-((at / 2 + 0.25) ** 2) / 2)) for at in range(-8, 20)),
    "5,000 tokens", ("␣first", "second", "third"), (9.5, -3.9, 2.0),
)  # fmt: skip


@pytest.mark.parametrize("width", [NARROWEST, 40, 57, 120])
@pytest.mark.parametrize("height", [None, SHORTEST, 12, 40])
def test_a_distribution_fills_its_room_and_marks_stand_where_they_should(
    width: int, height: int | None
) -> None:
    lines = drawn(HILL, width, height).splitlines()
    assert max(map(columns_of, lines)) <= width
    assert len(lines) == (height or 16)
    (axis,) = [line for line in lines if "─" in line]
    low, high = HILL.edges[0], HILL.edges[-1]
    expected = {min(int((place - low) / (high - low) * width), width - 1) for place in HILL.places}
    assert {at for at, char in enumerate(axis) if char == "●"} == expected
    below = lines[lines.index(axis) + 2 :]
    assert any("9.50" in line and line.index("●") == max(expected) for line in below)


def test_a_full_bin_is_never_blank_and_an_empty_one_is() -> None:
    picture = Distribution("t", "z", (0.0, 1.0, 2.0, 3.0), (10_000, 0, 1), "three")
    lines = drawn(picture, 30, 12).splitlines()
    axis = next(at for at, line in enumerate(lines) if "─" in line)
    assert lines[axis - 1] == "█" * 10 + " " * 10 + "▁" * 10


def test_pictures_are_told_in_words_and_files_hold_that() -> None:
    nothing = (None, None)
    pictures = (
        HILL,
        Lines("a word", "space", "z", ("embed", "context.0"), (1.0, 3.0), nothing, nothing),
        Bars("heads", "z", ("L0H1", "L2H3"), (4.0, 2.0)),
        Grid("a grid", "head", "layer", ("H0", "H1"), ("L0",), ((1.0, -7.5),), "z", 0),
    )
    said = [described(one) for one in pictures]
    assert "␣first at 9.50, second at -3.90, third at 2.00" in said[0]
    assert "5,000 tokens" in said[0]
    assert "highest at context.0, 3" in said[1]
    assert "L0H1 4, L2H3 2" in said[2]
    assert "farthest out -7.5 at L0, H1" in said[3]
    svg = as_bytes(figure(pictures), "svg").decode()
    assert all(one in svg for one in said)
    assert b"farthest out" in as_bytes(figure(pictures), "png")


@pytest.mark.parametrize("dark", [True, False])
def test_figures_can_be_read_on_the_colour_of_their_cell(dark: bool) -> None:
    colours = [ground(level, dark) for level in range(1 - LEVELS, LEVELS) if level]
    assert len(set(colours)) == 2 * (LEVELS - 1)
    assert all(contrast(ink(one), one) >= 4.5 for one in colours)
    assert ink("#ffffff") == BLACK
    assert ink("#101010") == WHITE
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    # The farther from the middle, the more a cell stands out from the screen.
    screen = BLACK if dark else WHITE
    for side in (1, -1):
        out = [contrast(screen, ground(side * level, dark)) for level in range(1, LEVELS)]
        assert out == sorted(out)


@pytest.mark.parametrize(("layers", "heads", "width"), [(30, 9, 51), (12, 12, 51), (30, 2, 40)])
@pytest.mark.parametrize("height", [12, 25, 60])
def test_figures_stand_in_their_cells(layers: int, heads: int, width: int, height: int) -> None:
    values = tuple(
        tuple(((layer * 7 + head * 5) % 90 - 44) / 10 for head in range(heads))
        for layer in range(layers)
    )
    names = tuple(f"H{at}" for at in range(heads)), tuple(f"L{at}" for at in range(layers))
    picture = Grid("heads", "head", "layer", *names, values, "z", 0)
    decimals = figures_fit(picture, width)
    assert decimals is not None
    lines = lines_of(picture, width, height, dark=True)
    text = ["".join(run.text for run in line) for line in lines]
    assert max(map(columns_of, text)) <= width
    assert len(lines) <= height
    rows = {line[0].text.strip(): line[1:] for line in lines if line[0].text.startswith("L")}
    assert len(rows) == layers or any(f"{len(rows)} of {layers} rows" in one for one in text)
    for name, cells in rows.items():
        shown = [cell.text.strip() for cell in cells]
        assert shown == [f"{value:.{decimals}f}" for value in values[int(name[1:])]]
        assert all(cell.ink == (ink(cell.ground) if cell.ground else "") for cell in cells)
    assert figures_fit(picture, heads * 2 + 4) is None


# -- on the screen ----------------------------------------------------------------------------

SIZES = [(80, 24), (110, 32), (160, 45), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.native
def test_every_answer_has_its_picture_and_the_row_its_own(
    real_indexes: Path, real: Any, size: tuple[int, int]
) -> None:
    async def do(ui: Driven) -> None:
        results = ui.app.workbench.results
        await ui.paste("large")
        lines, spread = results.pictures
        assert isinstance(lines, Lines)
        assert isinstance(spread, Distribution)
        first = real.neighbors("large", k=20, distinct=True).rows
        assert spread.names == tuple(row.item for row in first)
        assert lines.title.startswith(f"{first[0].text.strip()} under")
        await ui.press("down", "down")
        assert results.pictures[0].title.startswith(f"{first[1].text.strip()} under")
        assert results.pictures[1] == spread
        await ui.press("alt+m")
        await ui.paste("large, tall")
        grid, histogram = results.pictures
        assert isinstance(grid, Grid)
        assert histogram.title.startswith(f"{ui.answer.row.neuron}.gate")
        assert dict(zip(histogram.names, histogram.places, strict=True)) == ui.answer.row.scores
        await ui.press("alt+u", "ctrl+u")
        await ui.paste("large")
        assert [type(one) for one in results.pictures] == [Distribution, Distribution]
        panes = [ui.app.query_one(PicturePane), ui.app.query_one(BelowPane)]
        shown = [pane for pane in panes if pane.display and pane.size.width]
        assert bool(shown) == (size[0] >= 100)
        for pane in shown:
            assert pane.region.right <= size[0]
            assert pane.size.height >= SHORTEST
        await ui.press("ctrl+g")
        if results.query_one(PicturePane).pictures:
            assert results.query_one(PicturePane).size.width >= size[0] - 4
        await ui.press("ctrl+g")

    drive(real_indexes, do, size)


@pytest.mark.native
def test_a_picture_of_a_row_goes_with_the_rows(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        results = ui.app.workbench.results
        await ui.paste("large")
        assert any(isinstance(one, Lines) for one in results.pictures)
        await ui.press("alt+c")  # asked on enter: what was drawn answers what was asked before
        await ui.paste(", tall, huge")
        await ui.press("enter")
        assert not any("large under" in one.title for one in results.pictures)
        ui.app.workbench.bar.value = ""
        await ui.app.action_view("neighbors")
        await ui.settled()
        assert results.pictures == ()

    drive(real_indexes, do, (160, 45))


@pytest.mark.native
def test_the_detail_names_nothing_twice(real_indexes: Path) -> None:
    async def do(ui: Driven) -> None:
        for keys, text in (("alt+n", "large"), ("alt+m", "large, tall"), ("alt+o", "large")):
            await ui.press(keys)
            ui.app.workbench.bar.value = ""
            ui.app.workbench.bar.focus()
            await ui.paste(text)
            links = ui.app.query_one("#links", OptionList)
            names = [str(one.prompt).removeprefix("→ ").split("  ")[0] for one in links.options]
            known = ui.detail.split("\n", 1)[1:]
            said = {word for line in known for word in line.replace(",", " ").split()}
            assert not said & {name for name in names if name.startswith("␣")} - {
                word for word in said if f"{word} #" in " ".join(known)
            }

    drive(real_indexes, do, (160, 45))


@pytest.mark.parametrize("size", [(160, 45), (200, 60)])
@pytest.mark.native
def test_little_of_a_large_screen_is_left_empty(real_indexes: Path, size: tuple[int, int]) -> None:
    async def do(ui: Driven) -> None:
        for keys, text in (
            ("alt+n", "king - man + woman"),
            ("alt+m", "large, tall"),
            ("alt+u", "large"),
            ("alt+g", "L29N112"),
        ):
            await ui.press(keys)
            ui.app.workbench.bar.value = ""
            ui.app.workbench.bar.focus()
            await ui.paste(text)
            await ui.pilot.pause()
            strips = ui.app.screen._compositor.render_strips()
            lines = [strip.text for strip in strips]
            top, bottom = ui.answer.region.y, size[1] - 2
            left = [line[: ui.answer.region.width] for line in lines[top:bottom]]
            right = [line[ui.answer.region.width + 1 :] for line in lines[top:bottom]]
            for side in (left, right):
                empty = longest_run(not line.strip(" ▏") for line in side)
                assert empty <= len(side) / 3, (text, empty)

    drive(real_indexes, do, size)


def longest_run(flags: Any) -> int:
    most = here = 0
    for flag in flags:
        here = here + 1 if flag else 0
        most = max(most, here)
    return most


@pytest.mark.native
def test_a_histogram_stays_what_it_was() -> None:
    assert "░" in drawn(Histogram("h", "x", (0.0, 1.0, 2.0), *(_shares("a"), _shares("b"))), 40, 12)


def _shares(name: str) -> Any:
    from explorer.show.shapes import Shares

    return Shares(name, (0.5, 0.5))
