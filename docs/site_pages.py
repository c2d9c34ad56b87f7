"""Lay out the pages of the site in one folder: docs/, and what lies at the root of the repository.

    python docs/site_pages.py FOLDER

Knows how the pages at the root are called on the site, and turns links between them and docs/, so
that one text serves both the repository and the site. The folder holds plain Markdown then, and
knows no generator of sites; `mkdocs.yml` does.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "SECURITY.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
"""Pages at the root, by their names on the site."""
FILES = ("examples/size_congruence.ipynb", "CITATION.cff")
"""Other files at the root that pages link to; they lie on the site as they are."""
SHOWN = (".md", ".svg", ".css")
"""What of docs/ is shown; the rest makes it."""
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def pages() -> dict[str, str]:
    """Every file of the site, by the file of the repository that it is made of."""
    docs = sorted(path for path in (ROOT / "docs").rglob("*") if path.suffix in SHOWN)
    names = [path.relative_to(ROOT).as_posix() for path in docs]
    return PAGES | {name: name.removeprefix("docs/") for name in names} | {f: f for f in FILES}


def turned(text: str, source: str) -> str:
    """A page with its links as they lead on the site."""
    shown = pages()

    def link(match: re.Match[str]) -> str:
        there = _normal(PurePosixPath(source).parent / match["target"])
        if there not in shown:
            return match[0]  # the site's own check names it
        up = "../" * shown[source].count("/")
        return f"{up}{shown[there]}{match['anchor'] or ''}"

    return LINK.sub(link, text)


def _normal(path: PurePosixPath) -> str:
    """A path without `..`, as text."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def lay_out(folder: Path) -> None:
    """Write every file of the site into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    for source, name in pages().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".md":
            target.write_text(turned((ROOT / source).read_text("utf-8"), source), "utf-8")
        else:
            shutil.copyfile(ROOT / source, target)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
