"""Rows of Excel's workbooks (.xlsx), sheet by sheet. The only module that knows openpyxl.

Numbers, dates and truths come as the texts that a CSV would have. Invariant: a workbook is read row by row,
so memory does not grow with it. Non-goals: formulas, whose last result is read, and older .xls files.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from blender_ui.errors import MalformedInput
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.files.headings import read_headings
from blender_ui.exchange.files.packing import tell_unpacked
from blender_ui.exchange.limits import MOST_UNPACKED_BYTES

SheetRows = Iterator[tuple[int, dict[str, str] | None, FieldError | None]]


def is_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook, by its content.

    Raises:
        MalformedInput: If it is an archive whose list of files is damaged.
    """
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile as error:
        raise MalformedInput(f"{path.name} is a damaged archive or workbook: {error}") from error


@contextmanager
def open_workbook(path: Path) -> Iterator[list[tuple[str, SheetRows]]]:
    """Each sheet's name, and its rows below the headings with their numbers.

    Raises:
        MalformedInput: If it is damaged, or would unpack to more than it may.
    """
    from openpyxl import load_workbook  # takes a quarter of a second, and few files are workbooks
    from openpyxl.utils.exceptions import InvalidFileException

    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED_BYTES:
            raise MalformedInput(tell_unpacked(path.name, MOST_UNPACKED_BYTES))
    stack = ExitStack()
    try:
        # The open file, since by its name openpyxl would refuse one without the usual ending.
        book = load_workbook(stack.enter_context(path.open("rb")), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError) as error:
        stack.close()
        raise MalformedInput(f"{path.name} cannot be read as a workbook: {error}") from error
    try:
        yield [(sheet.title, _rows(sheet, path)) for sheet in book.worksheets]
    finally:
        book.close()
        stack.close()


def _rows(sheet: Any, path: Path) -> SheetRows:
    try:
        numbered = enumerate(sheet.iter_rows(values_only=True), start=1)
        names, rows = read_headings(((at, list(map(_as_text, cells))) for at, cells in numbered), path)
        for number, texts in rows:
            if any(text.strip() and not name for text, name in zip_longest(texts, names, fillvalue="")):
                yield number, None, FieldError("a cell stands below no heading")
                continue
            row = {name: text for name, text in zip(names, texts, strict=False) if name}
            yield number, {name: row.get(name, "") for name in names if name}, None
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, OSError) as error:
        raise MalformedInput(f"{path.name}, sheet {sheet.title!r}: cannot be read: {error}") from error


def _as_text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)
