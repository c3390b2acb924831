"""What the rows of a file mean: which tool wrote them, and the records they make.

A shape is known by its fields. One row may be one label, so rows about the same prompt are gathered into
one record. Invariant: all faults of a file are found, up to a bound, and told by number; rows that are sound
and cannot be taken are left out and counted; a file whose shape is not known, or of which nothing is left,
is refused with what was found. Non-goal: the syntax of files (``exchange.rows``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.exchange import argilla, fastchat, flat, label_studio
from blender_ui.exchange.fields import FieldError, LeftOut, TooLong
from blender_ui.exchange.gathering import Gathering
from blender_ui.exchange.jsonl import MOST_FAULTS, parse_record, tell_faults
from blender_ui.exchange.records import PromptRecord, is_decided_between_equals, refuse_long_texts
from blender_ui.exchange.rows import Row, Rows, name_source, open_rows
from blender_ui.exchange.tally import Tally, say_left_out
from blender_ui.outside import find_fault

Parser = Callable[[Mapping[str, Any], str], PromptRecord]
"""Takes a row's fields and the source to use where they name none."""
SAME_TEXT = "both answers are the same text, so neither is better"


class Shape(NamedTuple):
    """A form of rows, in a sentence, and how one is read.

    Attributes:
        needs: Names that must all be among a row's fields; each may be one of several.
    """

    name: str
    needs: tuple[tuple[str, ...], ...]
    parse: Parser

    def fits(self, fields: Mapping[str, Any]) -> bool:
        """Whether a row with these fields is of this shape."""
        return all(any(name in fields for name in names) for names in self.needs)


def _parse_own(fields: Mapping[str, Any], source: str) -> PromptRecord:
    return parse_record(fields)


OWN = Shape("this app's records", (("candidates",), ("labels",)), _parse_own)
SHAPES = (
    OWN,
    Shape("Label Studio, pairwise", (("data",), ("annotations",)), label_studio.parse_task),
    Shape("Argilla records", (("fields",), ("responses",)), argilla.parse_record),
    Shape("FastChat votes", (("type",), ("models",), ("states",)), fastchat.parse_vote),
    Shape("FastChat logs", (("type",), ("model",), ("state",)), fastchat.parse_vote),
    Shape(
        "FastChat battles",
        (("winner", "winner_model_a"), ("model_a",), ("model_b",), ("conversation_a",), ("conversation_b",)),
        fastchat.parse_battle,
    ),
    Shape("one label a row", (("prompt",), flat.TEXT_A, flat.TEXT_B), flat.parse_label_row),
    Shape("chosen and rejected", (("chosen",), ("rejected",)), flat.parse_chosen_row),
)


def read_file(path: Path, *, source: str | None = None, tally: Tally | None = None) -> Iterator[PromptRecord]:
    """Read the records of any file or folder whose form is known.

    Args:
        path: See ``exchange.rows``; what it holds is told by its rows' fields, see ``SHAPES``.
        source: The source of rows that name none; None for the file's name.
        tally: Counts the rows, and those that are left out.

    Yields:
        One record a prompt, in the order in which prompts first come.

    Raises:
        MalformedInput: With every fault by number, or because every row is left out. Take no record for
            good before the iteration has ended.
    """
    source = source or name_source(path)
    tally = tally or Tally()
    n_records = 0
    with open_rows(path) as files:
        gathering = Gathering()
        for rows in files:
            _Intake(rows, source, is_alone=len(files) == 1, tally=tally).gather(gathering)
    for record in gathering.records():
        n_records += 1
        yield record
    if not n_records and tally.left_out():
        reasons = "; ".join(map(say_left_out, tally.left_out()))
        raise MalformedInput(f"{path.name}: none of its {tally.n_rows:,} rows can be taken. {reasons}")


class _Intake:
    """One file on its way into records."""

    def __init__(self, file: Rows, source: str, *, is_alone: bool, tally: Tally) -> None:
        self._file, self._source, self._tally = file, source, tally
        self._prefix = file.unit if is_alone else f"{file.path.name} {file.unit}"
        self._shape: Shape | None = None

    def gather(self, gathering: Gathering) -> None:
        """Add every row's record, or raise MalformedInput with the faults."""
        faults: list[tuple[int, str]] = []
        for row in self._file.rows:
            self._tally.n_rows += 1
            try:
                record = self._read(row)
                gathering.add(record, number=row.number, may_repeat=self._shape is not OWN)
            except LeftOut as reason:
                self._tally.leave_out(str(reason), place=f"{self._prefix} {row.number}")
            except FieldError as fault:
                faults.append((row.number, str(fault)))
                if len(faults) == MOST_FAULTS or isinstance(fault, TooLong):
                    break
        if faults:
            told = tell_faults(self._file.path, faults, unit=self._file.unit)
            raise MalformedInput(told, faults=tuple(faults))

    def _read(self, row: Row) -> PromptRecord:
        fields = _fields(row)
        self._shape = self._shape or find_shape(fields, path=self._file.path)
        record = _parse(self._shape, fields, self._source)
        refuse_long_texts(record)
        labels = tuple(label for label in record.labels if not is_decided_between_equals(record, label))
        if len(labels) == len(record.labels):
            return record
        if not labels and len(record.candidates) == 2:
            raise LeftOut(SAME_TEXT)
        for _ in range(len(record.labels) - len(labels)):
            self._tally.leave_out(SAME_TEXT, place=f"{self._prefix} {row.number}")
        return replace(record, labels=labels)


def _fields(row: Row) -> Mapping[str, Any]:
    if row.fault is not None:
        raise row.fault
    if not isinstance(row.value, dict):
        raise FieldError(f"expected an object, came {type(row.value).__name__}")
    return row.value


def _parse(shape: Shape, fields: Mapping[str, Any], source: str) -> PromptRecord:
    try:
        return shape.parse(fields, source)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        # Other tools' rows nest deeper than their parsers check at every step.
        raise FieldError(
            f"cannot be read as {shape.name}: a value has another type or size than expected ({error!r})"
        ) from error


def _check_texts(record: PromptRecord) -> None:
    """Whichever shape and syntax it had, a database must be able to keep it."""
    texts = [
        record.id,
        record.source,
        record.prompt,
        record.input,
        record.licence,
        record.lang,
        record.category,
    ]
    texts += [text for candidate in record.candidates for text in (candidate.model, candidate.text)]
    texts += [text for label in record.labels for text in (label.annotator, label.reason)]
    for text in texts:
        fault = find_fault(text) if text else None
        if fault is not None and text:
            raise FieldError(f"a text holds {fault}: {text[:40]!a}")


def find_shape(fields: Mapping[str, Any], *, path: Path) -> Shape:
    """The shape that a row's fields have.

    Raises:
        MalformedInput: If it is none of ``SHAPES``.
    """
    for shape in SHAPES:
        if shape.fits(fields):
            return shape
    expected = "; ".join(f"{shape.name}: {_say_needs(shape)}" for shape in SHAPES)
    found = ", ".join(map(repr, list(fields)[:12])) or "no field at all"
    raise MalformedInput(f"{path.name} has the fields {found}. Expected those of one of these: {expected}")


def _say_needs(shape: Shape) -> str:
    return ", ".join(names[0] for names in chain(shape.needs))


def describe_shapes() -> Iterable[tuple[str, str]]:
    """Each shape's name and the fields by which it is known."""
    return ((shape.name, _say_needs(shape)) for shape in SHAPES)
