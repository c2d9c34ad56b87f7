"""`indexer` as a person runs it: bad input, help, exit codes, and what a command imports.

Every error is one line on stderr that begins with the program's name; stdout stays empty.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import Run

Main = Callable[..., SimpleNamespace]

HEAVY = ("torch", "transformers", "faiss", "duckdb", "numpy", "tokenizers", "wordfreq", "tqdm")


@pytest.fixture
def main(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Main:
    """The program's own entry in this process, which has the model library already."""
    from indexer.cli import main as entry

    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["indexer", *args])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            entry()
        said = capfd.readouterr()
        return SimpleNamespace(code=end.value.code, out=said.out, err=said.err)

    return call


def assert_one_line(done: SimpleNamespace, code: int, *said: str) -> None:
    assert done.err.startswith("indexer: "), done.err
    assert done.err.count("\n") == 1, done.err
    assert (done.code, done.out) == (code, "")
    for part in said:
        assert part in done.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["biuld"], ["'biuld'", "'build'"]),
        (["build"], ["'MODEL'"]),
        (["build", "m", "n"], ["(n)"]),
        (["build", "m", "--wrods", "3"], ["'--wrods'", "'--words'"]),
        (["build", "m", "--words"], ["--words"]),
        (["build", "m", "--dtype", "bfloat"], ["no dtype 'bfloat'", "'bfloat16'", "float32"]),
        (["build", "m", "--words", "-3"], ["--words -3", "0 or more"]),
        (["build", "m", "--words", "_"], ["words file '_' cannot be read", "No such file"]),
        (["build", "m", "--words", "."], ["Is a directory"]),
        (["build", "m", "--seed", "-1"], ["--seed", "-1"]),
        (["build", "m", "--seed", "x"], ["--seed", "'x'"]),
        (["build", "m", "--name", "../out"], ["cannot be named '../out'", "--name"]),
        (["build", "m", "--name", ".hidden"], ["cannot be named '.hidden'"]),
        (["build", ""], ["--name"]),
        (["build", "no-such-model"], ["no model 'no-such-model'", "'smollm2'"]),
        (["build", "./no-such-folder"], ["no folder './no-such-folder'"]),
        (["build", "~nobody-here/model"], ["no folder '~nobody-here/model'"]),
        (["build", "none.gguf"], ["no file 'none.gguf'"]),
        (["show"], ["no index in indexes/", "`indexer build smollm2`"]),
        (["verify"], ["no index in indexes/", "`indexer build smollm2`"]),
        (["show", "nothing"], ["no index 'nothing' in indexes/", "there are none"]),
        (["verify", "nothing"], ["no index 'nothing' in indexes/"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args: list[str], said: list[str], run: Run) -> None:
    assert_one_line(run("indexer", *args), 2, *said)


def test_bad_input_leaves_no_folder_behind(run: Run, tmp_path: Path) -> None:
    run("indexer", "build", "no-such-model")
    run("indexer", "build", "no-such-model", "--words", "none.txt")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_of_indexes_lists_nothing_and_says_how_to_build(run: Run) -> None:
    done = run("indexer", "list")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("no index in indexes/ or /")
    assert done.err.endswith("/; build one with `indexer build smollm2`\n")


def test_what_failed_is_told_in_colour_where_colours_are_wanted(run: Run, tmp_path: Path) -> None:
    args = ("indexer", "show", "nope", "--indexes", str(tmp_path))
    assert run(*args, FORCE_COLOR="1").err.startswith("\x1b[31mindexer:\x1b[0m no index")
    assert run(*args, FORCE_COLOR="1", NO_COLOR="1").err.startswith("indexer: no index")
    assert run(*args).err.startswith("indexer: no index")


def test_a_folder_of_indexes_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    done = run("indexer", "list", "--indexes", str(tmp_path / "nope"))
    assert_one_line(done, 2, "nope", "no such folder")


def test_a_name_that_is_nearly_right_is_met_with_the_right_one(
    tiny_indexes: Path, run: Run
) -> None:
    done = run("indexer", "show", "lama", "--indexes", str(tiny_indexes))
    assert_one_line(done, 2, "no index 'lama'", "did you mean 'llama'?", "gpt2, llama")
    done = run("indexer", "show", "--indexes", str(tiny_indexes))
    assert_one_line(done, 2, "several indexes", "gpt2, llama")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layers", "3"], ["no layer 3", "layers 0 to 2"]),
        (["--layers", "some"], ["--layers", "'some'", "0-3,7"]),
        (["--device", "gpu9"], ["no device 'gpu9'", "'cpu'"]),
        (["--device", "meta"], ["no device 'meta'", "'cpu'"]),
        (["--words", "long.txt"], ["word 'x x x x", "160 tokens", "the model takes 64"]),
        (["--words", "bad.txt"], ["bad.txt", "not UTF-8", "line 2"]),
        (["--words", "empty.txt"], ["empty.txt", "holds no words"]),
    ],
)
def test_an_option_that_the_model_cannot_meet_is_one_line(
    options: list[str], said: list[str], tiny_llama: Path, main: Main, tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_text("dog\n" + "x " * 80 + "\n")
    (tmp_path / "bad.txt").write_bytes(b"dog\n\xff\xff\n")
    (tmp_path / "empty.txt").touch()
    assert_one_line(main("build", str(tiny_llama), "--quiet", *options), 2, *said)
    assert main("list").out == ""


def test_an_unknown_family_is_told_what_is_known_and_how_to_add_one(
    tiny_llama: Path, run: Run, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "strange")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "lama"}))
    done = run("indexer", "build", str(folder), "--quiet")
    assert (done.code, done.out) == (2, "")
    known, *how = done.err.splitlines()
    assert all(part in known for part in ("'lama'", "did you mean 'llama'?", "gpt2", "qwen3_moe"))
    assert len(how) == 3
    assert "indexer/architectures.py" in how[0]


def test_pickled_weights_are_refused_in_one_line(
    tiny_llama: Path, run: Run, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "old")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    done = run("indexer", "build", str(folder))
    assert_one_line(done, 2, "pytorch_model.bin", "--allow-pickle")


def test_weights_that_cannot_be_loaded_are_a_failure_of_the_machine(
    tiny_llama: Path, main: Main, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_llama, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    assert_one_line(main("build", str(folder), "--quiet"), 1, "cannot be loaded")


def test_a_folder_of_indexes_that_is_a_file_is_one_line(
    tiny_llama: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "indexes").write_text("not a folder")
    done = run("indexer", "build", str(tiny_llama))
    assert_one_line(done, 2, "'indexes' is a file")
    assert (tmp_path / "indexes").read_text() == "not a folder"


@pytest.mark.afresh
def test_a_whole_build_from_the_command_line(tiny_gpt2: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("zebra crossing\n")
    (tmp_path / "indexes").mkdir()
    done = run("indexer", "build", str(tiny_gpt2), "--words", "words.txt", "--prefix", "The")
    assert (done.code, done.out) == (0, "indexes/tiny-gpt2\n")
    assert "embed" in done.err
    assert "built indexes/tiny-gpt2 in " in done.err
    shown = run("indexer", "show", "--json").json()
    assert (shown["prefix"]["text"], shown["prefix"]["chosen"]) == ("The", "asked")


# -- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["build"], ["list"], ["show"], ["verify"]])
def test_help_says_what_a_command_does_and_its_exit_codes(command: list[str], run: Run) -> None:
    done = run("indexer", *command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: indexer {' '.join(command)}".rstrip())
    assert "Exit codes: 0 done" in done.out
    assert "2 what was asked for cannot be had" in done.out


def test_help_of_build_names_every_option(run: Run) -> None:
    out = run("indexer", "build", "--help").out
    for option in (
        *("--name", "--words", "--layers", "--dtype", "--device", "--prefix", "--seed", "--raw"),
        *("--force", "--offline", "--allow-pickle", "--quiet", "--indexes"),
    ):
        assert option in out


def test_no_command_at_all_shows_the_help(run: Run) -> None:
    done = run("indexer")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: indexer")
    assert "\n  build " in done.err


def test_the_module_runs_as_the_program_does(run: Run) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "indexer", "--help"], capture_output=True, text=True, check=True
    )
    assert "Exit codes" in done.stdout


# -- what is imported ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import indexer", ()),
        ("import indexer.store", ()),
        ("import indexer.cli", ()),
        ("import indexer.store.layout", ()),
        ("sys.argv = ['indexer', '--help']; import indexer.cli; indexer.cli.main()", ()),
        ("sys.argv = ['indexer', 'build', '-h']; import indexer.cli; indexer.cli.main()", ()),
        ("sys.argv = ['indexer', 'list']; import indexer.cli; indexer.cli.main()", ()),
        ("import indexer.store.read, indexer.store.verify", ("numpy",)),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, allowed: tuple[str]) -> None:
    script = (
        "import sys\n"
        f"try:\n    exec({code!r})\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = done.stderr.splitlines()[-1]
    assert loaded == str([name for name in HEAVY if name in allowed])


@pytest.mark.parametrize("address", ["everywhere", "ray://", "http://127.0.0.1:1", "ray://a b:1"])
def test_an_address_of_a_cluster_that_is_none_is_told_before_anything_is_read(
    main: Main, tmp_path: Path, address: str
) -> None:
    done = main("build", "no-such-model", "--indexes", str(tmp_path / "i"), "--on", address)
    assert_one_line(done, 2, f"--on {address!r}: give ray, or where a Ray cluster runs")


def test_a_cluster_that_does_not_answer_is_told_before_anything_is_read(
    main: Main, tmp_path: Path
) -> None:
    with socket.socket() as unheard:  # bound, and never listening
        unheard.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{unheard.getsockname()[1]}"
        done = main("build", "no-such-model", "--indexes", str(tmp_path / "i"), "--on", address)
    assert_one_line(done, 1, f"no Ray cluster answers at {address}")
