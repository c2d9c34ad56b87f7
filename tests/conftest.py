"""What the tests stand on: tiny random models of each family, and the real packaged model.

The real index is built once for a state of the code and kept in `.cache/`, so that a run after a
change elsewhere does not pay for it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

import forked
from families import make_model
from indexer.store.mapped import cores
from slow import takes_long

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

os.environ["HF_HUB_OFFLINE"] = "1"
# Nor is anything made in a person's own folder: each test has another in its place, and so has
# what is made once for several.
_of_the_user = tempfile.TemporaryDirectory(prefix="of-the-user-")
os.environ["XDG_DATA_HOME"] = _of_the_user.name

# What is tried of a property is the same everywhere, and no clock is held to it; `make fuzz` tries
# others every time.
settings.register_profile("bounded", deadline=None, derandomize=True, database=None)
settings.register_profile("unbounded", deadline=None, print_blob=True)
settings.load_profile("unbounded" if os.environ.get("FUZZ") else "bounded")

# Where several processes run tests, each has one thread: those of all of them on every core cost a
# quarter more time. It is read as NumPy, FAISS and torch are imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# Programs are run as most people run them; with this set, no buffer is flushed at exit.
os.environ.pop("PYTHONUNBUFFERED", None)
# A shell has what it runs in the background ignore this, and so would every program run from here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


REAL = {"real", "real_indexes", "real_model"}


def pytest_xdist_auto_num_workers() -> int | None:
    """One process more than cores: one that drives the terminal UI, or waits, keeps none busy."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else cores() + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--cases N`: try at most N of the cases of each test."""
    parser.addoption("--cases", type=int, help="try at most so many cases of each test")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One file that needs the real index comes first, then those that don't, then the rest.

    One process builds it meanwhile; a second one would only wait for it. What computes is marked
    `numeric`, and what takes long `slow`, before pytest looks at marks.
    """
    for item in items:
        if computes(item):
            item.add_marker("numeric")
        if takes_long(item):
            item.add_marker("slow")
    if (most := config.getoption("cases")) is not None:
        left_out = set(_other_cases(items, most))
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    asked = (item.path for item in items if REAL & set(getattr(item, "fixturenames", ())))
    needing = list(dict.fromkeys(asked))
    rank = dict.fromkeys(needing, 2) | dict.fromkeys(needing[:1], 0)
    items.sort(key=lambda item: rank.get(item.path, 1))


def _other_cases(items: list[pytest.Item], most: int) -> list[pytest.Item]:
    """The cases of each test beside so many that are evenly spread among them."""
    cases: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    left_out = []
    for each in cases.values():
        kept = {at * len(each) // most for at in range(most)} if len(each) > most else None
        left_out += [] if kept is None else [c for at, c in enumerate(each) if at not in kept]
    return left_out


def computes(item: pytest.Item) -> bool:
    """Whether what a test finds may differ in its last bits from one processor to another.

    That is each test of a file that computes itself, with NumPy or torch, or compares within a
    tolerance, unless it says that it is `native`. What only reads a program's screen or command
    line is in files that do neither; what is made up at random is no number.
    """
    if "fuzz" in item.path.parts or item.get_closest_marker("native"):
        return False
    module = getattr(item, "module", None)
    return any(hasattr(module, name) for name in ("np", "torch")) or _approximate(item.path)


@cache
def _approximate(path: Path) -> bool:
    return "pytest.approx(" in path.read_text("utf-8")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's own settings, and indexes, must not decide what a test finds."""
    of_terminals = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")
    for name in ("EXPLORER_INDEX", "EXPLORER_INDEXES", *of_terminals):
        monkeypatch.delenv(name, raising=False)
        os.unsetenv(name)  # readline, which pytest imports, sets some of them past `os.environ`
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "of-the-user"))


_AFRESH = SimpleNamespace(**vars(subprocess))
_FORKING = SimpleNamespace(**{**vars(subprocess), "Popen": forked.Forked})


@pytest.fixture(scope="session", autouse=True)
def _workers_are_forked() -> Iterator[None]:
    """What works for a program of ours is forked: see tests/forked.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.worker.subprocess", _FORKING)
        yield
    forked.close()


@pytest.fixture(autouse=True)
def _unless_afresh(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("afresh") is not None:
        monkeypatch.setattr("explorer.worker.subprocess", _AFRESH)


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny Llama: 3 gated layers, untied, RMSNorm."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-llama", "llama")


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny GPT-2: 2 layers, tied, LayerNorm, Conv1D."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-gpt2", "gpt2")


@pytest.fixture(params=["llama", "gpt2"], scope="session")
def tiny_model(request: pytest.FixtureRequest, tiny_llama: Path, tiny_gpt2: Path) -> Path:
    """Each tiny model in turn."""
    return tiny_llama if request.param == "llama" else tiny_gpt2


def run_build(model: str | Path, root: Path, name: str, **options: Any) -> Path:
    """Build an index in this process, and verify it in no other; returns its folder."""
    from indexer.build import build
    from indexer.progress import Narrator
    from indexer.request import Request

    request = Request(model=str(model), root=root, name=name, **{"words": 0, **options})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.build.subprocess", SimpleNamespace(run=verified))
        return build(request, Narrator(quiet=True))[0]


def verified(command: list[str], **_: Any) -> SimpleNamespace:
    """What `python -m indexer.store.verify FOLDER` ends with and says, found in this process."""
    from indexer.store.shown import one_line
    from indexer.store.verify import verify

    assert command[1:3] == ["-m", "indexer.store.verify"]
    faults = [one_line(fault) for fault in verify(Path(command[3]))]
    return SimpleNamespace(returncode=int(bool(faults)), stdout="\n".join(faults), stderr="")


@pytest.fixture(scope="session")
def tiny_indexes(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path, tiny_gpt2: Path
) -> Path:
    """A folder with sealed indexes `llama` and `gpt2` of the tiny models. Read only, please."""
    root = tmp_path_factory.mktemp("indexes")
    run_build(tiny_llama, root, "llama")
    run_build(tiny_gpt2, root, "gpt2")
    return root


BESIDE = ("cli", "portable", "importing.py", "exporting.py", "extend.py", "labels.sql", "words.sql")
"""Parts of the indexer that no build runs."""


def _state_of_the_code() -> str:
    """A digest of everything that decides what the real index holds."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "indexer").rglob("*")):
        decides = not any(part in BESIDE for part in path.relative_to(ROOT / "indexer").parts)
        if path.suffix in (".py", ".sql", ".toml") and decides:
            digest.update(path.read_bytes())
    digest.update((ROOT / "constraints.txt").read_bytes())
    return digest.hexdigest()[:16]


def _state_of_the_findings() -> str:
    """A digest of everything that says which lines are kept beside an index."""
    paths = sorted((ROOT / "explorer" / "findings").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


REAL_WORDS = 1500
"""Words of the real index in tests: enough for the statistics, seconds to run."""


@pytest.fixture(scope="session")
def real_indexes() -> Path:
    """A folder with the sealed index `smollm2` of the packaged model, whole but for its words."""
    kept = ROOT / ".cache" / "tests"
    root = kept / _state_of_the_code()
    root.parent.parent.mkdir(exist_ok=True)
    with FileLock(ROOT / ".cache" / f"{kept.name}.lock"):  # tests may run in several processes
        _build_real_index(root)
    return root


def _build_real_index(root: Path) -> None:
    if not (root / "smollm2" / "manifest.json").exists():
        shutil.rmtree(root.parent, ignore_errors=True)
        command = [str(BIN / "indexer"), "build", "smollm2", "--words", str(REAL_WORDS)]
        done = subprocess.run([*command, "--indexes", str(root), "--quiet"], check=False)
        assert done.returncode == 0, "the packaged model could not be indexed"
    found = root.parent / f"findings-{_state_of_the_findings()}"
    if not found.exists():  # the lines that a build keeps are those of the explorer of that day
        command = [str(BIN / "explorer"), "findings", "--keep", "--index", str(root / "smollm2")]
        done = subprocess.run([*command, "--format", "json"], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        found.touch()


@pytest.fixture(scope="session")
def real(real_indexes: Path) -> Iterator[Any]:
    """An open Explorer on the real index."""
    import explorer

    with explorer.open("smollm2", real_indexes) as ix:
        yield ix


@pytest.fixture(scope="session")
def answers(real: Any) -> dict[str, Any]:
    """What the real index answers, by the name of each question. Read only, please."""
    from everyquestion import QUESTIONS

    return {name: ask(real) for name, ask in QUESTIONS.items()}


@pytest.fixture(scope="session")
def real_model() -> Any:
    """The packaged model itself, loaded in float32: the oracle for what the index holds."""
    from indexer.model import load
    from indexer.source import locate

    return load(locate("smollm2"), with_tokenizer=False)


Run = Callable[..., SimpleNamespace]
_HOW_FAR = re.compile(r"^explorer: \d+% done, at .*\n", re.MULTILINE)


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """Run a program of the project as a person would: `run("explorer", "neighbors", "dog")`.

    Returns `code`, `out`, `err`, and `json()`; runs in an empty folder unless `cwd` says otherwise.
    It is a process of its own, forked unless the test is `afresh`: see tests/forked.py.
    How far it has come is left out of `err`: only where the machine is slow is that said.
    """
    afresh = request.node.get_closest_marker("afresh") is not None
    start = subprocess.Popen if afresh else forked.Forked

    def call(program: str, *args: str, cwd: Path | None = None, **env: str) -> SimpleNamespace:
        command = [str(BIN / program), *map(str, args)]
        with start(
            command,
            cwd=cwd or tmp_path,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            out, err = process.communicate(timeout=300)
        return SimpleNamespace(
            code=process.returncode,
            out=out,
            err=_HOW_FAR.sub("", err),
            json=lambda: json.loads(out),
        )

    return call
