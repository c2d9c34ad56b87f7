"""`indexer list`."""

from __future__ import annotations

import sys

import click

from indexer.cli.options import EXIT_CODES, in_bytes, indexes_option, size_of
from indexer.store.errors import SemanticError
from indexer.store.layout import Manifest, index_names, index_root
from indexer.store.shown import one_line


@click.command("list", epilog=EXIT_CODES)
@indexes_option
def list_(indexes: str | None) -> None:
    """List the indexes that are there."""
    root = index_root(indexes)
    names = index_names(root)
    if not names:
        print(
            f"no index in {one_line(str(root))}/; build one with `indexer build smollm2`",
            file=sys.stderr,
        )
    shown = {name: one_line(name) for name in names}
    width = max(map(len, shown.values()), default=0)
    for name in names:
        try:
            manifest = Manifest.load(root / name)
        except SemanticError as err:
            print(f"{shown[name]:<{width}}  {one_line(str(err))}")
            continue
        print(f"{shown[name]:<{width}}  {one_line(_line(manifest))}")


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
