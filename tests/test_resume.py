"""A build that is killed, and the same command again.

Builds run as processes of their own, forked from one that has imported the model library, and are
killed from inside by a real SIGKILL at a named moment: the n-th time that a file is opened,
lengthened, renamed or given rows. What they leave, and what the next process makes of it, is
compared with an uninterrupted build.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

from conftest import Run
from indexer.store.errors import ForeignIndex, IndexNotFound
from indexer.store.layout import Manifest
from indexer.store.places import find_index, index_names
from indexer.store.swap import exchange
from indexer.store.verify import verify
from indexer.store.write import Staging

pytestmark = pytest.mark.native

SERVER = r"""
import json, os, re, resource, signal, sys, tempfile

import torch
torch.set_num_threads(1)
import duckdb, wordfreq
import indexer.build, indexer.catalog, indexer.check, indexer.contexts
from indexer import cli
from indexer.extract.context import LastTokenStream
from indexer.model import load
from indexer.source import locate
from indexer.store import rows, shards

# What a first build would import, each child has from here.
wordfreq.zipf_frequency("a", "en")
LastTokenStream(load(locate(sys.argv[1])), [1], [0, 1]).run([[2]])

def build(order):
    root = order["root"]
    seen, pattern = 0, order.get("kill")

    def moment(label):
        nonlocal seen
        if pattern and re.search(pattern, label):
            seen += 1
            if seen == order.get("nth", 1):
                os.kill(os.getpid(), signal.SIGKILL)

    def short(path):
        path = os.fspath(path)
        return path[len(root) + 1:] if path.startswith(root + "/") else path

    def audit(event, args):
        if event == "open" and isinstance(args[0], str) and args[0].startswith(root):
            moment("open " + short(args[0]))
        elif event == "os.rename":
            moment(f"rename {short(args[0])} to {short(args[1])}")
        elif event == "shutil.rmtree":
            moment("rmtree " + short(args[0]))
        elif event == "os.remove":
            moment("remove " + short(args[0]))
        elif event == "os.truncate":
            moment(f"lengthen {order['now']}")

    if pattern:
        sys.addaudithook(audit)

    class Writer(rows.RowsWriter):
        def __init__(self, path, *shape):
            self.label = order["now"] = path.name
            super().__init__(path, *shape)

        def put(self, first, block):
            moment("put " + self.label)
            os.write(log, f"{self.label} {first}\n".encode())
            super().put(first, block)

    import indexer.store.write, indexer.extract.context
    rows.RowsWriter = Writer
    shards.MOST_BYTES = order.get("most_bytes", shards.MOST_BYTES)
    if order.get("small_batches"):
        indexer.extract.context.BATCH_TOKENS = 32
        indexer.contexts.SYNC_SECONDS = -1
    if "no_room_at_write" in order:
        written, pwrite = 0, os.pwrite
        def failing(fd, data, at):
            nonlocal written
            written += 1
            if written >= order["no_room_at_write"]:
                raise OSError(28, "No space left on device")
            return pwrite(fd, data, at)
        os.pwrite = failing
    if order.get("no_exchange"):
        import indexer.store.swap
        indexer.store.swap.exchange = lambda *_: False  # as on file systems without it
    if "largest_file" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"],) * 2)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.argv = ["indexer", "build", *order["argv"], "--indexes", root]
    cli.main()

for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        for fd, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
        code = 99
        try:
            build(order)
        except SystemExit as end:
            code = end.code
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""

KILLED = -9

Builds = Callable[..., SimpleNamespace]


@pytest.fixture(scope="module")
def builds(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    """`builds(root, *args, kill=..., nth=...)` runs `indexer build` in a process of its own.

    Returns its `code` (-9 where it was killed), `out`, `err`, and `puts`, the writes of rows as
    "file first-row".
    """
    folder = tmp_path_factory.mktemp("server")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tiny_llama)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    ours, theirs = server.stdin, server.stdout

    def call(root: Path, *args: Any, **order: Any) -> SimpleNamespace:
        paths = {name: folder / name for name in ("out", "err", "log")}
        paths["log"].unlink(missing_ok=True)
        argv = [str(a) for a in (*args, "--words", "0", "--quiet")]
        order |= {"root": str(root), "argv": argv, **{k: str(v) for k, v in paths.items()}}
        ours.write(json.dumps(order) + "\n")
        ours.flush()
        code = int(theirs.readline())
        log = paths["log"].read_text().splitlines() if paths["log"].exists() else []
        out, err = paths["out"].read_text(), paths["err"].read_text()
        return SimpleNamespace(code=code, out=out, err=err, puts=log)

    yield call
    ours.close()
    server.wait()


@pytest.fixture(scope="module")
def uninterrupted(
    builds: Builds, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with index `a` of the tiny Llama, built in one go in small batches."""
    root = tmp_path_factory.mktemp("uninterrupted")
    done = builds(root, tiny_llama, "--name", "a", small_batches=True)
    assert done.code == 0, done.err
    return root


def assert_nothing_opens(root: Path) -> None:
    assert index_names(root) == []
    for name in ("a", None, ".a.building"):
        with pytest.raises((IndexNotFound, ForeignIndex)):
            find_index(name, root)


def finished_spaces(root: Path) -> set[str]:
    steps = (root / ".a.building" / "steps").glob("space *.json")
    return {path.stem.removeprefix("space ") for path in steps}


def state_of(folder: Path, spaces: set[str]) -> dict[str, tuple[int, int]]:
    """Inode and time of last change of some spaces' files."""
    found = {}
    for space in spaces:
        for path in (folder / "spaces" / f"{space}.faiss", folder / "spaces" / f"{space}.npz"):
            stat = path.stat()
            found[path.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def tables(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(folder / "catalog.duckdb"), read_only=True) as con:
        names = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {
            name: con.execute(f"SELECT * FROM {name}").fetchall()
            for name in names
            if name != "build"
        }


def assert_same(one: Path, other: Path) -> None:
    """The same files, vectors, moments, tables and manifest, times and build row aside."""
    files = [
        sorted(str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()) for f in (one, other)
    ]
    assert files[0] == files[1]
    for name in files[0]:
        if name.endswith((".faiss", "tokenizer.json")):
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
        elif name.endswith(".npz"):
            with np.load(one / name) as ours, np.load(other / name) as theirs:
                assert ours.files == theirs.files
                for key in ours.files:
                    np.testing.assert_array_equal(ours[key], theirs[key], err_msg=f"{name} {key}")
    assert tables(one) == tables(other)
    kept = []
    for folder in (one, other):
        manifest = vars(Manifest.load(folder)).copy()
        for changing in ("created", "seconds", "files", "name"):
            del manifest[changing]
        kept.append(manifest)
    assert kept[0] == kept[1]


MOMENTS = [
    ("open .*steps/fingerprint", 1),
    ("rename .*words.part", 1),
    ("open .*tokenizer.json", 1),
    ("lengthen embed.faiss", 1),
    ("put embed.faiss", 1),
    ("rename .*embed.part", 1),
    ("rename .*space embed.part", 1),
    ("put neuron.gate.faiss", 2),
    ("rename .*nearest.up.*part", 1),
    ("put neuron.out.faiss", 3),
    ("rename .*check weights.part", 1),
    ("rename .*prefix.part", 1),
    ("open .*context norms.part", 1),
    ("rename .*context norms.part", 1),
    ("lengthen context.1.faiss", 1),
    ("put context.2.faiss", 3),
    ("rename .*steps/context.part", 4),
    ("put context.0.faiss", 2),
    ("rename .*spaces/context.[0-9].*part", 1),
    ("rename .*space context.[0-9].part", 1),
    ("rename .*check context.part", 1),
    ("rename .*catalog.part", 1),
    ("open .*manifest.json", 1),
    ("rename .*steps to .a.steps", 1),
    ("rename .a.building to a", 1),
]


def test_a_build_killed_at_one_moment_after_another_ends_as_an_uninterrupted_one(
    builds: Builds, uninterrupted: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    for pattern, nth in MOMENTS:
        finished = finished_spaces(tmp_path)
        before = state_of(tmp_path / ".a.building", finished)
        killed = builds(
            tmp_path, tiny_llama, "--name", "a", small_batches=True, kill=pattern, nth=nth
        )
        assert killed.code == KILLED, f"{pattern} was not met: {killed.err}"
        assert_nothing_opens(tmp_path)
        assert not {put.split(".faiss")[0] for put in killed.puts} & finished, pattern
        assert state_of(tmp_path / ".a.building", finished) == before, pattern
    last = builds(tmp_path, tiny_llama, "--name", "a", small_batches=True)
    assert (last.code, last.puts) == (0, []), last.err
    assert index_names(tmp_path) == ["a"]
    assert verify(tmp_path / "a") == []
    assert_same(tmp_path / "a", uninterrupted / "a")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.lock", "a"]


@pytest.mark.parametrize(
    ("pattern", "nth"),
    [
        ("lengthen neuron.up.faiss", 1),
        ("put context.1.faiss", 7),
    ],
)
def test_a_build_killed_once_resumes_without_repeating_a_finished_space(
    pattern: str, nth: int, builds: Builds, uninterrupted: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    killed = builds(*command, small_batches=True, kill=pattern, nth=nth)
    assert killed.code == KILLED
    assert_nothing_opens(tmp_path)
    finished = finished_spaces(tmp_path)
    assert "embed" in finished
    before = state_of(tmp_path / ".a.building", finished)
    again = builds(*command, small_batches=True)
    assert again.code == 0, again.err
    assert not {put.split(".faiss")[0] for put in again.puts} & finished
    assert state_of(tmp_path / "a", finished) == before
    assert_same(tmp_path / "a", uninterrupted / "a")


def test_words_in_context_go_on_at_the_batch_that_was_not_yet_kept(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    killed = builds(*command, small_batches=True, kill="rename .*steps/context.part", nth=6)
    assert killed.code == KILLED
    again = builds(*command, small_batches=True)
    assert again.code == 0, again.err
    starts = [
        [int(put.split()[1]) for put in done.puts if put.startswith("context.3.faiss")]
        for done in (killed, again)
    ]
    # Five batches were on record; the rows of the sixth, and of any after it, are put again.
    assert starts[1][0] == starts[0][5] > 0
    assert starts[1] == sorted(set(starts[1]))


def test_what_a_killed_build_left_is_taken_up_by_its_fingerprint(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    staging = tmp_path / ".a.building" / "steps"
    killed = builds(tmp_path, tiny_llama, "--name", "a", kill="rename .*check weights")
    assert killed.code == KILLED
    fingerprint = (staging / "fingerprint").read_text()
    held = Staging(tmp_path, "a", fingerprint)
    assert held.resumed
    held.close()


def test_another_option_starts_anew(builds: Builds, tiny_llama: Path, tmp_path: Path) -> None:
    killed = builds(tmp_path, tiny_llama, "--name", "a", kill="rename .*check weights")
    assert killed.code == KILLED
    assert "neuron.gate" in finished_spaces(tmp_path)
    other = builds(tmp_path, tiny_llama, "--name", "a", "--raw")
    assert other.code == 0, other.err
    assert {"embed.faiss 0", "neuron.gate.faiss 0"} <= set(other.puts)
    assert Manifest.load(tmp_path / "a").conventions["neuron.gate"] == "raw rows"
    assert verify(tmp_path / "a") == []


def test_two_builds_of_one_name_at_once_are_refused_in_one_line(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    held = Staging(tmp_path, "a", "somebody else's")
    (held.folder / "mine").touch()
    second = builds(tmp_path, tiny_llama, "--name", "a")
    assert (second.code, second.out, second.puts) == (1, "", [])
    assert second.err == f"indexer: another process is building 'a' in {tmp_path}/\n"
    assert (held.folder / "mine").exists()
    held.close()
    assert builds(tmp_path, tiny_llama, "--name", "a").code == 0


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


WEIGHTS = ("--spaces", "head,neuron,embed")


def links(folder: Path) -> set[int]:
    """The inodes of a folder's files of spaces."""
    return {path.stat().st_ino for path in (folder / "spaces").iterdir()}


def test_an_index_of_weights_is_asked_and_then_completed(
    builds: Builds, uninterrupted: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    first = builds(*command, *WEIGHTS, small_batches=True)
    assert first.code == 0, first.err
    weights, before = links(tmp_path / "a"), everything(tmp_path / "a")
    assert not Manifest.load(tmp_path / "a").firing
    killed = builds(*command, small_batches=True, kill="put context.2.faiss", nth=3)
    assert killed.code == KILLED
    assert everything(tmp_path / "a") == before, "it is there to be asked meanwhile"
    assert verify(tmp_path / "a") == []
    second = builds(*command, small_batches=True)
    assert second.code == 0, second.err
    for done in (killed, second):
        assert {put.split(".")[0] for put in done.puts} == {"context"}
    assert weights < links(tmp_path / "a")
    assert verify(tmp_path / "a") == []
    assert_same(tmp_path / "a", uninterrupted / "a")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.lock", "a"]
    for spaces in ((), WEIGHTS):  # what is asked for is there
        again = builds(*command, *spaces)
        assert (again.code, again.puts, again.err) == (0, [], f"{tmp_path}/a is there already\n")


def test_a_build_in_several_files_is_killed_and_goes_on(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    few: dict[str, Any] = {"small_batches": True, "most_bytes": 4000}
    assert builds(tmp_path / "whole", tiny_llama, "--name", "a", **few).code == 0
    command = (tmp_path, tiny_llama, "--name", "a")
    for moment, nth in [
        ("put embed-00002-of-", 1),
        ("lengthen neuron.gate-00002-of-", 1),
        ("put neuron.up-00003-of-00003", 1),
        ("put head.output-00002-of-", 1),
        ("put context.2-00002-of-", 2),
        ("put context.3-", 4),
    ]:
        before = finished_spaces(tmp_path) if (tmp_path / ".a.building").exists() else set()
        killed = builds(*command, kill=moment, nth=nth, **few)
        assert killed.code == KILLED, (moment, killed.err)
        assert not {re.split(r"-\d{5}-of|\.faiss", put)[0] for put in killed.puts} & before
    again = builds(*command, **few)
    assert again.code == 0, again.err
    assert verify(tmp_path / "a") == []
    assert len(list(tmp_path.glob("a/spaces/neuron.gate-0000?-of-00003.faiss"))) == 3
    assert_same(tmp_path / "a", tmp_path / "whole" / "a")


def test_a_build_of_16_bits_is_killed_and_goes_on(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    narrow, few = ("--store", "bfloat16"), {"small_batches": True}
    assert builds(tmp_path / "whole", tiny_llama, "--name", "a", *narrow, **few).code == 0
    command = (tmp_path, tiny_llama, "--name", "a")
    for moment, nth in [
        ("put embed.faiss", 1),
        ("put neuron.up.faiss", 2),
        ("rename .*space neuron.out.part", 1),
        ("put context.2.faiss", 3),
        ("rename .*space context.[0-9].part", 1),
    ]:
        killed = builds(*command, *narrow, kill=moment, nth=nth, **few)
        assert killed.code == KILLED, (moment, killed.err)
    again = builds(*command, *narrow, **few)
    assert again.code == 0, again.err
    assert verify(tmp_path / "a") == []
    assert_same(tmp_path / "a", tmp_path / "whole" / "a")
    other = builds(*command, **few)
    assert other.code == 2
    assert "options" in other.err


def test_a_build_killed_as_it_takes_an_index_over_goes_on(
    builds: Builds, uninterrupted: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    assert builds(*command, *WEIGHTS, small_batches=True).code == 0
    for moment in (
        "steps/nearest.up.*part",
        "steps/space neuron.up.part",
        "steps/unembedding.part",
    ):
        killed = builds(*command, small_batches=True, kill=f"rename .*{moment}")
        assert killed.code == KILLED, moment
    last = builds(*command, small_batches=True)
    assert last.code == 0, last.err
    assert {put.split(".")[0] for put in last.puts} == {"context"}
    assert_same(tmp_path / "a", uninterrupted / "a")


def test_no_other_index_is_completed(builds: Builds, tiny_llama: Path, tmp_path: Path) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    assert builds(*command, "--spaces", "neuron").code == 0
    before = everything(tmp_path / "a")
    for more in ((), ("--spaces", "neuron,head"), ("--spaces", "neuron,context", "--raw")):
        other = builds(*command, *more)
        assert (other.code, other.puts) == (2, []), more
        assert other.err.startswith(f"indexer: {tmp_path}/a is there already, made from ")
    assert everything(tmp_path / "a") == before


def test_an_index_that_is_there_already_is_left_alone(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    assert builds(*command).code == 0
    before = everything(tmp_path / "a")
    again = builds(*command)
    assert (again.code, again.puts) == (0, [])
    assert again.err == f"{tmp_path}/a is there already\n"
    assert again.out == f"{tmp_path}/a\n"
    other = builds(*command, "--raw")
    assert (other.code, other.puts, other.out) == (2, [], "")
    assert other.err.startswith(f"indexer: {tmp_path}/a is there already, made from ")
    assert "--force" in other.err
    assert other.err.count("\n") == 1
    assert everything(tmp_path / "a") == before


def test_force_swaps_an_index_and_a_kill_leaves_the_old_one(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    forced = (*command, "--raw", "--force")
    assert builds(*command).code == 0
    before = everything(tmp_path / "a")
    for pattern in ("put context.1", "rename .*catalog.part", "rename .*steps to"):
        assert builds(*forced, kill=pattern).code == KILLED
        assert index_names(tmp_path) == ["a"]
        assert everything(tmp_path / "a") == before
    done = builds(*forced)
    assert (done.code, done.puts) == (0, []), done.err
    assert Manifest.load(tmp_path / "a").conventions["neuron.gate"] == "raw rows"
    assert verify(tmp_path / "a") == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.lock", "a"]


SWAPS = [
    # In one step, then the old index is set aside and removed.
    ("rename .a.building to .a.retired", False),
    ("remove .*.a.retired/spaces/embed.npz", False),
    ("remove .*.a.retired/manifest.json", False),
    # In two, where names cannot be exchanged.
    ("rename a to .a.retired", True),
    ("rename .a.building to a", True),
    ("remove .*.a.retired/spaces/embed.npz", True),
]


@pytest.mark.parametrize(("pattern", "no_exchange"), SWAPS)
def test_an_index_is_there_at_every_moment_of_a_swap(
    pattern: str, no_exchange: bool, builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    forced = (*command, "--raw", "--force")
    assert builds(*command).code == 0
    killed = builds(*forced, kill=pattern, no_exchange=no_exchange)
    assert killed.code == KILLED, killed.err
    assert index_names(tmp_path) == ["a"]
    assert verify(find_index("a", tmp_path)) == []
    assert verify(find_index(None, tmp_path)) == []
    done = builds(*forced, no_exchange=no_exchange)
    assert done.code == 0, done.err
    assert Manifest.load(tmp_path / "a").conventions["neuron.gate"] == "raw rows"
    assert verify(tmp_path / "a") == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.lock", "a"]


def test_an_index_that_was_set_aside_is_asked_and_listed_and_given_its_name_back(
    builds: Builds, tiny_llama: Path, tmp_path: Path, run: Run
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    forced = (*command, "--raw", "--force")
    assert builds(*command).code == 0
    before = everything(tmp_path / "a")
    killed = builds(*forced, kill="rename .a.building to a", no_exchange=True)
    assert killed.code == KILLED
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".lock") == [
        ".a.building",
        ".a.retired",
        ".a.steps",
    ]
    for asked in (
        ("indexer", "list"),
        ("indexer", "show", "a"),
        ("indexer", "verify", "a"),
        ("explorer", "word", "dog", "--index", "a"),
    ):
        done = run(*asked, "--indexes", str(tmp_path))
        assert (done.code, done.err) == (0, ""), asked
    undone = builds(*command)
    assert (undone.code, undone.puts) == (0, []), undone.err
    assert everything(tmp_path / "a") == before


def test_what_a_kill_left_is_removed_by_the_next_command_of_whatever_name(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    killed = builds(tmp_path, tiny_llama, "--name", "a", kill="rmtree .a.steps", nth=2)
    assert killed.code == KILLED
    assert (tmp_path / ".a.steps").is_dir()
    (tmp_path / ".b.importing" / "spaces").mkdir(parents=True)
    held = Staging(tmp_path, "c", "somebody else's", "importing")
    again = builds(tmp_path, tiny_llama, "--name", "a")
    assert again.err == f"{tmp_path}/a is there already\n"
    left = sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".lock")
    assert left == [".c.importing", "a"], "another process is at work on c"
    held.close()


def test_two_folders_exchange_their_names_in_one_step(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "what").write_text(name)
    if not exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this file system does not exchange names")
    assert (tmp_path / "one" / "what").read_text() == "other"
    assert (tmp_path / "other" / "what").read_text() == "one"
    assert not exchange(tmp_path / "one", tmp_path / "none")


def test_force_does_not_replace_what_is_no_index(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").write_text("ten years of work")
    refused = builds(tmp_path, tiny_llama, "--name", "a", "--force")
    assert refused.code == 2
    assert refused.err.startswith(f"indexer: {tmp_path}/a is not an index")
    assert refused.err.count("\n") == 1
    assert (tmp_path / "a" / "thesis.tex").read_text() == "ten years of work"


@pytest.mark.parametrize(
    "name", ["thesis.tex", ".hidden", "spaces/mine.npz", "spaces/more/x.faiss", "notes/a.txt"]
)
def test_force_never_deletes_what_is_not_the_indexs_own(
    name: str, builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    assert builds(*command).code == 0
    mine = tmp_path / "a" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("ten years of work")
    before = everything(tmp_path / "a")
    refused = builds(*command, "--raw", "--force")
    assert (refused.code, refused.puts) == (2, [])
    assert refused.err.startswith(f"indexer: {tmp_path}/a holds what is not the index's own")
    assert refused.err.count("\n") == 1
    assert everything(tmp_path / "a") == before
    mine.unlink()
    if mine.parent.name in ("notes", "more"):
        mine.parent.rmdir()
    assert builds(*command, "--raw", "--force").code == 0


def test_what_came_into_the_folder_during_the_build_is_kept(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    assert builds(*command).code == 0
    staging = Staging(tmp_path, "a", "another")
    (tmp_path / "a" / "thesis.tex").write_text("ten years of work")
    with pytest.raises(ForeignIndex, match=r"not the index's own \(thesis\.tex\)"):
        staging.seal()
    staging.close()
    assert (tmp_path / "a" / "thesis.tex").read_text() == "ten years of work"
    assert [fault for fault in verify(tmp_path / "a") if "thesis" not in fault] == []


def test_force_does_not_replace_another_programs_manifest(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "manifest.json").write_text('{"name": "my web app"}')
    refused = builds(tmp_path, tiny_llama, "--name", "a", "--force")
    assert refused.code == 2
    assert "is not an index, so --force does not replace it" in refused.err
    assert (tmp_path / "a" / "manifest.json").exists()


def test_force_on_a_link_takes_the_link_away_and_leaves_what_it_leads_to(
    builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    root, elsewhere = tmp_path / "indexes", tmp_path / "elsewhere"
    assert builds(root, tiny_llama, "--name", "a").code == 0
    (root / "a").rename(elsewhere)
    (root / "a").symlink_to(elsewhere)
    before = everything(elsewhere)
    assert builds(root, tiny_llama, "--name", "a", "--raw", "--force").code == 0
    assert not (root / "a").is_symlink()
    assert everything(elsewhere) == before
    assert sorted(p.name for p in root.iterdir()) == [".a.lock", "a"]


def test_force_replaces_a_damaged_index(builds: Builds, tiny_llama: Path, tmp_path: Path) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    assert builds(*command).code == 0
    for name in ("manifest.json", "catalog.duckdb"):
        (tmp_path / "a" / name).unlink()
        assert builds(*command, "--force").code == 0
        assert verify(tmp_path / "a") == []


@pytest.mark.parametrize(
    "trouble",
    [
        {"no_room_at_write": 12},
        {"largest_file": 15_000},
        {"largest_file": 1_000_000},
    ],
)
def test_a_full_disk_gives_one_line_and_loses_nothing(
    trouble: dict[str, int], builds: Builds, tiny_llama: Path, tmp_path: Path
) -> None:
    command = (tmp_path, tiny_llama, "--name", "a")
    full = builds(*command, **trouble)
    assert (full.code, full.out) == (1, "")
    assert full.err.startswith("indexer: ")
    assert full.err.count("\n") == 1
    assert "No space left" in full.err or "File too large" in full.err
    assert_nothing_opens(tmp_path)
    finished = finished_spaces(tmp_path)
    again = builds(*command)
    assert again.code == 0, again.err
    assert not {put.split(".faiss")[0] for put in again.puts} & finished
    assert verify(tmp_path / "a") == []
