"""The program `explorer` as a person runs it: what it prints, where, and how it refuses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import explorer
from conftest import BIN
from explorer.cli import main
from explorer.show.formats import render
from explorer.show.layout import filled

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def ask(run: Run, tiny_indexes: Path) -> Run:
    """Run `explorer` on the tiny Llama."""

    def call(*args: str, **options: Any) -> SimpleNamespace:
        return run("explorer", *args, "--indexes", str(tiny_indexes), "--index", "llama", **options)

    return call


def refused(done: SimpleNamespace, code: int = 2) -> str:
    """The one line a refusal is; nothing on stdout, no traceback, and the exit code."""
    assert done.out == ""
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("explorer: ")
    assert done.code == code
    return str(lines[0])


# -- what is printed ------------------------------------------------------------------------

QUESTIONS: dict[str, tuple[tuple[str, ...], Callable[[Any], Any]]] = {
    "neighbors": (
        ("neighbors", "king - man + woman", "-k", "4"),
        lambda ix: ix.neighbors("king - man + woman", k=4),
    ),
    "neighbors-context": (
        ("neighbors", "dog", "--space", "context.1", "--measure", "euclidean", "--include-inputs"),
        lambda ix: ix.neighbors("dog", "context.1", measure="euclidean", include_inputs=True),
    ),
    "neighbors-distinct": (
        ("neighbors", "dog", "--distinct", "-k", "5"),
        lambda ix: ix.neighbors("dog", k=5, distinct=True),
    ),
    "middleman": (
        ("middleman", "large", "tall", "--not", "dog", "--side", "out", "--layers", "0-1"),
        lambda ix: ix.middleman("large", "tall", avoid=["dog"], side="out", layers="0-1"),
    ),
    "middleman-per-layer": (
        ("middleman", "red", "--score", "dot", "--combine", "mean", "--per-layer", "2"),
        lambda ix: ix.middleman("red", score="dot", combine="mean", per_layer=2),
    ),
    "compare": (
        ("compare", "large", "tall", "dog", "--each-layer", "--pairs", "100"),
        lambda ix: ix.compare("large", "tall", "dog", each_layer=True, pairs=100),
    ),
    "analogy": (
        ("analogy", "dog + small", "--target", "puppy", "--against", "dog + large"),
        lambda ix: ix.analogy("dog + small", "puppy", against="dog + large"),
    ),
    "analogy-mul": (
        ("analogy", "dog + small", "--method", "mul", "--space", "context.2"),
        lambda ix: ix.analogy("dog + small", method="mul", space="context.2"),
    ),
    "analogy-layers": (
        ("analogy", "dog + small", "--target", "puppy", "--all-layers"),
        lambda ix: ix.analogy_layers("dog + small", "puppy"),
    ),
    "neuron": (("neuron", "L1N7", "-k", "3"), lambda ix: ix.neuron("L1N7", k=3)),
}

FIELDS = {
    "neighbors": ["rank", "item", "score", "z", "text", "forms"],
    "middleman": [
        "rank", "neuron", "layer", "expert", "unit", "score", "scores", "avoided", "acts",
        "reads", "writes",
    ],
    "compare": ["first", "second", "layer", "n", "scores", "percentiles"],
    "analogy": ["rank", "item", "score", "z", "text", "forms"],
    "analogy-layers": ["space", "measure", "nearest", "target", "notes"],
    "neuron": ["side", "kind", "rank", "item", "score", "activation"],
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_json_is_what_python_gives(ask: Run, tiny_indexes: Path, name: str) -> None:
    args, method = QUESTIONS[name]
    done = ask(*args, "--format", "json")
    assert (done.code, done.err) == (0, "")
    with explorer.open("llama", tiny_indexes) as ix:
        assert done.json() == json.loads(json.dumps(method(ix).to_dict()))


@pytest.mark.parametrize("name", FIELDS)
def test_json_has_the_documented_shape(ask: Run, name: str) -> None:
    answer = ask(*QUESTIONS[name][0], "--format", "json").json()
    assert list(answer) == ["query", "rows", "meta"]
    assert answer["rows"]
    for row in answer["rows"]:
        assert list(row) == FIELDS[name]
    assert {"index", "model", "space", "measure", "convention", "resolved"} <= set(answer["meta"])


@pytest.mark.parametrize("name", ["neighbors", "middleman", "analogy-layers", "neuron"])
def test_json_lines_are_the_rows_of_json(ask: Run, name: str) -> None:
    args, _ = QUESTIONS[name]
    rows = ask(*args, "--format", "json").json()["rows"]
    done = ask(*args, "--format", "jsonl")
    assert [json.loads(line) for line in done.out.splitlines()] == rows


def test_csv_holds_the_rows_with_a_column_a_word(ask: Run) -> None:
    args, _ = QUESTIONS["middleman"]
    rows = ask(*args, "--format", "json").json()["rows"]
    done = ask(*args, "--format", "csv")
    read = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["neuron"] for row in read] == [row["neuron"] for row in rows]
    assert [float(row["scores.tall"]) for row in read] == [r["scores"]["tall"] for r in rows]
    assert [float(row["avoided.dog"]) for row in read] == [r["avoided"]["dog"] for r in rows]
    assert [row["reads"].split() for row in read] == [row["reads"] for row in rows]


@pytest.mark.parametrize("name", FIELDS)
def test_a_page_has_the_rows_of_the_table_with_its_marks_escaped(
    tiny_indexes: Path, name: str
) -> None:
    with explorer.open("llama", tiny_indexes) as ix:
        result = QUESTIONS[name][1](ix)
    laid, lines = result.layout(), render(result, "markdown").splitlines()
    table = [line for line in lines if line.startswith("| ")]
    cells = [re.split(r" (?<!\\)\| ", line[2:-2]) for line in table]
    assert len(cells) == len(result.rows) + 2
    columns = filled(laid.columns, laid.rows)
    assert {len(row) for row in cells} == {len(columns)}
    assert [re.sub(r"\\(.)", r"\1", cell) for cell in cells[2]] == [
        " ".join(column.cell(result.rows[0]).split()) for column in columns
    ]
    assert re.sub(r"\\(.)", r"\1", lines[0]) == " ".join(laid.head[0].split())
    said = [re.sub(r"\\(.)", r"\1", line) for line in lines]
    assert all(f"- {' '.join(line.split())}" in said for line in laid.foot if line)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_rows_alone_are_told_on_stderr_what_they_rest_on(ask: Run, format: str) -> None:
    done = ask("neighbors", "dog", "--format", format)
    assert done.code == 0
    assert "explorer: embed by cosine, index llama" in done.err.splitlines()
    assert "explorer: dog = ␣dog #" in done.err


def test_a_table_says_what_was_asked_and_what_each_word_was_taken_to_be(ask: Run) -> None:
    done = ask("analogy", "dog + small", "--target", "Great Dane", "--against", "dog + large")
    assert done.err == ""
    assert "dog + small  in embed by cosine" in done.out
    assert "dog = ␣dog #" in done.out
    assert "large = ␣large #" in done.out
    assert "(the mean of its 2 parts)" in done.out
    assert "Great Dane: rank " in done.out
    assert "z: standard deviations above this query's mean over all tokens of embed" in done.out
    assert done.out.rstrip().splitlines()[-1].startswith("index llama, model ")


def test_a_table_of_neurons_says_the_convention_and_what_z_is_read_against(ask: Run) -> None:
    done = ask("middleman", "large", "tall")
    assert "neuron.gate: norm gain folded in" in done.out
    assert "z: standard deviations above what the neuron gives the 43 word-like tokens" in done.out


def test_tables_fold_forms_and_can_be_told_not_to(ask: Run) -> None:
    args = ("neighbors", "large", "-k", "300")
    folded, each = ask(*args), ask(*args, "--all-forms")
    assert "␣Large" not in folded.out
    assert "␣Large" in each.out


def test_an_expression_may_begin_with_a_minus(ask: Run) -> None:
    signed = ask("neighbors", "- man + king", "--format", "json").json()
    assert [i["weight"] for i in signed["meta"]["resolved"]] == [-1.0, 1.0]
    weighted = ask("neighbors", "-2*man + king", "--format", "json").json()
    assert [i["weight"] for i in weighted["meta"]["resolved"]] == [-2.0, 1.0]
    against = ask("analogy", "king", "--target", "dog", "--against", "-0.5*man", "--format", "json")
    assert against.json()["meta"]["target"]["against"]["expression"] == "-0.5*man"


def test_help_says_how_expressions_are_written_and_what_exit_codes_mean(run: Run) -> None:
    for command in ([], ["neighbors"], ["middleman"], ["analogy"]):
        done = run("explorer", *command, "--help")
        assert (done.code, done.err) == (0, "")
        assert "king - man + woman" in done.out
        assert "Exit codes: 0 answered" in done.out


# -- where it is written --------------------------------------------------------------------


def test_an_answer_goes_to_a_file_whole_or_not_at_all(ask: Run, tmp_path: Path) -> None:
    args = ("neighbors", "dog", "--format", "json")
    file = tmp_path / "answer.json"
    file.write_text("old")
    done = ask(*args, "-o", str(file))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert json.loads(file.read_text()) == ask(*args).json()
    refused(ask("neighbors", "lagre", "-o", str(file)))
    assert json.loads(file.read_text())["rows"]
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]


def test_a_link_is_written_through_and_a_device_is_not_replaced(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("there")
    assert ask("neighbors", "dog", "-o", str(tmp_path / "link")).code == 0
    assert (tmp_path / "link").is_symlink()
    assert "dog" in (tmp_path / "there").read_text()
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True)
    assert ask("neighbors", "dog", "-o", str(tmp_path / "pipe")).code == 0
    assert "dog" in reader.communicate(timeout=60)[0]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("path", ["nowhere/answer.txt", "/", "", "."])
def test_a_file_that_cannot_be_written_is_a_failure_of_the_machine(ask: Run, path: str) -> None:
    line = refused(ask("neighbors", "dog", "-o", path), code=1)
    assert f"cannot write {path!r}" in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command", [("explorer", "neighbors", "dog", "--index", "llama"), ("indexer", "list")]
)
def test_a_full_disk_is_one_line(command: tuple[str, ...], tiny_indexes: Path) -> None:
    program, *arguments = command
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [BIN / program, *arguments, "--indexes", tiny_indexes],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"{program}: No space left on device\n"


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_a_reader_that_goes_away_makes_no_noise(real_indexes: Path, format: str) -> None:
    command = (
        f"'{BIN}/explorer' neighbors dog --indexes '{real_indexes}' -k 5000 --format {format}"
        " --all-forms | head -n 1"
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr
    assert "roken pipe" not in done.stderr


# -- which index ----------------------------------------------------------------------------


def index_of(done: SimpleNamespace) -> str:
    assert done.code == 0, done.err
    return str(done.json()["meta"]["index"])


def test_an_index_is_named_by_option_or_by_the_environment(run: Run, tiny_indexes: Path) -> None:
    args = ("explorer", "neighbors", "dog", "--format", "json")
    assert index_of(run(*args, "--indexes", str(tiny_indexes), "--index", "gpt2")) == "gpt2"
    place = {"EXPLORER_INDEXES": str(tiny_indexes)}
    assert index_of(run(*args, **place, EXPLORER_INDEX="gpt2")) == "gpt2"
    assert index_of(run(*args, "--index", "llama", **place, EXPLORER_INDEX="gpt2")) == "llama"


def test_the_only_index_there_needs_no_name(run: Run, tiny_indexes: Path, tmp_path: Path) -> None:
    args = ("explorer", "neighbors", "dog", "--format", "json")
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes" / "llama").symlink_to(tiny_indexes / "llama")
    assert index_of(run(*args, cwd=tmp_path)) == "llama"


def test_of_several_indexes_one_must_be_named(run: Run, tiny_indexes: Path) -> None:
    line = refused(run("explorer", "neighbors", "dog", "--indexes", str(tiny_indexes)))
    assert "several indexes" in line
    assert "gpt2, llama" in line
    assert "--index" in line


def test_where_there_is_no_index_it_is_said_how_to_make_one(run: Run) -> None:
    line = refused(run("explorer", "neighbors", "dog"))
    assert "no index in indexes/" in line
    assert "indexer build smollm2" in line


# -- bad input ------------------------------------------------------------------------------

BAD = [
    (["neighbors", "lagre"], ["' lagre'", "did you mean ' large'"]),
    (["neighbors", ""], ["the expression is empty"]),
    (["neighbors", "  "], ["the expression is empty"]),
    (["neighbors", "king -"], ["'king -' ends with an operator"]),
    (["neighbors", '"king'], ["a quote is left open"]),
    (["neighbors", "king - king"], ["adds up to nothing"]),
    (["neighbors", "nan*dog"], ["'nan*dog'"]),
    (["neighbors", "nan * dog"], ["must be finite and not zero, not 'nan'"]),
    (["neighbors", "inf * dog"], ["not 'inf'"]),
    (["neighbors", "1e999*dog"], ["not '1e999'"]),
    (["neighbors", "dog\udcff"], ["not UTF-8"]),
    (["neighbors", "dog", "--space", "\udcff"], ["no space '\\udcff'"]),
    (["neighbors", "dog", "--space", "embd"], ["'embd'", "did you mean 'embed'", "neuron.out"]),
    (["neighbors", "dog", "--space", "context.9"], ["'context.9'", "context.0 to context.3"]),
    (["neighbors", "dog", "--measure", "cosin"], ["'cosin'", "did you mean 'cosine'", "euclidean"]),
    (["neighbors", "dog", "--format", "jsn"], ["'jsn'", "did you mean 'json'", "csv"]),
    (["neighbors", "dog", "-k", "0"], ["-k 0"]),
    (["neighbors", "dog", "-k", "-1"], ["-k -1"]),
    (["neighbors", "dog", "-k", str(10**9)], ["-k 1000000000", "349 tokens"]),
    (["neighbors", "dog", "-k", "x"], ["'x' is not a valid integer"]),
    (["neighbors", "dog", "--mesure", "dot"], ["--mesure", "--measure"]),
    (["neighbors"], ["name an expression, such as: neighbors large"]),
    (["neighbors", "king", "-", "man"], ["put the whole expression in quotes"]),
    (["neighbors", "king -man"], ["no blank after '-'"]),
    (["neighbors", "#349"], ["no token #349", "0 to 348"]),
    (["neighbors", "#" + "9" * 5000], ["5000 digits"]),
    (["neighbors", 'token:"lagre"'], ["no token 'lagre'", "did you mean ' large'"]),
    (["neighbors", "L1N7"], ["which side of L1N7", "L1N7.gate, L1N7.up, L1N7.in, L1N7.out"]),
    (["neighbors", "L1N7.over"], ["no side 'over'"]),
    (["neighbors", "L9N7.gate"], ["'L9N7'", "layers are 0 to 2", "did you mean 'L2N7'"]),
    (["neighbors", "dog@embd"], ["'embd'", "did you mean 'embed'"]),
    (["neighbours", "dog"], ["'neighbours'", "did you mean 'neighbors'"]),
    (["king - man"], ["no command 'king - man'", "`explorer neighbors 'king - man'`"]),
    (["neighbors", "dog", "--space", "L2"], ["did you mean 'context.2'?"]),
    (["neighbors", "dog", "--space", "context"], ["did you mean 'context.0'?"]),
    (
        [],
        [
            "analogy, baseline, compare, completion, congruence, evaluate, findings, layers, "
            "logits, middleman, neighbors, neuron, ov, schema, sql, tui, word"
        ],
    ),
    (["middleman"], ["name at least one word"]),
    (["middleman", "dog", "--side", "gat"], ["'gat'", "did you mean 'gate'", "gate, up, out"]),
    (["middleman", "dog", "--score", "cosin"], ["'cosin'", "did you mean 'cosine'"]),
    (["middleman", "dog", "--combine", "men"], ["'men'", "did you mean 'mean'"]),
    (["middleman", "dog", "--layers", "0-9"], ["no layer 9", "0 to 2"]),
    (["middleman", "dog", "--layers", "two"], ["'two'", "0-3,7"]),
    (["middleman", "dog", "--per-layer", "0"], ["--per-layer 0", "1 to 38"]),
    (["middleman", "dog", "-k", "115"], ["-k 115", "1 to 114"]),
    (["middleman", "dog", "dgo"], ["' dgo'", "' dog'"]),
    (["middleman", "dog", "--not", "dog"], ["'dog' is asked for twice"]),
    (["compare", "dog"], ["name two words or more"]),
    (["compare", "dog", "dog"], ["'dog' is asked for twice"]),
    (["compare", "dog", "cat", "--measure", "pearsn"], ["'pearsn'", "did you mean 'pearson'"]),
    (["compare", "dog", "cat", "--top-neurons", "115"], ["--top-neurons 115", "3 to 114"]),
    (["compare", "dog", "cat", "--layers", "3"], ["no layer 3", "0 to 2"]),
    (["compare", "dog", "--file", "words.txt"], ["not both"]),
    (["analogy", "dog", "--method", "mull"], ["'mull'", "did you mean 'mul'"]),
    (["analogy", "dog", "--target", "cat + dog"], ["--target 'cat + dog' is a sum"]),
    (["analogy", "dog", "--against", "cat"], ["name --target"]),
    (["analogy", "dog", "--target", " "], ["--target is empty"]),
    (["neighbors", "-dog"], ["no option '-d'", "after a lone '--'"]),
    (["layers", "dog", "--to", "cat"], ["no option '--to'; did you mean '--target'?"]),
    (["neuron", "1", "7"], ["a neuron is one name, such as L1N7"]),
    (["logits", "L1", "N7"], ["a neuron is one name, such as L29N112"]),
    (["middleman", "dog", "--layers", "1", "-k", "50"], ["-k 50: layer 1 has 1 to 38 neurons"]),
    (["middleman", "dog", "--layers", "0\N{EN DASH}9"], ["no layer 9", "0 to 2"]),
    (["middleman", "dog - cat"], ["write dog, and --avoid cat"]),
    (["analogy", "dog", "--all-layers", "--space", "embed"], ["leave out --space"]),
    (["analogy", "dog", "--all-layers", "-k", "0"], ["-k 0"]),
    (["neuron", "L1N38"], ["'L1N38'", "0 to 37", "did you mean 'L1N37'"]),
    (["neuron", "L3N0"], ["'L3N0'", "layers are 0 to 2"]),
    (["neuron", "large"], ["'large' names no neuron", "L29N112"]),
    (["neuron", "L1N7", "-k", "0"], ["-k 0"]),
    (["neighbors", "dog", "--index", "lama"], ["'lama'", "did you mean 'llama'", "gpt2, llama"]),
    (["neighbors", "dog", "--index", ".."], ["no index '..'"]),
]


@pytest.mark.parametrize(("args", "said"), BAD, ids=[" ".join(a)[:40] for a, _ in BAD])
def test_what_cannot_be_had_is_refused_in_one_line(
    tiny_indexes: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    said: list[str],
) -> None:
    monkeypatch.setenv("EXPLORER_INDEXES", str(tiny_indexes))
    monkeypatch.setenv("EXPLORER_INDEX", "llama")
    monkeypatch.setattr(sys, "argv", ["explorer", *args])
    # The program's own entry, in this process: starting one for each would take most of the time.
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    line = refused(SimpleNamespace(code=left.value.code, out=printed.out, err=printed.err))
    for part in said:
        assert part in line


@pytest.mark.afresh
@pytest.mark.parametrize(
    "args", [["neighbors", "lagre"], ["neighbors", "dog\udcff"], ["neighbors", "dog", "-k", "0"]]
)
def test_the_program_itself_refuses_as_its_entry_does(ask: Run, args: list[str]) -> None:
    refused(ask(*args))


# -- damaged indexes ------------------------------------------------------------------------


@pytest.fixture
def copy(tiny_indexes: Path, tmp_path: Path) -> Path:
    """An index of one's own to damage."""
    return Path(shutil.copytree(tiny_indexes / "llama", tmp_path / "indexes" / "llama"))


NEIGHBORS = ("neighbors", "dog")
MIDDLEMAN = ("middleman", "dog", "cat")


def cut(file: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = (folder / file).read_bytes()
        (folder / file).write_bytes(data[: len(data) // 2])

    return damage


def junk(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(b"junk" * 100) and None


def remove(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


def not_numbers(file: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = bytearray((folder / file).read_bytes())
        middle = len(data) // 2  # neither end, which is looked at as the file is opened
        data[middle : middle + 4000] = b"\xff" * 4000
        (folder / file).write_bytes(data)

    return damage


DAMAGE = [
    ("cut rows", cut("spaces/embed.faiss"), NEIGHBORS, "spaces/embed.faiss has"),
    ("cut neurons", cut("spaces/neuron.gate.faiss"), MIDDLEMAN, "spaces/neuron.gate.faiss has"),
    ("no rows", remove("spaces/embed.faiss"), NEIGHBORS, "spaces/embed.faiss is missing"),
    ("junk rows", junk("spaces/embed.faiss"), NEIGHBORS, "spaces/embed.faiss"),
    ("rows of no numbers", not_numbers("spaces/embed.faiss"), NEIGHBORS, "has a cosine of nan"),
    ("no moments", remove("spaces/neuron.gate.npz"), MIDDLEMAN, "spaces/neuron.gate.npz"),
    ("junk moments", junk("spaces/neuron.gate.npz"), MIDDLEMAN, "spaces/neuron.gate.npz"),
    ("cut moments", cut("spaces/neuron.gate.npz"), MIDDLEMAN, "spaces/neuron.gate.npz"),
    ("no catalog", remove("catalog.duckdb"), NEIGHBORS, "catalog.duckdb is missing"),
    ("junk catalog", junk("catalog.duckdb"), NEIGHBORS, "catalog.duckdb"),
    ("cut catalog", cut("catalog.duckdb"), NEIGHBORS, "catalog.duckdb"),
    ("junk tokenizer", junk("tokenizer.json"), ("neighbors", '"no such"'), "tokenizer.json"),
    ("no tokenizer", remove("tokenizer.json"), ("neighbors", '"no such"'), "tokenizer.json"),
    ("junk manifest", junk("manifest.json"), NEIGHBORS, "manifest.json cannot be read"),
    ("no manifest", remove("manifest.json"), NEIGHBORS, "it has no manifest.json"),
]


@pytest.mark.parametrize(
    ("damage", "question", "said"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE]
)
def test_a_damaged_index_is_named_with_its_file(
    run: Run, copy: Path, damage: Callable[[Path], None], question: tuple[str, ...], said: str
) -> None:
    damage(copy)
    line = refused(run("explorer", *question, "--indexes", str(copy.parent), "--index", "llama"))
    assert said in line


def test_a_manifest_that_was_changed_is_told_from_a_sound_one(run: Run, copy: Path) -> None:
    manifest = copy / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1'))
    line = refused(run("explorer", "neighbors", "dog", "--indexes", str(copy.parent)))
    assert "was changed after it was sealed" in line


def test_a_folder_of_something_else_is_no_index(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "indexes" / "other"
    other.mkdir(parents=True)
    line = refused(run("explorer", "neighbors", "dog", "--index", "other"))
    assert "is not an index: it has no manifest.json" in line
    (other / "manifest.json").write_text('{"some": "thing"}')
    line = refused(run("explorer", "neighbors", "dog", "--index", "other"))
    assert "is not an index of this project" in line
    (other / "manifest.json").write_text('{"format": 99}')
    line = refused(run("explorer", "neighbors", "dog", "--index", "other"))
    assert "has format 99" in line


def test_the_module_is_the_program(tiny_indexes: Path, ask: Run) -> None:
    args = ["neighbors", "dog", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "explorer", *args, "--indexes", tiny_indexes, "--index", "llama"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == ask(*args).json()


@pytest.mark.parametrize("option", ["--plot", "-o"])
def test_a_folder_that_is_not_there_is_told_before_anything_is_opened(
    run: Run, tmp_path: Path, option: str
) -> None:
    done = run(
        "explorer", "congruence", "--group", "countries", option, "nowhere/picture.svg",
        "--indexes", str(tmp_path),
    )  # fmt: skip
    assert (done.code, done.out) == (1, "")
    assert "cannot write 'nowhere/picture.svg': there is no folder" in done.err
