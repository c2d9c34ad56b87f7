"""`indexer verify`."""

from __future__ import annotations

from typing import Any

import click

from indexer.cli.completion import indexes
from indexer.cli.formats import check_format, format_option, write
from indexer.cli.options import EXIT_CODES, examples, in_bytes, indexes_option, size_of
from indexer.store.errors import SemanticError
from indexer.store.layout import Manifest
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.mapped import multiply_apart
from indexer.store.places import find_folder


@click.command(
    epilog=EXIT_CODES + examples("indexer verify smollm2", "indexer verify smollm2 --format json")
)
@click.argument("name", required=False, shell_complete=indexes)
@format_option
@indexes_option
def verify(name: str | None, format: str, indexes: str | None) -> None:
    """Check every checksum and count of an index, and name what is damaged.

    JSON says of a sound index how large it is; JSON lines and CSV have a fault a row.
    """
    require_address_space(ANSWERING)
    multiply_apart()
    check_format(format)
    from indexer.store.verify import verify as faults_of

    folder = find_folder(name, indexes)  # what is damaged may have lost what makes it an index
    faults = faults_of(folder)
    rows = [{"index": folder.name, "fault": fault} for fault in faults]
    whole: dict[str, Any] = {"index": folder.name, "folder": str(folder), "faults": faults}
    lines = faults
    if not faults:
        manifest = Manifest.load(folder)
        files, size = len(manifest.files), size_of(manifest)
        whole |= {"files": files, "bytes": size}
        lines = [f"{folder.name}: sound ({files} files, {in_bytes(size)})"]
    write(format, lines, whole, rows, ("index", "fault"))
    if faults:
        raise SemanticError(
            f"index {folder.name!r} is damaged; rebuild it with `indexer build --force`"
        )
