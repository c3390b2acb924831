"""What the rows of a file mean: which tool wrote them, and the records they make.

A shape is known by its fields. One row may be one label, so rows about the same prompt are gathered into
one record. Invariant: all faults of a file are found, up to a bound, and told by number; a file whose shape
is not known is refused with what was found and what would do. Non-goal: the syntax of files
(``exchange.rows``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.exchange import argilla, fastchat, flat, label_studio
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.gathering import Gathering
from blender_ui.exchange.jsonl import MOST_FAULTS, parse_record, tell_faults
from blender_ui.exchange.records import PromptRecord
from blender_ui.exchange.rows import Row, Rows, name_source, open_rows
from blender_ui.outside import find_fault

Parser = Callable[[Mapping[str, Any], str], PromptRecord | None]
"""Takes a row's fields and the source to use where they name none; None for a row that is no preference."""


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
        (("winner",), ("model_a",), ("model_b",), ("conversation_a",), ("conversation_b",)),
        fastchat.parse_battle,
    ),
    Shape("one label a row", (("prompt",), flat.TEXT_A, flat.TEXT_B), flat.parse_label_row),
    Shape("chosen and rejected", (("chosen",), ("rejected",)), flat.parse_chosen_row),
)


def read_file(path: Path, *, source: str | None = None) -> Iterator[PromptRecord]:
    """Read the records of any file or folder whose form is known.

    Args:
        path: See ``exchange.rows``; what it holds is told by its rows' fields, see ``SHAPES``.
        source: The source of rows that name none; None for the file's name.

    Yields:
        One record a prompt, in the order in which prompts first come.

    Raises:
        MalformedInput: With every fault by number. Take no record for good before the iteration has
            ended.
    """
    source = source or name_source(path)
    with open_rows(path) as files:
        gathering = Gathering()
        for rows in files:
            _gather_file(rows, source, gathering)
    yield from gathering.records()


def _gather_file(file: Rows, source: str, gathering: Gathering) -> None:
    faults: list[tuple[int, str]] = []
    shape: Shape | None = None
    for row in file.rows:
        try:
            fields = _fields(row)
            shape = shape or find_shape(fields, path=file.path)
            record = _parse(shape, fields, source)
            if record is not None:
                _check_texts(record)
                gathering.add(record, number=row.number, may_repeat=shape is not OWN)
        except FieldError as fault:
            faults.append((row.number, str(fault)))
            if len(faults) == MOST_FAULTS:
                break
    if faults:
        raise MalformedInput(tell_faults(file.path, faults, unit=file.unit), faults=tuple(faults))


def _fields(row: Row) -> Mapping[str, Any]:
    if row.fault is not None:
        raise FieldError(row.fault)
    if not isinstance(row.value, dict):
        raise FieldError(f"expected an object, came {type(row.value).__name__}")
    return row.value


def _parse(shape: Shape, fields: Mapping[str, Any], source: str) -> PromptRecord | None:
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
