"""Put a trained version into a repository of a hub, and take one out of it.

Beside the checkpoint's files go a model card and ``blender_version.json``: the version's row, and the SHA-256
of every file. Invariant: what is taken has the bytes that were put, and serves nobody before a person
activates it. Non-goal: the start ranker, which comes with the package.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass
from sqlalchemy import Engine

from blender_ui.engine.folders import write_folder
from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.hub.cards import ModelFacts, write_model_card
from blender_ui.hub.repository import Repository
from blender_ui.language import tr
from blender_ui.outside import check
from blender_ui.services.versions.model_versions import VersionView, get_version
from db.columns import row_id
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion
from db.queries import versions

FORMAT = "blender-ui version 1"
MANIFEST, CARD = "blender_version.json", "README.md"
_MOST_BYTES_OF_MANIFEST = 1 << 20

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[
    str,
    # Nothing above its folder, and nothing that runs code when it is read.
    Field(
        pattern=r"^(\w[\w.-]*/)*(fingerprint|\w[\w.-]*\.(json|safetensors|txt|model|spm|jinja|npz|npy|toml))$"
    ),
]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class SharedRow:
    """The columns of a version that mean the same in every store; see ``db.models.ModelVersion``."""

    role: ModelRole
    kind: ModelKind
    base_model: Annotated[str, Field(max_length=512)]
    base_fingerprint: Annotated[str, Field(max_length=64)]
    fingerprint: Digest
    n_train: Annotated[int, Field(ge=0)]
    n_held_out: Annotated[int, Field(ge=0)]
    hyper_parameters: dict[str, Any]
    metrics: dict[str, Any]
    code_version: Annotated[str, Field(max_length=64)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class SharedVersion:
    """What ``blender_version.json`` says: its form, the row, and the SHA-256 of each file by its path."""

    format: Literal["blender-ui version 1"]
    row: SharedRow
    files: Annotated[dict[FilePath, Digest], Field(min_length=1)]


_SHARED = TypeAdapter(SharedVersion)


class Sharing:
    """Versions to a hub and from it.

    Args:
        engine: The store.
        folders: Folder of the checkpoints of each role.
    """

    def __init__(self, engine: Engine, *, folders: Mapping[ModelRole, Path]) -> None:
        self._engine = engine
        self._folders = folders

    def push(self, version_id: int, repository: Repository, *, private: bool) -> str:
        """Put a version into a repository, which is made where there is none.

        Returns:
            The commit's id.

        Raises:
            NotFound: If there is no such version, or its files are gone.
            Refused: If it is the start ranker.
            HubError: If the hub cannot be reached or refuses.
        """
        version, row = self._find(version_id)
        folder = self._folders[version.role] / version.path
        files = {path.relative_to(folder).as_posix(): path for path in _list_files(folder)}
        if not files:
            raise NotFound(
                tr(
                    "the files of {version} are not in {folder}; restore them from a backup",
                    version=version.name,
                    folder=folder,
                )
            )
        shared = check(
            _SHARED,
            {"format": FORMAT, "row": row, "files": {name: _digest(path) for name, path in files.items()}},
            f"{version.name}:",
        )
        repository.ensure(private=private)
        told = {MANIFEST: _SHARED.dump_json(shared, indent=1), CARD: _write_card(repository.name, shared.row)}
        return repository.put(
            {**files, **told},
            message=f"Version {version.id}, {version.kind} {version.role}",
            without=[file for file in self._list_shared(repository) if file not in files],
        )

    def pull(self, repository: Repository) -> VersionView:
        """Take a version out of a repository; one that is here already is given as it is.

        Raises:
            HubError: If the hub cannot be reached or refuses.
            MalformedInput: If the repository holds no version of ours, or a file is not the one that was put.
        """
        with tempfile.TemporaryDirectory() as name:
            draft = Path(name)
            shared = _read_manifest(repository.take(MANIFEST, draft))
            folder = self._folders[shared.row.role] / f"hub-{shared.row.fingerprint[:12]}"
            for file, digest in shared.files.items():
                _check_bytes(repository.take(file, draft / "files"), digest, f"{file} of {repository.name}")
            if not folder.is_dir():
                write_folder(folder, partial(_copy, draft / "files", tuple(shared.files)))
        return self._register(shared.row, folder.name, repository.name)

    def _register(self, row: SharedRow, path: str, source: str) -> VersionView:
        with transaction(self._engine, immediate=True) as session:
            known = versions.find_by_path(session, role=row.role, path=path)
            if known is None:
                version = ModelVersion(
                    **vars(row) | {"hyper_parameters": row.hyper_parameters | {"hub": source}},
                    path=path,
                    cut_off_preference_id=0,  # of this store it has seen nothing
                )
                session.add(version)
                session.flush()
                known = row_id(version)
            return get_version(session, known, role=row.role)

    def _find(self, version_id: int) -> tuple[VersionView, dict[str, Any]]:
        with transaction(self._engine) as session:
            found = versions.find_version(session, version_id=version_id)
            if found is None:
                raise NotFound(
                    tr(
                        "there is no version {version_id}; the Train page lists all versions",
                        version_id=version_id,
                    )
                )
            version = get_version(session, version_id, role=found.role)
            row = {field.name: getattr(found, field.name) for field in fields(SharedRow)}
        if version.is_start:
            raise Refused("the start ranker comes with the package, so it is not put on a hub")
        base = Path(row["base_model"])
        return version, row | {"base_model": base.name if base.is_absolute() else row["base_model"]}

    def _list_shared(self, repository: Repository) -> list[str]:
        """Files of the version that the repository holds now; none where it holds none of ours."""
        if MANIFEST not in repository.list_files():
            return []
        with tempfile.TemporaryDirectory() as name:
            shared = _read_manifest(repository.take(MANIFEST, Path(name)))
        return [file for file in repository.list_files() if file in shared.files]


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_bytes(path: Path, digest: str, name: str) -> None:
    found = _digest(path)
    if found != digest:
        raise MalformedInput(
            tr(
                "expected {name} with SHA-256 {digest}, came {found}: it was changed after it was "
                "put there; have it put again",
                name=name,
                digest=digest[:12],
                found=found[:12],
            )
        )


def _copy(source: Path, files: tuple[str, ...], target: Path) -> None:
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)


def _read_manifest(path: Path) -> SharedVersion:
    if path.stat().st_size > _MOST_BYTES_OF_MANIFEST:
        raise MalformedInput(
            tr(
                "expected {manifest} of at most {most_bytes_of_manifest} bytes, came more",
                manifest=MANIFEST,
                most_bytes_of_manifest=_MOST_BYTES_OF_MANIFEST,
            )
        )
    try:
        told = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise MalformedInput(
            tr("expected JSON in {manifest}: {error}", manifest=MANIFEST, error=error)
        ) from error
    return check(_SHARED, told, f"{MANIFEST}:")


def _write_card(name: str, row: SharedRow) -> bytes:
    facts = {field.name: getattr(row, field.name) for field in fields(ModelFacts) if field.name != "name"}
    return write_model_card(ModelFacts(name=name, **facts)).encode()
