"""`indexer list`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from indexer.cli.formats import check_format, format_option, write
from indexer.cli.options import EXIT_CODES, examples, in_bytes, indexes_option, size_of
from indexer.store.errors import SemanticError
from indexer.store.layout import Manifest
from indexer.store.places import lying, places
from indexer.store.shown import one_line


@click.command("list", epilog=EXIT_CODES + examples("indexer list", "indexer list --format json"))
@format_option
@indexes_option
def list_(format: str, indexes: str | None) -> None:
    """List the indexes that are there, and where each lies."""
    check_format(format)
    if indexes is not None and not Path(indexes).is_dir():
        raise SemanticError(f"--indexes {indexes}: there is no such folder")
    found = lying(indexes)
    if not found:
        where = " or ".join(one_line(f"{place}/") for place in places(indexes))
        print(f"no index in {where}; build one with `indexer build smollm2`", file=sys.stderr)
    width = max((len(one_line(one.name)) for one in found), default=0)
    lines, rows = [], []
    for one in found:
        try:
            manifest = Manifest.load(one.folder)
            about, more = _line(manifest), _row(manifest)
        except SemanticError as err:
            about = str(err)
            more = {"error": about}
        hidden = " (only by its path: one of that name comes before it)" if one.hidden else ""
        lines.append(f"{one_line(one.name):<{width}}  {about}  {one.folder}{hidden}")
        place = {"name": one.name, "folder": str(one.folder), "hidden": one.hidden}
        rows.append({name: (place | more).get(name) for name in COLUMNS})
    write(format, lines, rows, rows, COLUMNS)


COLUMNS = (
    "name", "folder", "hidden", "model", "family", "layers", "d_model", "tokens",
    "words", "spaces", "bytes", "error",
)  # fmt: skip
"""What JSON and CSV say of an index; what it has not is null. `hidden` is one that is found only by
its path, since one of its name comes before it."""


def _row(manifest: Manifest) -> dict[str, Any]:
    model = manifest.model
    row: dict[str, Any] = {"model": model.source, "d_model": model.d_model}
    if manifest.has_model:
        row |= {"family": model.family, "layers": model.n_layers, "tokens": model.vocabulary}
    row |= {"words": manifest.words, "spaces": len(manifest.spaces), "bytes": size_of(manifest)}
    return row


def _line(manifest: Manifest) -> str:
    model = manifest.model
    spaces = len(manifest.spaces)
    rest = (
        f"{manifest.words:,} words, {spaces} space{'s' * (spaces != 1)}, "
        f"{in_bytes(size_of(manifest))}"
    )
    if not manifest.has_model:
        return f"model {model.source}, {model.d_model} wide, {rest}"
    neurons = manifest.neuron_grid.shape
    return (
        f"{model.family}, {model.n_layers} layers{' of ' if neurons else ''}{neurons}, "
        f"d_model {model.d_model}, {model.vocabulary:,} tokens, {rest}"
    )
