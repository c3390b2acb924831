"""Rows of JSON documents: an array, an object around one, tables of columns, or objects in sequence.

The text is decoded row by row, so memory holds one row however long the array is. Invariant: every value at
the place of a row is given, in its order; what surrounds rows is never taken for one. Non-goals: JSON lines,
whose faults are told line by line (``exchange.files.rows``), and what rows mean.
"""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.exchange.fields import FieldError, LeftOut, refuse_half_characters
from blender_ui.exchange.files.encodings import open_utf8
from blender_ui.exchange.limits import MOST_LINE_BYTES

WRAPPERS = frozenset(
    (
        *("data", "dataset", "rows", "items", "records", "examples", "instances", "samples", "entries"),
        *("results", "pairs", "votes", "battles", "comparisons", "preferences", "feedback", "feedbacks"),
        *("train", "training", "test", "valid", "validation", "dev"),
    )
)
"""Names under which an object keeps rows beside what it says of itself."""
_NESTED = frozenset(("rows", "records", "data", "examples"))
"""The same within one of those."""
_SIGNS_OF_A_ROW = frozenset(("prompt", "instruction", "question", "messages", "candidates", "fields"))
_CHUNK = 1 << 18
_MARGIN = 16
"""A token that a chunk's end may cut, such as ``-Infinity``, is shorter."""

_Row = tuple[Any, FieldError | None]
_Rows = Generator[_Row, None, dict[str, Any] | None]


class _Decoded(NamedTuple):
    value: Any
    may_hold_halves: bool


def read_documents(path: Path, encoding: str) -> Iterator[_Row]:
    """Each row of a JSON file, or the row with its fault.

    Args:
        path: May be compressed.
        encoding: Of the file.

    Raises:
        MalformedInput: At a place that is no JSON; what stands behind it cannot be told.
    """
    try:
        with open_utf8(path, encoding) as stream, io.TextIOWrapper(stream, "utf-8-sig") as text:
            scanner = _Scanner(text)
            while scanner.peek():
                yield from _read_value(scanner)
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path.name}: not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise MalformedInput(f"{path.name}: not JSON: it nests too deep") from error
    except json.JSONDecodeError as error:
        raise MalformedInput(f"{path.name}: not JSON: {error.msg} ({error.doc})") from error
    except ValueError as error:
        raise MalformedInput(f"{path.name}: a whole number in it has too many digits") from error


def holds_rows(value: Any) -> bool:
    """Whether a whole object is no row itself: it wraps rows, or is a table of them."""
    if not isinstance(value, dict):
        return False
    rows = _read_value(_Scanner(io.StringIO(json.dumps(value))))
    return [row for row, _ in islice(rows, 2)] != [value]


def _read_value(scanner: _Scanner) -> Iterator[_Row]:
    """The rows of one value at the top."""
    match scanner.peek():
        case "[":
            yield from _read_array(scanner)
        case "{":
            value = yield from _read_object(scanner, WRAPPERS)
            if value is not None:
                yield from (_checked(_Decoded(row, True)) for row in _rows_of_table(value))
        case _:
            yield scanner.decode().value, None


def _read_array(scanner: _Scanner) -> Iterator[_Row]:
    scanner.expect("[")
    while scanner.peek() != "]":
        yield _checked(scanner.decode())
        if not scanner.skip_comma("]"):
            break
    scanner.expect("]")


def _read_object(scanner: _Scanner, wrappers: frozenset[str]) -> _Rows:
    """Give the rows that an object wraps; return the object itself where it wraps none."""
    value: dict[str, Any] = {}
    has_rows = False
    scanner.expect("{")
    while scanner.peek() != "}":
        name = scanner.decode().value
        scanner.expect(":")
        may_wrap = name in wrappers and _SIGNS_OF_A_ROW.isdisjoint(value)
        if may_wrap and scanner.begins_array_of_objects():
            has_rows = True
            yield from _read_array(scanner)
        elif may_wrap and wrappers is not _NESTED and scanner.peek() == "{":
            held = yield from _read_object(scanner, _NESTED)
            has_rows = has_rows or held is None
            value[name] = held
        else:
            value[name] = scanner.decode().value
        if not scanner.skip_comma("}"):
            break
    scanner.expect("}")
    return None if has_rows else value


def _checked(decoded: _Decoded) -> _Row:
    """A row, without what a data viewer's answers wrap around it."""
    value = decoded.value
    try:
        if decoded.may_hold_halves:
            refuse_half_characters(value)
        if isinstance(value, dict) and value.keys() >= {"row_idx", "row"}:
            if value.get("truncated_cells"):
                raise LeftOut("the data set's viewer cut a cell of it short")
            value = value["row"]
    except FieldError as fault:
        return value, fault
    return value, None


def _rows_of_table(value: dict[str, Any]) -> list[Any]:
    """The rows of an object that is a table, in any of the ways in which pandas writes one; else itself."""
    held = list(value.values())
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        columns = value["columns"]
        if all(isinstance(row, list) and len(row) == len(columns) for row in value["data"]):
            return [dict(zip(columns, row, strict=True)) for row in value["data"]]
    if held and all(isinstance(one, Mapping) for one in held):
        if all(name.isdecimal() for name in value):
            return held
        indices = list(held[0])
        are_numbers = bool(indices) and all(index.isdecimal() for index in indices)
        if are_numbers and all(list(column) == indices for column in held):
            return [{name: value[name][index] for name in value} for index in indices]
    if len(held) > 2 and all(isinstance(one, list) for one in held):
        cells = [cell for column in held for cell in column]
        is_even = len({len(column) for column in held}) == 1
        if is_even and not any(isinstance(cell, list | Mapping) for cell in cells):
            return [dict(zip(value, row, strict=True)) for row in zip(*held, strict=True)]
    return [value]


class _Scanner:
    """Reads JSON values one after the other from a text that comes in chunks.

    Args:
        text: Read as far as the next value needs.
    """

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._decoder = json.JSONDecoder()
        self._buffer, self._at, self._n_before = "", 0, 0
        self._is_whole = False
        """Whether the text's end is in the buffer."""

    def peek(self) -> str:
        """The next character that is not blank; nothing at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n\x1e":
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_on():
                return ""

    def begins_array_of_objects(self) -> bool:
        """Whether an array with an object as its first item is next; does not move."""
        if self.peek() != "[":
            return False
        ahead = self._at + 1
        while True:
            while ahead < len(self._buffer) and self._buffer[ahead] in " \t\r\n":
                ahead += 1
            if ahead < len(self._buffer):
                return self._buffer[ahead] == "{"
            start = self._at
            if not self._read_on():
                return False
            ahead -= start - self._at

    def expect(self, sign: str) -> None:
        """Pass a sign; raises JSONDecodeError where another one stands."""
        if self.peek() != sign:
            raise self._fault(f"expected {sign!r}")
        self._at += 1

    def skip_comma(self, end: str) -> bool:
        """Pass a comma; False where the end is next instead."""
        if self.peek() == end:
            return False
        self.expect(",")
        if self.peek() == end:
            raise self._fault("expected another value after ','")
        return True

    def decode(self) -> _Decoded:
        """The next value; raises JSONDecodeError where there is none, or one longer than a row may be."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                is_cut = error.pos >= len(self._buffer) - _MARGIN or error.msg.startswith("Unterminated")
                if self._is_whole or not is_cut:
                    raise self._fault(error.msg, at=error.pos) from error
            else:
                # A number at the end of what was read may go on.
                if end < len(self._buffer) or self._is_whole:
                    may_hold_halves = "\\u" in self._buffer[self._at : end]
                    self._at = end
                    return _Decoded(value, may_hold_halves)
            if len(self._buffer) - self._at > MOST_LINE_BYTES:
                raise self._fault(f"one row is longer than {MOST_LINE_BYTES / 1e6:.0f} MB")
            self._read_on()

    def _read_on(self) -> bool:
        """Read at least as much as is unread, so that a long value costs no more than twice its length."""
        self._n_before += self._at
        self._buffer, self._at = self._buffer[self._at :], 0
        more = self._text.read(max(_CHUNK, len(self._buffer)))
        self._is_whole = not more
        self._buffer += more
        return bool(more)

    def _fault(self, message: str, *, at: int | None = None) -> json.JSONDecodeError:
        place = self._at if at is None else at
        found = self._buffer[place : place + 20]
        seen = f"found {found!r}" if found else "the file ends"
        return json.JSONDecodeError(f"{message} at character {self._n_before + place + 1:,}", seen, 0)
