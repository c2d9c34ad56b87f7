"""What the commands share: options, exit codes, names of indexes, sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from indexer.store.errors import SemanticError

if TYPE_CHECKING:
    from indexer.store.layout import Manifest

EXIT_CODES = """
\b
Exit codes: 0 done · 1 the machine failed (full disk, failed check) ·
2 what was asked for cannot be had · 130 interrupted (the same command resumes)
"""

NOT_RESUMED = EXIT_CODES.replace(" (the same command resumes)", "")

indexes_option = click.option(
    "--indexes",
    metavar="DIR",
    help="Where indexes are; EXPLORER_INDEXES, or indexes/ here, unless given.",
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress on stderr.")


def checked_name(name: str) -> str:
    """The name of an index.

    Raises:
        SemanticError: it cannot be a folder's name everywhere.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise SemanticError(
            f"an index cannot be named {name!r}: use letters, digits, '.', '_' and '-' (--name)"
        )
    return name


def size_of(manifest: Manifest) -> int:
    """Bytes of all files of an index."""
    return sum(file.bytes for file in manifest.files.values())


def in_bytes(count: int) -> str:
    """`1.90 GB`, `12.3 MB`."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
