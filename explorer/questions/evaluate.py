"""What `evaluate analogies` and `evaluate similarity` answer, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.questions.answer import Meta, Result
from explorer.questions.lines import foot_lines
from explorer.show.layout import Column, Layout


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


@dataclass(frozen=True)
class EvaluateAnalogiesQuery:
    """What was asked of `evaluate analogies`.

    Attributes:
        questions: name of the file; of lines, what they are.
        spaces: the spaces that were asked.
        measures: the measures; None where each space had its own.
        methods: of `add` and `mul`.
        tokens: `word-like` or `all`.
        case: `written`, `fold` or `exact`.
        restrict: only the first so many candidates, or None.
        depth: among how many best the answer was looked for, or None.
        sections: whether each section has a row.
    """

    questions: str
    spaces: tuple[str, ...]
    measures: tuple[str, ...] | None
    methods: tuple[str, ...]
    tokens: str
    case: str
    restrict: int | None
    depth: int | None
    sections: bool


@dataclass(frozen=True)
class AnalogyAccuracies(Result):
    """Accuracy on analogy questions: a row for each space, measure and method, or section of it."""

    query: EvaluateAnalogiesQuery
    rows: tuple[AnalogyAccuracy, ...]
    meta: EvaluateMeta

    def layout(self) -> Layout:
        """A row for each space, measure and method, or for each section."""
        return _analogies_table(self)


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
class EvaluateSimilarityQuery:
    """What was asked of `evaluate similarity`.

    Attributes:
        pairs: name of the file; of lines, what they are.
        spaces: the spaces that were asked.
        measures: the measures; None where each space had its own.
        column: where the rating stood, a number or a name.
        delimiter: between columns, or None where it was found out.
        tokens: `word-like` or `all`.
        case: `written`, `fold` or `exact`.
        restrict: only the first so many items, or None.
        missing_as_zero: whether pairs that are not covered were scored 0.
    """

    pairs: str
    spaces: tuple[str, ...]
    measures: tuple[str, ...] | None
    column: str
    delimiter: str | None
    tokens: str
    case: str
    restrict: int | None
    missing_as_zero: bool


@dataclass(frozen=True)
class SimilarityCorrelations(Result):
    """Correlation with people's ratings: a row for each space and measure."""

    query: EvaluateSimilarityQuery
    rows: tuple[SimilarityCorrelation, ...]
    meta: EvaluateMeta

    def layout(self) -> Layout:
        """A row for each space and measure."""
        return _similarity_table(self)


_MISSING_SHOWN = 8


def _analogies_table(result: AnalogyAccuracies) -> Layout:
    query = result.query
    columns = [
        Column("space", lambda r: str(r.space)),
        Column("measure", lambda r: str(r.measure)),
        *([Column("method", lambda r: str(r.method))] if query.methods != ("add",) else []),
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
    head = f"analogies of {query.questions}  by {' and '.join(how[m] for m in query.methods)}"
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
    head = f"similarity of {result.query.pairs}  against people's ratings"
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
    return "-" if value is None else f"{value:.1%}"


def _correlation(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
