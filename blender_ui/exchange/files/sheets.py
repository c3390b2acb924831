"""Rows of CSV files as spreadsheets write them.

The separator is a comma, a semicolon (where the comma is the decimal sign) or a tab; a first line
``sep=;`` sets it. Invariant: a row whose cells do not fit the headings is given with its fault; rows of blank
cells are none. Non-goal: what the columns mean.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from blender_ui.errors import MalformedInput
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.files.encodings import open_utf8
from blender_ui.exchange.files.headings import read_headings
from blender_ui.exchange.files.packing import bounded_lines
from blender_ui.exchange.limits import MOST_LINE_BYTES

_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


def read_sheet(
    path: Path, *, delimiter: str | None, encoding: str | None = None
) -> Iterator[tuple[int, Any, FieldError | None]]:
    """Read the rows below the headings: the number of a row's last line, and its cells or its fault.

    Args:
        path: May be compressed.
        encoding: Of the file; None to find out.
        delimiter: Stands between cells; None to tell it by the headings.

    Raises:
        MalformedInput: If the file breaks off, is no CSV, or has a heading twice.
    """
    csv.field_size_limit(MOST_LINE_BYTES)  # an answer may be longer than the usual 131,072
    number = 0
    try:
        with open_utf8(path, encoding) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            lines = bounded_lines(text, path)
            first = next(lines, "")
            n_skipped = 0
            if told := _SEPARATOR_LINE.fullmatch(first):
                delimiter, first, n_skipped = told[1], next(lines, ""), 1
            while first and not first.strip():
                first, n_skipped = next(lines, ""), n_skipped + 1
            delimiter = delimiter or _tell_delimiter(first)
            reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
            numbered = ((reader.line_num + n_skipped, cells) for cells in reader)
            names, rows = read_headings(numbered, path)
            for number, cells in rows:
                yield number, *_row(names, cells)
    except (csv.Error, UnicodeDecodeError) as error:
        raise MalformedInput(
            f"{path.name} is not {delimiter!r}-separated UTF-8 after line {number}: {error}"
        ) from error


def sheet_cells(head: bytes) -> list[str]:
    """The cells of the first line that is not blank, if a text's beginning is a sheet's."""
    first = next(iter(head.decode(errors="replace").strip().splitlines()), "")
    if told := _SEPARATOR_LINE.fullmatch(first):
        return first.split(told[1])
    return first.split(_tell_delimiter(first))


def _tell_delimiter(heading: str) -> str:
    """The sign that parts the headings into most."""
    bare = re.sub(r'"[^"]*"', "", heading)
    return max(_DELIMITERS, key=bare.count)


def _row(names: Sequence[str], cells: Sequence[str]) -> tuple[dict[str, str] | None, FieldError | None]:
    if any(cell.strip() for cell in cells[len(names) :]):
        return None, FieldError(f"{len(cells) - len(names)} cells more than the heading has")
    if len(cells) < len(names):
        return None, FieldError(f"no cell for {', '.join(names[len(cells) :])}")
    return dict(zip(names, cells, strict=False)), None
