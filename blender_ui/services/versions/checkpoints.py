"""Writes a ranker's folder: complete or not at all.

Invariant: a folder under its final name is complete and on the disk. Non-goal: what is in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

_UNFINISHED = ".unfinished-"


def write_checkpoint(rankers_path: Path, name: str, save: Callable[[Path], None]) -> Path:
    """Have ``save`` fill a new folder, flush it to the disk and give it its name in one rename.

    A folder that has the name already is kept: names end in the weights' fingerprint, so it holds
    the same weights, written by a run that died just after.

    Returns:
        The folder, ``rankers_path / name``.
    """
    target, draft = rankers_path / name, rankers_path / f"{_UNFINISHED}{name}"
    rankers_path.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    if target.is_dir():
        return target
    draft.mkdir()
    save(draft)
    for path in [*draft.rglob("*"), draft]:
        _flush(path)
    draft.rename(target)
    _flush(rankers_path)
    return target


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
