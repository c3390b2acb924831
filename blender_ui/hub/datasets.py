"""Data sets of a hub, by their name.

Invariant: nothing is asked unless a person named a data set. Non-goal: what its files mean.
"""

from __future__ import annotations

import re
from pathlib import Path

from blender_ui.errors import MalformedInput
from blender_ui.hub.repository import client_errors, first_line

_PART = r"\w[\w.-]*"  # never "..": the name comes from a page, and the folder is read
_NAME = re.compile(rf"(?P<repository>{_PART}/{_PART})(?:/(?P<folder>{_PART}(?:/{_PART})*))?")
_FILES = (
    "*.parquet",
    "*.arrow",
    "*.jsonl",
    "*.ndjson",
    "*.json",
    "*.csv",
    "*.tsv",
    "*.gz",
    "*.bz2",
    "*.xz",
    "*.zst",
)


def is_dataset_name(path: Path) -> bool:
    """Whether what a person gave as a file can be the name of a data set, such as ``owner/name``."""
    is_file_name = any(path.match(pattern) for pattern in (*_FILES, "*.zip", "*.xlsx"))
    if is_file_name or path.is_absolute() or path.exists():
        return False
    return _NAME.fullmatch(path.as_posix()) is not None


def fetch_dataset(name: str, *, endpoint: str | None = None) -> Path:
    """Download a data set's files into the hub client's cache and give their folder.

    Args:
        name: ``owner/name``, or ``owner/name/folder`` for a part of it.
        endpoint: The hub's address; None for what ``HF_ENDPOINT`` says, or the public one.

    Raises:
        MalformedInput: If the hub cannot be reached, or has no such data set.
    """
    from huggingface_hub import snapshot_download

    matched = _NAME.fullmatch(name)
    if matched is None:
        raise MalformedInput(f"expected the name of a data set, such as owner/name; came {name!r}")
    folder = matched["folder"]
    patterns = [f"{folder}/{pattern}" for pattern in _FILES] if folder else list(_FILES)
    try:
        path = Path(
            snapshot_download(
                matched["repository"],
                repo_type="dataset",
                allow_patterns=patterns,
                endpoint=endpoint,
                etag_timeout=5,
            )
        )
    except client_errors() as error:
        raise MalformedInput(
            f"there is no file {name}, and no data set of that name could be had from the hub: "
            f"{first_line(error)}. "
            "If it asks for a sign-in, set HF_TOKEN; if no hub can be reached, download its files yourself"
        ) from error
    return path / folder if folder else path
