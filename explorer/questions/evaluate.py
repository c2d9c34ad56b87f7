"""What `evaluate analogies` and `evaluate similarity` answer, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError
from explorer.questions.answer import Meta, Result
from explorer.questions.choices import Case, MeasureName, Method, Tokens
from explorer.questions.lines import foot_lines
from explorer.questions.query import Query, argument, option
from explorer.show.layout import Column, Layout
from explorer.show.shapes import Bars, Lines, Picture
from indexer.store.errors import option_named

ANALOGIES = """
\b
FILE has lines 'a b c d' (a is to b as c is to d) under lines ': section', as word2vec's
questions-words.txt; everyday-analogies is a set of ours, and where gensim is installed
questions-words names its. An answer is right where d, in any case, is the best candidate:
  accuracy   for b - a + c, with a, b and c left out of the candidates
  kept in    the same with a, b and c among them
  c alone    nearest to c, no offset added, a, b and c left out
  of asked   as accuracy, but questions that are not covered count as wrong
What gensim's evaluate_word_analogies counts: --case fold --depth 5 --measure cosine.
"""

PAIRS = """
\b
FILE has two words and a rating a line, as WordSim-353 and SimLex-999; lines that begin with #
are comments. everyday-pairs is a set of ours; where gensim is installed, wordsim353 and
simlex999 name its. What gensim's evaluate_word_pairs gives: --case fold --measure cosine.
"""


@dataclass(frozen=True)
class Coverage:
    """Which words of a test set have a vector, in spaces of one kind.

    Attributes:
        spaces: the spaces asked that this holds for.
        population: the items that words are looked for among, with their number; for analogies
            they are the candidates too.
        words: how many different words the test set has.
        missing: those of them that no item stands for, in the order of the file.
    """

    spaces: tuple[str, ...]
    population: str
    words: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class EvaluateMeta(Meta):
    """Meta of a test set.

    Attributes:
        coverage: which words have a vector: one entry for spaces of tokens, one for spaces of
            words, as far as they were asked.
    """

    coverage: tuple[Coverage, ...] = ()


@dataclass(frozen=True)
class AnalogyAccuracy:
    """How many questions of a section, or of all, one space answers in one measure.

    A question is answered rightly where the best candidate is a form of d. The three counts differ
    in the candidates and in the query; each accuracy is its count over `covered`, None where no
    question is covered.

    Attributes:
        space: name of the space.
        measure: how vectors were scored.
        method: `add` (3CosAdd) or `mul` (3CosMul).
        section: name of the section; `total` for all.
        asked: how many questions.
        covered: how many of them have a vector for each of their four words.
        correct: rightly answered, all forms of a, b and c left out.
        accuracy: share of the covered.
        correct_kept_in: rightly answered with a, b and c among the candidates.
        accuracy_kept_in: share of the covered.
        correct_alone: rightly answered by what is nearest to c alone, a, b and c left out.
        accuracy_alone: share of the covered.
        of_asked: `correct` over `asked`: what is not covered counts as wrong.
    """

    space: str
    measure: str
    method: str
    section: str
    asked: int
    covered: int
    correct: int
    accuracy: float | None
    correct_kept_in: int
    accuracy_kept_in: float | None
    correct_alone: int
    accuracy_alone: float | None
    of_asked: float | None


def spaces_option() -> Any:
    """Where to look."""
    return option(None, "where to look", "depth", usual="embed")


def all_layers_option() -> Any:
    """Everywhere."""
    return option(False, "in `embed` and every context space", shown=False)


def measures_option() -> Any:
    """How vectors are scored."""
    return option(
        None,
        "how vectors are scored, or `all`; centered in context.*, cosine elsewhere, unless given",
    )


def tokens_option() -> Any:
    """Which tokens are words."""
    return option(
        "word-like",
        "which tokens are words: a leading space and letters, or every one",
        shown=False,
        noun="kind of tokens",
    )


def case_option() -> Any:
    """Which item stands for a word."""
    return option(
        "written",
        "a word is the item written so; or the most frequent in any case, and items that differ in "
        "case only are one answer; or (exact) the item written so, and that item alone is right",
        shown=False,
    )


def restrict_option() -> Any:
    """How many items count."""
    return option(
        None,
        "only the first so many items, tokens by id and words by frequency, as gensim's "
        "`restrict_vocab`",
        shown=False,
    )


@dataclass(frozen=True)
class EvaluateAnalogiesQuery(Query["AnalogyAccuracies"]):
    """How many questions of a standard set of analogies does each space answer?"""

    question = "evaluate_analogies"
    pictured = True
    command = ("evaluate", "analogies")
    more = ANALOGIES
    examples = (
        "explorer evaluate analogies questions-words.txt",
        "explorer evaluate analogies questions-words.txt --space embed,context.15",
    )

    file: str | tuple[str, ...] = argument(
        "a file of lines `a b c d` under lines `: section`, as questions-words.txt; or the name of "
        "a set: everyday-analogies, and questions-words where gensim is installed; or such lines",
        "file",
    )
    space: tuple[str, ...] | None = spaces_option()
    all_layers: bool = all_layers_option()
    measure: tuple[MeasureName, ...] | None = measures_option()
    method: tuple[Method, ...] = option(("add",), "3CosAdd, or 3CosMul; or both")
    tokens: Tokens = tokens_option()
    case: Case = case_option()
    restrict: int | None = restrict_option()
    depth: int | None = option(
        None,
        "look for the answer only among the so many best besides a, b and c themselves; gensim "
        "looks among 5",
        usual="all",
        shown=False,
    )
    sections: bool | None = option(
        None,
        "a row for each section too, or totals alone; sections where only one space, measure and "
        "method are asked, unless given",
        also=("--sections/--totals",),
        shown=False,
    )

    def check(self) -> None:
        """Raise `QueryError` where a space is named, and all are asked."""
        check_spaces(self.space, self.all_layers)


@dataclass(frozen=True)
class EvaluateSimilarityQuery(Query["SimilarityCorrelations"]):
    """How well do the scores of pairs of words go with the ratings that people gave them?"""

    question = "evaluate_similarity"
    pictured = True
    command = ("evaluate", "similarity")
    more = PAIRS
    examples = (
        "explorer evaluate similarity wordsim353.tsv",
        "explorer evaluate similarity pairs.csv --column rating --all-layers",
    )

    file: str | tuple[str, ...] = argument(
        "a file of two words and a rating a line, as `wordsim353.tsv`; or the name of a set: "
        "everyday-pairs, and wordsim353 and simlex999 where gensim is installed; or such lines",
        "file",
    )
    space: tuple[str, ...] | None = spaces_option()
    all_layers: bool = all_layers_option()
    measure: tuple[MeasureName, ...] | None = measures_option()
    column: str = option(
        "3",
        "where the rating stands: a number, from 1, or a name in the header",
        metavar="N|NAME",
        shown=False,
    )
    delimiter: str | None = option(
        None,
        "what stands between columns; a tab, a semicolon, a comma or blanks unless given",
        metavar="CHAR",
        shown=False,
    )
    tokens: Tokens = tokens_option()
    case: Case = case_option()
    restrict: int | None = restrict_option()
    missing_as_zero: bool = option(
        False,
        "score pairs that are not covered 0 instead of leaving them out, as gensim's "
        "`dummy4unknown`",
        shown=False,
    )

    def check(self) -> None:
        """Raise `QueryError` where a space is named, and all are asked."""
        check_spaces(self.space, self.all_layers)


def check_spaces(space: tuple[str, ...] | None, all_layers: bool) -> None:
    """Raise `QueryError` where a space is named, and all are asked."""
    if all_layers and space is not None:
        raise QueryError(
            f"{option_named('all_layers')} asks every space; leave out {option_named('space')}"
        )


@dataclass(frozen=True)
class AnalogyAccuracies(Result[AnalogyAccuracy]):
    """Accuracy on analogy questions: a row for each space, measure and method, or section of it.

    Which words have a vector stands in `meta.coverage`.
    """

    query: EvaluateAnalogiesQuery
    rows: tuple[AnalogyAccuracy, ...]
    meta: EvaluateMeta

    def layout(self) -> Layout:
        """A row for each space, measure and method, or for each section."""
        return _analogies_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """The accuracy of every row that has one; nothing of fewer than two."""
        names = ("space", "measure", "method", "section")
        found = [(row, row.accuracy) for row in self.rows if row.accuracy is not None]
        return _row_pictures(f"analogies of {_name(self.query.file)}", "accuracy", names, found)


@dataclass(frozen=True)
class SimilarityCorrelation:
    """How the scores of pairs go with people's ratings, in one space and measure.

    Correlations and p are None where fewer than three pairs count, or all of them score or are
    rated the same.

    Attributes:
        space: name of the space.
        measure: how vectors were scored; `euclidean` is a distance, so a space that agrees with
            people has negative correlations.
        pairs: how many the test set has.
        covered: how many of them have a vector for both words.
        missing: the share that has not.
        n: how many pairs the correlations are over.
        spearman: Spearman's rank correlation, tied ranks averaged.
        spearman_p: of no correlation, both sides, by the t distribution with n - 2 degrees of
            freedom; the pairs are taken as independent, which those that share a word are not.
        pearson: Pearson's correlation.
        pearson_p: of no correlation, both sides, by the same distribution.
    """

    space: str
    measure: str
    pairs: int
    covered: int
    missing: float
    n: int
    spearman: float | None
    spearman_p: float | None
    pearson: float | None
    pearson_p: float | None


@dataclass(frozen=True)
class SimilarityCorrelations(Result[SimilarityCorrelation]):
    """Correlation with people's ratings: a row for each space and measure.

    Which words have a vector stands in `meta.coverage`.
    """

    query: EvaluateSimilarityQuery
    rows: tuple[SimilarityCorrelation, ...]
    meta: EvaluateMeta

    def layout(self) -> Layout:
        """A row for each space and measure."""
        return _similarity_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """Spearman's correlation of every row that has one; nothing of fewer than two."""
        found = [(row, row.spearman) for row in self.rows if row.spearman is not None]
        title = f"similarity of {_name(self.query.file)}"
        return _row_pictures(title, "Spearman's correlation", ("space", "measure"), found)


def _row_pictures(
    title: str, what: str, names: Sequence[str], found: Sequence[tuple[Any, float]]
) -> tuple[Picture, ...]:
    """A value a row, named by what differs between rows: a line over spaces alone, else bars."""
    if len(found) < 2:
        return ()
    differ = [name for name in names if len({getattr(row, name) for row, _ in found}) > 1]
    spaces = {row.space: row.measure for row, _ in found}
    if all(spaces[row.space] == row.measure for row, _ in found):  # each space's own
        differ = [name for name in differ if name != "measure"] or differ
    labels = tuple(" ".join(getattr(row, name) for name in differ) for row, _ in found)
    values = tuple(value for _, value in found)
    if differ != ["space"]:
        return (Bars(title, what, labels, values),)
    nothing = (None,) * len(found)
    return (Lines(title, "space", what, labels, values, nothing, nothing),)


def _name(file: str | tuple[str, ...]) -> str:
    """What to call a test set: its file's name, or that it was lines."""
    return re.split(r"[/\\]", file)[-1] or file if isinstance(file, str) else "lines"


_MISSING_SHOWN = 8


def _analogies_table(result: AnalogyAccuracies) -> Layout:
    query = result.query
    columns = [
        Column("space", lambda r: str(r.space)),
        Column("measure", lambda r: str(r.measure)),
        *([Column("method", lambda r: str(r.method))] if query.method != ("add",) else []),
        *([Column("section", lambda r: str(r.section))] if query.sections else []),
        Column("asked", lambda r: f"{r.asked:,}", right=True),
        Column("covered", lambda r: f"{r.covered:,}", right=True),
        Column("correct", lambda r: f"{r.correct:,}", right=True),
        Column("accuracy", lambda r: _share(r.accuracy), right=True),
        Column("kept in", lambda r: _share(r.accuracy_kept_in), right=True),
        Column("c alone", lambda r: _share(r.accuracy_alone), right=True),
        Column("of asked", lambda r: _share(r.of_asked), right=True),
    ]
    how = {"add": "3CosAdd", "mul": "3CosMul"}
    head = f"analogies of {_name(query.file)}  by {' and '.join(how[m] for m in query.method)}"
    foot = _coverage_lines(result.meta) + foot_lines(result.meta)
    return Layout([head], columns, result.rows, foot)


def _similarity_table(result: SimilarityCorrelations) -> Layout:
    columns = [
        Column("space", lambda r: str(r.space)),
        Column("measure", lambda r: str(r.measure)),
        Column("pairs", lambda r: f"{r.pairs:,}", right=True),
        Column("n", lambda r: f"{r.n:,}", right=True),
        Column("not covered", lambda r: _share(r.missing), right=True),
        Column("Spearman", lambda r: _correlation(r.spearman), right=True),
        Column("p", lambda r: _p(r.spearman_p), right=True),
        Column("Pearson", lambda r: _correlation(r.pearson), right=True),
        Column("p", lambda r: _p(r.pearson_p), right=True),
    ]
    head = f"similarity of {_name(result.query.file)}  against people's ratings"
    foot = _coverage_lines(result.meta) + foot_lines(result.meta)
    return Layout([head], columns, result.rows, foot)


def _coverage_lines(meta: EvaluateMeta) -> list[str]:
    return [_coverage_line(one) for one in meta.coverage]


def _coverage_line(one: Coverage) -> str:
    spaces = one.spaces if len(one.spaces) < 3 else (f"{one.spaces[0]} to {one.spaces[-1]}",)
    found = one.words - len(one.missing)
    said = f"{', '.join(spaces)}: {found:,} of {one.words:,} words are among {one.population}"
    if one.missing:
        more = ", ..." if len(one.missing) > _MISSING_SHOWN else ""
        said += f"; not there: {', '.join(one.missing[:_MISSING_SHOWN])}{more}"
    return said


def _share(value: float | None) -> str:
    """With a decimal: tests differ by less than a percent."""
    return "-" if value is None else f"{value:z.1%}"


def _correlation(value: float | None) -> str:
    return "-" if value is None else f"{value:+z.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
