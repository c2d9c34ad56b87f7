"""What the commands share: options, exit codes, names of indexes, sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from indexer.cli.completion import Listed
from indexer.store.errors import SemanticError, unknown
from indexer.store.spaces import ROW_TYPES

if TYPE_CHECKING:
    from indexer.progress import Narrator
    from indexer.store.layout import Manifest

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_CODES = """
\b
Exit codes: 0 done · 1 the machine failed (full disk, failed check) ·
2 what was asked for cannot be had · 130 interrupted (the same command resumes)
"""

NOT_RESUMED = EXIT_CODES.replace(" (the same command resumes)", "")


def examples(*commands: str) -> str:
    """What a command's help ends with."""
    return "\n\b\nExamples:\n" + "".join(f"  {one}\n" for one in commands)


PLACES = "Folder of indexes; EXPLORER_INDEXES, or indexes/ here, then your own, unless given."
indexes_option = click.option(
    "--indexes",
    metavar="DIR",
    help=PLACES,
)
PROGRESS = ("bars", "json")


def store_option(about: str) -> Callable[[Command], Command]:
    """In how many bits rows are stored, for commands that write some.

    Args:
        about: what becomes of rows.
    """
    return click.option(
        "--store",
        default="float32",
        show_default=True,
        metavar="|".join(ROW_TYPES),
        cls=Listed,
        help=f"The type that rows are stored in; in 16 bits they take half the room. {about}",
    )


def progress_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How progress is told, for commands that take long."""
    for option in (
        click.option(
            "--progress",
            default="bars",
            show_default=True,
            metavar="|".join(PROGRESS),
            cls=Listed,
            help="json is for a program that shows progress itself: an object a line on stderr.",
        ),
        click.option("--quiet", is_flag=True, help="No progress on stderr."),
    ):
        command = option(command)
    return command


def narrator_of(quiet: bool, progress: str) -> Narrator:
    """What tells of progress as it was asked to.

    Raises:
        SemanticError: there is no such way.
    """
    from indexer.progress import JsonNarrator, Narrator

    if progress not in PROGRESS:
        raise SemanticError(unknown("--progress", progress, PROGRESS))
    return JsonNarrator(quiet) if progress == "json" else Narrator(quiet)


def size_of(manifest: Manifest) -> int:
    """Bytes of all files of an index."""
    return sum(file.bytes for file in manifest.files.values())


def in_bytes(count: int) -> str:
    """`1.90 GB`, `12.3 MB`."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
