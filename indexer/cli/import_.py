"""`indexer import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer.cli.completion import Listed, Renamed, files, indexes
from indexer.cli.findings import find
from indexer.cli.options import (
    NOT_RESUMED,
    examples,
    indexes_option,
    narrator_of,
    progress_options,
    store_option,
)
from indexer.store.limits import ANSWERING, require_address_space
from indexer.store.mapped import multiply_apart
from indexer.store.places import checked_name, lying, place_to_build
from indexer.store.streams import put

_OF_THE_FILE = (
    "tensor",
    "transpose",
    "limit",
    "encoding",
    "encoding_errors",
    "label_column",
    "vector_column",
)


@click.command(
    "import",
    epilog=NOT_RESUMED
    + examples(
        "indexer import vectors.txt --name mine",
        "indexer import decoder.safetensors --name smollm2 --space sae.decoder",
    ),
)
@click.argument("file", shell_complete=files)
@click.option(
    "--name", required=True, shell_complete=indexes, help="Name of the index, new or there already."
)
@click.option("--space", metavar="SPACE", help="Name of the new space; embed of a new index.")
@click.option(
    "--format",
    "--from",
    "format",
    metavar="npy|safetensors|word2vec|word2vec-binary|glove|parquet",
    cls=Renamed,
    help="The format, where the ending of FILE doesn't tell it.",
)
@click.option(
    "--labels",
    metavar="FILE",
    help="Names of the vectors of an .npy or .safetensors file, one a line; FILE.labels.txt "
    "beside it unless given.",
)
@click.option("--tensor", metavar="NAME", help="Which tensor, of a file that holds several.")
@click.option("--transpose", is_flag=True, help="Take the columns of an array for its vectors.")
@click.option("--label-column", metavar="NAME", help="Column of names, of a Parquet file.")
@click.option("--vector-column", metavar="NAME", help="Column of vectors, of a Parquet file.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Take the first N vectors only."
)
@click.option(
    "--on-duplicate",
    default="error",
    show_default=True,
    metavar="error|first|last",
    cls=Listed,
    help="Which vector of several under one name to keep; error takes no such file.",
)
@click.option(
    "--encoding",
    metavar="NAME",
    help="Encoding of names in a text, such as latin-1; UTF-8 unless given.",
)
@click.option(
    "--encoding-errors",
    metavar="strict|replace|ignore",
    cls=Listed,
    help="What to do with bytes that are none of the encoding; strict takes no such file.",
)
@store_option(
    "Vectors that are of so many bits already are stored as they are, and nothing is lost; others "
    "are rounded, and the answers say so."
)
@click.option("--allow-zero", is_flag=True, help="Keep vectors that are zero.")
@click.option("--force", is_flag=True, help="Replace an imported space of that name.")
@progress_options
@indexes_option
def import_(file: str, name: str, indexes: str | None, **options: Any) -> None:
    """Make an index of a FILE of vectors, or add it to one as a further space.

    A new index has one space, embed, and its items are words: with no model behind it, neurons,
    heads and words that are not in FILE cannot be asked. Where an index is there already, the
    vectors become a further space of it, as wide as the others; its items are labels, written
    f123@sae.decoder in expressions.

    FILE is .npy with labels beside it, .safetensors, .parquet, word2vec's text (.txt, .vec) or
    binary (.bin), or GloVe's text (.txt, no header), any of them compressed by gzip or not. What
    it is is told by its content where its name tells nothing. An import that is interrupted
    leaves nothing that opens.
    """
    require_address_space(ANSWERING)
    multiply_apart()
    from indexer.importing import ImportRequest, import_vectors
    from indexer.portable.vectors import VectorSource
    from indexer.store.items import ITEMS

    narrator = narrator_of(options.pop("quiet"), options.pop("progress"))
    labels = options.pop("labels")
    asked = VectorSource(
        path=Path(file),
        labels=None if labels is None else Path(labels),
        **{name: options.pop(name) for name in _OF_THE_FILE},
    )
    there = [one.folder.parent for one in lying(indexes) if one.name == name]
    root = there[0] if there else place_to_build(indexes)
    request = ImportRequest(vectors=asked, root=root, name=checked_name(name), **options)
    folder, space = import_vectors(request, narrator)
    find(folder, narrator)
    what = ITEMS[space.item].plural
    narrator.conclude(f"{folder}: {space.name}, {space.rows:,} {what}, {space.width} wide")
    put(f"{folder}\n")
