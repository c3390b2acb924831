"""Read the records of a file: its rows by their shape, gathered by prompt.

One row may be one label, so rows about the same prompt are gathered into one record. Invariant: all faults of
a file are found, up to a bound, and told by number, or the malformed rows are skipped and counted if that was
asked for; rows that are sound and cannot be taken are left out and counted; a file whose shape is not known,
or of which nothing is left, is refused with what was found. Non-goal: the syntax of files
(``exchange.files.rows``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from blender_ui.errors import MalformedInput, UnknownShape
from blender_ui.exchange.cells.verdicts import may_tell
from blender_ui.exchange.columns import Columns, Mapped, list_paths
from blender_ui.exchange.fields import FieldError, LeftOut, TooLong, Undecidable
from blender_ui.exchange.files.encodings import UTF_8
from blender_ui.exchange.files.rows import Row, Rows, name_source, open_rows
from blender_ui.exchange.gathering import Gathering
from blender_ui.exchange.jsonl import MOST_FAULTS, tell_faults
from blender_ui.exchange.ratings import ALONE, Rating, RowRead
from blender_ui.exchange.records import PromptRecord, is_decided_between_equals, refuse_long_texts
from blender_ui.exchange.shapes.finding import OWN, Shape, find_shape
from blender_ui.exchange.tally import LeftRow, Tally, say_left_out

NO_VOTE = "It holds no vote that can be read, so people are asked. If a column has votes, map it by hand."
SAME_TEXT = "both answers are the same text, so neither is better"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is to be read.

    Attributes:
        source: The source of rows that name none; None for the file's name.
        mapped: Columns and words that a person translated.
        skip_faulty: Skip malformed rows, and count them, instead of refusing the file.
    """

    source: str | None = None
    mapped: Mapped = field(default_factory=lambda: Mapped({}, {}))
    skip_faulty: bool = False


def read_file(
    path: Path, *, source: str | None = None, tally: Tally | None = None, reading: Reading | None = None
) -> Iterator[PromptRecord]:
    """Read the records of any file or folder whose form is known.

    Args:
        path: See ``files.rows``; what it holds is told by its rows' fields, see ``shapes.finding``.
        source: The source of rows that name none; None for the file's name.
        tally: Counts the rows, and those that are left out.
        reading: How, with a source of its own.

    Yields:
        One record a prompt, in the order in which prompts first come.

    Raises:
        MalformedInput: With every fault by number, or because every row is left out. Take no record for
            good before the iteration has ended.
    """
    tally = tally or Tally()
    with closing(gather_file(path, tally=tally, reading=reading or Reading(source=source))) as gathering:
        yield from take_records(gathering, tally, path)


def gather_file(path: Path, *, tally: Tally, reading: Reading) -> Gathering:
    """Read a file to its end and gather its rows, which the caller closes; see ``read_file``."""
    gathering = Gathering()
    try:
        with open_rows(path) as files:
            unknown: list[UnknownShape] = []
            for rows in files:
                try:
                    _Intake(rows, path, reading, is_alone=len(files) == 1, tally=tally).gather(gathering)
                except UnknownShape as error:
                    if not rows.is_sheet:
                        raise
                    tally.note(f"The {rows.name} was not read: its columns are those of no known shape.")
                    unknown.append(error)
            if unknown and not tally.shapes:
                raise unknown[0]
    except BaseException:
        gathering.close()
        raise
    return gathering


def take_records(gathering: Gathering, tally: Tally, path: Path) -> Iterator[PromptRecord]:
    """The records that were gathered, counted; see ``read_file``."""

    def leave(rating: Rating) -> None:
        tally.leave_out(ALONE, place=rating.place)

    n_records = 0
    for record in gathering.records(leave):
        n_records += 1
        tally.count_votes(record.labels)
        yield record
    if not tally.n_rows:
        tally.note(f"{path.name} holds no rows.")
    elif n_records and not tally.n_votes and tally.unused_columns:
        tally.note(NO_VOTE)
    if not n_records and tally.left_out():
        reasons = "; ".join(map(say_left_out, tally.left_out()))
        raise MalformedInput(f"{path.name}: none of its {tally.n_rows:,} rows can be taken. {reasons}")


class _Intake:
    """One file on its way into records."""

    def __init__(self, file: Rows, root: Path, reading: Reading, *, is_alone: bool, tally: Tally) -> None:
        self._file, self._reading, self._tally = file, reading, tally
        self._source = reading.source or name_source(root)
        self._prefix = file.unit if is_alone else f"{file.name} {file.unit}"
        self._shape: Shape | None = None
        self._used: set[str] = set()

    def gather(self, gathering: Gathering) -> None:
        """Add every row's record, or raise MalformedInput with the faults."""
        faults: list[tuple[int, str]] = []
        if self._file.encoding != UTF_8 and not self._file.encoding.startswith("utf-"):
            self._tally.note(
                f"{self._file.name} is not UTF-8. It was read as {self._file.encoding}, a guess from its "
                "bytes; if letters look wrong, save it as UTF-8."
            )
        for row in self._file.rows:
            self._tally.n_rows += 1
            place = f"{self._prefix} {row.number}"
            try:
                read = self._read(row, place)
                gathering.add(read, place=place, may_repeat=self._shape is not OWN, file=self._file.name)
            except LeftOut as reason:
                self._tally.leave_out(str(reason), place=place)
                gathering.leave(LeftRow(place, str(reason), _as_it_is(row)))
            except FieldError as fault:
                if self._reading.skip_faulty and not isinstance(fault, Undecidable):
                    self._tally.skip(str(fault), place=place)
                    gathering.leave(LeftRow(place, str(fault), _as_it_is(row)))
                    continue
                faults.append((row.number, str(fault)))
                if len(faults) == MOST_FAULTS or isinstance(fault, TooLong | Undecidable):
                    break
        if faults:
            told = tell_faults(self._file.name, faults, unit=self._file.unit)
            raise MalformedInput(told, faults=tuple(faults), columns=self._tally.paths)

    def _read(self, row: Row, place: str) -> RowRead:
        values = self._values(row)
        columns = Columns(values, self._used)
        if self._shape is None:
            self._shape = find_shape(dict(columns), path=self._file.path, columns=self._tally.paths)
        self._tally.shapes[self._shape.name] += 1
        read = _parse(self._shape, columns, self._source)
        self._tally.see_columns(columns, self._used)
        refuse_long_texts(read.record)
        for reason in read.left_out:
            self._tally.leave_out(reason, place=place)
        if read.ratings:
            read = replace(read, ratings=tuple(replace(rating, place=place) for rating in read.ratings))
        return self._without_equals(read, place)

    def _values(self, row: Row) -> Mapping[str, Any]:
        if row.fault is not None:
            raise row.fault
        if not isinstance(row.value, dict):
            raise FieldError(f"expected an object, came {type(row.value).__name__}")
        if not self._tally.paths:
            self._tally.paths = list_paths(row.value)
        mapped = self._reading.mapped
        if not mapped:
            return row.value
        values = mapped.apply(row.value)
        if mapped.has_no_winner:
            values = {name: value for name, value in values.items() if not may_tell(name)}
        return values

    def _without_equals(self, read: RowRead, place: str) -> RowRead:
        record = read.record
        labels = tuple(label for label in record.labels if not is_decided_between_equals(record, label))
        if len(labels) == len(record.labels):
            return read
        if not labels and len(record.candidates) == 2:
            raise LeftOut(SAME_TEXT)
        for _ in range(len(record.labels) - len(labels)):
            self._tally.leave_out(SAME_TEXT, place=place)
        return replace(read, record=replace(record, labels=labels))


def _as_it_is(row: Row) -> Mapping[str, Any]:
    return row.value if isinstance(row.value, dict) else {"text": row.text or row.value}


def _parse(shape: Shape, columns: Columns, source: str) -> RowRead:
    try:
        read = shape.parse(columns, source)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        # Other tools' rows nest deeper than their parsers check at every step.
        raise FieldError(
            f"cannot be read as {shape.name}: a value has another type or size than expected ({error!r})"
        ) from error
    return read if isinstance(read, RowRead) else RowRead(record=read)
