"""Gather rows that are about the same prompt into one record, on the disk where there are many.

Invariant: candidates keep the order in which they first come, and are one where model and text are; labels
keep theirs. Votes that a file gives to nobody are of different people, who are told apart by their place
among the unnamed ones of a pair: the same file, or a longer one, gives them the same names. Memory holds one
prompt at a time. Non-goal: reading rows.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from heapq import merge
from itertools import count, groupby
from operator import attrgetter, itemgetter
from typing import Any

from blender_ui.errors import StorageError
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.limits import shorten
from blender_ui.exchange.ratings import Judged, Rating, RowRead, judge
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord
from blender_ui.exchange.tally import LeftRow
from blender_ui.values import Message

UNNAMED = ""
"""The annotator of a label whose row does not name one, until ``Gathering.records`` tells them apart."""
SOMEONE = "someone"
"""What the first unnamed annotator of a pair is called; the next ones are someone-2, someone-3."""
_IS_SOMEONE = re.compile(rf"{SOMEONE}(-\d+)?")
_LABEL_NAMES = tuple(one.name for one in fields(LabelRecord))
_RECORD_NAMES = tuple(one.name for one in fields(PromptRecord) if one.name not in ("candidates", "labels"))
_LABEL, _RECORD = attrgetter(*_LABEL_NAMES), attrgetter(*_RECORD_NAMES)
_CACHE_KIB = 64 << 10

OnAlone = Callable[[Rating], None]
"""Takes a rating that made no vote."""


class Gathering:
    """Records in the making, by source and id. Close it, which removes what it keeps."""

    def __init__(self) -> None:
        # A database without a name is SQLite's own temporary file: in memory while it is small.
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB};"
            "CREATE TABLE prompt (id INTEGER PRIMARY KEY, key BLOB UNIQUE, asked BLOB, may_repeat INT, "
            "place TEXT, file TEXT, content BLOB);"  # of the first row about it; the others' are in "more"
            "CREATE TABLE more (id INTEGER PRIMARY KEY, prompt_id INT, content BLOB);"
            "CREATE INDEX by_prompt ON more (prompt_id);"
            "CREATE TABLE left_out (content BLOB);"
            "BEGIN;"  # one transaction, since each one costs more than its statements
        )
        self.n_prompts = 0

    def close(self) -> None:
        """Remove what was kept."""
        self._rows.close()

    def add(self, read: RowRead, *, place: str, may_repeat: bool, file: str = "") -> None:
        """Take what one row says.

        Args:
            read: Its record's candidates join those of earlier rows with the same source and id.
            place: Of the row, for faults.
            may_repeat: Whether other rows may be about the same prompt.
            file: Where it stands. Files of a folder may each number their prompts from 0, so an id that an
                earlier file gave to another prompt is told apart by the file's name.

        Raises:
            FieldError: If an earlier row had the same id for another prompt, or one of the two may not
                repeat.
        """
        record = read.record
        key, asked = (
            _digest(record.source, record.id),
            _digest(json.dumps([record.prompt, record.input, record.history])),
        )
        with _Space():
            content = _pack(read)
            added = self._rows.execute(
                "INSERT OR IGNORE INTO prompt (key, asked, may_repeat, place, file, content) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (key, asked, may_repeat, place, file, content),
            )
            if added.rowcount:
                self.n_prompts += 1
                return
            found = self._rows.execute(
                "SELECT id, asked, may_repeat, place, file FROM prompt WHERE key = ?", (key,)
            ).fetchone()
            if may_repeat and found[1] != asked and found[4] != file:
                own_id = shorten(f"{file}/{record.id}", 256)
                return self.add(
                    replace(read, record=replace(record, id=own_id)),
                    place=place,
                    may_repeat=may_repeat,
                    file=file,
                )
            prompt_id = _check_again(record, found, asked, may_repeat)
            self._rows.execute("INSERT INTO more (prompt_id, content) VALUES (?, ?)", (prompt_id, content))

    def leave(self, left: LeftRow) -> None:
        """Keep a row that is left out."""
        with _Space():
            content = pickle.dumps(tuple(left), pickle.HIGHEST_PROTOCOL)
            self._rows.execute("INSERT INTO left_out (content) VALUES (?)", (content,))

    def left_rows(self) -> Iterator[LeftRow]:
        """The rows that are left out, in their order."""
        with _Space():
            for (content,) in self._rows.execute("SELECT content FROM left_out ORDER BY rowid"):
                yield LeftRow(*pickle.loads(content))

    def records(self, on_alone: OnAlone | None = None) -> Iterator[PromptRecord]:
        """The records, in the order in which their prompts first came.

        Args:
            on_alone: Told each rating from which no vote follows.
        """
        with _Space():
            first = self._rows.execute("SELECT id, content, may_repeat FROM prompt ORDER BY id")
            more = self._rows.execute("SELECT prompt_id, content FROM more ORDER BY prompt_id, id")
            by_prompt = itemgetter(0)
            for _, same in groupby(merge(first, more, key=by_prompt), key=by_prompt):
                (_, content, may_repeat), *others = same
                record, ratings = _unpack(content)
                if not may_repeat:
                    yield record
                    continue
                if not (others or ratings):
                    yield _with_labels(record, record.labels)
                    continue
                record, judged = _join([(record, ratings), *(_unpack(row[1]) for row in others)])
                if on_alone is not None:
                    for rating in judged.alone:
                        on_alone(rating)
                yield record


def is_someone(annotator: str) -> bool:
    """Whether a name is one that ``Gathering`` gave to a person whom a file does not name."""
    return bool(_IS_SOMEONE.fullmatch(annotator))


def id_of_question(prompt: str, input: str = "", history: Sequence[Message] = ()) -> str:
    """An id for a prompt that came without one: the same texts have the same."""
    texts = [text for message in history for text in (message.content, message.input) if text]
    whole = "\n\n".join((*texts, prompt))
    return hashlib.sha256(f"{whole}\x1f{input}".encode()).hexdigest()[:32]


def _join(reads: Iterable[tuple[PromptRecord, tuple[Rating, ...]]]) -> tuple[PromptRecord, Judged]:
    places: dict[tuple[CandidateRecord, int], int] = {}
    labels: list[LabelRecord] = []
    ratings: list[Rating] = []
    first: PromptRecord | None = None
    for record, rated in reads:
        first = first or record
        seen: Counter[CandidateRecord] = Counter()
        own = []
        for candidate in record.candidates:
            # A row may compare two samples of one model that came out the same.
            own.append(places.setdefault((candidate, seen[candidate]), len(places)))
            seen[candidate] += 1
        if own == list(range(len(own))):
            labels += record.labels
            ratings += rated
            continue
        labels += [replace(label, a=own[label.a], b=own[label.b]) for label in record.labels]
        ratings += [replace(rating, index=own[rating.index]) for rating in rated]
    assert first is not None
    if len(places) == len(first.candidates) and not ratings:
        return _with_labels(first, labels), Judged((), ())
    whole = replace(first, candidates=tuple(candidate for candidate, _ in places), labels=())
    judged = judge(whole, ratings)
    return _with_labels(whole, (*labels, *judged.labels)), judged


def _with_labels(record: PromptRecord, labels: Sequence[LabelRecord]) -> PromptRecord:
    return replace(record, labels=tuple(name_the_unnamed(labels)))


def name_the_unnamed(labels: Iterable[LabelRecord]) -> Iterator[LabelRecord]:
    """Give each unnamed vote of a pair another name, in their order."""
    labels = tuple(labels)
    if all(label.annotator != UNNAMED for label in labels):
        yield from labels
        return
    if len(labels) == 1:
        yield replace(labels[0], annotator=SOMEONE)
        return
    taken: defaultdict[object, set[str]] = defaultdict(set)
    for label in labels:
        taken[_pair(label)].add(label.annotator)
    names: dict[object, Iterator[str]] = {}
    for label in labels:
        if label.annotator != UNNAMED:
            yield label
            continue
        pair = _pair(label)
        free = names.setdefault(pair, _strangers())
        yield replace(label, annotator=next(name for name in free if name not in taken[pair]))


def _pair(label: LabelRecord) -> tuple[str, int, int]:
    """A label's annotator's kind and its two candidates, in either order."""
    return (label.kind, *sorted((label.a, label.b)))  # type: ignore[return-value]


def _strangers() -> Iterator[str]:
    yield SOMEONE
    for number in count(2):
        yield f"{SOMEONE}-{number}"


def _check_again(record: PromptRecord, found: Any, asked: bytes, may_repeat: bool) -> int:
    prompt_id, asked_before, could_repeat, place, _ = found
    if not (may_repeat and could_repeat):
        raise FieldError(f"id {record.id!r} of source {record.source!r} is on {place} already")
    if asked_before != asked:
        raise FieldError(f"id {record.id!r} had another prompt on {place}")
    return int(prompt_id)


def _pack(read: RowRead) -> bytes:
    """A row's record as plain values, which take a third of the time of dataclasses."""
    record = read.record
    candidates = [(candidate.model, candidate.text) for candidate in record.candidates]
    labels = [_LABEL(label) for label in record.labels]
    return pickle.dumps((_RECORD(record), candidates, labels, read.ratings), pickle.HIGHEST_PROTOCOL)


def _unpack(content: bytes) -> tuple[PromptRecord, tuple[Rating, ...]]:
    values, candidates, labels, ratings = pickle.loads(content)
    record = PromptRecord(
        **dict(zip(_RECORD_NAMES, values, strict=True)),
        candidates=tuple(CandidateRecord(model=model, text=text) for model, text in candidates),
        labels=tuple(LabelRecord(**dict(zip(_LABEL_NAMES, label, strict=True))) for label in labels),
    )
    return record, ratings


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).digest()[:16]


class _Space:
    """Translates the fault of a full disk; entered for every row, so no generator."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            told = f"there is no room for temporary files while a file is read: {error}"
            raise StorageError(told) from error
