"""Results as text: a table for people, JSON, JSON lines and CSV for programs.

Knows how an answer looks; computes none of it. A table begins with what was asked and what each
word was taken to be, and ends with what the scores are read against.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError
from explorer.results import (
    Analogy,
    AnalogyLayers,
    AnalogyMeta,
    Baseline,
    Layers,
    Meta,
    Middlemen,
    Neighbors,
    NeuronReport,
    OvReport,
    Resolved,
    Result,
    Target,
)
from indexer.store.errors import unknown

FORMATS = ("table", "json", "jsonl", "csv")


def render(result: Result, format: str, width: int = 100) -> str:
    """A result as text in one of `FORMATS`, ending with a newline.

    Raises:
        QueryError: there is no such format.
    """
    check_format(format)
    if format == "json":
        return json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if format == "jsonl":
        lines = [json.dumps(r, ensure_ascii=False, allow_nan=False) for r in result.to_dicts()]
        return "".join(line + "\n" for line in lines)
    if format == "csv":
        return _csv(result.to_dicts())
    return to_text(result, width)


def check_format(format: str) -> None:
    """Raise `QueryError` unless the format is one of `FORMATS`."""
    if format not in FORMATS:
        raise QueryError(unknown("format", format, FORMATS))


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """Rows with nested values laid out: dicts as `name.key` columns, lists joined by blanks."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for item in value:
                flat |= _flat(
                    {k: v for k, v in item.items() if k != "item"},
                    f"{before}{key}.{item.get('item')}.",
                )
        elif isinstance(value, list):
            flat[before + key] = " ".join(map(str, value))
        else:
            flat[before + key] = value
    return flat


# -- tables ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    name: str
    cell: Callable[[Any], str]
    right: bool = False
    folds: bool = False


def to_text(result: Result, width: int = 100) -> str:
    """A result as a table for people."""
    head, columns, foot = _layout(result)
    rows = result.rows  # type: ignore[attr-defined]  # every result has rows
    return (
        "".join(f"{line}\n" for line in [*head, ""])
        + _table(columns, rows, width)
        + "".join(f"{line}\n" for line in ["", *foot])
    )


def _table(columns: Sequence[_Column], rows: Sequence[Any], width: int) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="ellipsis" if not column.folds else "fold",
        )
    for row in rows:
        table.add_row(*(Text(column.cell(row)) for column in columns))
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, emoji=False, highlight=False).print(table)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def _layout(result: Result) -> tuple[list[str], list[_Column], list[str]]:
    if isinstance(result, Neighbors):
        head = [f"{result.query.expression}  in {result.query.space} by {result.query.measure}"]
        return head + resolved_lines(result.meta), _near_columns(), _foot(result.meta)
    if isinstance(result, Middlemen):
        return _middlemen(result)
    if isinstance(result, Analogy):
        query = result.query
        how = "" if query.method == "add" else " (3CosMul)"
        head = [f"{query.expression}  in {query.spaces[0]} by {query.measure}{how}"]
        target = _target_lines(result.meta.target, query.expression) if result.meta.target else []
        return head + resolved_lines(result.meta), _near_columns(), target + _foot(result.meta)
    if isinstance(result, AnalogyLayers):
        return _layers(result)
    if isinstance(result, NeuronReport):
        return _neuron(result)
    if isinstance(result, OvReport):
        return _ov(result)
    if isinstance(result, Baseline):
        return _baseline(result)
    if isinstance(result, Layers):
        return _depth(result)
    raise TypeError(f"no table for {type(result).__name__}")


def resolved_lines(meta: Meta) -> list[str]:
    """What each item of the query was taken to be, a line each, and the convention."""
    items = list(meta.resolved)
    if isinstance(meta, AnalogyMeta):
        items += [meta.resolved_target] if meta.resolved_target else []
        items += [item for item in meta.resolved_against if item not in items]
    lines = [f"  {_resolved(item)}" for item in items]
    if meta.convention:
        lines.append(f"  {meta.space}: {meta.convention}")
    return lines


def _resolved(item: Resolved) -> str:
    tokens = " ".join(f"{t} #{i}" for t, i in zip(item.tokens, item.token_ids, strict=True))
    weight = "" if item.weight == 1 else f"{item.weight:+g} "
    note = f"  ({item.note})" if item.note else ""
    return f"{weight}{item.asked} = {tokens or item.item} from {item.space}{note}"


def _near_columns() -> list[_Column]:
    return [
        _Column("rank", lambda r: str(r.rank), right=True),
        _Column("item", lambda r: str(r.item)),
        _Column("score", lambda r: f"{r.score:.4f}", right=True),
        _Column("z", lambda r: f"{r.z:.2f}", right=True),
        _Column("other forms", lambda r: " ".join(r.forms), folds=True),
    ]


def _foot(meta: Meta) -> list[str]:
    lines = []
    if meta.calibration:
        c = meta.calibration
        lines.append(
            f"z: deviations above this query's mean over {c.population} "
            f"(n = {c.n:,}, mean {c.mean:.4f}, deviation {c.deviation:.4f})"
        )
    lines += meta.notes
    return [*lines, f"index {meta.index}, model {meta.model}"]


def _middlemen(result: Middlemen) -> tuple[list[str], list[_Column], list[str]]:
    query, labels = result.query, list(result.rows[0].scores) if result.rows else []
    avoided = list(result.rows[0].avoided) if result.rows else []
    not_ = f" and not {', '.join(query.avoid)}" if query.avoid else ""
    head = [
        f"neurons whose {query.side} side answers to {', '.join(query.words)}{not_}, "
        f"by the {'least' if query.combine == 'min' else 'mean'} {query.score}"
    ]
    columns = [
        _Column("rank", lambda r: str(r.rank), right=True),
        _Column("neuron", lambda r: str(r.neuron)),
        _Column("score", lambda r: f"{r.score:.2f}", right=True),
        *(_Column(n, _score_of("scores", n), right=True) for n in labels),
        *(_Column(f"not {n}", _score_of("avoided", n), right=True) for n in avoided),
        _Column("reads", lambda r: " ".join(r.reads), folds=True),
        _Column("writes", lambda r: " ".join(r.writes), folds=True),
    ]
    return head + resolved_lines(result.meta), columns, _foot(result.meta)


def _score_of(field: str, label: str) -> Callable[[Any], str]:
    return lambda row: f"{getattr(row, field)[label]:.2f}"


def _gain_of(at: int) -> Callable[[Any], str]:
    return lambda row: f"{row.target.components[at].gain:+.4f}"


def _target_lines(target: Target, expression: str) -> list[str]:
    lines = [
        f"{target.item}: rank {target.rank:,} of {target.n:,}, score {target.score:.4f}, "
        f"z {target.z:.2f}"
    ]
    for c in target.components:
        lines.append(
            f"  {c.item} alone: rank {c.rank:,}, score {c.score:.4f}, z {c.z:.2f}; "
            f"the expression gains {c.gain:+.4f}"
        )
    if target.against:
        o = target.against
        lines.append(
            f"  {o.expression}: rank {o.rank:,}, score {o.score:.4f}, z {o.z:.2f}; "
            f"{expression} is {o.score_difference:+.4f} in score, {o.z_difference:+.2f} in z"
        )
    return [*lines, ""]


def _layers(result: AnalogyLayers) -> tuple[list[str], list[_Column], list[str]]:
    query = result.query
    head = [f"{query.expression}  across layers"]
    if query.target:
        head[0] += f", target {query.target}"
    if query.against:
        head[0] += f", against {query.against}"
    columns = [_Column("space", lambda r: str(r.space))]
    if query.target:
        columns += _standing_columns()
        components = (
            result.rows[0].target.components if result.rows and result.rows[0].target else ()
        )
        columns += [
            _Column(f"gain on {c.item}", _gain_of(i), right=True) for i, c in enumerate(components)
        ]
    if query.against:
        columns += [
            _Column("other rank", lambda r: f"{r.target.against.rank:,}", right=True),
            _Column(
                "score diff", lambda r: f"{r.target.against.score_difference:+.4f}", right=True
            ),
            _Column("z diff", lambda r: f"{r.target.against.z_difference:+.2f}", right=True),
        ]
    columns.append(_Column("nearest", lambda r: ", ".join(r.nearest), folds=True))
    foot = []
    if query.target:
        n = [row.target.n for row in result.rows if row.target]
        words = f" and {n[-1]:,} words in context.*" if len(n) > 1 else ""
        foot.append(f"rank: of {n[0]:,} tokens in embed{words}")
    if query.against:
        foot.append(f"other, diff: {query.expression} less {query.against}")
    foot.append("z: deviations above the query's mean over all items of the space")
    return (
        head + resolved_lines(result.meta),
        columns,
        foot + _row_notes(result) + _foot(result.meta),
    )


def _standing_columns() -> list[_Column]:
    """Where a row's target stands."""
    return [
        _Column("rank", lambda r: f"{r.target.rank:,}", right=True),
        _Column("score", lambda r: f"{r.target.score:.4f}", right=True),
        _Column("z", lambda r: f"{r.target.z:.2f}", right=True),
    ]


def _row_notes(result: AnalogyLayers | Layers) -> list[str]:
    """The first few notes on items in single spaces."""
    return sorted({f"{note} (in {row.space})" for row in result.rows for note in row.notes})[:4]


def _neuron(result: NeuronReport) -> tuple[list[str], list[_Column], list[str]]:
    meta = result.meta
    norms = ", ".join(f"{side} {norm:.4f}" for side, norm in meta.norms.items())
    cosines = ", ".join(f"{pair} {cosine:+.4f}" for pair, cosine in meta.cosines.items())
    head = [
        result.query.neuron,
        f"  norms: {norms}",
        f"  cosines: {cosines}",
        f"  {meta.convention}",
    ]
    columns = [
        _Column("side", lambda r: str(r.side)),
        _Column("near", lambda r: f"{'farthest ' if r.rank < 0 else 'nearest '}{r.kind}"),
        _Column("rank", lambda r: str(abs(r.rank)), right=True),
        _Column("item", lambda r: str(r.item)),
        _Column("score", lambda r: f"{r.score:.4f}", right=True),
    ]
    return head, columns, _foot(meta)


def _ov(result: OvReport) -> tuple[list[str], list[_Column], list[str]]:
    query = result.query
    carried = f"carry {query.word} to {query.to}" if query.to else f"copy {query.word}"
    head = [f"heads that {carried} when they attend to it fully, by z"]
    columns = [
        _Column("rank", lambda r: str(r.rank), right=True),
        _Column("head", lambda r: str(r.head)),
        _Column("z", lambda r: f"{r.score:.2f}", right=True),
        *([_Column("copying", lambda r: f"{r.copying:.2f}", right=True)] if query.to else []),
        _Column("norm", lambda r: f"{r.norm:.2f}", right=True),
        _Column("writes", lambda r: " ".join(r.writes), folds=True),
        _Column("suppresses", lambda r: " ".join(r.suppresses), folds=True),
    ]
    return head + resolved_lines(result.meta), columns, _foot(result.meta)


def _baseline(result: Baseline) -> tuple[list[str], list[_Column], list[str]]:
    columns = [
        _Column("space", lambda r: str(r.space)),
        _Column("measure", lambda r: str(r.measure)),
        _Column("mean", lambda r: _figure(r.mean), right=True),
        _Column("deviation", lambda r: _figure(r.deviation), right=True),
        *(
            _Column(f"{float(q):.0%}", _quantile_of(q), right=True)
            for q in (result.rows[0].quantiles if result.rows else ())
        ),
        _Column("pairs", lambda r: f"{r.n:,}", right=True),
        _Column("of", lambda r: str(r.population)),
    ]
    return ["what two unrelated items score"], columns, _foot(result.meta)


def _depth(result: Layers) -> tuple[list[str], list[_Column], list[str]]:
    query = result.query
    head = [f"{query.expression}  layer by layer"]
    columns = [_Column("space", lambda r: str(r.space))]
    if query.target:
        head[0] += f", target {query.target}"
        columns += _standing_columns()
    columns += [
        _Column("change", lambda r: _share(r.change), right=True),
        _Column("sinks", lambda r: _share(r.sinks), right=True),
        _Column("nearest", lambda r: ", ".join(r.nearest), folds=True),
    ]
    return head + resolved_lines(result.meta), columns, _row_notes(result) + _foot(result.meta)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _quantile_of(share: str) -> Callable[[Any], str]:
    return lambda row: _figure(row.quantiles[share])


def _figure(value: float) -> str:
    """Four decimals of a cosine, fewer of a number that is large."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"
