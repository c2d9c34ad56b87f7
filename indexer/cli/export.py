"""`indexer export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer.cli.completion import Renamed, files, indexes, spaces
from indexer.cli.options import NOT_RESUMED, examples, indexes_option, narrator_of, progress_options
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.streams import put


@click.command(
    epilog=NOT_RESUMED
    + examples(
        "indexer export smollm2 embed --format word2vec -o embed.txt",
        "indexer export smollm2 neuron.out --format npy --layers 0-1 -o neurons",
    )
)
@click.argument("name", shell_complete=indexes)
@click.argument("space", shell_complete=spaces)
@click.option(
    "--format",
    "--to",
    "format",
    required=True,
    metavar="gensim|word2vec|npy|safetensors|parquet|projector",
    cls=Renamed,
    help="The format.",
)
@click.option(
    "-o", "--output", required=True, metavar="PATH", shell_complete=files, help="Where to."
)
@click.option("--binary", is_flag=True, help="word2vec's binary form.")
@click.option("--limit", type=int, metavar="N", help="Only the first N rows.")
@click.option("--layers", metavar="0-3,7", help="Only these layers' neurons or heads.")
@click.option(
    "--raw-cells",
    is_flag=True,
    help="projector: leave names that a spreadsheet would run (=, +, -, @ before them) without an "
    "apostrophe.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@progress_options
@indexes_option
def export(name: str, space: str, output: str, **options: Any) -> None:
    """Write the vectors of SPACE of the index NAME to a file.

    Each vector is written at its own length, float32, under the name that answers give it: a
    token's or word's text, a neuron (L29N112), a head dimension (L3H5D7), a label.

    \b
    gensim        PATH and PATH.vectors.npy, for KeyedVectors.load; needs gensim
    word2vec      PATH, a text; --binary for the binary form. Blanks in names are
                  written ␣
    npy           PATH.npy and PATH.labels.txt, a name a line
    safetensors   PATH, one tensor named after the space, names in its metadata
    parquet       PATH: label, vector, and what the catalog knows of each row
    projector     PATH/tensors.tsv and PATH/metadata.tsv, for the Embedding
                  Projector

    A name that is empty or another's already gets its row's number behind it, as x#12. Where a
    line is a name, control characters in it are escaped.
    """  # noqa: D301  the \b is for click
    require_address_space(ANSWERING)
    from indexer.exporting import ExportRequest
    from indexer.exporting import export as write

    narrator = narrator_of(options.pop("quiet"), options.pop("progress"))
    request = ExportRequest(name=name, space=space, target=Path(output), **options)
    for path in write(request, narrator):
        put(f"{path}\n")
