"""JSON lines, plain or gzipped: one prompt a line, with its candidates and labels.

    {"id": "...", "source": "...", "prompt": "...", "instruction_input": "...",
     "candidates": [{"model": "...", "text": "..."}],
     "labels": [{"annotator": "...", "a": 0, "b": 1, "winner": "a" | "b" | "tie", "kind": "human" | "judge"}],
     "licence": "...", "lang": "...", "category": "..."}

``instruction_input``, ``history`` (the messages before the prompt, with ``role`` and ``content``),
``licence``, ``lang`` and ``category`` may be absent, and so may a label's ``strength`` ("slight", "clear",
or a number in (0, 1]), ``accept_a`` and ``accept_b`` (whether the answer is acceptable at all; a tie of two
that are not is "both bad"), ``reason``, ``seconds``, ``at`` (ISO 8601, with its zone), ``criteria`` (a
winner by criterion) and ``ballot`` (equal for what was said of several answers at once). Other
keys are ignored.

Invariant: every fault of a file is found, up to a bound, and told by its line. Non-goal: the store.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from blender_ui.conversations import messages_json, parse_messages
from blender_ui.errors import MalformedInput
from blender_ui.exchange.fields import FieldError, Fields, has_words, refuse_half_characters
from blender_ui.exchange.files.encodings import UTF_8, numbered_lines
from blender_ui.exchange.limits import shorten
from blender_ui.exchange.records import (
    CandidateRecord,
    Kind,
    LabelRecord,
    PromptRecord,
    Winner,
    refuse_long_texts,
)
from blender_ui.values import Message

MOST_FAULTS = 100
"""A file with more faults than this is given up on."""
STRENGTH_BY_WORD = {"slight": 0.5, "clear": 1.0}

_WINNERS: dict[str, Winner] = {"a": "a", "b": "b", "tie": "tie"}
_KINDS: dict[str, Kind] = {"human": "human", "judge": "judge"}


def read_records(path: Path) -> Iterator[PromptRecord]:
    """Read a file's records in order.

    Args:
        path: A file of JSON lines, which may be compressed. Blank lines are skipped.

    Yields:
        One record a line.

    Raises:
        MalformedInput: After the last line, or after ``MOST_FAULTS`` faults, if any line was not
            a record, or told the same ``(source, id)`` as an earlier one; at once, if the file
            cannot be read. Take no record for good before the iteration has ended.
    """
    faults: list[tuple[int, str]] = []
    line_of: dict[tuple[str, str], int] = {}
    for number, line in numbered_lines(path, UTF_8):
        try:
            record = parse_record(decode_json(line))
            refuse_long_texts(record)
            first = line_of.setdefault((record.source, record.id), number)
            if first != number:
                raise FieldError(f"id {record.id!r} of source {record.source!r} is on line {first} already")
        except FieldError as fault:
            faults.append((number, str(fault)))
            if len(faults) == MOST_FAULTS:
                break
        else:
            yield record
    if faults:
        raise MalformedInput(tell_faults(path.name, faults), faults=tuple(faults))


def write_records(path: Path, records: Iterable[PromptRecord]) -> int:
    """Write records in the form that ``read_records`` reads back as equal; say how many.

    Args:
        path: Written anew; gzipped if its name ends in ``.gz``, the same bytes for the same records.
        records: In the order in which they are to stand.
    """
    n_records = 0
    with path.open("wb") as raw:
        stream: BinaryIO | gzip.GzipFile = raw
        if path.suffix == ".gz":
            stream = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6)
        with stream:
            for record in records:
                line = json.dumps(_as_object(record), ensure_ascii=False, sort_keys=True)
                stream.write(line.encode() + b"\n")
                n_records += 1
    return n_records


def parse_record(value: Any) -> PromptRecord:
    """Turn one decoded object of the form above into a record.

    Raises:
        FieldError: Saying what is wrong with it.
    """
    fields = Fields(value)
    prompt, given_input = fields.text("prompt"), fields.optional_text("instruction_input") or ""
    if not (has_words(prompt) or has_words(given_input)):
        raise fields.fault("'prompt' is blank, and so is 'instruction_input'")
    candidates = tuple(
        CandidateRecord(model=shorten(candidate.text("model", blank=False), 128), text=candidate.text("text"))
        for candidate in fields.objects("candidates")
    )
    return PromptRecord(
        id=shorten(fields.text("id", blank=False), 256),
        source=shorten(fields.text("source", blank=False), 128),
        prompt=prompt,
        input=given_input,
        history=_parse_history(fields),
        candidates=candidates,
        labels=tuple(_parse_label(label, len(candidates)) for label in fields.objects("labels")),
        licence=_short(fields.optional_text("licence"), 128),
        lang=_short(fields.optional_text("lang"), 32),
        category=_short(fields.optional_text("category"), 128),
    )


def _parse_history(fields: Fields) -> tuple[Message, ...]:
    try:
        return parse_messages(fields.value.get("history") or [])
    except ValueError as error:
        raise fields.fault(f"'history': {error}") from error


def _short(name: str | None, most: int) -> str | None:
    return None if name is None else shorten(name, most)


def _parse_label(fields: Fields, n_candidates: int) -> LabelRecord:
    a, b = fields.index("a", n=n_candidates), fields.index("b", n=n_candidates)
    if a == b:
        raise fields.fault(f"'a' and 'b' are both {a}; a candidate is not compared with itself")
    winner = fields.choice("winner", _WINNERS)
    if winner == "tie" and fields.flag("accept_a") is False and fields.flag("accept_b") is False:
        winner = "both_bad"
    strength = fields.number("strength", words=STRENGTH_BY_WORD)
    if strength is not None and not 0 < strength <= 1:
        raise fields.fault(f"expected 'strength' above 0 and at most 1, came {strength}")
    seconds = fields.number("seconds")
    if seconds is not None and seconds < 0:
        raise fields.fault(f"expected 'seconds' to be 0 or more, came {seconds}")
    return LabelRecord(
        annotator=shorten(fields.text("annotator", blank=False), 128),
        a=a,
        b=b,
        winner=winner,
        kind=fields.choice("kind", _KINDS),
        strength=strength,
        reason=fields.optional_text("reason"),
        seconds=seconds,
        at=parse_time(fields),
        criteria=_parse_criteria(fields),
        ballot=_short(fields.optional_text("ballot"), 128),
    )


def _parse_criteria(fields: Fields) -> tuple[tuple[str, Winner], ...]:
    value = fields.value.get("criteria")
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(str(choice) in _WINNERS for choice in value.values()):
        raise fields.fault(f"expected 'criteria' as an object of {', '.join(_WINNERS)}; came {value!r}")
    return tuple((name, _WINNERS[str(choice)]) for name, choice in value.items())


def parse_time(fields: Fields) -> str | None:
    """The field ``at``, a time with its zone, in UTC; None where it is absent."""
    text = fields.optional_text("at")
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise fields.fault(f"expected 'at' to be a time in ISO 8601, came {text!r}") from error
    if time.tzinfo is None:
        raise fields.fault(f"'at' has no zone: {text!r}; write {text}Z for UTC")
    try:
        return time.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise fields.fault(f"expected 'at' in the years 1 to 9999 of UTC, came {text!r}") from error


def decode_json(line: bytes) -> Any:
    """Decode JSON whose texts a database and a file can keep; raises FieldError where it is not."""
    try:
        value = json.loads(line.decode())
        if b"\\u" in line:
            refuse_half_characters(value)
    except UnicodeDecodeError as error:
        raise FieldError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise FieldError(f"not JSON: {error}") from error
    except ValueError as error:
        raise FieldError("a whole number in it has too many digits") from error
    return value


def tell_faults(name: str, faults: Sequence[tuple[int, str]], *, unit: str = "line") -> str:
    """One sentence for the faults of a file, of which there is at least one.

    Args:
        name: The file's.
        faults: Number and reason, each.
        unit: What the numbers count: lines, rows, tasks.
    """
    number, reason = faults[0]
    if len(faults) == 1:
        return f"{name}, {unit} {number}: {reason}"
    n_faults = f"at least {len(faults)}" if len(faults) == MOST_FAULTS else str(len(faults))
    return f"{n_faults} {unit}s of {name} are malformed, the first is {unit} {number}: {reason}"


def _as_object(record: PromptRecord) -> dict[str, Any]:
    written = {
        "id": record.id,
        "source": record.source,
        "prompt": record.prompt,
        "instruction_input": record.input or None,
        "history": messages_json(record.history) or None,
        "candidates": [{"model": candidate.model, "text": candidate.text} for candidate in record.candidates],
        "labels": [_label_as_object(label) for label in record.labels],
        "licence": record.licence,
        "lang": record.lang,
        "category": record.category,
    }
    return {key: value for key, value in written.items() if value is not None}


def _label_as_object(label: LabelRecord) -> dict[str, Any]:
    is_both_bad = label.winner == "both_bad"
    written = {
        "annotator": label.annotator,
        "a": label.a,
        "b": label.b,
        "winner": "tie" if is_both_bad else label.winner,
        "kind": label.kind,
        "accept_a": False if is_both_bad else None,
        "accept_b": False if is_both_bad else None,
        "strength": label.strength,
        "reason": label.reason,
        "seconds": label.seconds,
        "at": label.at,
        "criteria": dict(label.criteria) or None,
        "ballot": label.ballot,
    }
    return {key: value for key, value in written.items() if value is not None}
