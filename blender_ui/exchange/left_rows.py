"""Write the rows that an import left out, so that they can be mended and imported again.

Invariant: a row's own fields stand as the file has them, beside where it stood and why it was left; there is
no file where nothing was left. Non-goal: counting them (``exchange.tally``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from blender_ui.exchange.tally import LeftRow

PLACE, REASON = "left_out_at", "left_out_because"


class LeftRows:
    """A file of JSON lines, made when the first row is left out.

    Args:
        path: Where; a file that is there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n = 0
        self._stream: IO[str] | None = None

    def add(self, left: LeftRow) -> None:
        """Write a row."""
        if self._stream is None:
            self._stream = self.path.open("w", encoding="utf-8", errors="backslashreplace")
        line = {**left.row, PLACE: left.place, REASON: left.reason}
        self._stream.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        self.n += 1

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            self._stream.close()
