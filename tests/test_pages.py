"""The pages as a whole: links lead somewhere, the site has every page, decisions keep numbers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs"))  # the pages' own makers, which belong to no package

import records
import rooms
import site_pages

LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_site_has_every_page_once_and_nothing_from_elsewhere() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    config = yaml.safe_load(re.sub(r"!!python/\S+", "", text))
    listed = re.findall(r"[\w/.-]+\.md", str(config["nav"]))
    shown = [name for name in site_pages.pages().values() if name.endswith(".md")]
    assert sorted(listed) == sorted(shown)
    assert config["theme"]["font"] is False
    assert "extra_javascript" not in config


def test_links_are_turned_between_the_root_and_the_pages(tmp_path: Path) -> None:
    site_pages.lay_out(tmp_path)
    for name, shown in site_pages.pages().items():
        assert (tmp_path / shown).is_file(), name
        if shown.endswith(".md"):
            for target in LINK.findall((tmp_path / shown).read_text("utf-8")):
                assert ((tmp_path / shown).parent / target).is_file(), (name, target)


def test_the_picture_is_the_same_every_time_and_has_every_room_of_the_layers() -> None:
    drawn = rooms.picture()
    assert drawn == rooms.picture()
    for program in rooms.PROGRAMS:
        for row in rooms.layers(program):
            for room in row:
                assert f">{room.partition('.')[2]}</text>" in drawn


# -- decisions ------------------------------------------------------------------------------

RECORDS = """# Decisions

**Not a record.** It stands above the first heading.

## Vectors

<a id="d2"></a>**2. The second.** Why.

**A new one**, with a reason.

## Words
**Newer.** Why.

A paragraph with **bold** in it.
"""


def test_a_record_keeps_its_number_and_a_new_one_gets_the_next() -> None:
    page = records.numbered(RECORDS)
    assert '<a id="d2"></a>**2. The second.** Why.' in page
    assert '<a id="d3"></a>**3. A new one**, with a reason.' in page
    assert '## Words\n<a id="d4"></a>**4. Newer.** Why.' in page
    assert "\n**Not a record.** It" in page
    assert "with **bold** in it" in page
    assert records.numbered(page) == page
    vectors, words = records.index(page).split("\n\n**Words**\n\n")
    assert vectors == "**Vectors**\n\n- [2](#d2) The second\n- [3](#d3) A new one"
    assert words == "- [4](#d4) Newer\n"


def test_a_number_that_stands_twice_is_told() -> None:
    twice = RECORDS.replace("**A new one**", "**2. A new one**")
    with pytest.raises(SystemExit, match="number 2 stands twice"):
        records.numbered(twice)


# -- targets --------------------------------------------------------------------------------


def test_help_lists_every_target_and_workflows_name_no_other() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE))
    targets = set(" ".join(targets).split())
    # As a person asks, whoever runs the tests: one make in another tells which folder it enters.
    asked = ["make", "--no-print-directory", "help"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in done.stdout.splitlines()} == targets
    for path in [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "CONTRIBUTING.md"]:
        named = re.findall(r"(?:run: |`|^)make ([\w-]+)", path.read_text("utf-8"), re.MULTILINE)
        assert named
        assert set(named) <= targets, path.name
