"""`indexer show`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from indexer.cli.completion import indexes
from indexer.cli.formats import check_format, format_option, write
from indexer.cli.options import EXIT_CODES, examples, in_bytes, indexes_option, size_of
from indexer.store.layout import Manifest, PrefixEntry, said_of_rows
from indexer.store.places import find_index


@click.command(
    epilog=EXIT_CODES + examples("indexer show smollm2", "indexer show smollm2 --format json")
)
@click.argument("name", required=False, shell_complete=indexes)
@format_option
@click.option("--json", "as_json", is_flag=True, hidden=True, help="--format json.")
@indexes_option
def show(name: str | None, format: str, as_json: bool, indexes: str | None) -> None:
    """Say what is inside an index: spaces, sizes, conventions, prefix, timings.

    JSON is the manifest as it is; JSON lines and CSV have a space a row.
    """
    format = "json" if as_json else format
    check_format(format)
    manifest = Manifest.load(find_index(name, indexes))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in _spaces(manifest)]
    write(format, _described(manifest), json.loads(manifest.to_json()), rows, COLUMNS)


COLUMNS = ("space", "item", "rows", "width", "measure", "files", "bytes")
"""What is said of each space."""


def _ran(manifest: Manifest) -> str:
    """What ran where, of a build that several machines worked at."""
    return ", ".join(
        f"{name}: {one['tasks']:.0f} tasks in {one['seconds']:.0f} s"
        for name, one in manifest.machines.items()
    )


def _spaces(manifest: Manifest) -> Iterator[tuple[str, str, int, int, str, int, int]]:
    """What is said of each space; its files are those that its rows lie in."""
    for space in manifest.spaces:
        size = sum(entry.bytes for entry in manifest.files_of(space).values())
        files = len(manifest.shards(space))
        yield space.name, space.item, space.rows, space.width, space.measure, files, size


def _described(manifest: Manifest) -> list[str]:
    model, prefix = manifest.model, manifest.prefix
    lines = [f"index       {manifest.name} (format {manifest.format}, {manifest.created})"]
    lines += _model_described(manifest) if manifest.has_model else []
    lines.append(
        f"words       {manifest.words:,}"
        + (
            f", run in {manifest.dtype} on {manifest.device}, seed {manifest.seed}"
            if prefix
            else ""
        )
    )
    for name, one in manifest.imported.items():
        whence = f"{name}: from {one.file} ({one.format}, {one.created})"
        lines.append(f"imported    {whence}, sha256 {one.sha256}")
        lines += [f"            {one.read}"] if one.read else []
    lines += [f"adapter     left out: {model.adapter}"] if model.adapter else []
    if model.accepted:
        lines.append(f"accepted    config attributes {', '.join(model.accepted)}")
    if prefix is not None:
        lines += _prefix_described(prefix)
    lines += [f"convention  {name}: {text}" for name, text in manifest.conventions.items()]
    lines += [f"rows        {said}" for said in said_of_rows(manifest)]
    if manifest.check:
        checks = ", ".join(f"{name} {error:.1e}" for name, error in manifest.check.items())
        lines.append(f"self-check  greatest relative error: {checks}")
    times = ", ".join(f"{step} {seconds:.1f}" for step, seconds in manifest.seconds.items())
    lines.append(f"seconds     {times} (total {sum(manifest.seconds.values()):.0f})")
    if manifest.machines:
        lines.append(f"machines    {_ran(manifest)}")
    lines.append("versions    " + ", ".join(f"{k} {v}" for k, v in manifest.versions.items()))
    wide = max(12, *(len(space.name) for space in manifest.spaces))
    row = f"{{:<{wide}}} {{:<7}} {{:>9}} {{:>6}} {{:<9}} {{:>5}} {{:>9}}"
    lines += ["", row.format("space", "item", "rows", "width", "measure", "files", "size")]
    for space, item, count, width, measure, files, size in _spaces(manifest):
        lines.append(row.format(space, item, f"{count:,}", width, measure, files, in_bytes(size)))
    lines.append(row.format("in all", "", "", "", "", "", in_bytes(size_of(manifest))))
    return lines


def _model_described(manifest: Manifest) -> list[str]:
    model, shape = manifest.model, manifest.neuron_grid.shape
    revision = f" ({model.revision})" if model.revision else ""
    tied = "tied" if model.tied else "not tied"
    kind = ", ".join(filter(None, ["gated" if model.gated else "not gated", model.activation]))
    neurons = f"{shape} a layer ({kind}), " if shape else ""
    return [
        f"model       {model.source}{revision}, {model.family}",
        f"weights     sha256 {model.weights_sha256}",
        f"shape       {model.n_layers} layers, d_model {model.d_model}, "
        f"{neurons}{model.n_heads} heads of {model.d_head}, "
        f"{model.vocabulary:,} tokens, unembedding {tied}",
        f"logits      {_logits_described(manifest)}",
        *(
            [f"tokenizer   {model.tokens_without_row:,} more tokens, for which it has no row"]
            if model.tokens_without_row
            else []
        ),
    ]


def _logits_described(manifest: Manifest) -> str:
    """The way from the stream that leaves the last block to logits, in the order it is gone."""
    own = manifest.model.unembedding
    if own is None:
        return "none: an encoder is read without its head"
    norm = {"rms": "RMSNorm", "layer": "LayerNorm", "none": "no norm"}[own.norm]
    if own.norm != "none":
        has = [name for name in ("gain", "shift") if getattr(own, name)]
        norm += f" (epsilon {own.epsilon:g}, {' and '.join(has) or 'no gain'})"
    steps = [norm, f"vectors of {manifest.read_off.name}"]
    steps += ["a bias"] if own.bias else []
    steps += [f"times {own.scale:g}"] if own.scale != 1 else []
    steps += [f"softcap {own.softcap:g}"] if own.softcap is not None else []
    return ", ".join(steps)


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
