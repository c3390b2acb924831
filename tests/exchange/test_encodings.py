"""Text files in other encodings than UTF-8, and Excel's workbooks."""

import gzip
import json
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from blender_ui.errors import MalformedInput
from blender_ui.exchange import PromptRecord, Tally, read_file
from blender_ui.exchange.files.encodings import find_encoding

ROWS = [
    {"prompt": "Wie heißt der Fluß?", "text_a": "Größer – „so“.", "text_b": "Überall.", "winner": "a"},
    {"prompt": "Où est-il ?", "text_a": "Là, à côté.", "text_b": "Ça va, œuf.", "winner": "b"},
]
RUSSIAN = {
    "prompt": "Сколько времени заваривать чай?",
    "text_a": "Четыре минуты.",
    "text_b": "Час.",
    "winner": "a",
}
JAPANESE = {
    "prompt": "紅茶は何分蒸らしますか?",
    "text_a": "四分です。ふたをしてください。",
    "text_b": "一時間です。",
    "winner": "a",
}


def read(path: Path) -> tuple[list[PromptRecord], Tally]:
    tally = Tally()
    return list(read_file(path, tally=tally)), tally


def lines(*rows: dict[str, Any]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def table(*rows: dict[str, Any]) -> str:
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "\r\n".join(";".join(row) for row in cells)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
)
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "json"])
def test_an_encoding_that_can_be_told_is_read(tmp_path: Path, encoding: str, suffix: str) -> None:
    text = {"jsonl": lines, "csv": table, "json": lambda *rows: json.dumps(rows, ensure_ascii=False)}[suffix](
        *ROWS
    )
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(text.encode(encoding))
    records, tally = read(path)
    assert [record.prompt for record in records] == [row["prompt"] for row in ROWS]
    assert records[1].candidates[1].text == "Ça va, œuf."
    assert ("read as cp1252" in " ".join(tally.notes)) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("row", "encoding"), [(RUSSIAN, "cp1251"), (JAPANESE, "shift_jis"), (JAPANESE, "euc_jp")]
)
def test_another_encoding_is_guessed_and_said_to_be(
    tmp_path: Path, row: dict[str, str], encoding: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(*[row] * 20).encode(encoding))
    records, tally = read(path)
    assert records[0].prompt == row["prompt"]
    assert "a guess from its bytes" in " ".join(tally.notes)


def test_one_broken_line_of_utf_8_is_a_fault_of_that_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(*ROWS).encode() + b'\n{"prompt": "caf\xe9"}')
    assert find_encoding(path) == "utf-8"
    with pytest.raises(MalformedInput, match="line 3: not UTF-8"):
        read(path)


def test_an_ascii_file_is_utf_8(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}")
    (tmp_path / "y.jsonl").write_text("")
    assert {find_encoding(tmp_path / name) for name in ("x.jsonl", "y.jsonl")} == {"utf-8"}


# Excel.


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


HEADING = ["Prompt", "Response A", "Response B", "Winner ", "Seconds", "Day"]


def test_a_workbook_is_read(tmp_path: Path) -> None:
    rows = [
        HEADING,
        [None] * 6,
        ["Why?", "A.\nStill A.", "B.", 1, 2.5, date(2026, 1, 2)],
        ["How?", "A.", 7, "tie", None, None],
    ]
    records, tally = read(workbook(tmp_path / "votes.xlsx", Votes=rows))
    assert [(record.source, record.prompt, record.labels[0].winner) for record in records] == [
        ("votes", "Why?", "a"), ("votes", "How?", "tie"),
    ]  # fmt: skip
    assert records[0].candidates[0].text == "A.\nStill A."
    assert (records[0].labels[0].seconds, records[1].candidates[1].text) == (2.5, "7")
    assert (tally.n_rows, tally.unused_columns) == (2, ("day",))


def test_sheets_of_notes_are_told_and_sheets_of_votes_are_read(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "x.xlsx",
        Notes=[["About", "this"], ["it", "is"]],
        One=[HEADING[:4], ["Why?", "A.", "B.", "a"]],
        Empty=[],
        Two=[HEADING[:4], ["How?", "A.", "B.", "b"]],
    )
    records, tally = read(path)
    assert [record.prompt for record in records] == ["Why?", "How?"]
    assert tally.notes == ["The sheet 'Notes' was not read: its columns are those of no known shape."]
    with pytest.raises(MalformedInput, match="has the fields 'About', 'this'"):
        read(workbook(tmp_path / "y.xlsx", Notes=[["About", "this"], ["it", "is"]]))


def test_a_fault_in_a_sheet_names_the_sheet_and_the_row(tmp_path: Path) -> None:
    good, bad = ["Why?", "A.", "B.", "a"], ["How?", "A.", "B.", "perhaps"]
    path = workbook(tmp_path / "x.xlsx", One=[HEADING[:4], good], Two=[HEADING[:4], good, bad])
    with pytest.raises(MalformedInput, match="sheet 'Two', row 3: expected the winner"):
        read(path)


def test_a_cell_below_no_heading_is_a_fault(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", One=[HEADING[:4], ["Why?", "A.", "B.", "a", "more"]])
    with pytest.raises(MalformedInput, match="row 2: a cell stands below no heading"):
        read(path)


def test_a_line_as_long_as_its_file_is_not_held_to_tell_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.json.gz"
    path.write_bytes(gzip.compress(b'["' + b"a" * 30_000_000 + "é".encode() + b'"]'))
    tracemalloc.start()
    try:
        assert find_encoding(path) == "utf-8"
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("at", [0, 1, 65_533, 65_534, 65_535, 65_536])
def test_a_letter_is_told_wherever_a_piece_of_a_long_line_ends(tmp_path: Path, at: int) -> None:
    text = "a" * at + "é und so weiter, für alle" + "b" * 70_000
    for encoding in ("utf-8", "cp1252"):
        path = tmp_path / f"{encoding}.json"
        path.write_bytes(text.encode(encoding))
        assert find_encoding(path) == encoding
