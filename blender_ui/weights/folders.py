"""Makes a folder once: whole or not at all, by one process at a time.

Invariant: a folder of that name is complete. Non-goal: what is in it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def make_folder(folder: Path, write: Callable[[Path], None]) -> Path:
    """Give the folder, written first if it is not there.

    Args:
        folder: Where it is to be; its parents are made.
        write: Fills an empty folder, which then takes the name by one rename.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if not folder.exists():
            made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
            made.chmod(0o755)
            try:
                write(made)
                os.rename(made, folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return folder
