"""Rows of any file or folder of preferences, one object each, without their meaning.

Known are JSON lines, JSON (an array, an object around one, or objects one after the other), CSV and TSV
(each compressed or not), Parquet, and folders of the Hugging Face ``datasets`` library: saved to disk
(Arrow), or plain data files; a folder may come zipped. Invariant: a row that cannot be read is given with
its number and its fault, so that a caller can tell all faults at once. Non-goal: what the fields mean
(``exchange.shapes``).
"""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import starmap
from pathlib import Path
from typing import Any, Literal, NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.exchange import arrow
from blender_ui.exchange.encodings import UTF_8, find_encoding, numbered_lines, open_utf8
from blender_ui.exchange.fields import FieldError, refuse_half_characters
from blender_ui.exchange.jsonl import decode_json
from blender_ui.exchange.limits import MOST_LINE_BYTES, MOST_UNPACKED_BYTES, MOST_UNZIPPED_BYTES
from blender_ui.exchange.packing import PACKED_SUFFIXES, plain_name, tell_unpacked
from blender_ui.exchange.sheets import read_sheet
from blender_ui.exchange.workbooks import is_workbook, open_workbook

KNOWN = (
    ".jsonl, .json, .csv, .tsv (each also .gz, .bz2 or .xz), .xlsx, .parquet, .arrow, "
    "or a data set's folder or its .zip"
)
_DATA_SUFFIXES = (".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".json")
_BESIDE_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "README.md")
_TEXT_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv", ".json")
_WRAPPERS = ("data", "rows", "items", "records", "examples", "instances", "train", "results")
"""Names under which a JSON file keeps its rows beside what it says of itself."""
_HEAD_BYTES = 1 << 16

Syntax = Literal["json lines", "json", "csv", "tsv", "parquet", "arrow"]


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
    if is_workbook(path):
        with open_workbook(path) as sheets:
            yield [
                Rows(path, "row", starmap(Row, rows), f"sheet {name!r}", is_sheet=True)
                for name, rows in sheets
            ]
    elif path.is_dir():
        yield [_open_file(file, path) for file in list_data_files(path)]
    elif zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory(prefix="blender-ui-import-") as name:
            unzip(path, Path(name))
            yield [_open_file(file, Path(name)) for file in list_data_files(Path(name))]
    elif path.is_file():
        yield [_open_file(path, path.parent)]
    else:
        raise MalformedInput(f"there is no file or folder {path}")


def list_data_files(folder: Path) -> list[Path]:
    """The data files in a folder and below; raises MalformedInput where there are none."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in _BESIDE_DATA
        and not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
        and plain_name(path).suffix in _DATA_SUFFIXES
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
    while Path(name).suffix in (*_DATA_SUFFIXES, *PACKED_SUFFIXES, ".xlsx", ".zip"):
        name = Path(name).stem
    return name[:128] or "import"


def _open_file(path: Path, folder: Path) -> Rows:
    name = path.relative_to(folder).as_posix()
    kind = find_syntax(path)
    if kind == "parquet" or kind == "arrow":
        read = arrow.read_parquet if kind == "parquet" else arrow.read_arrow
        return Rows(path, "row", (Row(*numbered) for numbered in enumerate(read(path), start=1)), name)
    encoding = find_encoding(path)
    match kind:
        case "json lines":
            return Rows(path, "line", _read_json_lines(path, encoding), name, encoding)
        case "json":
            return Rows(path, "item", _read_json(path, encoding), name, encoding)
        case "csv" | "tsv":
            delimiter = "\t" if kind == "tsv" else None
            rows = (Row(*row) for row in read_sheet(path, delimiter=delimiter, encoding=encoding))
            return Rows(path, "line", rows, name, encoding)


def find_syntax(path: Path) -> Syntax:
    """Tell a file's syntax by its name, and a JSON file's by its first character.

    Raises:
        MalformedInput: If it is none that is known.
    """
    match plain_name(path).suffix:
        case ".parquet":
            return "parquet"
        case ".arrow":
            return "arrow"
        case ".csv":
            return "csv"
        case ".tsv":
            return "tsv"
        case ".jsonl" | ".ndjson":
            return "json lines"
        case ".json":
            return "json lines" if _is_object_a_line(path) else "json"
    raise MalformedInput(f"expected {KNOWN}; came {path.name}")


def _is_object_a_line(path: Path) -> bool:
    """Whether the first line is a whole object, as in JSON lines under another name."""
    with open_utf8(path) as stream:
        head = stream.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
        if head[:1] != b"{":
            return False
        if b"\n" not in head:
            head += stream.readline(MOST_LINE_BYTES)
    try:
        decode_json(head.split(b"\n", 1)[0])
    except FieldError:
        return False
    return True


def _read_json_lines(path: Path, encoding: str) -> Iterator[Row]:
    for number, line in numbered_lines(path, encoding):
        try:
            yield Row(number, decode_json(line))
        except FieldError as fault:
            yield Row(number, None, fault, line.decode(errors="replace"))


def _read_json(path: Path, encoding: str) -> Iterator[Row]:
    with open_utf8(path, encoding) as stream:
        whole = stream.read()
    try:
        text = whole.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path.name}: not UTF-8: {error.reason} at byte {error.start}") from error
    for number, item in enumerate(_items(text, path), start=1):
        try:
            if "\\u" in text:
                refuse_half_characters(item)
            yield Row(number, item)
        except FieldError as fault:
            yield Row(number, None, fault)


def _items(text: str, path: Path) -> list[Any]:
    """The rows of a JSON text: of its array, of the array in its object, or its objects."""
    decoder, values, start = json.JSONDecoder(), [], 0
    try:
        while (start := _skip_blanks(text, start)) < len(text):
            value, start = decoder.raw_decode(text, start)
            values.append(value)
    except RecursionError as error:
        raise MalformedInput(f"{path.name}: not JSON: it nests too deep") from error
    except json.JSONDecodeError as error:
        raise MalformedInput(f"{path.name}: not JSON: {error}") from error
    except ValueError as error:
        raise MalformedInput(f"{path.name}: a whole number in it has too many digits") from error
    if len(values) != 1:
        return values
    (value,) = values
    if isinstance(value, dict):
        return _unwrap(value)
    return value if isinstance(value, list) else [value]


def _skip_blanks(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def _unwrap(value: dict[str, Any]) -> list[Any]:
    """The rows of an object that holds them under a usual name, beside single values; else itself."""
    lists = [name for name, held in value.items() if isinstance(held, list | dict)]
    if len(lists) == 1 and lists[0] in _WRAPPERS and isinstance(value[lists[0]], list):
        rows: list[Any] = value[lists[0]]
        return rows
    return [value]


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
