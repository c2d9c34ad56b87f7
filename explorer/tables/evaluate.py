"""How `evaluate` looks as a table: accuracies on analogies, correlations with ratings."""

from __future__ import annotations

from explorer.results import AnalogyAccuracies, Coverage, EvaluateMeta, SimilarityCorrelations
from explorer.tables.layout import Column, Layout, foot_lines

_MISSING_SHOWN = 8


def analogies(result: AnalogyAccuracies) -> Layout:
    """A row for each space, measure and method, or for each section."""
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
    return Layout([head], columns, _coverage_lines(result.meta) + foot_lines(result.meta))


def similarity(result: SimilarityCorrelations) -> Layout:
    """A row for each space and measure."""
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
    return Layout([head], columns, _coverage_lines(result.meta) + foot_lines(result.meta))


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
