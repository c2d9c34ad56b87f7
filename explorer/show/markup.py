"""A table as Markdown, and as a piece of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from explorer.show.layout import Column, Layout, Section, filled


def to_markdown(laid: Layout) -> str:
    """A table in Markdown; what stands above and below it line for line."""
    columns = filled(laid.columns, laid.rows)
    names = [column.name for column in columns]
    cells = [[column.cell(row) for column in columns] for row in laid.rows]
    sides = ["---:" if column.right else "---" for column in columns]
    table = [f"| {' | '.join(map(_escaped, row))} |" for row in [names, *cells]]
    table.insert(1, f"| {' | '.join(sides)} |")
    above = [_begun(_escaped(laid.head[0])), "", *_listed(laid.head[1:])]
    return "".join(f"{line}\n" for line in [*above, *table, "", *_listed(laid.foot)[:-1]])


def _escaped(text: str) -> str:
    """Text in one line that means itself where Markdown would see a mark, or make a link."""
    marked = re.sub(r"([\\`*_\[\]<>|~#&$])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?i)(?=://)|(?<=\bwww)(?=\.)", r"\\", marked)


def _begun(line: str) -> str:
    """A line that begins no list of its own: `- man + woman`, `1. large`."""
    return re.sub(r"^(\d*)([-+.)])(?= |$)", r"\1\\\2", line)


def _listed(lines: Sequence[str]) -> list[str]:
    """Lines as the items of a list, with an empty line after them where there are any."""
    items = [f"- {_begun(_escaped(line))}" for line in lines if line.strip()]
    return [*items, ""] if items else []


def to_html(laid: Layout, most: int | None = None) -> str:
    """A table, or a card, as a piece of a page: head, table and foot, and nothing to load.

    Every style stands on its element, where notebooks that drop style sheets keep it. No colour is
    named but a grey for rules, which a light and a dark page both show.

    Args:
        laid: the table.
        most: show only the first so many rows, of a card of each section, and say so; all unless
            given.
    """
    parts = [f'<div style="{_PAGE}">', *_lines_as_html(laid.head, "margin-bottom:8px")]
    left = 0
    tables: Sequence[Layout | Section] = laid.sections or [laid]
    for one in tables:
        shown = one.rows if most is None else one.rows[:most]
        left += len(one.rows) - len(shown)
        if isinstance(one, Section):
            parts.append(f'<div style="{_TITLE}">{escape(one.title)}</div>')
        parts += _table_as_html(filled(one.columns, one.rows), shown)
    more = [f"and {left:,} more rows; .to_pandas() or .rows has them all", ""] if left else []
    parts += _lines_as_html([*more, *laid.foot], "margin-top:8px;opacity:0.75")
    return "\n".join([*parts, "</div>", ""])


def _table_as_html(columns: Sequence[Column], rows: Sequence[Any]) -> list[str]:
    cells = "".join(
        f'<th style="{_style(column)};border-bottom:1px solid {_RULE}">{escape(column.name)}</th>'
        for column in columns
    )
    lines = [f'<table style="{_TABLE}"><thead><tr>{cells}</tr></thead><tbody>']
    for row in rows:
        cells = "".join(
            f'<td style="{_style(column)}">{escape(column.cell(row))}</td>' for column in columns
        )
        lines.append(f"<tr>{cells}</tr>")
    return [*lines, "</tbody></table>"]


_RULE = "rgba(128,128,128,0.5)"
_TITLE = "margin-top:12px;font-weight:600"
_PAGE = "font-size:0.9em;line-height:1.4;overflow-x:auto"
_TABLE = "border-collapse:collapse;border:none;margin:0;font-variant-numeric:tabular-nums"


def _style(column: Column) -> str:
    side = "right" if column.right else "left"
    wrap = "" if column.folds else ";white-space:nowrap"
    return f"text-align:{side};padding:2px 10px{wrap}"


def _lines_as_html(lines: Sequence[str], style: str) -> list[str]:
    """Lines one below the other; what is set in stays so, and an empty line is a gap."""
    out = [f'<div style="{style}">']
    for line in lines:
        depth = (len(line) - len(line.lstrip())) / 2
        inset = f' style="padding-left:{depth:g}em"' if depth else ""
        out.append(f"<div{inset}>{escape(line.strip()) or '&nbsp;'}</div>")
    return [*out, "</div>"]
