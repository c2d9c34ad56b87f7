"""What a person has who installs a release: the wheel, what its extras bring, and no checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from installed import MODEL, PROJECT, ROOT, Built, Environment, built, environment, tracked

pytestmark = pytest.mark.native

PACKAGES = ("explorer", "indexer")

WHERE = "import explorer, indexer, json; print(json.dumps([explorer.__file__, indexer.__file__]))"

ASK_THE_SCREEN = """
import json, sys
from pathlib import Path

import explorer
from driving import Driven, drive

seen = {}


async def ask(driven: Driven) -> None:
    await driven.type("king - man + woman")
    seen["rows"] = driven.rows


drive(Path(sys.argv[1]), ask)
print(json.dumps({**seen, "explorer": explorer.__file__}))
"""


RUN_BLOCKS = """
import json, sys

from explorer.errors import Cancelled

here = {}
for block in json.loads(sys.argv[1]):
    if "build_demo(" in block:  # takes minutes: given up as soon as it tells of itself

        def told(*what):
            here["cancelled"].set()

        here["print"] = told
        try:
            exec(block, here)
        except Cancelled:
            continue
        raise SystemExit("the build was not given up")
    exec(block, here)
print("all of them")
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def bare(release: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install semantic-explorer`."""
    return environment(tmp_path_factory.mktemp("bare") / "env", release.wheel)


@pytest.fixture(scope="module")
def whole(release: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What `make demo` installs."""
    return environment(tmp_path_factory.mktemp("whole") / "env", release.wheel, ["all"], [MODEL])


def started(
    made: Environment, folder: Path, program: str, *arguments: str, **variables: str
) -> SimpleNamespace:
    """A program of an environment, run to its end in a folder, with no setting from outside."""
    done = subprocess.run(
        [str(made.bin / program), *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "HF_HUB_OFFLINE": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


# -- what is in it --------------------------------------------------------------------------


def test_the_wheel_holds_what_git_keeps(release: Built) -> None:
    held = [n for n in zipfile.ZipFile(release.wheel).namelist() if ".dist-info/" not in n]
    assert sorted(held) == tracked(*PACKAGES)


def test_the_source_distribution_holds_it_too_and_what_a_wheel_is_made_with(release: Built) -> None:
    with tarfile.open(release.source) as tar:
        held = {n.name.partition("/")[2] for n in tar.getmembers() if n.isfile()}
    made = {n for n in held if n.startswith("semantic_explorer.egg-info/")}
    besides = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml"}
    assert held - made == {*tracked(*PACKAGES), *besides, "PKG-INFO", "setup.cfg"}


def test_a_file_of_a_kind_that_is_new_comes_along(tmp_path: Path) -> None:
    later = ["explorer/screen/panes/later.tcss", "explorer/later.json", "indexer/store/later"]
    held = zipfile.ZipFile(built(tmp_path, later).wheel).namelist()
    assert set(later) <= set(held)


def test_what_is_installed_asks_for_nothing_that_is_not_there(
    whole: Environment, bare: Environment, tmp_path: Path
) -> None:
    for made in (whole, bare):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(made.bin / "python"), "check"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        # The model's package asks for what only its own program needs.
        asked = [line for line in done.stdout.splitlines() if not line.startswith(MODEL)]
        assert asked in ([], ["No broken requirements found."])


# -- what it does ---------------------------------------------------------------------------


def test_it_is_imported_from_where_it_is_installed(whole: Environment, tmp_path: Path) -> None:
    found = json.loads(started(whole, tmp_path, "python", "-c", WHERE).out)
    assert [Path(one).parent for one in found] == [whole.packages / one for one in PACKAGES]
    assert not any(Path(one).resolve().is_relative_to(ROOT / "explorer") for one in found)


@pytest.mark.parametrize("kind", ["bare", "whole"])
def test_a_question_is_answered(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, real_indexes: Path, real: Any
) -> None:
    made: Environment = request.getfixturevalue(kind)
    asked = ("neighbors", "king - man + woman", "-k", "3", "--format", "json")
    done = started(made, tmp_path, "explorer", *asked, EXPLORER_INDEXES=str(real_indexes))
    assert done.code == 0, done.err
    answered = json.loads(done.out)["rows"]
    expected = real.neighbors("king - man + woman", k=3).rows
    assert [row["item"] for row in answered] == [row.item for row in expected]
    assert [row["score"] for row in answered] == pytest.approx([row.score for row in expected])


def test_the_explorer_goes_by_the_name_of_the_distribution_too(
    bare: Environment, tmp_path: Path, real_indexes: Path
) -> None:
    place = {"EXPLORER_INDEXES": str(real_indexes)}
    for arguments in (["neighbors", "dog", "-k", "3"], ["neighbors", "lagre"], ["--version"]):
        one = started(bare, tmp_path, "explorer", *arguments, **place)
        other = started(bare, tmp_path, PROJECT, *arguments, **place)
        assert (other.code, other.err) == (one.code, one.err)
        assert other.out == one.out.replace("explorer, version", f"{PROJECT}, version")
    shown = started(bare, tmp_path, PROJECT, "--help")
    assert shown.out.startswith(f"Usage: {PROJECT} [OPTIONS]")


@pytest.mark.parametrize("kind", ["bare", "whole"])
def test_the_terminal_ui_opens_and_answers(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, real_indexes: Path, real: Any
) -> None:
    made: Environment = request.getfixturevalue(kind)
    done = started(
        made, tmp_path, "python", "-P", "-c", ASK_THE_SCREEN, str(real_indexes),
        PYTHONPATH=str(ROOT / "tests"),
    )  # fmt: skip
    assert done.code == 0, done.err
    seen = json.loads(done.out.splitlines()[-1])
    assert Path(seen["explorer"]).is_relative_to(made.packages)
    first = real.neighbors("king - man + woman", k=1, distinct=True).rows[0]
    assert seen["rows"][0][1:3] == [first.item, f"{first.score:.4f}"]


# -- what its pages show --------------------------------------------------------------------


def blocks(page: str) -> list[str]:
    """What a page shows of Python, but for signatures of methods."""
    text = (ROOT / page).read_text("utf-8").partition("\n## Methods\n")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    "page", ["README.md", "docs/python.md", "docs/tutorial.md", "docs/notebooks.md"]
)
def test_what_a_page_shows_of_python_runs_after_the_demos_install(
    page: str, whole: Environment, tmp_path: Path, real_indexes: Path
) -> None:
    shown = blocks(page)
    assert shown
    for name in ("indexes", "of-the-user"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "indexes" / "smollm2").symlink_to(real_indexes / "smollm2")
    done = started(whole, tmp_path, "python", "-P", "-c", RUN_BLOCKS, json.dumps(shown))
    assert done.code == 0, done.err
    assert done.out.endswith("all of them\n")


def test_the_demo_installs_what_is_shown_and_the_table_names_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for_people = set(extras) - {"dev", "docs", "peers"}
    page = (ROOT / "docs/install.md").read_text("utf-8")
    assert set(re.findall(r"^\| `\[(\w+)\]` \|", page, re.MULTILINE)) == for_people
    (everything,) = extras["all"]
    # Several machines are nothing that is shown on one.
    assert set(re.findall(r"\w+", everything.partition("[")[2])) == for_people - {"all", "ray"}
    assert "--editable '.[all]'" in (ROOT / "Makefile").read_text()


def test_what_is_missing_names_the_extra_that_brings_it(
    bare: Environment, tmp_path: Path, real_indexes: Path
) -> None:
    place = {"EXPLORER_INDEXES": str(real_indexes)}
    ask = "import explorer; explorer.open().layers('dog', 'cat').{}"
    for script, extra in (("to_pandas()", "frames"), ("to_polars()", "frames"), ("plot()", "plot")):
        done = started(bare, tmp_path, "python", "-c", ask.format(script), **place)
        assert f"semantic-explorer[{extra}]" in done.err.splitlines()[-1], script
    for program, *arguments, extra in (
        ("indexer", "build", "smollm2", "index"),
        ("indexer", "export", "smollm2", "embed", "--format", "gensim", "-o", "a", "gensim"),
        ("explorer", "tui", "--web", "web"),
        ("explorer", "layers", "dog", "cat", "--plot", "a.svg", "plot"),
        ("explorer", "neighbors", '"not indexed"', "--space", "context.3", "index"),
    ):
        done = started(bare, tmp_path, program, *arguments, **place)
        *narrated, error = done.err.splitlines()
        assert (done.code, "Traceback" in done.err) == (2, False), done.err
        assert len(narrated) <= ("not indexed" in done.err), done.err  # that the model is to be run
        assert f"semantic-explorer[{extra}]" in error, done.err
