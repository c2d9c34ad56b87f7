"""One word for one thing: how options are called in both programs, and what they were called."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from conftest import Run
from explorer.cli import cli as explorer
from indexer.cli import cli as indexer

pytestmark = pytest.mark.native


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


COMMANDS = dict([*commands(explorer, "explorer"), *commands(indexer, "indexer")])

OLD = {
    "explorer compare": ["large tall --per-layer", "large tall --each-layer"],
    "explorer middleman": ["large --not dog", "large --avoid dog"],
    "explorer ov": ["large --to tall --layer 3", "large --target tall --layers 3"],
    "indexer export": ["a embed --to npy -o x", "a embed --format npy -o x"],
    "indexer import": ["a --name x --from npy", "a --name x --format npy"],
}
"""By command, what was written once, and what is now."""

FORMATTED = {"indexer list", "indexer show", "indexer verify", "indexer export", "indexer import"}


def options(path: str) -> dict[str, click.Option]:
    """By each spelling that the help shows."""
    found = {}
    for one in COMMANDS[path].params:
        if isinstance(one, click.Option) and not one.hidden:
            record = one.get_help_record(click.Context(COMMANDS[path]))
            shown = record[0].replace("/", " ").replace(",", " ").split() if record else []
            found |= {part: one for part in shown if part.startswith("-")}
    return found


def test_an_option_is_a_number_or_a_flag_or_a_text_in_every_command() -> None:
    kinds: dict[str, dict[str, str]] = {}
    for path in COMMANDS:
        for name, one in options(path).items():
            kind = "flag" if one.is_flag else one.type.name.removesuffix(" range")
            kinds.setdefault(name, {})[path] = kind
    two = {name: where for name, where in kinds.items() if len(set(where.values())) > 1}
    assert two == {}


@pytest.mark.parametrize("path", OLD)
def test_what_an_option_was_called_is_read_and_not_shown(path: str) -> None:
    old, new = OLD[path]
    asked = [COMMANDS[path].make_context(path, line.split()).params for line in (old, new)]
    assert asked[0] == asked[1]
    gone = {part for part in old.split() if part.startswith("--")} - set(new.split())
    assert gone
    assert not gone & set(options(path))


def test_a_target_of_layers_may_stand_by_place(run: Run, tiny_indexes: Path) -> None:
    place = ("--index", "llama", "--indexes", str(tiny_indexes), "--format", "json")
    by_place = run("explorer", "layers", "dog", "cat", *place)
    assert by_place.code == 0, by_place.err
    assert by_place.json() == run("explorer", "layers", "dog", "--target", "cat", *place).json()
    assert by_place.json()["query"]["target"] == "cat"
    both = run("explorer", "layers", "dog", "cat", "--target", "red", *place)
    assert both.code == 2
    assert "name one target" in both.err
    assert "TARGET" not in run("explorer", "layers", "--help").out.splitlines()[0]


def test_one_thing_has_one_name() -> None:
    """What was called otherwise somewhere is called so nowhere."""
    for path in COMMANDS:
        named = options(path)
        assert not {"--to", "--from", "--layer", "--json", "--not"} & set(named), path
        computes = path.startswith("explorer ") and "--index" in named and "--web" not in named
        assert ("--format" in named) == (computes or path in FORMATTED), path


def test_several_measures_are_taken_where_rows_are_of_one(run: Run, tiny_indexes: Path) -> None:
    taken = {path: o for path in COMMANDS if (o := options(path).get("--measure"))}
    several = {path for path, o in taken.items() if o.multiple and o.callback is None}
    one = taken.keys() - several
    assert several == {
        "explorer compare",
        "explorer baseline",
        "explorer evaluate analogies",
        "explorer evaluate similarity",
    }
    for path in one:
        assert "; one, as " in (options(path)["--measure"].help or ""), path
    asked = ("explorer", "baseline", "--measure", "cosine,dot", "--pairs", "500", "--space")
    place = ("--index", "llama", "--indexes", str(tiny_indexes), "--format", "json")
    rows = run(*asked, "embed", *place).json()["rows"]
    assert [row["measure"] for row in rows] == ["cosine", "dot"]
    twice = run("explorer", "neighbors", "dog", "--measure", "dot", "--measure", "cosine", *place)
    assert (twice.code, twice.out) == (2, "")
    assert "--measure takes one value here, not 2" in twice.err


# -- formats of the indexer -----------------------------------------------------------------


def test_list_is_written_for_programs(run: Run, tiny_indexes: Path) -> None:
    def asked(format: str) -> str:
        done = run("indexer", "list", "--indexes", str(tiny_indexes), "--format", format)
        assert (done.code, done.err) == (0, "")
        return str(done.out)

    (first, second) = json.loads(asked("json"))
    assert (first["name"], second["name"]) == ("gpt2", "llama")
    assert (second["layers"], second["hidden"], second["error"]) == (3, False, None)
    assert second["folder"] == str(tiny_indexes / "llama")
    assert [json.loads(line) for line in asked("jsonl").splitlines()] == [first, second]
    rows = list(csv.DictReader(io.StringIO(asked("csv"))))
    assert [row["name"] for row in rows] == ["gpt2", "llama"]
    assert rows[1]["d_model"] == str(second["d_model"])
    assert asked("table") == run("indexer", "list", "--indexes", str(tiny_indexes)).out


def test_show_is_the_manifest_or_its_spaces(run: Run, tiny_indexes: Path) -> None:
    place = ("--indexes", str(tiny_indexes))
    whole = run("indexer", "show", "llama", *place, "--format", "json")
    assert whole.json() == json.loads((tiny_indexes / "llama" / "manifest.json").read_text())
    assert run("indexer", "show", "llama", *place, "--json").out == whole.out
    rows = run("indexer", "show", "llama", *place, "--format", "csv").out.splitlines()
    assert rows[0] == "space,item,rows,width,measure,files,bytes"
    assert len(rows) == 1 + len(whole.json()["spaces"])


def test_verify_says_what_is_damaged_to_programs(
    run: Run, tiny_indexes: Path, tmp_path: Path
) -> None:
    import shutil

    sound = run("indexer", "verify", "gpt2", "--indexes", str(tiny_indexes), "--format", "json")
    assert sound.code == 0
    assert sound.json()["faults"] == []
    assert sound.json()["files"] > 0
    shutil.copytree(tiny_indexes / "gpt2", tmp_path / "all" / "gpt2")
    (tmp_path / "all" / "gpt2" / "tokenizer.json").write_text("{}")
    for format in ("json", "jsonl", "csv"):
        done = run("indexer", "verify", "gpt2", "--indexes", "all", "--format", format)
        assert done.code == 2
        assert "tokenizer.json" in done.out
        assert "is damaged" in done.err


@pytest.mark.parametrize("command", ["list", "show", "verify"])
def test_a_format_that_is_none_is_one_line(command: str, run: Run, tiny_indexes: Path) -> None:
    done = run("indexer", command, "--indexes", str(tiny_indexes), "--format", "jsn")
    assert (done.code, done.out) == (2, "")
    assert "no format 'jsn'; did you mean 'json'" in done.err
