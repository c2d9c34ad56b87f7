"""Ten things that a person does, each with the keys that hands expect and none that they don't.

The keys of a task are sent at once, which is faster than anybody types: none may be lost, and no
row may stand under a question that it doesn't answer. Done in a terminal of three sizes, light and
dark, with both cores taken too, and in a browser.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.browser import BrowserTerminal
from e2e.conftest import EXPLORER
from e2e.terminal import Terminal

TASKS: list[Callable[[Person], None]] = []


def task(do: Callable[[Person], None]) -> Callable[[Person], None]:
    TASKS.append(do)
    return do


class Person:
    """Somebody at a terminal, and what they know to be true."""

    written = "wrote"

    def __init__(
        self, terminal: Terminal | BrowserTerminal, real: Any, folder: Path, indexes: Path
    ) -> None:
        self.terminal, self.real, self.folder, self.indexes = terminal, real, folder, indexes

    @property
    def file(self) -> str:
        """The name that they give a file of the folder."""
        return str(self.folder / "mine")

    @property
    def state(self) -> Any:
        """What is kept for the next time."""
        return json.loads((self.folder / "screen.json").read_text())

    def keys(self, *keys: str) -> None:
        """Named keys, and texts after a blank, in one write."""
        self.terminal.keys(*keys)

    def sees(self, *texts: str, without: tuple[str, ...] = ()) -> str:
        """Wait until all of some texts stand on the screen, and none of others."""
        return self.terminal.until(
            lambda shown: (
                all(text in shown for text in texts) and not any(text in shown for text in without)
            )
        )

    def sees_row(self, *cells: str) -> str:
        """Wait until a line of the screen holds all of some texts."""
        return self.terminal.until(
            lambda shown: any(all(cell in line for cell in cells) for line in shown.splitlines())
        )

    def starts(self) -> None:
        self.keys(
            f" {shlex.join([EXPLORER, 'tui', '--indexes', str(self.indexes)])}; echo ended $?",
            "Enter",
        )
        self.sees("Neighbors", "palette")

    def leaves(self) -> None:
        self.keys("C-q")
        self.sees("ended 0")
        self.keys(" clear", "Enter")
        self.terminal.until(lambda shown: "ended" not in shown)


class PersonAtABrowser(Person):
    """Somebody at a page, who has opened it."""

    terminal: BrowserTerminal
    written = "goes to the browser"

    @property
    def file(self) -> str:
        return "mine"

    def starts(self) -> None:
        self.terminal.open_again()
        self.sees("Neighbors", "palette")

    def leaves(self) -> None:
        self.keys("C-q")
        self.terminal.until(lambda _: (self.folder / "screen.json").exists())


@task
def looks_for_what_is_near_and_goes_on_from_there(person: Person) -> None:
    """The first thing typed is answered; a row leads on; one comes back."""
    first = person.real.neighbors("large", distinct=True)[0]
    person.keys(" large")
    person.sees_row(first.item, f"{first.score:.4f}", f"{first.z:.2f}")
    person.keys("Down", "Enter")
    person.sees("big  in embed by cosine")
    person.keys("F8")
    person.sees("large  in embed by cosine")


@task
def types_a_formula_from_a_paper(person: Person) -> None:
    """The minus of a paper is a minus."""
    first = person.real.neighbors("king - man + woman", distinct=True)[0]
    person.keys("C-u", " king \N{MINUS SIGN} man + woman")
    person.sees_row(first.item, f"{first.score:.4f}")


@task
def mistypes_a_word(person: Person) -> None:
    """What was meant is taken by one key."""
    person.keys("C-u", " king - woamn")
    person.sees("did you mean", "tab")
    person.keys("Tab")
    person.sees("king - woman  in embed")
    person.keys("  + man")
    person.sees("king - woman + man  in embed")


@task
def finds_the_neuron_in_the_middle(person: Person) -> None:
    """From the words to the neuron, to its card, and back."""
    first = person.real.middleman("large", "tall")[0]
    person.keys("M-m", "C-u", " large, tall")
    person.sees_row(first.neuron, *(f"{score:.2f}" for score in first.scores.values()))
    person.keys("Down", "Enter")
    person.sees(first.neuron, "reads", without=("answers to",))
    person.keys("F8")
    person.sees("answers to large, tall")


@task
def asks_whether_a_word_is_the_sum_of_two(person: Person) -> None:
    """The target is typed right after tab."""
    person.keys("M-a", "C-u", " dog + small", "Tab", " Chihuahua")
    target = person.real.analogy("dog + small", "Chihuahua").meta.target
    person.sees(f"rank {target.rank:,} of {target.n:,}")
    person.keys(" x")
    person.sees("Chihuahuax")
    person.keys("BSpace")
    person.sees(f"rank {target.rank:,} of {target.n:,}", without=("Chihuahuax",))
    person.keys("M-l")  # the target is asked at every layer
    person.sees("layer by layer, target Chihuahua", "context.3")


@task
def looks_at_a_picture_and_goes_on(person: Person) -> None:
    """The picture has the middle while it is looked at, and no longer."""
    person.keys("M-o", "C-u", " large", "C-g")
    person.sees("z by layer and head", without=("suppresses",))
    person.keys("Escape")
    person.sees("heads that copy large", "suppresses")
    person.keys("C-g")
    person.sees("z by layer and head", without=("suppresses",))
    person.keys("M-i")
    person.sees("neuron.out", "46,080")


@task
def takes_a_question_along_to_a_shell(person: Person) -> None:
    """What is copied as a command answers the same."""
    person.keys("M-n", "C-u", " tall", "Down")
    first = person.real.neighbors("tall", k=20, distinct=True)[0]
    person.sees_row(first.item, f"{first.score:.4f}")
    person.keys(" c", "Enter")
    person.sees("copied the command: explorer neighbors tall")
    command = shlex.split(person.terminal.copied)
    assert command[:3] == ["explorer", "neighbors", "tall"]
    done = subprocess.run(
        [EXPLORER, *command[1:], "--indexes", str(person.indexes), "--format", "csv"],
        capture_output=True,
        check=True,
    )
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    expected = person.real.neighbors("tall", k=20, distinct=True)
    assert [row["item"] for row in rows] == [row.item for row in expected]


@task
def writes_what_is_shown_to_a_file(person: Person) -> None:
    """A name typed is the name."""
    person.keys("C-s", f" {person.file}", "Enter")
    person.sees(person.written)
    person.terminal.until(lambda _: (person.folder / "mine.csv").exists())
    rows = list(csv.DictReader((person.folder / "mine.csv").read_text().splitlines()))
    assert [row["item"] for row in rows][:1] == [
        person.real.neighbors("tall", distinct=True)[0].item
    ]


@task
def asks_in_sql(person: Person) -> None:
    """A view is chosen, and the statement typed, at once."""
    person.keys("M-s", " SELECT count(*) AS words FROM word", "F5")
    person.sees(str(person.real.manifest.words), "1 row in")
    person.keys("M-n", "C-u", " dog")
    person.sees("dog  in embed by cosine", without=("1 row in",))


@task
def leaves_and_comes_back(person: Person) -> None:
    """What was asked last stands there, and is replaced by what is typed."""
    person.leaves()
    kept = person.state
    assert kept["trail"][kept["at"]]["text"] == "dog"
    person.starts()
    person.sees("dog  in embed by cosine")
    person.keys(" cat")
    person.sees("cat  in embed by cosine", without=("dogcat",))


SCREENS = {"80x24": (80, 24, "dark"), "160x45": (160, 45, "light"), "200x60": (200, 60, "dark")}


@pytest.fixture
def busy() -> Iterator[None]:
    """Every core is taken by somebody else."""
    others = [
        multiprocessing.Process(target=_busy, daemon=True) for _ in range(os.cpu_count() or 1)
    ]
    for other in others:
        other.start()
    yield
    for other in others:
        other.kill()
        other.join()


@pytest.fixture(params=["free", "taken"])
def cores(request: pytest.FixtureRequest) -> str:
    """Whether the cores are free, or taken as above."""
    if request.param == "taken":
        request.getfixturevalue("busy")
    return str(request.param)


def _busy() -> None:
    while True:
        pass


def do_all(
    screen: str, folder: Path, environment: dict[str, str], real: Any, indexes: Path
) -> None:
    columns, lines, theme = SCREENS[screen]
    (folder / "screen.json").unlink(missing_ok=True)
    terminal = Terminal(folder, environment | {"COLORTERM": "truecolor"}, (columns, lines))
    background = "#ffffff" if theme == "light" else "#000000"
    terminal.run("set", "-g", "window-style", f"bg={background}")
    terminal.run("set", "-g", "set-clipboard", "on")
    try:
        person = Person(terminal, real, folder, indexes)
        person.starts()
        coloured = terminal.run("capture-pane", "-p", "-e")
        assert ("48;2;250;250;250" in coloured) == (theme == "light")
        for do in TASKS:
            do(person)
            shown = terminal.screen.splitlines()
            assert len(shown) <= lines
            assert all(len(line) <= columns for line in shown)
    finally:
        terminal.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_ten_tasks(
    screen: str, tmp_path: Path, environment: dict[str, str], real: Any, real_indexes: Path
) -> None:
    do_all(screen, tmp_path, environment, real, real_indexes)


@pytest.mark.usefixtures("busy")
def test_ten_tasks_while_every_core_is_taken(
    tmp_path: Path, environment: dict[str, str], real: Any, real_indexes: Path
) -> None:
    do_all("80x24", tmp_path, environment, real, real_indexes)


def test_ten_tasks_in_a_browser(
    cores: str,
    address: str,
    tmp_path: Path,
    environment: dict[str, str],
    real: Any,
    real_indexes: Path,
) -> None:
    terminal = BrowserTerminal(address, tmp_path, environment)
    try:
        person = PersonAtABrowser(terminal, real, tmp_path, real_indexes)
        person.sees("Neighbors", "palette")
        for do in TASKS:
            do(person)
    finally:
        pictures = Path(os.environ.get("PICTURES", str(tmp_path)))
        terminal.picture(pictures / f"web-tasks-{cores}.png")
        terminal.close()
