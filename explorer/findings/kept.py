"""Findings kept beside an index, in `findings.json`: written whole, and believed in nothing.

Knows one file; asks nothing. It lies outside the index's seal: what it says follows from the index,
and an index may come without it. A digest of the sealed files tells whether it is of this index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from explorer.outfile import write_text
from explorer.questions import QUERIES, Finding
from explorer.questions.findings import Seen
from explorer.questions.written import as_command, query_of
from indexer.store.files import open_regular
from indexer.store.layout import FINDINGS, Manifest
from indexer.store.shown import one_line
from indexer.store.typed import WrongType, read

FORMAT: Literal[1] = 1

LARGEST, LONGEST, MOST = 1 << 20, 400, 40
"""Bytes of a file that is read; letters of a line; lines that are taken."""


@dataclasses.dataclass(frozen=True)
class _Kept:
    """A finding as it lies in the file."""

    line: str
    against: str
    seen: tuple[Seen, ...]
    question: str
    fields: dict[str, Any]


def digest_of(manifest: Manifest) -> str:
    """SHA-256 over the names and checksums of an index's sealed files."""
    digest = hashlib.sha256()
    for name in sorted(manifest.files):
        digest.update(f"{name} {manifest.files[name].sha256}\n".encode())
    return digest.hexdigest()


def keep(folder: Path, manifest: Manifest, findings: tuple[Finding, ...]) -> None:
    """Write findings beside an index, in place of those that were there.

    Raises:
        MachineError: they cannot be written.
    """
    lying = [
        _Kept(one.line, one.against, one.seen, one.question, json.loads(one.fields))
        for one in findings
    ]
    body = {
        "format": FORMAT,
        "of": digest_of(manifest),
        "findings": [dataclasses.asdict(one) for one in lying],
    }
    text = json.dumps(body, ensure_ascii=False, indent=1)
    write_text(str(folder / FINDINGS), text + "\n")


def kept(folder: Path, manifest: Manifest) -> tuple[Finding, ...] | None:
    """The findings that lie beside an index; None where none are, or they are of another.

    Whatever else stands in the file is passed over: questions that do not exist, fields of another
    type, lines without end. What is left prints.
    """
    try:
        with open_regular(folder / FINDINGS) as file:
            text = file.read(LARGEST + 1)
        body = json.loads(text) if len(text) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        return None
    found = body.get("findings")
    if body.get("of") != digest_of(manifest) or not isinstance(found, list):
        return None
    read_ones = (_finding(one) for one in found[:MOST])
    return tuple(one for one in read_ones if one is not None)


def _finding(value: Any) -> Finding | None:
    try:
        if isinstance(value, dict) and isinstance(value.get("fields"), str):
            value = value | {"fields": json.loads(value["fields"])}  # as they were once written
        one = read(_Kept, value)
        fields = json.dumps(one.fields, ensure_ascii=False)
    except (WrongType, TypeError, ValueError, RecursionError):
        return None
    query = query_of(QUERIES, one.question, fields)
    if query is None or max(len(one.line), len(one.against)) > LONGEST:
        return None
    line, against = one_line(one.line), one_line(one.against)
    command = one_line(as_command(query))
    return Finding(line, against, one.seen, one.question, fields, command)
