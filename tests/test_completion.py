"""What a shell offers after Tab, asked in the shells themselves where they are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import BIN, Run

TYPED = [
    (["ne"], ["neighbors", "neuron"]),
    (["neighbors", "--sp"], ["--space"]),
    (["neighbors", "--space", "neu"], ["neuron.gate", "neuron.up", "neuron.out"]),
    (["neighbors", "--format", "j"], ["json", "jsonl"]),
    (["neighbors", "--index", "sm"], ["smollm2"]),
    (["congruence", "--group", "siz"], ["size"]),
    (["congruence", "--control", ""], ["matched", "random", "both"]),
    (["middleman", "--layers", "0-2"], ["0-2", *(f"0-2{digit}" for digit in range(10))]),
    (["ov", "--layer", "29"], ["29"]),
    (["ov", "--head", ""], [*"012345678"]),
    (["schema", "neu"], ["neuron", "neuron_token", "neuron_word"]),
    (["schema", "mid"], ["middleman"]),
    (["evaluate", "an"], ["analogies"]),
    (["neighbors", "--space", "nothing"], []),
]
SHELLS = {
    "bash": 'COMP_WORDS=({words}); COMP_CWORD={at}; compopt() {{ :; }}; '
    '_explorer_completion explorer; printf "%s\\n" "${{COMPREPLY[@]}}"',
    "fish": 'complete -C "{line}" | string split -f 1 \\t',
}  # fmt: skip


def offered(shell: str, words: list[str], indexes: Path) -> list[str]:
    """What a shell offers for the last of some words."""
    typed = ["explorer", *words]
    quoted = " ".join(f"'{word}'" for word in typed)
    asked = SHELLS[shell].format(words=quoted, at=len(words), line=" ".join(typed))
    load = {
        "bash": 'eval "$(explorer completion bash)"',
        "fish": "explorer completion fish | source",
    }
    quiet = {"bash": ["--norc"], "fish": ["--no-config"]}[shell]
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        [shell, *quiet, "-c", f"{load[shell]}\n{asked}"],
        env={**os.environ, "PATH": path, "EXPLORER_INDEXES": str(indexes)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "rror" not in done.stderr, done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("words", "expected"), TYPED, ids=[" ".join(words) for words, _ in TYPED])
def test_a_shell_offers_what_there_is(
    shell: str, words: list[str], expected: list[str], real_indexes: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert sorted(offered(shell, words, real_indexes)) == sorted(expected)


@pytest.mark.parametrize(("words", "expected"), TYPED, ids=[" ".join(words) for words, _ in TYPED])
def test_zsh_is_offered_what_there_is(
    words: list[str], expected: list[str], real_indexes: Path
) -> None:
    """As its script asks: zsh itself completes only at a prompt."""
    done = subprocess.run(
        [BIN / "explorer"],
        env={
            **os.environ,
            "EXPLORER_INDEXES": str(real_indexes),
            "_EXPLORER_COMPLETE": "zsh_complete",
            "COMP_WORDS": " ".join(["explorer", *words]),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    assert sorted(lines[1::3]) == sorted(expected)
    assert set(lines[0::3]) <= {"plain"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ver"], ["verify"]),
        (["show", "sm"], ["smollm2"]),
        (["export", "smollm2", "neuron."], ["neuron.gate", "neuron.up", "neuron.out"]),
        (["export", "smollm2", "embed", "--format", "p"], ["parquet", "projector"]),
        (["import", "x.npy", "--name", "s"], ["smollm2"]),
    ],
)
def test_the_indexer_is_completed_too(
    words: list[str], expected: list[str], real_indexes: Path
) -> None:
    asked = f"COMP_WORDS=(indexer {' '.join(words)}); COMP_CWORD={len(words)}; compopt() {{ :; }}"
    shown = '_indexer_completion indexer; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "--norc", "-c", f'eval "$(indexer completion bash)"\n{asked}\n{shown}'],
        env={
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "EXPLORER_INDEXES": str(real_indexes),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(done.stdout.split()) == sorted(expected), done.stderr


def test_nothing_is_offered_where_no_index_is(tmp_path: Path) -> None:
    assert offered("bash", ["neighbors", "--space", ""], tmp_path) == []
    assert offered("bash", ["congruence", "--group", ""], tmp_path) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell: str, run: Run, tmp_path: Path) -> None:
    script = run("explorer", "completion", shell)
    assert (script.code, script.err) == (0, "")
    if shutil.which(shell):
        (tmp_path / "script").write_text(script.out)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_another_shell_is_told(run: Run) -> None:
    done = run("explorer", "completion", "bsh")
    assert (done.code, done.out) == (2, "")
    assert "no shell 'bsh'; did you mean 'bash'?" in done.err
