"""Makes a folder once: whole or not at all, by one process at a time.

Invariant: a folder of that name is complete. Non-goal: what is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from blender_ui.engine.folders import write_folder


def make_folder(folder: Path, write: Callable[[Path], None]) -> Path:
    """Give the folder, written first if it is not there.

    Args:
        folder: Where it is to be; its parents are made.
        write: Fills an empty folder, which then takes the name by one rename.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if not folder.exists():
            write_folder(folder, write)
    return folder
