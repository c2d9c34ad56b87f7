"""`indexer build`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.cli.completion import files
from indexer.cli.findings import find
from indexer.cli.options import (
    EXIT_CODES,
    examples,
    indexes_option,
    narrator_of,
    progress_options,
    store_option,
)
from indexer.store.errors import SemanticError, unknown
from indexer.store.layout import Manifest
from indexer.store.limits import BUILDING, require_address_space
from indexer.store.mapped import multiply_apart
from indexer.store.places import name_to_build, place_to_build
from indexer.store.streams import put

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(
    epilog=EXIT_CODES
    + examples("indexer build smollm2", "indexer build ./my-model --words words.txt")
)
@click.argument("model", shell_complete=files)
@click.option("--name", help="Name of the index; made from MODEL unless given.")
@click.option(
    "--words",
    default="20000",
    show_default=True,
    metavar="N|FILE",
    help="How many words by frequency, or a file of words and phrases, one a line. The example "
    "groups are always among them.",
)
@click.option(
    "--layers",
    default="all",
    show_default=True,
    metavar="0-3,7",
    help="Blocks to index: their neurons, and the residual stream before and after each.",
)
@click.option(
    "--spaces",
    default="all",
    show_default=True,
    metavar="embed,context,neuron,head",
    help="Kinds of spaces; embed is always among them. Without context only weights are read, a "
    "block at a time, so that a model larger than memory can be indexed; the same with context "
    "goes on from there later.",
)
@click.option(
    "--dtype",
    default="auto",
    show_default=True,
    metavar="float32|bfloat16|auto",
    help="Precision of the forward passes; auto is 16 bits on a GPU, float32 elsewhere. "
    "Weights are always extracted in float32.",
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, ...; auto takes a GPU."
)
@store_option(
    "Weights that are of so many bits already are stored as they are, and nothing is lost; other "
    "rows are rounded, words in context always, and the answers say so."
)
@click.option(
    "--prefix",
    default="auto",
    show_default=True,
    metavar="TEXT|auto",
    help="What stands before every word; auto takes the first candidate that leaves no word an "
    "attention sink.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the sample the prefix is tried on.",
)
@click.option(
    "--neurons-per-word",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    metavar="N",
    help="How many of the neurons that fire most strongly at a word are kept, at either end: what "
    "`explorer word` can show, and how far `explorer middleman --by activations` can rank.",
)
@click.option(
    "--on",
    metavar="ray|ray://HOST:10001",
    help="Have the machines of a Ray cluster work at it, which all see the folder of the index; "
    "ray is a cluster of this machine alone. See docs/scale.md.",
)
@click.option("--raw", is_flag=True, help="Keep the rows raw: no norm's gain folded in.")
@click.option("--force", is_flag=True, help="Rebuild where an index of that name is there already.")
@click.option("--offline", is_flag=True, help="Take nothing from the hub but what is cached.")
@click.option(
    "--allow-pickle", is_flag=True, help="Load pickled weights, which can run code of their own."
)
@click.option(
    "--allow-few-words",
    is_flag=True,
    help="Index a model though hardly any of its tokens begin a word (under 1 % of them): without "
    "any, no z can be had of neurons and heads.",
)
@click.option(
    "--no-findings",
    is_flag=True,
    help="Leave out what there is to see in it, which `explorer findings --keep` looks for later.",
)
@click.option(
    "--accept-config",
    multiple=True,
    metavar="NAME",
    help="Let a config attribute through that the table of families doesn't know, or a key or "
    "tensor of a GGUF file that isn't read; may be repeated.",
)
@progress_options
@indexes_option
def build(model: str, **options: Any) -> None:
    """Make an index of MODEL.

    MODEL is a hub id (gpt2), a local folder, a .gguf file, or smollm2 for the packaged model.
    The index is made in the folder of --indexes or EXPLORER_INDEXES, or in indexes/ where the
    current folder has one, else in your own, where it is found from any folder.
    Interrupted, the same command resumes and repeats no finished space. Code that comes with a
    model is never run.
    """
    require_address_space(BUILDING)
    multiply_apart(beside_torch=True)
    from indexer.build import build as make
    from indexer.request import Request

    narrator = narrator_of(options.pop("quiet"), options.pop("progress"))
    no_findings, on = options.pop("no_findings"), options.pop("on")
    _checked("dtype", options["dtype"], ("float32", "bfloat16", "auto"))
    request = Request(
        model=model,
        root=place_to_build(options.pop("indexes")),
        name=name_to_build(model, options.pop("name")),
        words=_words(options.pop("words")),
        **options,
    )
    folder, built = make(request, narrator, on)
    if not no_findings:
        find(folder, narrator)
    if built:
        seconds = sum(Manifest.load(folder).seconds.values())
        narrator.conclude(f"built {folder} in {seconds:.0f} s")
    else:
        narrator.conclude(f"{folder} is there already")
    put(f"{folder}\n")


def _words(text: str) -> int | Path:
    return int(text) if re.fullmatch(r"-?[0-9]+(_[0-9]+)*", text) else Path(text)


def _checked(kind: str, asked: str, existing: Sequence[str]) -> None:
    if asked not in existing:
        raise SemanticError(unknown(kind, asked, existing))
