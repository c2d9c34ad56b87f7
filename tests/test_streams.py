"""Programs whose surroundings fail them: streams closed or full, letters they lack, little memory.

Each ends with an exit code and at most one line, whatever was taken away.
"""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import BIN
from indexer.store.errors import at_the_edge
from indexer.store.limits import ANSWERING, BUILDING
from indexer.store.whole_file import MOST

LONG = 300
"""Seconds after which a program is held to hang."""

Shell = Callable[..., SimpleNamespace]


@pytest.fixture
def shell(tiny_indexes: Path, tmp_path: Path) -> Shell:
    """Run a line of sh in which `explorer` and `indexer` find the tiny Llama."""

    def call(line: str, **variables: str) -> SimpleNamespace:
        place = {"EXPLORER_INDEXES": str(tiny_indexes), "EXPLORER_INDEX": "llama"}
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **place, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONG,
            check=False,
        )
        return SimpleNamespace(
            code=done.returncode, out=done.stdout, err=done.stderr.decode(), line=line
        )

    return call


def one_line(done: SimpleNamespace, code: int, *said: str) -> None:
    assert done.code == code, (done.line, done.code, done.err)
    assert done.out == b"", done.line
    assert done.err.count("\n") == 1, done.err
    for part in said:
        assert part in done.err, done.err


# -- letters that stdout lacks --------------------------------------------------------------

ASK = 'explorer neighbors "dog" -k 40 --all-forms'


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_table_stands_in_letters_that_there_are(shell: Shell, encoding: str) -> None:
    exact = shell(ASK).out.decode()
    done = shell(ASK, PYTHONIOENCODING=encoding)
    assert (done.code, done.err) == (0, "")
    shown = done.out.decode(encoding)
    assert "dog = _dog #" in shown
    assert "---" in shown
    assert len(shown.splitlines()) == len(exact.splitlines())


@pytest.mark.parametrize("format", ["json", "jsonl"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_json_is_exact_in_any_letters(shell: Shell, format: str, encoding: str) -> None:
    line = f"{ASK} --format {format}"
    exact, done = shell(line), shell(line, PYTHONIOENCODING=encoding)
    assert done.code == 0, done.err
    ours, theirs = done.out.decode(encoding), exact.out.decode()
    read = json.loads if format == "json" else lambda text: [*map(json.loads, text.splitlines())]
    assert read(ours) == read(theirs)


def test_json_of_stdin_and_of_a_manifest_is_exact_too(shell: Shell) -> None:
    for line in ("echo dog | explorer neighbors --stdin -k 30", "indexer show llama --json"):
        ours, theirs = shell(line, PYTHONIOENCODING="ascii"), shell(line)
        assert ours.code == 0, ours.err
        assert json.loads(ours.out.decode("ascii")) == json.loads(theirs.out)


def test_csv_that_cannot_be_exact_says_so_and_a_file_is(shell: Shell, tmp_path: Path) -> None:
    line = "explorer sql \"SELECT 'straße ␣' AS a\" --format csv"
    done = shell(line, PYTHONIOENCODING="ascii")
    assert (done.code, done.out) == (0, b"a\nstra\\xdfe _\n")
    assert "stdout cannot say '\\xdf' and such in ascii" in done.err
    assert shell(f"{line} -o a.csv", PYTHONIOENCODING="ascii").err == ""
    assert (tmp_path / "a.csv").read_text("utf-8") == "a\nstraße ␣\n"


def test_html_is_exact_in_ascii(shell: Shell) -> None:
    done = shell("explorer sql \"SELECT 'ß' AS a\" --format html", PYTHONIOENCODING="ascii")
    assert done.code == 0
    assert b"&#223;" in done.out


def test_what_is_refused_is_said_in_letters_that_there_are(shell: Shell) -> None:
    done = shell("explorer neighbors straße", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    one_line(done, 2, "stra\\xdfe")


# -- streams that are closed, full, or have nobody at the other end --------------------------

PROGRAMS = [
    "explorer neighbors dog",
    "explorer neighbors dog --format json",
    "explorer sql 'SELECT 1'",
    "explorer schema",
    "explorer --version",
    "explorer neighbors --help",
    "indexer list",
    "indexer show llama",
    "indexer verify llama",
    "indexer --help",
]


@pytest.mark.parametrize("line", PROGRAMS)
def test_what_cannot_be_written_is_told(shell: Shell, line: str) -> None:
    one_line(shell(f"{line} >&-"), 1, "stdout is closed")
    one_line(shell(f"{line} >/dev/full"), 1, "No space left on device")


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_narration_that_nobody_hears_changes_nothing(shell: Shell, streams: str) -> None:
    asked = "explorer neighbors dog --format csv"
    assert shell(f"{asked} {streams}").out == shell(asked).out
    assert shell(f"{asked} {streams}").code == 0
    wrong = shell(f"explorer neighbors dgo {streams}")
    assert (wrong.code, wrong.out) == (2, b"")
    assert shell(f"indexer show nothing {streams}").code == 2


def test_with_every_stream_closed_it_ends(shell: Shell) -> None:
    assert shell("explorer neighbors dog <&- >&- 2>&-").code == 1
    assert shell("explorer neighbors dog -o a.txt <&- >&- 2>&-; test -s a.txt").code == 0


def test_a_reader_that_has_left_is_no_error(shell: Shell) -> None:
    for line in ("explorer neighbors dog --format json", "explorer --help", "indexer show --json"):
        done = shell(f"{{ {line}; echo $? >code; }} | true; cat code")
        assert (done.out, done.err) == (b"0\n", "")


def test_a_build_goes_on_without_anybody_to_hear_it(
    shell: Shell, tiny_llama: Path, tmp_path: Path
) -> None:
    line = f"indexer build {shlex.quote(str(tiny_llama))} --words 0 --indexes made"
    done = shell(f"{line} 2>/dev/full")
    assert (done.code, done.out) == (0, b"made/tiny-llama\n")
    told = shell(f"{{ {line} --force --progress json; echo $? >code; }} 2>&1 >/dev/null | true")
    assert told.code == 0
    assert (tmp_path / "code").read_text() == "1\n"  # whom it tells has gone, and it ends


def test_the_terminal_ui_asks_for_a_terminal(shell: Shell) -> None:
    one_line(shell("explorer tui"), 2, "needs a terminal")
    inner, outer = pty.openpty()
    try:
        done = subprocess.run(
            [BIN / "explorer", "tui"], stdin=outer, capture_output=True, timeout=LONG, check=False
        )
    finally:
        os.close(inner)
        os.close(outer)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"needs a terminal" in done.stderr


def test_the_terminal_ui_ends_with_its_terminal(tiny_indexes: Path) -> None:
    inner, outer = pty.openpty()
    tui = subprocess.Popen(
        [BIN / "explorer", "tui", "--index", "llama", "--indexes", tiny_indexes],
        stdin=outer,
        stdout=outer,
        stderr=outer,
        start_new_session=True,  # the terminal is not its own, so no SIGHUP ends it
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(outer)
    drawn = b""
    while b"Neighbors" not in drawn:
        drawn += os.read(inner, 1 << 16)
    os.close(inner)
    assert tui.wait(timeout=LONG) in (0, 129)


# -- little memory --------------------------------------------------------------------------


def test_too_little_address_space_is_told_before_anything_is_tried(shell: Shell) -> None:
    for line, least in (
        ("explorer neighbors dog", ANSWERING),
        ("explorer sql 'SELECT 1'", ANSWERING),
        ("echo dog | explorer neighbors --stdin", ANSWERING),
        ("indexer verify llama", ANSWERING),
        ("indexer build nothing", BUILDING),
    ):
        for limit in (100_000, (least >> 10) - 1):
            done = shell(f"ulimit -v {limit}; {line}")
            one_line(done, 1, "out of memory", "address space is limited", "(ulimit -v)")


@pytest.mark.parametrize("over", [0, 100_000, 300_000])
def test_with_little_more_it_answers_or_says_why_not(shell: Shell, over: int) -> None:
    limit = (ANSWERING >> 10) + over
    for line in (
        "explorer neighbors dog --format json",
        "explorer sql 'SELECT 1 AS a' --format json",
    ):
        done = shell(f"ulimit -v {limit}; {line}")
        if done.code:
            one_line(done, 1, "out of memory")
        else:
            assert json.loads(done.out)["rows"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 1 TiB"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not mmap(): Cannot allocate memory"),
        ImportError("libx.so: failed to map segment from shared object"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"
        ),
    ],
)
def test_want_of_memory_is_known_in_every_librarys_words(error: BaseException) -> None:
    edge = at_the_edge(error)
    assert edge is not None
    assert edge == (1, "out of memory")


def test_another_fault_is_not_taken_for_it() -> None:
    for error in (RuntimeError("no such layer"), ImportError("no module"), ValueError("x")):
        assert at_the_edge(error) is None


# -- what is no file ------------------------------------------------------------------------


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, str]:
    """Names that lead to something other than a file, with what is said of each."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MOST + 1)
    return {
        "pipe": "pipe that nobody writes to",
        "folder": "s a directory",
        "/dev/zero": "it is a device, not a file",
        "/dev/tty": "",  # there is none here, or it is a device
        "huge": "longer than 256 MiB",
    }


@pytest.mark.parametrize(
    "line",
    [
        "explorer compare --file {}",
        "explorer evaluate analogies {}",
        "explorer evaluate similarity {}",
        "explorer sql -f {}",
        "indexer build {model} --words {}",
    ],
)
def test_a_text_that_is_no_file_is_refused_in_one_line(
    shell: Shell, line: str, odd: dict[str, str], tiny_llama: Path
) -> None:
    for name, said in odd.items():
        asked = line.replace("{model}", shlex.quote(str(tiny_llama))).replace("{}", name)
        done = shell(asked)
        one_line(done, 2, said, name)


def test_a_table_that_is_no_file_is_refused_in_one_line(shell: Shell, odd: dict[str, str]) -> None:
    for name in ("pipe", "folder", "/dev/zero"):
        done = shell(f"explorer sql 'SELECT 1' --attach mine={name}")
        one_line(done, 2, "cannot read", name)


def test_vectors_that_are_no_file_are_refused_in_one_line(
    shell: Shell, odd: dict[str, str]
) -> None:
    for name in ("pipe", "folder", "/dev/zero"):
        for how in ("npy", "word2vec", "glove", "parquet", "safetensors"):
            done = shell(f"indexer import {name} --name x --indexes made --format {how}")
            one_line(done, 2, name)


def test_a_pipe_that_somebody_writes_to_is_read(
    shell: Shell, tiny_llama: Path, tmp_path: Path
) -> None:
    asked = f"indexer build {shlex.quote(str(tiny_llama))} --indexes made --words"
    done = shell(f"{{ sleep 1; echo zebra crossing; }} | {asked} /dev/stdin")
    assert done.code == 0, done.err
    count = "SELECT count(*) AS n FROM word WHERE text = 'zebra crossing'"
    asked = f'explorer sql "{count}" --indexes made --index tiny-llama --format json'
    assert json.loads(shell(asked).out)["rows"] == [{"n": 1}]


def test_an_answer_is_not_written_to_a_pipe_that_nobody_reads(
    shell: Shell, odd: dict[str, str]
) -> None:
    one_line(shell("explorer neighbors dog -o pipe"), 1, "pipe that nobody reads")
    done = shell("cat pipe & explorer neighbors dog -k 1 --format jsonl -o pipe; wait")
    assert json.loads(done.out)["rank"] == 1
    one_line(shell("explorer neighbors dog -o /dev/full"), 1, "No space left on device")
