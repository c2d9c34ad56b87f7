"""An index whose author put into every name what a terminal, a page or a spreadsheet obeys."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb

from indexer.store.files import FileEntry
from indexer.store.layout import Manifest

CONTROLS = (
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0gLXJmIH4=\x07",
    "a\x9b31mb",
    "dog\x07",
    "\x7f",
    "\x85",
    "\u202eabc",
    "\u2066x\u2069",
    "wo\u200bman",
    "a\u200db",
    "\u2028",
    "\u2029",
    "\ue000",
    "\U000e0041",
    "\u0378",
    "a\nb",
    "a\rb",
    "\tx",
)
"""Names that command a terminal, hide, or turn the direction of writing."""

MARKUP = (
    "[red]x[/red]",
    "[/]",
    "[link=http://example.org]x[/link]",
    "[@click=app.quit]x[/]",
    "<script>alert(1)</script>",
    "![x](http://example.org)",
    "http://example.org",
    "&lt;b&gt;",
    "a|b",
    "`b`",
    "$x^{$",
)
"""Names that rich, Textual, HTML, Markdown and matplotlib would read as something else."""

CELLS = ("=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "＝1", "'=1")
"""Names that a spreadsheet would run, and one that looks as if it had been quoted."""

NAMES = (*CONTROLS, *MARKUP, *CELLS)

KEPT = [
    *("king", "man", "woman", "queen", "dog", "cat", "large", "tall", "small", "red", "blue"),
    *("Chihuahua", "big", "huge", "Paris", "France", "London", "England"),
]
"""Words that questions ask about; every other has one of `NAMES` behind it."""


def hostile_copy(index: Path, root: Path) -> Path:
    """A copy of an index, sealed as a stranger may have sealed it; its large files are linked."""
    folder = root / index.name
    shutil.copytree(index, folder, copy_function=_link)
    catalog = folder / "catalog.duckdb"
    catalog.unlink()
    shutil.copy(index / "catalog.duckdb", catalog)
    with duckdb.connect(str(catalog)) as con:
        kept = [form for word in KEPT for form in (word, f" {word}")]
        behind = "list_extract(CAST(? AS VARCHAR[]), CAST(id % ? AS INTEGER) + 1)"
        given = [list(NAMES), len(NAMES)]
        con.execute(
            f"UPDATE token SET text = text || {behind}, display = display || {behind} "
            "WHERE NOT list_contains(CAST(? AS VARCHAR[]), text)",
            [*given, *given, kept],
        )
        con.execute(
            f"UPDATE word SET text = text || {behind} "
            "WHERE text NOT IN (SELECT word FROM word_group) "
            "AND NOT list_contains(CAST(? AS VARCHAR[]), text)",
            [*given, kept],
        )
        for name in NAMES:
            con.execute(
                "INSERT INTO word_group SELECT ?, word FROM word_group WHERE name = 'size'", [name]
            )
        con.execute("CHECKPOINT")
    manifest = Manifest.load(folder)
    entry = FileEntry.of(catalog)
    said: Any = " ".join(NAMES)
    changed = dataclasses.replace(
        manifest,
        files={**manifest.files, "catalog.duckdb": entry},
        model=dataclasses.replace(manifest.model, source=said, family=said, revision=said),
        conventions=dict.fromkeys(manifest.conventions, said),
        versions={**manifest.versions, said: said},
        seconds={**manifest.seconds, said: 1.0},
        check={**manifest.check, said: 0.0},
        created=said,
        dtype=said,
        device=said,
    )
    (folder / "manifest.json").write_text(changed.to_json())
    return folder


def _link(source: str, target: str) -> None:
    if source.endswith(".json"):
        shutil.copy(source, target)
    else:
        os.link(source, target)


def harmless(text: str) -> bool:
    """Whether nothing stands in it but what prints, and ends of lines."""
    return all(line.isprintable() for line in text.split("\n"))
