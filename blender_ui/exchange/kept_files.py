"""Files that were read for a preview, kept for the import that usually follows.

Invariant: a file that changed since, or is to be read otherwise, is read again. Non-goal: the store.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

from blender_ui.exchange import Tally
from blender_ui.exchange.gathering import Gathering
from blender_ui.exchange.intake import Reading, gather_file

N_KEPT = 2
"""Files; each takes its own size of temporary disk space."""


class KeptFile(NamedTuple):
    """A file that was read to its end, as it was then."""

    path: Path
    stamp: tuple[int, int]
    reading: Reading
    gathering: Gathering
    tally: Tally
    """Of its rows; copy it before the records are taken, which counts on."""


class KeptFiles:
    """The files that were read last. Safe to use from any thread."""

    def __init__(self) -> None:
        self._files: list[KeptFile] = []
        self._lock = threading.Lock()

    def take(self, path: Path, reading: Reading) -> KeptFile:
        """A file that was kept, or is read now; whoever takes it closes its gathering or keeps it again.

        Raises:
            MalformedInput: See ``exchange.intake.read_file``.
        """
        stamp = _stamp(path)
        with self._lock:
            for place, kept in enumerate(self._files):
                if (kept.path, kept.stamp, kept.reading) == (path, stamp, reading):
                    return self._files.pop(place)
        tally = Tally()
        return KeptFile(path, stamp, reading, gather_file(path, tally=tally, reading=reading), tally)

    def keep(self, file: KeptFile) -> None:
        """Keep a file, in place of the one that is kept longest; a folder is not kept."""
        with self._lock:
            self._files.append(file)
            files = [one for one in self._files if one.path.is_file()][-N_KEPT:]
            gone, self._files = [one for one in self._files if one not in files], files
        for one in gone:
            one.gathering.close()


def _stamp(path: Path) -> tuple[int, int]:
    """Changes with a file; (0, 0) of none, which reading it will tell."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size
