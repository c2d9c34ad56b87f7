"""The rooms of the code, packages and the modules beside them, and what may import what.

Knows the contracts of `pyproject.toml`, which `make check` holds, and the imports as they are.
Draws the layers of both programs as one picture, and lists rooms with what each imports. What a
room does is said by its own docstring.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROGRAMS = ("explorer", "indexer")
BRIDGE = "indexer.store"
"""The one room of the indexer that the explorer knows."""

ROW, GAP, PAD = 26, 7, 14
"""Height of a box, room between boxes, and around them, in pixels."""
LETTER, WIDTH, TOP, BETWEEN = 7.0, 460, 64, 60
"""Width of a letter of 12 px, of a program, height of its heading, and between the two."""
STYLE = """\
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1b2b34 }
.name { font-size: 16px; font-weight: 600 }
.about { fill: #566570 }
.program { fill: #f4f6f7; stroke: #c9d2d7 }
.package { fill: #cfe3f1; stroke: #5b8db0 }
.module { fill: #ffffff; stroke: #a9b6bd }
.bridge { fill: #ffe3b0; stroke: #b8811d }
.arrow { fill: none; stroke: #b8811d; stroke-width: 2 }
.head { fill: #b8811d }"""


def contracts() -> list[dict[str, Any]]:
    """The import contracts, in the order of `pyproject.toml`."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = read["tool"]["importlinter"]["contracts"]
    return found


def layers(program: str) -> list[list[str]]:
    """The rooms of a program from top to bottom; those of one layer know nothing of each other."""
    for contract in contracts():
        if contract.get("containers") == [program]:
            return [
                [f"{program}.{room}" for room in layer.split(" | ")] for layer in contract["layers"]
            ]
    raise SystemExit(f"pyproject.toml: no contract has the layers of {program}")


def is_package(room: str) -> bool:
    """Whether a room is a folder."""
    return (ROOT / room.replace(".", "/")).is_dir()


# -- the picture ----------------------------------------------------------------------------


def picture() -> str:
    """Both programs as towers of layers, as SVG; the same contracts give the same bytes."""
    towers = {program: _tower(layers(program)) for program in PROGRAMS}
    height = TOP + max(len(rows) for rows in towers.values()) * (ROW + GAP) + PAD
    whole = 2 * WIDTH + BETWEEN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {height + 40}" role="img">',
        "<title>What may import what</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{whole}" height="{height + 40}" rx="8" fill="#ffffff"/>',
    ]
    bridge = (0.0, 0.0)
    for number, (program, rows) in enumerate(towers.items()):
        left = number * (WIDTH + BETWEEN)
        out += _program(program, left, height)
        first = height - PAD - len(rows) * (ROW + GAP) + GAP  # both stand on one ground
        for line, row in enumerate(rows):
            y = first + line * (ROW + GAP)
            for room, x, width in row:
                out += _box(room, left + x, y, width)
                if room == BRIDGE:
                    bridge = (left + x, y + ROW / 2)
    out += _arrow(WIDTH - 1, *bridge)
    said = (
        "A room may import what stands lower, rooms side by side know nothing of each other. "
        "Blue: a package; white: one file."
    )
    out += [f'<text class="about" x="{PAD}" y="{height + 24}">{escape(said)}</text>', "</svg>"]
    return "\n".join(out) + "\n"


Placed = list[tuple[str, float, float]]
"""The rooms of a layer: name, left edge within the program, width."""


def _tower(rows: Iterable[list[str]]) -> list[Placed]:
    """Where each room stands: every layer in the middle."""
    tower = []
    for row in rows:
        widths = [len(_label(room)) * LETTER + 18 for room in row]
        x = (WIDTH - sum(widths) - GAP * (len(row) - 1)) / 2
        placed: Placed = []
        for room, width in zip(row, widths, strict=True):
            placed.append((room, x, width))
            x += width + GAP
        tower.append(placed)
    return tower


def _label(room: str) -> str:
    return room.partition(".")[2]


def _program(program: str, left: float, height: float) -> list[str]:
    about = {
        "explorer": "a question goes in at the top, a result comes out at the bottom",
        "indexer": "a model goes in at the top, vectors come out at the bottom",
    }[program]
    return [
        f'<rect class="program" x="{left + 0.5:g}" y="0.5" width="{WIDTH - 1}" '
        f'height="{height - 1}" rx="8"/>',
        f'<text class="name" x="{left + PAD:g}" y="26">{program}</text>',
        f'<text class="about" x="{left + PAD:g}" y="46">{about}</text>',
    ]


def _box(room: str, x: float, y: float, width: float) -> list[str]:
    kind = "bridge" if room == BRIDGE else "package" if is_package(room) else "module"
    return [
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{ROW}" rx="4"/>',
        f'<text x="{x + width / 2:g}" y="{y + 17:g}" text-anchor="middle">{_label(room)}</text>',
    ]


def _arrow(start: float, x: float, y: float) -> list[str]:
    """From the explorer's edge to the store."""
    return [
        f'<path class="arrow" d="M {start:g} {y:g} H {x - 8:g}"/>',
        f'<path class="head" d="M {x:g} {y:g} l -9 -5 v 10 z"/>',
    ]


# -- the lists ------------------------------------------------------------------------------


def listed() -> str:
    """Every package, what it says of itself, and which rooms it imports, as Markdown."""
    import grimp

    graph = grimp.build_graph(*PROGRAMS, cache_dir=None)
    rooms = sorted({_room(module) for module in graph.modules if "." in module})
    out = ["| room | | imports |", "| --- | --- | --- |"]
    for room in filter(is_package, rooms):
        found = set()
        for module in graph.modules:
            if _room(module) == room:
                found |= {_room(one) for one in graph.find_modules_directly_imported_by(module)}
        known = [f"`{_near(one, room)}`" for one in sorted(found - {room}) if "." in one]
        out.append(f"| `{room}` | {_about(room)} | {', '.join(known)} |")
    return "\n".join(out) + "\n"


def sentences() -> str:
    """What the contracts say, one a line."""
    return "\n".join(f"- {contract['name']}." for contract in contracts()) + "\n"


def _room(module: str) -> str:
    """The package or file of a program that a module is in."""
    return ".".join(module.split(".")[:2])


def _near(room: str, other: str) -> str:
    """A room as its neighbours call it."""
    program = other.partition(".")[0]
    return room.removeprefix(f"{program}.")


def _about(room: str) -> str:
    path = ROOT / room.replace(".", "/") / "__init__.py"
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(said.split("\n\n")[0].split())
