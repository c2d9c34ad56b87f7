"""The decisions as numbered records: `docs/decisions.md`.

A record is a paragraph that begins in bold, under the heading of what it is about. It keeps the
number that it was given, wherever it stands; `make docs` gives the next one to what has none, and
writes the index.
"""

from __future__ import annotations

import re

LEAD = re.compile(
    r'(?P<before>\A|\n\n|^## [^\n]*\n)(?:<a id="d\d+"></a>)?\*\*(?:(?P<number>\d+)\. )?(?=\S)',
    re.MULTILINE,
)
THEME = re.compile(r"^## (?P<theme>.*)")
RECORD = re.compile(r'^<a id="d(?P<number>\d+)"></a>\*\*\d+\. (?P<title>.*?)\*\*')
FIRST = "## Vectors"
"""Above it stand the page's introduction and its index."""


def numbered(page: str) -> str:
    """The page with a number and an anchor before every record."""
    head, first, records = page.partition(FIRST)
    if not first:
        raise SystemExit(f"docs/decisions.md has no heading {FIRST!r}")
    given = [int(match["number"]) for match in LEAD.finditer(records) if match["number"]]
    twice = sorted({number for number in given if given.count(number) > 1})
    if twice:
        raise SystemExit(
            f"docs/decisions.md: number {twice[0]} stands twice; take it (and its anchor) from the "
            "newer record and run `make docs`"
        )
    last = max(given, default=0)

    def with_number(match: re.Match[str]) -> str:
        nonlocal last
        number = match["number"]
        if number is None:
            last += 1
            number = str(last)
        return f'{match["before"]}<a id="d{number}"></a>**{number}. '

    return head + first + LEAD.sub(with_number, records)


def index(page: str) -> str:
    """Every record by its theme, as a list of links."""
    themes: list[list[str]] = []
    for line in page[page.index(FIRST) :].splitlines():
        if theme := THEME.match(line):
            themes.append([f"**{theme['theme']}**", ""])
        elif record := RECORD.match(line):
            number, title = record["number"], record["title"].rstrip(".:")
            themes[-1].append(f"- [{number}](#d{number}) {title}")
    with_records = [lines for lines in themes if len(lines) > 2]
    return "\n".join("\n".join([*lines, ""]) for lines in with_records)
