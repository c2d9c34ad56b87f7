"""`indexer list`."""

from __future__ import annotations

import sys

import click

from indexer.cli.options import EXIT_CODES, in_bytes, indexes_option, size_of
from indexer.store.errors import SemanticError
from indexer.store.layout import Manifest
from indexer.store.places import lying, places
from indexer.store.shown import one_line


@click.command("list", epilog=EXIT_CODES)
@indexes_option
def list_(indexes: str | None) -> None:
    """List the indexes that are there, and where each lies."""
    found = lying(indexes)
    if not found:
        where = " or ".join(one_line(f"{place}/") for place in places(indexes))
        print(f"no index in {where}; build one with `indexer build smollm2`", file=sys.stderr)
    shown = [one_line(one.name) for one in found]
    width = max(map(len, shown), default=0)
    for name, one in zip(shown, found, strict=True):
        try:
            about = _line(Manifest.load(one.folder))
        except SemanticError as err:
            about = str(err)
        hidden = " (only by its path: one of that name comes before it)" if one.hidden else ""
        print(f"{name:<{width}}  {one_line(about)}  {one_line(str(one.folder))}{hidden}")


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
