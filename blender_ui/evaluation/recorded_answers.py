"""Answers of an evaluation kept in a file, so that members and fuser are asked once and judged often.

Invariant: an answer is found only for exactly what was asked: who, with which options, for which prompt
and, of a fused answer, from which sources. Failures are not kept, and are asked again. Non-goal: the
store's candidates; an evaluation writes nothing there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from blender_ui.errors import MalformedInput

BEGIN = '{"asked": '
"""Of every line: what else a file holds at its end is not ours to take out."""

Asked = Mapping[str, Any]
"""Who was asked what, JSON-ready; equal for requests that one answer serves."""


class Text(NamedTuple):
    """What one system said to one item."""

    text: str
    seconds: float
    n_tokens: int
    error: str = ""


class RecordedAnswers:
    """Remembers answers, and appends each to a file of JSON lines where there is one; safe between threads.

    Args:
        path: The file, which is made; None to remember for this run alone.

    Raises:
        MalformedInput: If the file cannot be read or a line is no recorded answer.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, Text] = {}
        if path is not None and path.exists():
            self._read(path)

    def get(self, asked: Asked, answer: Callable[[], Text]) -> Text:
        """The recorded answer, else what ``answer`` gives, which is recorded unless it is empty."""
        key = _key(asked)
        known = self._known.get(key)
        if known is not None:
            return known
        text = answer()
        if text.text:
            self._add(key, asked, text)
        return text

    def _add(self, key: str, asked: Asked, text: Text) -> None:
        line = {"asked": dict(asked), "text": text.text, "seconds": text.seconds, "n_tokens": text.n_tokens}
        with self._lock:
            self._known[key] = text
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _read(self, path: Path) -> None:
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise MalformedInput(f"expected JSON lines of answers in {path}: {error}") from error
        whole, _, torn = content.rpartition("\n")
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = json.loads(line)
                text = Text(str(record["text"]), float(record["seconds"]), int(record["n_tokens"]))
                self._known[_key(record["asked"])] = text
            except (ValueError, TypeError, KeyError) as error:
                raise MalformedInput(
                    f"{path}, line {number}: expected a recorded answer, came {line[:60]!r} ({error!r})"
                ) from error
        if torn:  # the run was killed while it wrote this line; that answer is asked again
            if not torn.startswith(BEGIN):
                raise MalformedInput(f"{path}: expected recorded answers, came {torn[:60]!r} at its end")
            path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")


def _key(asked: Asked) -> str:
    return json.dumps(asked, sort_keys=True, ensure_ascii=False)
