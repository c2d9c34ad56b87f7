"""`indexer verify`."""

from __future__ import annotations

import click

from indexer.cli.completion import indexes
from indexer.cli.options import EXIT_CODES, in_bytes, indexes_option, size_of
from indexer.store.errors import SemanticError
from indexer.store.layout import Manifest
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.places import find_folder
from indexer.store.shown import one_line


@click.command(epilog=EXIT_CODES)
@click.argument("name", required=False, shell_complete=indexes)
@indexes_option
def verify(name: str | None, indexes: str | None) -> None:
    """Check every checksum and count of an index, and name what is damaged."""
    require_address_space(ANSWERING)
    from indexer.store.verify import verify as faults_of

    folder = find_folder(name, indexes)  # what is damaged may have lost what makes it an index
    faults = faults_of(folder)
    for fault in faults:
        print(one_line(fault))
    if faults:
        raise SemanticError(
            f"index {folder.name!r} is damaged; rebuild it with `indexer build --force`"
        )
    manifest = Manifest.load(folder)
    size = in_bytes(size_of(manifest))
    print(f"{one_line(folder.name)}: sound ({len(manifest.files)} files, {size})")
