"""Answers as frames: what stands in them is what the dataclasses and `to_dicts` say."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import io
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from everyquestion import QUESTIONS
from explorer import questions
from explorer.errors import QueryError
from explorer.show.formats import render
from explorer.show.frames import FrameColumn, to_arrow, to_pandas, to_polars

ARROW = {int: pa.int64(), float: pa.float64(), str: pa.string()}


OURS = [name for name in QUESTIONS if name != "sql"]
"""Questions whose columns are ours; those of a statement are DuckDB's own: see test_sql."""


def flat(row: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """A row of `to_dicts` as columns, worked out from the values alone; the slow oracle."""
    out: dict[str, Any] = {}

    def put(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                put(f"{name}.{key}", inner)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one, called in zip(value, asked, strict=False):
                put(f"{name}.{called}", one)
        elif not (value is None and name in ("target", "target.against")) and not (
            name == "target.components" and value == []
        ):
            out[name] = value

    for name, value in row.items():
        put(name, value)
    return out


def cells(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A pandas frame as dicts, what is missing as None."""

    def cell(value: Any) -> Any:
        return value if isinstance(value, list) else None if pd.isna(value) else value

    return [
        {str(name): cell(value) for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


@pytest.mark.parametrize("name", OURS)
def test_every_frame_holds_the_rows(name: str, answers: dict[str, Any]) -> None:
    result = answers[name]
    rows = result.to_dicts()
    if name == "findings":  # an object of other fields in every row is a text in a frame
        rows = [row | {"fields": json.dumps(row["fields"], ensure_ascii=False)} for row in rows]
    asked = [one.asked for one in getattr(result.meta, "resolved", ())]
    expected = [flat(row, asked) for row in rows]
    assert expected
    arrow, polars, pandas = result.to_arrow(), result.to_polars(), result.to_pandas()
    assert arrow.to_pylist() == expected
    assert polars.to_dicts() == expected
    assert cells(pandas) == expected
    assert arrow.column_names == polars.columns == list(pandas.columns) == list(expected[0])
    assert rows == json.loads(json.dumps([dataclasses.asdict(row) for row in result.rows]))


@pytest.mark.parametrize("name", OURS)
def test_types_are_those_of_the_dataclass(name: str, answers: dict[str, Any]) -> None:
    result = answers[name]
    arrow, polars, pandas = result.to_arrow(), result.to_polars(), result.to_pandas()
    for column in result.columns():
        kind = pa.list_(ARROW[column.kind]) if column.many else ARROW[column.kind]
        assert arrow.schema.field(column.name).type == kind
        values = [value for cell in column.cells for value in (cell if column.many else [cell])]
        assert {type(value) for value in values} <= {column.kind, type(None)}
        assert column.optional or None not in values
        said = str(pandas[column.name].dtype)
        if column.many:
            assert said == "object"
        else:
            whole = "Int64" if column.optional else "int64"
            assert said == {int: whole, float: "float64", str: "str"}[column.kind]
    assert pl.from_arrow(arrow).equals(polars)
    assert polars.schema == pl.from_arrow(arrow).schema


@pytest.mark.parametrize("name", OURS)
def test_csv_has_the_columns_of_frames_and_reads_back(name: str, answers: dict[str, Any]) -> None:
    result = answers[name]
    columns = result.columns()
    text = render(result, "csv")
    read = list(csv.DictReader(io.StringIO(text)))
    assert list(read[0]) == [column.name for column in columns]
    for column in columns:
        if not column.many:
            found = [row[column.name] for row in read]
            assert [None if cell == "" else column.kind(cell) for cell in found] == [
                None if cell == "" else cell for cell in column.cells
            ]
    scalars = [column.name for column in columns if not column.many]
    kinds = {column.name: ARROW[column.kind] for column in columns}
    options = pa.csv.ConvertOptions(column_types=kinds, include_columns=scalars)
    whole = pa.csv.read_csv(
        io.BytesIO(text.encode()), convert_options=options, parse_options=_several_lines()
    )
    assert whole.to_pylist() == result.to_arrow().select(scalars).to_pylist()


def _several_lines() -> Any:
    return pa.csv.ParseOptions(newlines_in_values=True)


@pytest.mark.parametrize("name", OURS)
def test_parquet_reads_back(name: str, answers: dict[str, Any], tmp_path: Path) -> None:
    result, file = answers[name], tmp_path / "a.parquet"
    pa.parquet.write_table(result.to_arrow(), file)
    assert pa.parquet.read_table(file).equals(result.to_arrow())
    result.to_polars().write_parquet(file)
    assert pl.read_parquet(file).equals(result.to_polars())
    result.to_pandas().to_parquet(file)
    back = pd.read_parquet(file)
    for column in result.columns():
        if column.many:
            back[column.name] = [list(cell) for cell in back[column.name]]
    pd.testing.assert_frame_equal(back, result.to_pandas())


def test_components_have_the_names_they_were_asked_by_at_every_depth(real: Any) -> None:
    result = real.layers("dog + small", "Chihuahua")
    frame = result.to_polars()
    assert frame["target.components.dog.item"].to_list()[:2] == ["␣dog", "dog"]
    assert frame["target.components.small.gain"].to_list() == [
        row.target.components[1].gain for row in result.rows
    ]
    assert frame.null_count().select(pl.all().exclude("sinks", "change")).sum_horizontal()[0] == 0


def test_an_answer_without_rows_has_its_columns_and_types(answers: dict[str, Any]) -> None:
    for name in OURS:
        result = answers[name]
        empty = dataclasses.replace(result, rows=())
        some = dataclasses.replace(result, rows=result.rows[:1])
        arrow = empty.to_arrow()
        assert arrow.num_rows == len(empty.to_pandas()) == len(empty.to_polars()) == 0
        assert pl.from_arrow(arrow).schema == empty.to_polars().schema
        for field in arrow.schema:
            assert some.to_arrow().schema.field(field.name).type == field.type, name
        assert render(empty, "csv") == ",".join(arrow.column_names) + "\n"


def test_a_middle_man_that_is_not_found_still_has_a_column_a_word(real: Any) -> None:
    result = real.middleman("large", "  Great  Dane", side="out", avoid=["dog"], k=1)
    empty = dataclasses.replace(result, rows=())
    assert empty.to_arrow().schema == result.to_arrow().schema
    assert "scores.Great Dane" in empty.to_pandas().columns


def test_a_column_of_none_keeps_its_type(real: Any) -> None:
    result = real.middleman("large", side="out", k=2)
    assert {row.expert for row in result.rows} == {None}
    assert result.to_arrow().schema.field("expert").type == pa.int64()
    assert str(result.to_pandas()["expert"].dtype) == "Int64"
    assert result.to_polars()["expert"].dtype == pl.Int64


def test_a_text_that_is_missing_is_no_text() -> None:
    columns = [
        FrameColumn("a", str, False, True, ["x", None]),
        FrameColumn("b", bool, False, False, [True]),
    ]
    assert to_pandas(columns[:1])["a"].isna().tolist() == [False, True]
    assert to_polars(columns[:1])["a"].to_list() == ["x", None]
    assert to_arrow(columns[1:])["b"].to_pylist() == [True]
    assert str(to_pandas(columns[1:])["b"].dtype) == "bool"


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_without_a_library_one_line_says_what_to_install(
    library: str, answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == library else find(name, *a)
    )
    method = {"pyarrow": "to_arrow"}.get(library, f"to_{library}")
    with pytest.raises(QueryError) as caught:
        getattr(answers["neighbors"], method)()
    brings = "pyarrow" if library == "pyarrow" else "'semantic-explorer[frames]'"
    assert str(caught.value) == (
        f"a frame of {library} needs {library}, which is not here: pip install {brings}"
    )


def test_every_kind_of_answer_is_asked_for_here(answers: dict[str, Any]) -> None:
    kinds = {
        kind
        for kind in vars(questions).values()
        if isinstance(kind, type) and issubclass(kind, questions.Result)
    }
    assert {type(result) for result in answers.values()} == kinds - {questions.Result}
    numbers = [
        value
        for result in answers.values()
        for column in result.columns()
        if column.kind is float and not column.many
        for value in column.cells
        if value is not None
    ]
    assert all(map(math.isfinite, numbers))
