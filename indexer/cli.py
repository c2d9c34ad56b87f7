"""`indexer`: build, list, show and verify indexes.

Knows options and words for a terminal; each command imports what it needs when it runs. stdout is
data, stderr is narration.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from indexer.store.errors import SemanticError, at_the_edge, let_go_of_stdout, unknown
from indexer.store.layout import Manifest, PrefixEntry, find_index, index_names, index_root

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_CODES = """
\b
Exit codes: 0 done · 1 the machine failed (full disk, failed check) ·
2 what was asked for cannot be had · 130 interrupted (the same command resumes)
"""

_indexes = click.option(
    "--indexes",
    metavar="DIR",
    help="Where indexes are; EXPLORER_INDEXES, or indexes/ here, unless given.",
)


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="semantic-explorer")
def cli() -> None:
    """Turn a language model into an index: vectors in FAISS files, metadata in DuckDB."""


@cli.command(epilog=EXIT_CODES)
@click.argument("model")
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
    "block at a time, so that a model larger than memory can be indexed.",
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
@click.option("--raw", is_flag=True, help="Keep the rows raw: no norm's gain folded in.")
@click.option("--force", is_flag=True, help="Rebuild where an index of that name is there already.")
@click.option("--offline", is_flag=True, help="Take nothing from the hub but what is cached.")
@click.option(
    "--allow-pickle", is_flag=True, help="Load pickled weights, which can run code of their own."
)
@click.option(
    "--accept-config",
    multiple=True,
    metavar="NAME",
    help="Let a config attribute through that the table of families doesn't know, or a key or "
    "tensor of a GGUF file that isn't read; may be repeated.",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@_indexes
def build(model: str, **options: Any) -> None:
    """Make an index of MODEL.

    MODEL is a hub id (gpt2), a local folder, a .gguf file, or smollm2 for the packaged model.
    Interrupted, the same command resumes and repeats no finished space. Code that comes with a
    model is never run.
    """
    from indexer.build import build as make
    from indexer.progress import Narrator
    from indexer.request import Request

    _checked("dtype", options["dtype"], ("float32", "bfloat16", "auto"))
    request = Request(
        model=model,
        root=index_root(options.pop("indexes")),
        name=_name(options.pop("name"), model),
        words=_words(options.pop("words")),
        **{key: value for key, value in options.items() if key != "quiet"},
    )
    folder, built = make(request, Narrator(options["quiet"]))
    if built:
        seconds = sum(Manifest.load(folder).seconds.values())
        print(f"built {folder} in {seconds:.0f} s", file=sys.stderr)
    else:
        print(f"{folder} is there already", file=sys.stderr)
    print(folder)


@cli.command("list", epilog=EXIT_CODES)
@_indexes
def list_(indexes: str | None) -> None:
    """List the indexes that are there."""
    root = index_root(indexes)
    names = index_names(root)
    if not names:
        print(f"no index in {root}/; build one with `indexer build smollm2`", file=sys.stderr)
    width = max((len(name) for name in names), default=0)
    for name in names:
        try:
            manifest = Manifest.load(root / name)
        except SemanticError as err:
            print(f"{name:<{width}}  {err}")
            continue
        model = manifest.model
        neurons = manifest.neuron_grid.shape
        print(
            f"{name:<{width}}  {model.family}, "
            f"{model.n_layers} layers{' of ' if neurons else ''}{neurons}, "
            f"d_model {model.d_model}, {model.vocabulary:,} tokens, {manifest.words:,} words, "
            f"{len(manifest.spaces)} spaces, {_bytes(_size(manifest))}"
        )


@cli.command(epilog=EXIT_CODES)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="The manifest as it is.")
@_indexes
def show(name: str | None, as_json: bool, indexes: str | None) -> None:
    """Say what is inside an index: spaces, sizes, conventions, prefix, timings."""
    manifest = Manifest.load(find_index(name, indexes))
    print(manifest.to_json() if as_json else "\n".join(_described(manifest)))


@cli.command(epilog=EXIT_CODES)
@click.argument("name", required=False)
@_indexes
def verify(name: str | None, indexes: str | None) -> None:
    """Check every checksum and count of an index, and name what is damaged."""
    from indexer.store.verify import verify as faults_of

    root = index_root(indexes)
    folder = root / name if name and (root / name).is_dir() else find_index(name, indexes)
    faults = faults_of(folder)
    for fault in faults:
        print(fault)
    if faults:
        raise SemanticError(
            f"index {folder.name!r} is damaged; rebuild it with `indexer build --force`"
        )
    manifest = Manifest.load(folder)
    print(f"{folder.name}: sound ({len(manifest.files)} files, {_bytes(_size(manifest))})")


def _described(manifest: Manifest) -> list[str]:
    model, prefix = manifest.model, manifest.prefix
    revision = f" ({model.revision})" if model.revision else ""
    tied = "tied" if model.tied else "not tied"
    shape = manifest.neuron_grid.shape
    neurons = f"{shape} a layer ({'gated' if model.gated else 'not gated'}), " if shape else ""
    lines = [
        f"index       {manifest.name} (format {manifest.format}, {manifest.created})",
        f"model       {model.source}{revision}, {model.family}",
        f"weights     sha256 {model.weights_sha256}",
        f"shape       {model.n_layers} layers, d_model {model.d_model}, "
        f"{neurons}{model.n_heads} heads of {model.d_head}, "
        f"{model.vocabulary:,} tokens, unembedding {tied}",
        f"words       {manifest.words:,}"
        + (
            f", run in {manifest.dtype} on {manifest.device}, seed {manifest.seed}"
            if prefix
            else ""
        ),
    ]
    if model.accepted:
        lines.append(f"accepted    config attributes {', '.join(model.accepted)}")
    if prefix is not None:
        lines += _prefix_described(prefix)
    lines += [f"convention  {name}: {text}" for name, text in manifest.conventions.items()]
    checks = ", ".join(f"{name} {error:.1e}" for name, error in manifest.check.items())
    lines.append(f"self-check  greatest relative error: {checks}")
    times = ", ".join(f"{step} {seconds:.1f}" for step, seconds in manifest.seconds.items())
    lines.append(f"seconds     {times} (total {sum(manifest.seconds.values()):.0f})")
    lines.append("versions    " + ", ".join(f"{k} {v}" for k, v in manifest.versions.items()))
    lines += ["", f"{'space':<12} {'item':<7} {'rows':>9} {'width':>6} {'measure':<9} {'size':>9}"]
    for space in manifest.spaces:
        size = sum(f.bytes for p, f in manifest.files.items() if Path(p).stem == space.name)
        lines.append(
            f"{space.name:<12} {space.item:<7} {space.rows:>9,} {space.width:>6} "
            f"{space.measure:<9} {_bytes(size):>9}"
        )
    lines.append(f"{'in all':<12} {'':<7} {'':>9} {'':>6} {'':<9} {_bytes(_size(manifest)):>9}")
    return lines


def _prefix_described(prefix: PrefixEntry) -> list[str]:
    after = f", then {list(prefix.suffix_ids)} after every word" if prefix.suffix_ids else ""
    tried = ", ".join(f"{text!r} {count}" for text, count in prefix.tried.items())
    sinks = {n: share for n, share in prefix.sink_share.items() if share > 0}
    shown = ", ".join(f"{n} {share:.2%}" for n, share in sinks.items()) or "none at any layer"
    return [
        f"prefix      {prefix.text!r} (tokens {list(prefix.token_ids)}, {prefix.chosen}){after}",
        f"            sink words among {prefix.sample} sampled: {tried}",
        f"            share of words over {prefix.sink_factor:g} times the layer's median norm: "
        f"{shown}",
    ]


def _words(text: str) -> int | Path:
    if re.fullmatch(r"[0-9]+(_[0-9]+)*", text):
        return int(text)
    if re.fullmatch(r"-\d+", text):
        raise SemanticError(f"--words {text}: give how many (0 or more), or a file of words")
    return Path(text)


def _name(asked: str | None, model: str) -> str:
    name = asked or re.sub(r"\.gguf$", "", Path(model).name)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise SemanticError(
            f"an index cannot be named {name!r}: use letters, digits, '.', '_' and '-' (--name)"
        )
    return name


def _checked(kind: str, asked: str, existing: Sequence[str]) -> None:
    if asked not in existing:
        raise SemanticError(unknown(kind, asked, existing))


def _size(manifest: Manifest) -> int:
    return sum(file.bytes for file in manifest.files.values())


def _bytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def main() -> NoReturn:
    """Run a command; every error a person may meet is one line on stderr."""
    try:
        cli.main(standalone_mode=False)
        sys.stdout.flush()  # what fails at exit could not be told any more
    except BrokenPipeError:
        # The reader of a pipe has what it wanted.
        let_go_of_stdout()
        sys.exit(0)
    except click.exceptions.NoArgsIsHelpError as err:
        err.show()
        sys.exit(2)
    except click.exceptions.Abort:
        _fail(130, "interrupted")
    except click.ClickException as err:
        _fail(err.exit_code, " ".join(err.format_message().split()))
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        _fail(*edge)
    sys.exit(0)


def _fail(code: int, line: str) -> NoReturn:
    print(f"indexer: {line}", file=sys.stderr)
    let_go_of_stdout()
    sys.exit(code)
