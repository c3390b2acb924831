"""Takes a response's body apart into JSON documents, whatever its headers say of it.

Invariant: a line is an event, part of one, something that the standard of server-sent events skips, or a
``ProtocolFault``; what looks like data is never skipped. Non-goal: what the documents mean.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import NoReturn

from blender_ui.members.openai.errors import page_words

DONE = "[DONE]"
_MARKS = "\ufeff\u200b \t"
"""Byte-order marks, which some servers write before every event, and blanks."""
_MAX_PAGE = 20_000


class ProtocolFault(ValueError):
    """What came is not of the protocol; the message says what was expected and what came."""

    def __init__(self, message: str, *, is_page: bool = False) -> None:
        super().__init__(message)
        self.is_page = is_page
        """A web page came."""


class EventReader:
    """Reads one body: an event stream, lines of JSON, or one JSON document."""

    def __init__(self) -> None:
        # By the standard an event stream is UTF-8, whatever charset the header names.
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._ends_with_cr = False
        self._pending: list[str] = []
        """Lines of a document that is not whole yet."""
        self._is_bare = False
        """The pending lines are JSON by themselves, without ``data:``."""
        self._event = ""
        self._page = ""
        self._n_events = 0
        self._skipped = ""
        """The first line that was no event."""

    def feed(self, data: bytes) -> Iterator[object]:
        """The documents that these bytes complete, one after the other; ``DONE`` for the end's mark.

        Raises:
            ProtocolFault: If they hold something else.
        """
        try:
            text = self._decoder.decode(data)
        except UnicodeDecodeError as error:
            raise ProtocolFault(f"expected text in UTF-8, found the bytes {error.object[:20]!r}") from error
        if text and self._ends_with_cr:
            self._ends_with_cr, text = False, text.removeprefix("\n")
        if text:
            self._ends_with_cr = text.endswith("\r")
        *lines, self._rest = re.split(r"\r\n|\n|\r", self._rest + text)
        for line in lines:
            yield from self._read(line)

    def end(self) -> Iterator[object]:
        """The documents that the end of the body completes.

        Raises:
            ProtocolFault: As ``feed``, or if the body was something else altogether.
        """
        documents = self._read(self._rest)
        self._rest = ""
        if self._page:
            said = f"expected an answer, a web page came: {page_words(self._page)!r}"
            raise ProtocolFault(f"{said}, as at a wrong address or before a sign-in", is_page=True)
        if self._pending and not self._n_events:
            self._raise("\n".join(self._pending))
        if self._skipped and not self._n_events and not documents:
            self._raise(self._skipped)
        yield from documents

    def _read(self, line: str) -> list[object]:
        line = line.strip(_MARKS)
        if self._page:
            self._page += f"{line}\n" if len(self._page) < _MAX_PAGE else ""
            return []
        if not line:
            return self._end_event()
        field, colon, value = line.partition(":")
        if self._is_bare and self._pending:
            return self._add(line)
        match field.strip().lower():
            case "":
                return []  # A comment keeps the connection alive.
            case "data":
                return self._add(value.strip(_MARKS))
            case "event":
                self._event = value.strip()
                return []
        if line == DONE or line[0] in "{[":
            self._is_bare = True
            return self._add(line)
        if line[0] == "<":
            self._page = f"{line}\n"
            return []
        self._skipped = self._skipped or line
        if "{" in line or not (colon or re.fullmatch(r"[\w-]+", line)):
            self._raise(line)
        return []

    def _add(self, value: str) -> list[object]:
        while value.startswith("data:"):  # Some gateways put theirs before another's.
            value = value.removeprefix("data:").strip(_MARKS)
        if not self._pending and value in ("", DONE):
            return [DONE] if value else []
        self._pending.append(value)
        if not value.endswith(("}", "]")) and len(self._pending) > 1:
            return []
        try:
            document = json.loads("\n".join(self._pending))
        except ValueError:
            return []
        if self._event == "error" and isinstance(document, dict) and "error" not in document:
            document = {"error": document}
        return self._found(document)

    def _end_event(self) -> list[object]:
        event, text = self._event, "\n".join(self._pending)
        if self._is_bare or not text:
            self._event = ""
            return []
        if event != "error":
            self._raise(text)
        self._event = ""
        return self._found({"error": text})

    def _found(self, document: object) -> list[object]:
        self._pending, self._is_bare = [], False
        self._n_events += 1
        return [document]

    def _raise(self, found: str) -> NoReturn:
        raise ProtocolFault(f"expected an event of an OpenAI stream, found {found[:200]!r}")
