"""Back up an installation into one file while people use it, and restore it into an empty home.

The file is a zip: ``store.zip``, an archive of every row (``services.archive.archiving``); the trained
versions' folders, the installation's secret and members.toml below ``home/``; and ``backup.json``, which
names each of them with its SHA-256.

Invariant: what is restored is what was backed up, or nothing is. The rows are those of one moment, and
every version that they name has its files. A backup holds people's names, sign-ins and the secret of the
blind draws, so it must be protected like the home folder itself. Non-goal: model weights, which can be
fetched again, and the values of settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, Refused
from blender_ui.exchange.archive import Manifest
from blender_ui.installation import SECRET_NAME
from blender_ui.members.file import place_of_members
from blender_ui.services.archive.archiving import export_archive, import_archive
from blender_ui.services.versions.start import START_FOLDER
from blender_ui.settings import Settings

FORMAT = "blender-ui backup 1"
MANIFEST, STORE, MEMBERS = "backup.json", "store.zip", "members.toml"
_BLOCK = 1 << 20
_MOST_MANIFEST_BYTES = 64 << 20


class BackedUpFile(NamedTuple):
    """A file of a backup, by its path in the zip."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds.

    Attributes:
        created_at: In ISO 8601.
        settings: Names of the settings that were set; their values are not in it.
        files: All but ``backup.json``.
    """

    created_at: str
    settings: tuple[str, ...]
    files: tuple[BackedUpFile, ...]

    @property
    def n_bytes(self) -> int:
        """Of all files."""
        return sum(file.n_bytes for file in self.files)


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where an installation's files lie.

    Attributes:
        path: The home folder.
        versions: Folders of trained versions, below it.
        members_path: Its members.toml.
    """

    path: Path
    versions: tuple[Path, ...]
    members_path: Path


def find_home(settings: Settings) -> Home:
    """Where the files of the installation with these settings lie."""
    return Home(
        path=settings.home_path,
        versions=(settings.rankers_path, settings.fusers_path, settings.choosers_path),
        members_path=place_of_members(settings),
    )


def back_up(engine: Engine, home: Home, path: Path, *, settings: Sequence[str], now: datetime) -> Backup:
    """Write a backup; people may go on using the app meanwhile.

    Args:
        engine: The store.
        home: Its files.
        path: Written when it is whole; a file that is there is replaced.
        settings: Names of the settings that are set.
        now: When, aware.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as name:
        draft = Path(name) / path.name
        # The rows come first: a version is registered when its files are whole, so none of theirs can lack.
        export_archive(engine, Path(name) / STORE, now=now)
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:  # most of it is compressed already
            files = [_put(archive, Path(name) / STORE, STORE)]
            for source, target in _list_files(home):
                files.append(_put(archive, source, target))
            backup = Backup(created_at=now.isoformat(), settings=tuple(settings), files=tuple(files))
            told = {"format": FORMAT} | asdict(backup) | {"files": [file._asdict() for file in files]}
            archive.writestr(MANIFEST, json.dumps(told, indent=1))
        draft.chmod(0o600)
        os.replace(draft, path)
    return backup


def check_backup(path: Path) -> Backup:
    """Read a backup through.

    Raises:
        MalformedInput: If it is none, or a file in it is missing or is not the one that was backed up.
    """
    with _open(path) as (archive, backup):
        for file in backup.files:
            _take(archive, file, None, path)
        return backup


def restore(engine: Engine, home: Home, path: Path) -> tuple[Backup, Manifest]:
    """Bring a backup into an empty store and home; a members.toml that is there stays.

    Returns:
        What was restored, and the rows by table.

    Raises:
        MalformedInput: As ``check_backup``.
        Refused: If the store has rows, or the home has trained versions.
        SchemaMismatch: If it comes from a store of another schema.
    """
    # The start ranker's folder is made again from the package.
    filled = [
        folder.name
        for folder in home.versions
        if folder.is_dir() and any(not file.name.startswith(START_FOLDER) for file in folder.iterdir())
    ]
    if filled:
        raise Refused(
            f"a backup goes into an empty home, and {home.path} has files in {', '.join(filled)}. "
            "Set BLENDER_UI_HOME to a new folder"
        )
    with (
        _open(path) as (archive, backup),
        tempfile.TemporaryDirectory(dir=home.path, prefix=".restore-") as name,
    ):
        draft = Path(name)
        for file in backup.files:
            _take(archive, file, draft / file.name, path)
        placed: list[Path] = []
        try:
            for folder in home.versions:
                if (draft / "home" / folder.name).is_dir():
                    shutil.rmtree(folder, ignore_errors=True)  # empty, as seen above
                    placed.append(folder)
                    os.replace(draft / "home" / folder.name, folder)
            manifest = import_archive(engine, draft / STORE)
        except BaseException:
            for folder in placed:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        _place_if_there(draft / "home" / SECRET_NAME, home.path / SECRET_NAME)
        if not home.members_path.exists():
            _place_if_there(draft / "home" / MEMBERS, home.members_path)
        return backup, manifest


def _list_files(home: Home) -> Iterator[tuple[Path, str]]:
    for folder in home.versions:
        for file in sorted(folder.rglob("*")):
            parts = file.relative_to(folder).parts
            # A version that is being written lies in a folder whose name begins with a dot.
            if file.is_file() and not any(part.startswith(".") for part in parts):
                yield file, "/".join(("home", folder.name, *parts))
    for file, name in ((home.path / SECRET_NAME, SECRET_NAME), (home.members_path, MEMBERS)):
        if file.is_file():
            yield file, f"home/{name}"


def _put(archive: zipfile.ZipFile, source: Path, name: str) -> BackedUpFile:
    with source.open("rb") as stream, archive.open(name, "w", force_zip64=True) as target:
        n_bytes, sha256 = _copy(stream, target.write)
    return BackedUpFile(name, n_bytes, sha256)


def _copy(stream: IO[bytes], write: Callable[[bytes], object]) -> tuple[int, str]:
    digest, n_bytes = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        digest.update(block)
        n_bytes += len(block)
        write(block)
    return n_bytes, digest.hexdigest()


@contextmanager
def _open(path: Path) -> Iterator[tuple[zipfile.ZipFile, Backup]]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _read_manifest(archive)
    except FileNotFoundError as error:
        raise MalformedInput(f"there is no file {path}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise MalformedInput(f"{path.name} is no whole backup: {error}") from error


def _read_manifest(archive: zipfile.ZipFile) -> Backup:
    try:
        if archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST_BYTES:
            raise ValueError("it is too long")
        told = json.loads(archive.read(MANIFEST))
        if told["format"] != FORMAT:
            raise ValueError(told["format"])
        files = tuple(BackedUpFile(**file) for file in told["files"])
        for file in files:
            parts = PurePosixPath(file.name).parts
            if file.name != STORE and (parts[0] != "home" or ".." in parts or "\\" in file.name):
                raise ValueError(file.name)
        return Backup(created_at=told["created_at"], settings=tuple(told["settings"]), files=files)
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise MalformedInput(f"expected a backup of the form {FORMAT!r}, came {error!r}") from error


def _take(archive: zipfile.ZipFile, file: BackedUpFile, target: Path | None, path: Path) -> None:
    """Read a file out of a backup, into a file or nowhere, and hold it against its hash."""
    try:
        with archive.open(file.name) as stream:
            if target is None:
                _, sha256 = _copy(stream, len)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as written:
                    _, sha256 = _copy(stream, written.write)
    except KeyError as error:
        raise MalformedInput(f"{path.name} lacks {file.name}, which its {MANIFEST} names") from error
    if sha256 != file.sha256:
        raise MalformedInput(
            f"expected {file.name} in {path.name} with SHA-256 {file.sha256[:12]}, came {sha256[:12]}: "
            "it was damaged or changed; take another backup"
        )


def _place_if_there(source: Path, target: Path) -> None:
    if source.is_file():
        if target.name == SECRET_NAME:
            source.chmod(0o600)
        shutil.move(source, target)
