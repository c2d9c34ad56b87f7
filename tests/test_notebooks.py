"""What a notebook shows: answers, indexes, pictures and errors, in a kernel and as HTML."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

import explorer
from everyquestion import QUESTIONS
from explorer.questions.answer import SHOWN_IN_NOTEBOOK
from explorer.show.formats import render
from explorer.show.layout import filled


class Page(HTMLParser):
    """The elements of a piece of a page: texts of table cells, lines beside it, and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[tuple[str, str]]] = []
        self.lines: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append((dict(attrs)["style"] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("th", "td"):
            style, before = self.rows[-1][-1]
            self.rows[-1][-1] = (style, before + data)
        elif data.strip():
            self.lines.append(data.strip())


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_page_has_head_table_and_foot_of_the_terminal(name: str, answers: dict[str, Any]) -> None:
    result = answers[name]
    laid, page = result.layout(), Page(render(result, "html"))
    tables, read = laid.sections or [laid], iter(page.rows)
    for table in tables:
        columns = filled(table.columns, table.rows)
        expected = [[column.name for column in columns]]
        expected += [[column.cell(row) for column in columns] for row in table.rows]
        sides = [f"text-align:{'right' if column.right else 'left'}" for column in columns]
        for line in expected:
            row = next(read)
            assert [text for _, text in row] == line
            assert [style.split(";")[0] for style, _ in row] == sides
    assert next(read, None) is None
    titles = [section.title for section in laid.sections]
    assert page.lines == [one.strip() for one in [*laid.head, *titles, *laid.foot] if one.strip()]
    assert page.tags == {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.attributes == {"style"}


def test_marks_in_tokens_and_questions_are_escaped(real: Any) -> None:
    result = real.neighbors('token:"</" + token:"&" + token:"<"', k=5, include_inputs=True)
    text = render(result, "html")
    page = Page(text)
    assert {"</", "&", "<"} <= {cell for row in page.rows for _, cell in row}
    assert '"</" + token:"&"' in page.lines[0]
    assert page.tags == {"div", "table", "thead", "tbody", "tr", "th", "td"}


def test_a_page_is_well_formed_and_names_no_colour_but_grey(answers: dict[str, Any]) -> None:
    for result in answers.values():
        text = render(result, "html").replace("&nbsp;", " ")
        ET.fromstring(text)
        assert "http" not in text
        assert "#" not in "".join(style for row in Page(text).rows for style, _ in row)
        assert "rgba(128,128,128" in text


def test_a_card_is_one_in_a_notebook_and_at_a_prompt_too(real: Any) -> None:
    result = real.neuron("L29N112", k=40)
    titles = [section.title for section in result.layout().sections]
    page = Page(result._repr_html_())
    assert len(titles) == len(set(titles)) == 5
    assert set(titles) <= set(page.lines)
    assert not any("more rows" in line for line in page.lines)  # no section has a hundred
    shown = [line.removesuffix(" …") for line in repr(result).splitlines()]
    assert set(titles) <= set(shown)
    assert len(shown) < 50


def test_a_column_with_nothing_in_it_is_shown_nowhere(real: Any) -> None:
    plain = real.neighbors("dog", k=3)
    folded = real.neighbors("dog", k=3, distinct=True)
    for answer, there in ((plain, False), (folded, any(row.forms for row in folded))):
        for text in (str(answer), repr(answer), answer._repr_html_(), render(answer, "markdown")):
            assert ("other forms" in text) == there
        assert "forms" in [column.name for column in answer.columns()]
    none = replace(plain, rows=())
    assert "other forms" in str(none)


def test_a_notebook_is_sent_a_hundred_rows_and_told_of_the_rest(real: Any) -> None:
    result = real.neighbors("dog", k=SHOWN_IN_NOTEBOOK + 1200)
    page = Page(result._repr_html_())
    assert len(page.rows) == 1 + SHOWN_IN_NOTEBOOK
    assert "and 1,200 more rows; .to_pandas() or .rows has them all" in page.lines
    assert len(Page(render(result, "html")).rows) == 1 + len(result.rows)


def test_the_program_writes_the_page_too(run: Any, tiny_indexes: Path) -> None:
    place = ["--indexes", str(tiny_indexes), "--index", "llama"]
    done = run("explorer", "neighbors", "dog", "--format", "html", "--all-forms", *place)
    with explorer.open("llama", tiny_indexes) as ix:
        assert done.out == render(ix.neighbors("dog"), "html")
    assert (done.code, done.err) == (0, "")


def test_an_index_shows_what_can_be_asked_of_it(real: Any) -> None:
    page = Page(real._repr_html_())
    assert page.lines[0] == "index smollm2"
    spaces = {row[0][1]: row[2][1] for row in page.rows[1:]}
    assert spaces["embed"] == "49,152"
    assert "context.0 to context.30" in spaces
    assert "neuron.out" in spaces
    assert "context.0 to context.30" in str(real)


# -- in a kernel ----------------------------------------------------------------------------

CELLS = {
    "index": "import sys, explorer\nix = explorer.open('llama', {root!r})\nix",
    "answer": "answer = ix.layers('dog + small', 'puppy')\nanswer",
    "print": "print(answer)",
    "before-pyplot": "assert 'matplotlib.pyplot' not in sys.modules\nanswer.plot()",
    "after-pyplot": "import matplotlib.pyplot\nanswer.plot()",
    "not-last": "answer.plot()\nNone",
    "none": "ix.neighbors('dog').plot()",
    "error": "def ask(word):\n    return ix.neighbors(word)\n\nask('lagre')",
    "closed": "ix.close()\nix.neighbors('dog')",
}


@pytest.fixture(scope="module")
def outputs(tiny_indexes: Path) -> dict[str, list[Any]]:
    """What each cell shows, in a kernel of its own."""
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell(source.replace("{root!r}", repr(str(tiny_indexes))))
        for source in CELLS.values()
    ]
    nbclient.NotebookClient(book, timeout=120, allow_errors=True, kernel_name="python3").execute()
    return {name: cell.outputs for name, cell in zip(CELLS, book.cells, strict=True)}


def test_a_cell_shows_an_index_and_an_answer_as_html_and_as_text(
    outputs: dict[str, list[Any]], tiny_indexes: Path
) -> None:
    with explorer.open("llama", tiny_indexes) as ix:
        answer = ix.layers("dog + small", "puppy")
        (index,) = outputs["index"]
        assert index.data["text/html"] == ix._repr_html_()
        assert index.data["text/plain"] == "Explorer('llama')"
    (shown,) = outputs["answer"]
    assert shown.output_type == "execute_result"
    assert shown.data["text/html"] == answer._repr_html_()
    assert shown.data["text/plain"] == repr(answer)
    (printed,) = outputs["print"]  # rich would display its table beside what is printed
    assert (printed.output_type, printed.text) == ("stream", f"{answer}\n")


@pytest.mark.parametrize("name", ["before-pyplot", "after-pyplot"])
def test_a_picture_is_shown_once_whether_or_not_pyplot_is_there(
    name: str, outputs: dict[str, list[Any]]
) -> None:
    (shown,) = outputs[name]
    assert shown.output_type == "execute_result"
    assert base64.b64decode(shown.data["image/png"]).startswith(b"\x89PNG")
    assert outputs["not-last"] == []


def test_an_answer_that_is_not_drawn_says_so(outputs: dict[str, list[Any]]) -> None:
    (error,) = outputs["none"]
    assert error.traceback[-1].startswith("QueryError: this answer has no picture")


def test_an_error_is_the_line_that_asked_and_what_is_wrong(outputs: dict[str, list[Any]]) -> None:
    (error,) = outputs["error"]
    assert error.ename == "UnknownWord"
    assert error.traceback[:2] == ["line 4: ask('lagre')", "line 2: return ix.neighbors(word)"]
    assert error.traceback[2].startswith("UnknownWord: no token ' lagre'")
    assert len(error.traceback) == 3
    (closed,) = outputs["closed"]
    assert closed.traceback == [
        "line 2: ix.neighbors('dog')",
        "ClosedIndex: index 'llama' was closed; open it again to ask more of it: "
        "explorer.open('llama')",
    ]
