"""Folders that are there whole or not at all.

Invariant: whoever sees a folder under its name sees all of it, on the disk. Non-goal: what is in it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_folder(folder: Path, fill: Callable[[Path], object]) -> None:
    """Fill a new folder, flush it to disk and put it in place by a rename.

    Args:
        folder: Where it ends up; its parents are made, and what stood there is replaced.
        fill: Writes the files into the folder that it is given.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    part.chmod(0o755)
    try:
        fill(part)
        for path in [*part.rglob("*"), part]:
            _flush(path)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
            folder.rename(old / folder.name)
            part.rename(folder)
            shutil.rmtree(old)
        else:
            part.rename(folder)
        _flush(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
