"""Rows of any file or folder of preferences, one object each, without their meaning.

Known are JSON lines, JSON (``files.documents``), CSV and TSV (each compressed or not), workbooks, Parquet,
and folders of the Hugging Face ``datasets`` library: saved to disk (Arrow), or plain data files; a folder may
come zipped. The content tells which it is, not the name. Invariant: a row that cannot be read is given with
its number and its fault, so that a caller can tell all faults at once. Non-goal: what the fields mean
(``exchange.shapes.finding``).
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import starmap
from pathlib import Path
from typing import Any, Literal, NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.files import arrow
from blender_ui.exchange.files.documents import holds_rows, read_documents
from blender_ui.exchange.files.encodings import UTF_8, find_encoding, numbered_lines, open_utf8
from blender_ui.exchange.files.packing import PACKED_SUFFIXES, plain_name, tell_unpacked
from blender_ui.exchange.files.sheets import read_sheet, sheet_cells
from blender_ui.exchange.files.workbooks import is_workbook, open_workbook
from blender_ui.exchange.jsonl import decode_json
from blender_ui.exchange.limits import MOST_UNPACKED_BYTES, MOST_UNZIPPED_BYTES

KNOWN = (
    ".jsonl, .json, .csv, .tsv (each also .gz, .bz2, .xz or .zst), .xlsx, .parquet, .arrow, "
    "or a data set's folder or its .zip"
)
_DATA_SUFFIXES = (".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".json", ".xlsx")
_BESIDE_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "README.md")
_TEXT_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv", ".json")
_SHEETS = (".csv", ".tsv")
_BLANKS = b" \t\r\n\x1e"
_HEAD_BYTES = 1 << 20

Syntax = Literal["json lines", "json", "csv", "tsv"]


class Row(NamedTuple):
    """One row: its number in its file from 1, and the object, or why there is none and its text."""

    number: int
    value: Any
    fault: FieldError | None = None
    text: str = ""


class Rows(NamedTuple):
    """The rows of one file, and what their numbers count.

    Attributes:
        name: Of the file, below the folder if it came from one, or of the sheet.
        encoding: That the file is in.
        is_sheet: Whether it is one of a workbook, which may hold notes as well.
    """

    path: Path
    unit: Literal["line", "row", "item"]
    rows: Iterator[Row]
    name: str
    encoding: str = UTF_8
    is_sheet: bool = False


@contextmanager
def open_rows(path: Path) -> Iterator[list[Rows]]:
    """Open a file, or all data files of a folder in the order of their names.

    Args:
        path: Of a form that ``KNOWN`` lists.

    Raises:
        MalformedInput: If there is nothing at the path, or nothing of a known form.
    """
    with ExitStack() as stack:
        if path.is_dir():
            files, folder = list_data_files(path), path
        elif not path.is_file():
            raise MalformedInput(f"there is no file or folder {path}")
        elif zipfile.is_zipfile(path) and not is_workbook(path):
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="blender-ui-import-"))
            unzip(path, Path(name))
            files, folder = list_data_files(Path(name)), Path(name)
        else:
            files, folder = [path], path.parent
        yield [rows for file in files for rows in _open_file(file, folder, stack)]


def list_data_files(folder: Path) -> list[Path]:
    """The data files in a folder and below; raises MalformedInput where there are none."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in _BESIDE_DATA
        and not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
        and plain_name(path).suffix.casefold() in _DATA_SUFFIXES
    ]
    if not files:
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise MalformedInput(
            f"expected data files ({', '.join(_DATA_SUFFIXES)}) in the folder {folder.name}, came {found}"
        )
    return files


def name_source(path: Path) -> str:
    """What a file is called as a source where its rows name none: its name without endings."""
    name = path.name
    while Path(name).suffix.casefold() in (*_DATA_SUFFIXES, *PACKED_SUFFIXES, ".txt", ".zip"):
        name = Path(name).stem
    return name[:128] or "import"


def _open_file(path: Path, folder: Path, stack: ExitStack) -> Iterator[Rows]:
    """The rows of a file, and of a workbook those of each sheet."""
    if not is_workbook(path):
        yield _open_plain(path, folder)
        return
    for name, rows in stack.enter_context(open_workbook(path)):
        yield Rows(path, "row", starmap(Row, rows), f"sheet {name!r}", is_sheet=True)


def _open_plain(path: Path, folder: Path) -> Rows:
    name = path.relative_to(folder).as_posix()
    if kind := arrow.find_binary(path):
        read = arrow.read_parquet if kind == "parquet" else arrow.read_arrow
        return Rows(path, "row", (Row(*numbered) for numbered in enumerate(read(path), start=1)), name)
    encoding = find_encoding(path)
    match find_syntax(path, encoding):
        case "json lines":
            return Rows(path, "line", _read_json_lines(path, encoding), name, encoding)
        case "json":
            documents = enumerate(read_documents(path, encoding), start=1)
            rows = (Row(number, value, fault) for number, (value, fault) in documents)
            return Rows(path, "item", rows, name, encoding)
        case "csv" | "tsv":
            delimiter = "\t" if kind == "tsv" else None
            rows = (Row(*row) for row in read_sheet(path, delimiter=delimiter, encoding=encoding))
            return Rows(path, "line", rows, name, encoding)


def find_syntax(path: Path, encoding: str) -> Syntax:
    """Tell a text file's syntax by what is in it; its name decides only between JSON and a sheet.

    Raises:
        MalformedInput: If it is none that is known.
    """
    suffix = plain_name(path).suffix.casefold()
    with open_utf8(path, encoding) as stream:
        head = stream.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS)
    is_json = head.startswith((b'{"', b"[{")) or (head[:1] in (b"{", b"[") and suffix not in _SHEETS)
    if is_json or suffix in (".jsonl", ".ndjson", ".json"):
        return "json lines" if _holds_lines(head) else "json"
    if suffix in _SHEETS or len(sheet_cells(head)) > 1:
        return "tsv" if suffix == ".tsv" else "csv"
    raise MalformedInput(f"expected {KNOWN}; came {path.name}, which is none of them inside")


def _holds_lines(head: bytes) -> bool:
    """Whether the first line is a whole row, or a broken one before others; an object around rows is none."""
    first, _, rest = head.partition(b"\n")
    if head[:1] == b"[":
        return False
    try:
        value = decode_json(first)
    except FieldError:
        if head[:1] != b"{":
            return True
        # Behind a broken line there may be whole ones; a document's first line leaves a list or a value open.
        return rest.lstrip()[:1] == b"{" and not first.rstrip().endswith((b"[", b":", b",", b"{"))
    return bool(rest.strip()) or not holds_rows(value)


def _read_json_lines(path: Path, encoding: str) -> Iterator[Row]:
    for number, line in numbered_lines(path, encoding):
        try:
            yield Row(number, decode_json(line))
        except FieldError as fault:
            yield Row(number, None, fault, line.decode(errors="replace"))


def unzip(path: Path, folder: Path) -> None:
    """Unpack a zip into a folder, up to the sizes of ``exchange.limits``.

    Raises:
        MalformedInput: If it is damaged or would unpack to more.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(entry.file_size for entry in archive.infolist())
            for entry in archive.infolist():
                if entry.file_size > MOST_UNPACKED_BYTES and entry.filename.endswith(_TEXT_SUFFIXES):
                    name = f"{entry.filename} in {path.name}"
                    raise MalformedInput(tell_unpacked(name, MOST_UNPACKED_BYTES))
            if n_bytes > MOST_UNZIPPED_BYTES:
                raise MalformedInput(
                    f"{path.name} would unpack to {n_bytes / 1e9:.1f} GB, the most is "
                    f"{MOST_UNZIPPED_BYTES / 1e9:.1f}; a data set may be unpacked and imported as a folder"
                )
            # Keeps every entry inside the folder, and to the size that was summed.
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise MalformedInput(f"{path.name} cannot be unpacked: {error}") from error
