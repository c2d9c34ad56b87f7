"""Where what was measured is written: docs/benchmarks.md, a part between two marks of its own.

Knows the page, its marks, and the machine that it tells of; knows no library.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Line

PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"


@dataclass(frozen=True)
class Part:
    """What one part of the run has to say.

    Attributes:
        text: lines of Markdown: tables, pictures and what they need to be understood.
        lines: what was aimed at.
        packages: distributions whose versions are told.
    """

    text: list[str]
    lines: list[Line]
    packages: Sequence[str]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown, its first column to the left and all others to the right."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, marks, *rows)]


def written(part: Part, day: datetime.date) -> str:
    """A part as it stands between its marks."""
    out = [*part.text, "", "| what | measured | target | |", "| --- | --- | --- | --- |"]
    for one in part.lines:
        state = "met" if one.met else "MISSED"
        out.append(f"| {one.what} | {one.figure} | {one.target} | {state} |")
    versions = ", ".join(f"{name} {version(name)}" for name in sorted(set(part.packages)))
    return "\n".join([*out, "", f"{day.isoformat()}, {machine()}, {versions}.", ""])


def put(text: str, name: str, body: str) -> str:
    """A page with another body between the marks of a name.

    Raises:
        ValueError: it has no such marks.
    """
    marked = re.compile(rf"(<!-- measured: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    found, times = marked.subn(lambda match: match[1] + body + match[2], text)
    if times != 1:
        raise ValueError(f"{times} marks of {name!r}")
    return found


def write(name: str, part: Part) -> None:
    """Write a part into the page."""
    body = written(part, datetime.datetime.now(datetime.UTC).date())
    PAGE.write_text(put(PAGE.read_text("utf-8"), name, body), "utf-8")


def machine() -> str:
    """Cores, processor, Python."""
    cpu = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        flags = next(line for line in lines if line.startswith("flags"))
        widest = [name for name in ("avx512f", "avx2") if name in flags.split()]
        cpu += f" with {widest[0].removesuffix('f').upper()}" if widest else ""
    except (OSError, StopIteration):
        pass
    told = [
        f"{os.cpu_count()} cores",
        platform.machine(),
        cpu,
        f"Python {platform.python_version()}",
    ]
    return ", ".join(one for one in told if one)
