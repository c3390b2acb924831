"""Files of JSON, and files whose name does not say what they are."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_file
from blender_ui.exchange.files.documents import read_documents
from blender_ui.exchange.files.rows import open_rows

ROWS = [
    {"prompt": "q1", "text_a": "x", "text_b": "y", "winner": "a"},
    {"prompt": "q2", "text_a": "x", "text_b": "y", "winner": "tie"},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
SHEET = "prompt,text_a,text_b,winner\r\nq1,x,y,a\r\nq2,x,y,tie\r\n"


def read_votes(path: Path) -> list[tuple[str, str]]:
    return [(record.prompt, label.winner) for record in read_file(path) for label in record.labels]


def columns_of(rows: list[dict[str, str]]) -> dict[str, list[str]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


WRAPPED: dict[str, Any] = {
    "array": ROWS,
    "data": {"data": ROWS, "version": "1"},
    "behind what it says of itself": {"meta": {"made": [1, 2]}, "rows": ROWS},
    "two deep": {"data": {"rows": ROWS}},
    "splits": {"train": ROWS[:1], "test": ROWS[1:]},
    "by index": {str(number): row for number, row in enumerate(ROWS)},
    "by column and index": {
        name: {str(number): cell for number, cell in enumerate(cells)}
        for name, cells in columns_of(ROWS).items()
    },
    "by column": columns_of(ROWS),
    "split": {"columns": list(ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in ROWS]},
    "a viewer's answer": {
        "features": [{"name": "prompt"}],
        "rows": [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(ROWS)],
    },
}


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".txt"])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", WRAPPED)
def test_rows_are_found_in_whatever_surrounds_them(
    tmp_path: Path, name: str, indent: int | None, suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_text(json.dumps(WRAPPED[name], indent=indent))
    assert read_votes(path) == [("q1", "a"), ("q2", "tie")]


def test_a_row_that_holds_lists_and_objects_is_a_row(tmp_path: Path) -> None:
    task = {
        "data": {"prompt": "q", "text_a": "x", "text_b": "y"},
        "annotations": [{"result": [{"type": "pairwise", "value": {"selected": "right"}}]}],
    }
    chosen = {
        "prompt": [{"role": "user", "content": "q"}],
        "chosen": [{"role": "assistant", "content": "x"}],
        "rejected": [{"role": "assistant", "content": "y"}],
    }
    for row in (task, chosen):
        for indent in (None, 2):
            path = tmp_path / "x.json"
            path.write_text(json.dumps(row, indent=indent))
            with open_rows(path) as files:
                assert [one.value for one in files[0].rows] == [row]


def test_an_array_is_read_row_by_row(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{number}", "text": "long " * 200, "n": number} for number in range(4000)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(rows)[:-1] + ', {"prompt": oops')
    given = read_documents(path, "utf-8")
    assert list(islice(given, len(rows))) == [(row, None) for row in rows]
    with pytest.raises(MalformedInput, match=r"x\.json: not JSON: .* at character 4,\d+,\d+"):
        next(given)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, cut: int) -> None:
    for whole in (json.dumps(ROWS), json.dumps({"data": ROWS}), json.dumps(ROWS, indent=1)):
        path = tmp_path / "x.json"
        path.write_text(whole[:-cut])
        with pytest.raises(MalformedInput):
            read_votes(path)


def test_values_that_chunks_cut_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = [{"n": number, "text": 'é😀\\" end', "b": -12.5e3, "null": None} for number in range(9)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"size": 123456, "data": value}, indent=1))
    for chunk in range(1, 40):
        monkeypatch.setattr("blender_ui.exchange.files.documents._CHUNK", chunk)
        assert [row for row, _ in read_documents(path, "utf-8")] == value


def _zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def _zstandard(content: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content)
    return packed.getvalue().to_pybytes()


def _parquet() -> bytes:
    packed = pa.BufferOutputStream()
    pa.parquet.write_table(pa.Table.from_pylist(ROWS), packed)
    return packed.getvalue().to_pybytes()


def _workbook(*rows: tuple[str, ...]) -> bytes:
    packed = io.BytesIO()
    book = openpyxl.Workbook()
    for row in rows or (tuple(ROWS[0]), *(tuple(row.values()) for row in ROWS)):
        book.worksheets[0].append(row)
    book.save(packed)
    book.close()
    return packed.getvalue()


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "X.JSONL", "x.txt", "x.data", "votes"])
@pytest.mark.parametrize(
    "make",
    [
        LINES.encode,
        lambda: gzip.compress(LINES.encode()),
        lambda: _zstandard(LINES.encode()) + _zstandard(b"\n"),
        lambda: _zipped("inner.jsonl", LINES.encode()),
        lambda: _zipped("inner.csv.zst", _zstandard(SHEET.encode())),
        lambda: _zipped("inner.xlsx", _workbook()),
        LINES.encode("utf-16").decode("utf-16").encode,
        _parquet,
        _workbook,
    ],
)
def test_what_a_file_is_stands_in_it_and_not_in_its_name(
    tmp_path: Path, make: Callable[[], bytes], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(make())
    assert read_votes(path) == [("q1", "a"), ("q2", "tie")]


@pytest.mark.parametrize("name", ["x.csv", "X.CSV", "x.txt", "votes"])
@pytest.mark.parametrize("above", ["", "\r\n\r\n", "Votes of May,,,\r\n", "Votes of May,,,\r\n,,,\r\n"])
def test_a_sheet_is_one_under_any_name_and_below_a_title(tmp_path: Path, above: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(above + SHEET, newline="")
    assert read_votes(path) == [("q1", "a"), ("q2", "tie")]


MERGED = (
    ("Prompt", "Response", "", "Winner"),
    ("", "A", "B", ""),
    ("q1", "x", "y", "a"),
    ("q2", "x", "y", "tie"),
)


def test_headings_that_are_merged_over_columns_are_put_together(tmp_path: Path) -> None:
    sheet, book = tmp_path / "x.csv", tmp_path / "x.xlsx"
    sheet.write_text("\n".join(",".join(row) for row in MERGED))
    book.write_bytes(_workbook(*MERGED))
    assert read_votes(sheet) == read_votes(book) == [("q1", "a"), ("q2", "tie")]


def test_a_first_row_with_a_note_beside_it_is_no_heading(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("prompt,text_a,text_b,winner,,\nq1,x,y,a,,\nq2,x,y,tie,,\n")
    assert read_votes(path) == [("q1", "a"), ("q2", "tie")]


def test_a_cell_that_a_viewer_cut_short_is_left_out(tmp_path: Path) -> None:
    rows = [
        {"row_idx": number, "row": row, "truncated_cells": cut}
        for number, (row, cut) in enumerate(zip(ROWS, ([], ["text_a"]), strict=True))
    ]
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"rows": rows}))
    assert read_votes(path) == [("q1", "a")]


def test_text_of_no_form_is_refused_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear all\nhere are the votes\n")
    with pytest.raises(MalformedInput, match=r"expected \.jsonl, \.json, .* came notes\.txt"):
        read_votes(path)
