"""Which joint versions' checkpoints are damaged, as far as a failure gave reason to look.

A joint checkpoint has hundreds of megabytes and is read by the engine process alone, so nobody hashes it
before each ranking: one that failed is looked at then.

Invariant: a version counts as damaged only while its files are those that were looked at. Non-goal: why
else a version may fail, such as a lack of memory.
"""

from __future__ import annotations

import threading
from pathlib import Path

from blender_ui.errors import RankerError
from blender_ui.language import tr
from blender_ui.ranking.joint_files import digest_folder, find_weights
from blender_ui.services.versions.model_versions import VersionView

Signature = frozenset[tuple[str, int, int]]
"""Name, bytes and time of change of each file."""


class JointDamage:
    """What was found of the checkpoints in one folder; safe to share between threads.

    Args:
        rankers_path: Folder of the checkpoints.
    """

    def __init__(self, rankers_path: Path) -> None:
        self._rankers_path = rankers_path
        self._found: dict[int, tuple[Signature, str]] = {}
        self._lock = threading.Lock()

    def look(self, version: VersionView) -> str:
        """Read a version's files through; gives what is wrong with them, or ""."""
        folder = self._rankers_path / version.path
        signature = _sign(folder)
        with self._lock:
            known = self._found.get(version.id)
        if known is not None and known[0] == signature:
            return known[1]
        wrong = _read_through(version, folder)
        with self._lock:
            self._found[version.id] = (signature, wrong)
        return wrong

    def find(self, version: VersionView) -> str:
        """What an earlier look found, if the files are the same; "" where nobody has looked."""
        with self._lock:
            known = self._found.get(version.id)
        if known is None or not known[1] or known[0] != _sign(self._rankers_path / version.path):
            return ""
        return known[1]


def _sign(folder: Path) -> Signature:
    try:
        stats = [(path.name, path.stat()) for path in folder.iterdir()]
    except OSError:
        return frozenset()
    return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _read_through(version: VersionView, folder: Path) -> str:
    try:
        found = digest_folder(folder, find_weights(folder))
    except RankerError as error:
        return str(error)
    except OSError as error:
        return tr("{path} cannot be read: {error}", path=version.path, error=str(error))
    if found == version.fingerprint:
        return ""
    return tr(
        "expected the weights {fingerprint} of version {version_id} in {path}, came "
        "{fingerprint_2}; activate another version or train a new one",
        fingerprint=version.fingerprint[:12],
        version_id=version.id,
        path=version.path,
        fingerprint_2=found[:12],
    )
