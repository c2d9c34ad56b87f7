"""`indexer show`."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.cli.completion import indexes
from indexer.cli.options import EXIT_CODES, in_bytes, indexes_option, size_of
from indexer.store.layout import Manifest, PrefixEntry
from indexer.store.places import find_index
from indexer.store.shown import one_line
from indexer.store.streams import put


@click.command(epilog=EXIT_CODES)
@click.argument("name", required=False, shell_complete=indexes)
@click.option("--json", "as_json", is_flag=True, help="The manifest as it is.")
@indexes_option
def show(name: str | None, as_json: bool, indexes: str | None) -> None:
    """Say what is inside an index: spaces, sizes, conventions, prefix, timings."""
    manifest = Manifest.load(find_index(name, indexes))
    if as_json:
        put(manifest.to_json() + "\n", "json")
    else:
        print("\n".join(map(one_line, _described(manifest))))


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
    if manifest.check:
        checks = ", ".join(f"{name} {error:.1e}" for name, error in manifest.check.items())
        lines.append(f"self-check  greatest relative error: {checks}")
    times = ", ".join(f"{step} {seconds:.1f}" for step, seconds in manifest.seconds.items())
    lines.append(f"seconds     {times} (total {sum(manifest.seconds.values()):.0f})")
    lines.append("versions    " + ", ".join(f"{k} {v}" for k, v in manifest.versions.items()))
    wide = max(12, *(len(space.name) for space in manifest.spaces))
    row = f"{{:<{wide}}} {{:<7}} {{:>9}} {{:>6}} {{:<9}} {{:>9}}"
    lines += ["", row.format("space", "item", "rows", "width", "measure", "size")]
    for space in manifest.spaces:
        size = sum(f.bytes for p, f in manifest.files.items() if Path(p).stem == space.name)
        of_space = space.name, space.item, f"{space.rows:,}", space.width, space.measure
        lines.append(row.format(*of_space, in_bytes(size)))
    lines.append(row.format("in all", "", "", "", "", in_bytes(size_of(manifest))))
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
        *(
            [f"tokenizer   {model.tokens_without_row:,} more tokens, for which it has no row"]
            if model.tokens_without_row
            else []
        ),
    ]


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
