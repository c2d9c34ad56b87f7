"""What there is to see in an index: each line is what its question answers, wherever it is read."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import explorer
from conftest import Run
from explorer.errors import Cancelled
from explorer.findings.declared import OF_WORDS, look, of_any
from explorer.findings.kept import MOST, digest_of, keep, kept
from explorer.progress import no_progress
from explorer.questions import (
    QUERIES,
    AnalogyLayersQuery,
    BaselineQuery,
    EvaluateAnalogiesQuery,
    Finding,
    MiddlemanQuery,
    NeighborsQuery,
    SchemaQuery,
)
from explorer.questions.written import as_command, fields_json, query_of
from explorer.views import VIEWS
from explorer.views.asked import place_of
from explorer.views.place import Place
from indexer.cli import findings as of_the_indexer
from indexer.progress import Narrator
from indexer.store.layout import FINDINGS, Manifest
from indexer.store.swap import foreign
from indexer.store.verify import verify

pytestmark = pytest.mark.native


def declared(ix: Any) -> dict[tuple[str, str], Any]:
    """How a line is made, by question and fields."""
    every = (*OF_WORDS, of_any(ix.manifest))
    return {(one.query.question, fields_json(one.query)): one.tell for one in every}


# -- lines and questions ------------------------------------------------------------------------


def test_a_build_keeps_them_and_every_line_is_what_its_view_answers_now(real: Any) -> None:
    answer = real.findings()
    assert answer.meta.kept
    assert len(answer.rows) == len(OF_WORDS) + 1
    tell = declared(real)
    for one in answer.rows:
        place = place_of(one.query)
        assert place is not None
        seen = VIEWS[place.view].ask(real, place, no_progress)
        told = tell[one.question, one.fields](seen)
        assert (told.line, told.against, told.seen) == (one.line, one.against, one.seen)
        assert "  " not in one.line + one.against
        assert max(len(one.line), len(one.against)) < 100


def test_they_are_the_same_when_they_are_asked_anew(real: Any) -> None:
    anew = real.findings(anew=True)
    assert not anew.meta.kept
    assert anew.rows == real.findings().rows


def test_what_the_lines_say_of_the_packaged_model(real: Any) -> None:
    lines = {one.question: one.line for one in reversed(real.findings().rows)}
    assert lines["middleman"].startswith("L29N112.out between large and tall: z 13.01, 6.03; acts ")
    assert lines["analogy"] == "queen under king - man + woman: rank 1 of 49,149 in embed, z 6.09"
    assert lines["baseline"].startswith("Two unrelated tokens of embed: cosine 0.47 ± 0.17")


def test_the_command_of_a_line_asks_its_question(real: Any, real_indexes: Path, run: Run) -> None:
    for one in real.findings().rows[:3]:
        program, *words = shlex.split(one.command)
        done = run(program, *words, "--indexes", str(real_indexes), "--format", "json")
        assert done.code == 0, done.err
        assert done.json()["rows"][0] == json.loads(json.dumps(real.ask(one.query).to_dicts()[0]))


def test_the_program_prints_them(real: Any, real_indexes: Path, run: Run) -> None:
    done = run("explorer", "findings", "--indexes", str(real_indexes))
    assert "what there is to see in this index" in done.out
    assert "explorer middleman large tall --side out" in " ".join(done.out.split())


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_tiny_model_has_those_that_can_be_asked_of_it(tiny_indexes: Path, name: str) -> None:
    with explorer.open(name, tiny_indexes) as ix:
        answer = ix.findings(anew=True)
        assert not answer.meta.kept
        asked = [one.question for one in answer.rows]
        assert {"middleman", "layers", "congruence", "ov", "baseline"} <= set(asked)
        for one in answer.rows:
            assert ix.ask(one.query).rows
        live = list(look(ix.ask, ix.index, at_once=True))
        assert live == [one for one in answer.rows if one.query.live]


def imported(run: Run, folder: Path, words: list[str]) -> SimpleNamespace:
    rows = (f"{word} {at % 7 + 1} {at % 5} {at % 3}" for at, word in enumerate(words))
    (folder / "v.txt").write_text("\n".join(rows) + "\n", "utf-8")
    return run("indexer", "import", "v.txt", "--name", "n", "--indexes", "ix", "--force")


def test_vectors_of_other_words_have_what_any_index_has(run: Run, tmp_path: Path) -> None:
    done = imported(run, tmp_path, [f"größe{chr(97 + at)}" for at in range(20)])
    assert done.code == 0, done.err
    with explorer.open("n", tmp_path / "ix") as ix:
        answer = ix.findings()
        assert answer.meta.kept
        assert [one.question for one in answer.rows] == ["baseline", "neighbors"]
        assert [ix.ask(one.query).rows != () for one in answer.rows] == [True, True]
        assert ix.groups == []


def test_vectors_of_english_words_have_the_example_groups(run: Run, tmp_path: Path) -> None:
    words = ["large", "huge", "tiny", "small", "dog", "king", "queen", "man", "woman", "red"]
    assert imported(run, tmp_path, words + [f"word{chr(97 + at)}" for at in range(20)]).code == 0
    with explorer.open("n", tmp_path / "ix") as ix:
        assert ix.groups == ["royalty", "size"]
        asked = [one.question for one in ix.findings().rows]
        assert asked == ["congruence", "analogy", "baseline", "neighbors"]
        answer = ix.congruence(group="size", permutations=50)
        assert {one.asked for one in answer.meta.resolved} == {"large", "huge", "tiny", "small"}


def test_a_look_ends_where_nobody_wants_it_any_more(tiny_indexes: Path) -> None:
    def stop(*_: object) -> None:
        raise Cancelled("given up")

    with explorer.open("llama", tiny_indexes) as ix, pytest.raises(Cancelled):
        list(look(ix.ask, ix.index, progress=stop))


# -- questions as they are written --------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "said", "place"),
    [
        (
            MiddlemanQuery(("large", "Great Dane"), avoid=("red",), layers=(3,)),
            "explorer middleman large 'Great Dane' --avoid red --layers 3",
            None,
        ),
        (
            MiddlemanQuery(("large", "Great Dane"), avoid=("red",), k=3),
            "explorer middleman large 'Great Dane' -k 3 --avoid red",
            Place("middleman", "large, Great Dane - red", (("k", "3"),)),
        ),
        (
            NeighborsQuery("king - man", include_inputs=True),
            "explorer neighbors 'king - man' --include-inputs --all-forms",
            None,
        ),
        (
            AnalogyLayersQuery("dog + small", "Chihuahua"),
            "",
            Place("analogy", "dog + small", (("space", "every layer"), ("target", "Chihuahua"))),
        ),
        (
            BaselineQuery("context.3"),
            "explorer baseline --space context.3",
            Place("index", "", (("show", "baseline"), ("space", "context.3"))),
        ),
        (SchemaQuery("word"), "explorer schema word", None),
    ],
)
def test_a_query_is_written_as_a_command_and_found_in_a_view(
    query: Any, said: str, place: Place | None
) -> None:
    assert place_of(query) == place
    assert not said or as_command(query) == said


@pytest.mark.parametrize(
    ("question", "fields"),
    [
        ("nonsense", "{}"),
        ("neighbors", "{}"),
        ("neighbors", "[]"),
        ("neighbors", "nonsense"),
        ("neighbors", '{"expression": 3}'),
        ("neighbors", '{"expression": "dog", "k": "5"}'),
        ("neighbors", '{"expression": "dog", "more": 1}'),
        ("neighbors", "[" * 100_000),
        ("sql", '{"sql": "SELECT 1"}'),
        ("evaluate_analogies", '{"file": "/etc/passwd"}'),
        ("schema", '{"name": "word"}'),
    ],
)
def test_what_is_no_question_is_none(question: str, fields: str) -> None:
    assert query_of(QUERIES, question, fields) is None
    with pytest.raises(ValueError, match="is no question"):
        _ = Finding("", "", (), question, fields, "").query


def test_a_question_is_written_and_read_again() -> None:
    for one in OF_WORDS:
        assert query_of(QUERIES, one.query.question, fields_json(one.query)) == one.query
    assert query_of(QUERIES, EvaluateAnalogiesQuery.question, '{"file": "x"}') is None


# -- the file beside the index ------------------------------------------------------------------


@pytest.fixture
def own(tiny_indexes: Path, tmp_path: Path) -> Path:
    """A copy of a tiny index, with findings beside it."""
    folder = tmp_path / "llama"
    shutil.copytree(tiny_indexes / "llama", folder)
    with explorer.open(folder) as ix:
        keep(folder, ix.manifest, ix.findings().rows[:2])
    return folder


def test_they_lie_outside_the_seal_and_are_the_indexs_own(own: Path) -> None:
    assert verify(own) == []
    (own / f".{FINDINGS}.4000000.part").write_text("cut short")
    assert foreign(own) == []
    (own / ".findings.json.part").write_text("somebody's")
    assert foreign(own) == [".findings.json.part"]


def test_fields_are_an_object_in_json(own: Path) -> None:
    manifest = Manifest.load(own)
    body = json.loads((own / FINDINGS).read_text("utf-8"))
    with explorer.open(own) as ix:
        rows = ix.findings().to_dicts()
    assert [one["fields"] for one in body["findings"]] == [row["fields"] for row in rows]
    assert all(isinstance(row["fields"], dict) for row in rows)
    there = kept(own, manifest)
    for one in body["findings"]:  # as a text they are read too
        one["fields"] = json.dumps(one["fields"], ensure_ascii=False)
    (own / FINDINGS).write_text(json.dumps(body), "utf-8")
    assert kept(own, manifest) == there is not None


def test_those_of_another_index_are_none(own: Path, tiny_indexes: Path) -> None:
    manifest = Manifest.load(own)
    assert len(kept(own, manifest) or ()) == 2
    other = Manifest.load(tiny_indexes / "gpt2")
    assert digest_of(manifest) != digest_of(other)
    assert kept(own, other) is None


def changed(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["findings"][0].update(fields)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda body: body.update(format=2), None),
        (lambda body: body.update(of="x"), None),
        (lambda body: body.pop("of"), None),
        (lambda body: body.update(findings={}), None),
        (lambda body: body.update(more=1), 2),
        (lambda body: body["findings"].append(3), 2),
        (lambda body: body.update(findings=body["findings"] * 50), MOST),
        (changed(line=3), 1),
        (changed(line="x" * 1000), 1),
        (changed(seen=["nowhere"]), 1),
        (changed(seen="effect"), 1),
        (changed(question="sql"), 1),
        (changed(fields={}), 1),
        (changed(fields=3), 1),
        (changed(fields="{}"), 1),
        (changed(fields="nonsense"), 1),
        (changed(more=1), 1),
    ],
)
def test_what_else_stands_in_the_file_is_passed_over(own: Path, change: Any, left: Any) -> None:
    body = json.loads((own / FINDINGS).read_text("utf-8"))
    change(body)
    (own / FINDINGS).write_text(json.dumps(body), "utf-8")
    found = kept(own, Manifest.load(own))
    assert found is None if left is None else found is not None and len(found) == left


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, "\ud800", "{}", "1" * 5000])
def test_a_file_of_nonsense_is_none(own: Path, text: str) -> None:
    (own / FINDINGS).write_text(text, "utf-8", "surrogatepass")
    assert kept(own, Manifest.load(own)) is None
    with explorer.open(own) as ix:
        assert not ix.findings().meta.kept


def test_a_link_in_its_place_is_not_followed(own: Path) -> None:
    (own / FINDINGS).rename(own.parent / "elsewhere")
    (own / FINDINGS).symlink_to(own.parent / "elsewhere")
    assert kept(own, Manifest.load(own)) is None


def test_nothing_of_the_file_commands_a_terminal(own: Path, run: Run) -> None:
    body = json.loads((own / FINDINGS).read_text("utf-8"))
    changed(line="\x1b[2Jgone\u202e", against="\x07", fields={"words": ["\x1b[31m"]})(body)
    (own / FINDINGS).write_text(json.dumps(body), "utf-8")
    (first, _) = kept(own, Manifest.load(own)) or ()
    assert (first.line + first.against + first.command).isprintable()
    done = run("explorer", "findings", "--index", str(own))
    assert r"\x1b[2Jgone\u202e" in done.out
    assert "\x1b" not in done.out


# -- after a build ------------------------------------------------------------------------------


def test_a_build_ends_with_them_and_a_further_space_has_them_found_again(
    run: Run, tiny_llama: Path, tmp_path: Path
) -> None:
    build = ("indexer", "build", str(tiny_llama), "--name", "m", "--words", "0", "--indexes", "ix")
    done = run(*build)
    assert done.code == 0, done.err
    assert "looking at what there is to see in it" in done.err
    folder = tmp_path / "ix" / "m"
    first = kept(folder, Manifest.load(folder))
    assert first
    forced = run(*build, "--force", "--seed", "1")
    assert forced.code == 0, forced.err
    width = Manifest.load(folder).model.d_model
    rows = (f"f{at} " + " ".join(str(at % (n + 2) + 1) for n in range(width)) for at in range(9))
    (tmp_path / "v.txt").write_text("\n".join(rows) + "\n")
    more = ("indexer", "import", "v.txt", "--name", "m", "--space", "sae", "--indexes", "ix")
    assert run(*more).code == 0
    assert kept(folder, Manifest.load(folder)) == first
    (folder / FINDINGS).unlink()
    again = run(*build, "--seed", "1")
    assert again.code == 0, again.err
    assert kept(folder, Manifest.load(folder)) == first
    assert verify(folder) == []
    run("explorer", "findings", "--keep", "--index", str(folder))
    assert kept(folder, Manifest.load(folder)) == first


class _Told(Narrator):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def conclude(self, text: str) -> None:
        self.lines.append(text)


def test_where_they_are_not_found_an_index_is_as_whole(
    tiny_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "llama"
    shutil.copytree(tiny_indexes / "llama", folder, ignore=shutil.ignore_patterns(FINDINGS))
    for program, why in (("no-such-program", "No such file"), ("false", "exit code 1")):
        monkeypatch.setattr(of_the_indexer.sys, "executable", shutil.which(program) or program)
        told = _Told()
        of_the_indexer.find(folder, told)
        assert told.lines[-1].startswith("the index is whole, but what there is to see was not ")
        assert why in told.lines[-1]
    assert not (folder / FINDINGS).exists()
