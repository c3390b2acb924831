"""Rows of any file or folder that people keep preferences in, one object each, before their meaning.

Known are JSON lines, a JSON array, CSV and TSV (each gzipped or not), Parquet, and folders of the
Hugging Face ``datasets`` library: saved to disk (Arrow), or plain data files; a folder may come
zipped. Invariant: a row that cannot be read is given with its number and its fault, so that a caller can
tell all faults at once. Non-goal: what the fields mean (``exchange.shapes``).
"""

from __future__ import annotations

import csv
import gzip
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.exchange import arrow
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.jsonl import decode_json, numbered_lines

KNOWN = ".jsonl, .json, .csv, .tsv (each also .gz), .parquet, .arrow, or a data set's folder or its .zip"
_DATA_SUFFIXES = (".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".json")
_BESIDE_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "README.md")
MOST_UNZIPPED_BYTES = 8 << 30

Syntax = Literal["json lines", "json", "csv", "tsv", "parquet", "arrow"]


class Row(NamedTuple):
    """One row: its number in its file from 1, and the object or why there is none."""

    number: int
    value: Any
    fault: str | None = None


class Rows(NamedTuple):
    """The rows of one file, and what their numbers count."""

    path: Path
    unit: Literal["line", "row", "item"]
    rows: Iterator[Row]


@contextmanager
def open_rows(path: Path) -> Iterator[list[Rows]]:
    """Open a file, or all data files of a folder in the order of their names.

    Args:
        path: Of a form that ``KNOWN`` lists.

    Raises:
        MalformedInput: If there is nothing at the path, or nothing of a known form.
    """
    if path.is_dir():
        yield [_open_file(file) for file in list_data_files(path)]
    elif zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory(prefix="blender-ui-import-") as name:
            unzip(path, Path(name))
            yield [_open_file(file) for file in list_data_files(Path(name))]
    elif path.is_file():
        yield [_open_file(path)]
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
        and _plain_name(path).suffix in _DATA_SUFFIXES
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
    while Path(name).suffix in (*_DATA_SUFFIXES, ".gz", ".zip"):
        name = Path(name).stem
    return name[:128] or "import"


def _open_file(path: Path) -> Rows:
    match find_syntax(path):
        case "json lines":
            return Rows(path, "line", _read_json_lines(path))
        case "json":
            return Rows(path, "item", _read_json(path))
        case "csv":
            return Rows(path, "line", _read_csv(path, delimiter=","))
        case "tsv":
            return Rows(path, "line", _read_csv(path, delimiter="\t"))
        case "parquet" | "arrow" as kind:
            read = arrow.read_parquet if kind == "parquet" else arrow.read_arrow
            return Rows(path, "row", (Row(*numbered) for numbered in enumerate(read(path), start=1)))


def find_syntax(path: Path) -> Syntax:
    """Tell a file's syntax by its name, and a JSON file's by its first character.

    Raises:
        MalformedInput: If it is none that is known.
    """
    match _plain_name(path).suffix:
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
            first = next(numbered_lines(path), (0, b""))[1].lstrip()[:1]
            return "json" if first == b"[" or not _is_object_a_line(path) else "json lines"
    raise MalformedInput(f"expected {KNOWN}; came {path.name}")


def _is_object_a_line(path: Path) -> bool:
    """Whether the first line is a whole object, as in JSON lines under another name."""
    try:
        decode_json(next(numbered_lines(path), (0, b""))[1])
    except FieldError:
        return False
    return True


def _plain_name(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".gz" else path


def _read_json_lines(path: Path) -> Iterator[Row]:
    for number, line in numbered_lines(path):
        try:
            yield Row(number, decode_json(line))
        except FieldError as fault:
            yield Row(number, None, str(fault))


def _read_json(path: Path) -> Iterator[Row]:
    whole = b"".join(line for _, line in numbered_lines(path))
    try:
        value = decode_json(whole)
    except FieldError as fault:
        raise MalformedInput(f"{path.name}: {fault}") from fault
    items = value if isinstance(value, list) else [value]
    yield from (Row(number, item) for number, item in enumerate(items, start=1))


def _read_csv(path: Path, *, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # an answer may be longer than the usual 131,072
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="")
        ) as stream:
            reader = csv.DictReader(stream, delimiter=delimiter, strict=True)
            for row in reader:
                yield _csv_row(reader.line_num, row)
    except (csv.Error, UnicodeDecodeError) as error:
        raise MalformedInput(f"{path.name} is not {delimiter!r}-separated UTF-8: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedInput(f"{path.name} cannot be read to its end: {error}") from error


def _csv_row(number: int, row: dict[Any, Any]) -> Row:
    if None in row:
        return Row(number, None, f"{len(row[None])} cells more than the heading has")
    if None in row.values():
        return Row(number, None, f"no cell for {', '.join(key for key, cell in row.items() if cell is None)}")
    return Row(number, row)


def unzip(path: Path, folder: Path) -> None:
    """Unpack a zip into a folder, up to ``MOST_UNZIPPED_BYTES``.

    Raises:
        MalformedInput: If it is damaged or would unpack to more.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(entry.file_size for entry in archive.infolist())
            if n_bytes > MOST_UNZIPPED_BYTES:
                raise MalformedInput(
                    f"{path.name} would unpack to {n_bytes / 1e9:.1f} GB, the most is "
                    f"{MOST_UNZIPPED_BYTES / 1e9:.1f}; a data set may be unpacked and imported as a folder"
                )
            # Keeps every entry inside the folder, and to the size that was summed.
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise MalformedInput(f"{path.name} cannot be unpacked: {error}") from error
