"""Pictures: what is drawn is what the answer says, in characters and in files."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import explorer
from conftest import BIN, Run
from explorer.draw.terminal import NARROWEST, drawn
from explorer.errors import QueryError
from explorer.pictures import Bars, Histogram, Lines, Shares
from indexer.store.errors import MachineError
from test_light import ASK, imported_by

HISTOGRAM = Histogram(
    "scores",
    "cosine",
    (0.0, 0.25, 0.5, 0.75, 1.0),
    Shares("chance", (0.5, 0.5, 0.0, 0.0)),
    Shares("asked", (0.0, 0.0, 0.25, 0.75)),
)


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
    shown = answer.meta.histogram
    assert isinstance(scores, Histogram)
    assert (scores.edges, scores.scores.shares) == (shown.edges, shown.words)
    assert scores.baseline.shares == shown.controls
    one = tiny.congruence(group="size", space="embed", permutations=200)
    assert [type(picture) for picture in one.pictures()] == [Histogram]


def test_other_answers_are_drawn_where_a_picture_says_more(tiny: Any) -> None:
    layers = tiny.layers("dog", "puppy")
    assert layers.pictures()[0].values == tuple(row.target.z for row in layers.rows)
    assert tiny.layers("dog").pictures() == ()
    baseline = tiny.baseline(pairs=500)
    assert baseline.pictures()[0].values == tuple(row.mean for row in baseline.rows)
    assert baseline.pictures()[0].high == tuple(row.quantiles["0.95"] for row in baseline.rows)
    assert tiny.baseline("embed", pairs=500).pictures() == ()
    ov = tiny.ov("dog", k=4)
    assert ov.pictures()[0].labels == tuple(row.head for row in ov.rows)
    assert tiny.neighbors("dog").pictures() == ()


# -- in the terminal ------------------------------------------------------------------------


@pytest.mark.parametrize("width", [NARROWEST, 80, 120])
def test_a_drawing_fits_its_width_and_needs_no_colour(width: int, answer: Any, tiny: Any) -> None:
    for picture in (HISTOGRAM, *answer.pictures(), *tiny.ov("dog", k=4).pictures()):
        text = drawn(picture, width)
        assert max(map(len, text.splitlines())) <= width
        assert "\x1b" not in text
        assert text.startswith(picture.title)


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
        list(answer.meta.histogram.controls),
        list(answer.meta.histogram.words),
    ]


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


def test_a_png_is_written_too(answer: Any, tmp_path: Path) -> None:
    answer.plot(str(tmp_path / "a.PNG"))
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


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
    none = run("explorer", "layers", "dog", "--draw", *args)
    assert (none.code, none.out) == (2, "")


def test_in_a_terminal_a_histogram_is_drawn_unasked(tiny_indexes: Path) -> None:
    command = [str(BIN / "explorer"), "congruence", "--group", "size", "--permutations", "200"]
    command += ["--indexes", str(tiny_indexes), "--index", "llama"]
    for extra, drawn_there in ([], True), (["--no-draw"], False):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([*command, *extra], stdout=theirs, stderr=subprocess.PIPE)
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        assert child.wait() == 0
        os.close(ours)
        assert ("● 190 pairs of the words asked" in text.decode()) == drawn_there
        assert "95 % interval over words" not in text.decode()


def test_only_drawing_imports_what_draws(tiny_indexes: Path) -> None:
    place = ["--indexes", str(tiny_indexes), "--index", "llama"]
    plain = imported_by(ASK, json.dumps(["layers", "dog", "puppy", *place]))
    assert not {"plotext", "matplotlib"} & plain
    shown = imported_by(ASK, json.dumps(["layers", "dog", "puppy", "--draw", *place]))
    assert "plotext" in shown
    assert "matplotlib" not in shown
