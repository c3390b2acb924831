"""The installation's secret: the seed of every draw behind a blind comparison.

Invariant: made once, from the system's randomness, in a file of the home folder that its owner alone may
read; it is in no row, export or archive, and otherwise in backups alone. Non-goal: the seeds of
evaluations, which are published.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from blender_ui.errors import MalformedInput

SECRET_NAME = "secret"
N_DIGITS = 64
"""Hexadecimal, so 256 bits."""


def read_secret(home_path: Path) -> int:
    """Read the secret of the installation in this folder; the first process to ask makes it.

    Raises:
        MalformedInput: If the file is there and holds something else.
    """
    path = home_path / SECRET_NAME
    if not path.exists():
        _write(path)
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if len(text) != N_DIGITS or not set(text) <= set("0123456789abcdef"):
        raise MalformedInput(
            f"expected {N_DIGITS} hexadecimal digits in {path}, came {len(text)} other characters; "
            "put the file back, or remove it for a new secret: votes stay, and the columns of open questions "
            "change places"
        )
    return int(text, 16)


def _write(path: Path) -> None:
    """Give the file its name only when it is whole; where another process was first, keep its secret."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as draft:  # made with mode 600
        draft.write(secrets.token_hex(N_DIGITS // 2))
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):
            os.link(draft.name, path)
