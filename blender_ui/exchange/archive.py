"""Everything in one file: a zip of one Parquet file a table, and a manifest that says what they are.

``manifest.json`` holds the format, the schema's revision, when it was made, and of each table its file, its
number of rows and SHA-256. Invariant: what is read is what was written, or an error: hashes are checked
before the first row is given. Non-goal: what the tables mean, and whether a store may take them.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from blender_ui.errors import MalformedInput
from blender_ui.exchange.files import arrow
from blender_ui.exchange.files.rows import unzip
from blender_ui.exchange.limits import MOST_LINE_BYTES

FORMAT = "blender-ui archive 1"
MANIFEST = "manifest.json"
MOST_MANIFEST_BYTES = 1 << 20
Kind = Literal["int", "float", "text", "bool", "time", "json", "bytes"]

_ARROW: dict[str, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.large_string(),
    "bool": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "json": pa.large_string(),
    "bytes": pa.large_binary(),
}


class TableDump(NamedTuple):
    """A table on its way into an archive."""

    name: str
    columns: Mapping[str, Kind]
    rows: Iterable[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TableEntry:
    """What a manifest says of a table."""

    name: str
    file: str
    n_rows: int
    sha256: str
    columns: dict[str, Kind]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a manifest says; ``tables`` in the order in which they can be written."""

    revision: str
    created_at: str
    tables: tuple[TableEntry, ...]


def write_archive(path: Path, tables: Iterable[TableDump], *, revision: str, created_at: str) -> Manifest:
    """Write tables into an archive.

    Args:
        path: Written anew.
        tables: Parents before those that refer to them.
        revision: Of the schema that they come from.
        created_at: In ISO 8601.
    """
    entries = []
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".archive-") as name,
        zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive,  # Parquet is compressed already
    ):
        for table in tables:
            file = Path(name) / f"{table.name}.parquet"
            schema = pa.schema([(column, _ARROW[kind]) for column, kind in table.columns.items()])
            n_rows = arrow.write_parquet(file, _packed(table), schema)
            entry = TableEntry(
                name=table.name,
                file=f"tables/{file.name}",
                n_rows=n_rows,
                sha256=_hash(file),
                columns=dict(table.columns),
            )
            archive.write(file, entry.file)
            file.unlink()
            entries.append(entry)
        manifest = Manifest(revision=revision, created_at=created_at, tables=tuple(entries))
        archive.writestr(MANIFEST, json.dumps({"format": FORMAT} | asdict(manifest), indent=1))
    return manifest


def is_archive(path: Path) -> bool:
    """Whether a file is a zip with a manifest of ours, of any version."""
    if not (path.is_file() and zipfile.is_zipfile(path)):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
                return False
            return b'"blender-ui archive' in archive.read(MANIFEST)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError):
        return False  # a damaged one is told of where it is unpacked


class OpenArchive:
    """An archive whose files have been checked, unpacked for reading."""

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        self.manifest = manifest
        self._folder = folder

    def rows(self, entry: TableEntry) -> Iterator[dict[str, Any]]:
        """A table's rows."""
        columns = [name for name, kind in entry.columns.items() if kind == "json"]
        for number, row in enumerate(arrow.read_parquet(self._folder / entry.file), start=1):
            longest = max((len(value) for value in row.values() if isinstance(value, str | bytes)), default=0)
            if longest > MOST_LINE_BYTES:
                raise MalformedInput(
                    f"{entry.file}, row {number}: a value has {longest:,} characters, the most is "
                    f"{MOST_LINE_BYTES:,}"
                )
            for name in columns:
                row[name] = None if row[name] is None else json.loads(row[name])
            yield row


@contextmanager
def open_archive(path: Path) -> Iterator[OpenArchive]:
    """Unpack an archive beside nothing, and check every file against the manifest.

    Raises:
        MalformedInput: If it is no archive of this format or would unpack to too much, or a file is
            missing or is not the one that the manifest names.
    """
    with tempfile.TemporaryDirectory(prefix="blender-ui-archive-") as name:
        folder = Path(name)
        unzip(path, folder)
        try:
            manifest = _read_manifest(folder / MANIFEST)
        except (OSError, RecursionError, ValueError, KeyError, TypeError) as error:
            raise MalformedInput(
                f"expected a manifest of {FORMAT!r} in {path.name}, came {error!r}"
            ) from error
        for entry in manifest.tables:
            _check(folder / entry.file, entry, path)
        yield OpenArchive(manifest, folder)


def _read_manifest(path: Path) -> Manifest:
    told = json.loads(path.read_text(encoding="utf-8"))
    if told["format"] != FORMAT:
        raise ValueError(told["format"])
    tables = tuple(TableEntry(**entry) for entry in told["tables"])
    for entry in tables:
        # The file is opened by the path that is told, so that a path out of the folder would be followed.
        if not str(entry.name).isidentifier() or entry.file != f"tables/{entry.name}.parquet":
            raise ValueError(f"table {entry.name!r} in {entry.file!r}")
        if not isinstance(entry.sha256, str):
            raise TypeError(f"SHA-256 of table {entry.name!r}: {entry.sha256!r}")
    return Manifest(revision=told["revision"], created_at=told["created_at"], tables=tables)


def _check(file: Path, entry: TableEntry, path: Path) -> None:
    if not file.is_file():
        raise MalformedInput(f"{path.name} lacks {entry.file}, which its manifest names; export it again")
    found = _hash(file)
    if found != entry.sha256:
        raise MalformedInput(
            f"expected {entry.file} in {path.name} with SHA-256 {entry.sha256[:12]}, came {found[:12]}: "
            "it was damaged or changed; export it again"
        )


def _packed(table: TableDump) -> Iterator[dict[str, Any]]:
    columns = [name for name, kind in table.columns.items() if kind == "json"]
    for row in table.rows:
        packed = dict(row)
        for name in columns:
            packed[name] = json.dumps(packed[name], sort_keys=True)
        yield packed


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
