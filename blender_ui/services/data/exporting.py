"""Export prompts, candidates and preferences to files.

Invariant: a JSON-lines export imports into an empty store and exports again as the same bytes; a
file is replaced only once the new one is whole. Retracted preferences are left out, and people get
pseudonyms. Non-goal: the syntax of files, which is ``blender_ui.exchange``'s.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import MalformedInput, StorageError
from blender_ui.exchange import (
    CandidateRecord,
    LabelRecord,
    PromptRecord,
    write_csv,
    write_dpo,
    write_parquet,
    write_records,
)
from blender_ui.exchange.records import Kind
from blender_ui.faults import describe_os_error
from blender_ui.services.archive.archiving import export_archive
from blender_ui.services.data.cards import Contents, Making, tell_selection, write_card
from blender_ui.services.data.records import (
    OWN_SOURCE,
    WINNER_BY_OUTCOME,
    WORD_BY_KIND,
    annotator_label,
    own_id,
)
from blender_ui.services.data.selecting import Selection
from blender_ui.services.labeling.blinding import Blinding
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.models import Outcome, Project, Prompt, utc_now
from db.queries import bulk
from db.queries.rulings import Ruling, list_rulings
from db.queries.whole import freeze

_PROMPTS_AT_ONCE = 500
_WRITERS: dict[str, Callable[[Path, Iterator[PromptRecord]], int]] = {
    "jsonl": write_records,
    "csv": write_csv,
    "parquet": write_parquet,
}
DPO = "dpo"
EVERYTHING = Selection()
ARCHIVE = "archive"
FORMATS = (*_WRITERS, DPO, ARCHIVE)


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        path: The file.
        format: One of ``FORMATS``.
        n_lines: Prompts in JSON lines, labels in CSV and Parquet, decided pairs in DPO, rows of
            all tables in an archive.
        n_bytes: Size of the file.
        project_id: Whose prompts; None where it is of all projects.
        card: What is in it and how it was made, in Markdown; empty for an archive, which has a manifest.
    """

    path: Path
    format: str
    n_lines: int
    n_bytes: int
    project_id: int | None = None
    card: str = ""


class Exporting:
    """Exports one store.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone; an archive says when it was made.
        secret: Decides what a member is called where its project does not tell its name now.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = utc_now, secret: int = 0) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock

    def export(
        self,
        path: Path,
        *,
        format: str,
        project_id: int | None = None,
        selection: Selection = EVERYTHING,
        by: int | None = None,
    ) -> ExportReport:
        """Write the store, one project or some of its preferences to a file, as it is at one moment.

        Args:
            project_id: Only its prompts, with all that is about them; None for all projects. An archive is
                always of the whole store.
            selection: Only these preferences, and of prompts those that have some; an archive has all.
            by: Who asks, for the audit trail; None leaves no trace there.
            path: Where; its folder is made. JSON lines are gzipped if the name ends in ``.gz``.
            format: ``jsonl`` (what imports read), ``csv`` or ``parquet`` (one row a label) or ``dpo``
                (``{prompt, chosen, rejected}``, one line a pair that people decided), or ``archive``
                (every row of every table, see ``services.archive.archiving``).

        Raises:
            MalformedInput: If the format is none of these, or an archive of one project is asked for.
            StorageError: If the file cannot be written; the one that was there before is left.
        """
        if format not in FORMATS:
            raise MalformedInput(f"expected one of the formats {', '.join(FORMATS)}; came {format!r}")
        if format == ARCHIVE and project_id is not None:
            raise MalformedInput(
                "an archive is every row of every table: export it from all projects, or one project as "
                "JSON lines"
            )
        if format == ARCHIVE and not selection.is_everything:
            raise MalformedInput(
                "an archive is every row of every table: choose another form for some of them"
            )
        unfinished = path.with_name(f".{os.getpid()}-{threading.get_ident()}-{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            n_lines, contents = self._write(unfinished, format, project_id, selection)
            unfinished.replace(path)
        except OSError as error:
            raise StorageError(f"nothing was exported: {describe_os_error(error, path)}") from error
        finally:
            with suppress(OSError):  # its folder may be what cannot be reached
                unfinished.unlink(missing_ok=True)
        report = ExportReport(
            path=path,
            format=format,
            n_lines=n_lines,
            n_bytes=path.stat().st_size,
            project_id=project_id,
            card=self._card(path, format, project_id, selection, contents) if contents else "",
        )
        if by is not None:
            self._record(report, selection, by)
        return report

    def list_people(self) -> list[tuple[int, str]]:
        """Id and name of everybody with a standing preference, by name."""
        with transaction(self._engine) as session:
            return bulk.list_labellers(session)

    def _card(
        self, path: Path, format: str, project_id: int | None, selection: Selection, contents: Contents
    ) -> str:
        with transaction(self._engine) as session:
            project = None if project_id is None else session.get(Project, project_id)
            name = "" if project is None else project.name
        making = Making(name=path.name, format=format, project=name, selection=selection, at=self._clock())
        return write_card(contents, making)

    def _record(self, report: ExportReport, selection: Selection, by: int) -> None:
        after = {
            "format": report.format,
            "n_lines": report.n_lines,
            "project_id": report.project_id,
            "taken": ", ".join(tell_selection(selection)) or "everything",
        }
        change = Change(by=by, action="data.export", object_id=report.path.name[:64], after=after)
        with transaction(self._engine, immediate=True) as session:
            record_change(session, change, now=self._clock())

    def _write(
        self, path: Path, format: str, project_id: int | None, selection: Selection
    ) -> tuple[int, Contents | None]:
        if format == ARCHIVE:
            manifest = export_archive(self._engine, path, now=self._clock())
            return sum(table.n_rows for table in manifest.tables), None
        with transaction(self._engine) as session:
            freeze(session)
            contents, blinding = Contents(), Blinding(session, secret=self._secret)
            records = contents.count(_list_records(session, project_id, blinding, selection))
            if format == DPO:
                has_history = bulk.has_history(session, project_id=project_id)
                return write_dpo(path, records, as_messages=has_history), contents
            return _WRITERS[format](path, records), contents


def _list_records(
    session: Session, project_id: int | None, blinding: Blinding, selection: Selection
) -> Iterator[PromptRecord]:
    annotators = {
        annotator_id: (annotator_label(row.key, row.name), WORD_BY_KIND[row.kind])
        for annotator_id, row in bulk.annotators_by_id(session).items()
    }
    after_id = 0
    written: dict[str, set[str]] = defaultdict(set)
    list_after = partial(bulk.list_prompts_after, session, project_id=project_id, limit=_PROMPTS_AT_ONCE)
    while prompts := list_after(after_id=after_id):
        bounds = {"first_id": after_id + 1, "last_id": prompts[-1].id or 0}
        candidates = defaultdict(list)
        for candidate in bulk.list_candidates_between(session, **bounds):
            candidates[candidate.prompt_id].append(candidate)
        for prompt in prompts:
            candidates[prompt.id or 0] = [
                one._replace(member=blinding.name(one.member, project_id=prompt.project_id))
                for one in candidates[prompt.id or 0]
            ]
        labels = defaultdict(list)
        for label in bulk.list_labels_between(session, **bounds):
            labels[label.prompt_id].append(label)
        rulings = defaultdict(list)
        for ruling in list_rulings(session, **bounds):
            rulings[ruling.prompt_id].append(ruling)
        for prompt in prompts:
            key = prompt.id or 0
            taken = selection.take(labels[key])
            if not selection.is_of_anybody:
                rulings[key] = []  # a ruling is nobody's preference, of no time
            if not (selection.is_everything or taken or rulings[key]):
                continue
            record = _record(prompt, candidates[key], taken, annotators)
            record = replace(record, id=_make_distinct(record.id, written[record.source]))
            written[record.source].add(record.id)
            yield _with_rulings(record, candidates[key], rulings[key]) if rulings[key] else record
        session.expunge_all()
        after_id = bounds["last_id"]


def _make_distinct(id_: str, taken: Set[str]) -> str:
    """The id, or one like it: each project may have imported the same file, and a file has an id once."""
    if id_ not in taken:
        return id_
    # Short enough for what reads it again, with a number of up to 15 digits.
    return next(name for number in count(2) if (name := f"{id_[:240]}~{number}") not in taken)


def _record(
    prompt: Prompt,
    candidates: list[bulk.StoredCandidate],
    labels: list[bulk.StoredLabel],
    annotators: dict[int, tuple[str, Kind]],
) -> PromptRecord:
    index_of = {candidate.candidate_id: index for index, candidate in enumerate(candidates)}
    ballots = sorted({row.ballot_id for row in labels if row.ballot_id is not None})
    return PromptRecord(
        id=prompt.external_id or own_id(prompt.id or 0, prompt.fingerprint),
        source=prompt.source or OWN_SOURCE,
        prompt=prompt.instruction,
        input=prompt.input,
        history=read_history(prompt.history),
        candidates=tuple(CandidateRecord(model=row.member, text=row.text) for row in candidates),
        labels=tuple(
            LabelRecord(
                annotator=annotators[row.annotator_id][0],
                a=index_of[row.left_id],
                b=index_of[row.right_id],
                winner=WINNER_BY_OUTCOME[row.outcome],
                kind=annotators[row.annotator_id][1],
                strength=row.strength,
                reason=row.reason,
                seconds=row.seconds,
                at=row.created_at.isoformat(),
                criteria=tuple(
                    (name, WINNER_BY_OUTCOME[Outcome(said)]) for name, said in (row.criteria or {}).items()
                ),
                ballot=None if row.ballot_id is None else str(ballots.index(row.ballot_id) + 1),
            )
            for row in labels
        ),
        licence=prompt.licence,
        lang=prompt.lang,
        category=prompt.category,
    )


def _with_rulings(
    record: PromptRecord, candidates: list[bulk.StoredCandidate], rulings: list[Ruling]
) -> PromptRecord:
    index_of = {candidate.candidate_id: index for index, candidate in enumerate(candidates)}
    ruled = tuple(
        LabelRecord(
            annotator="ruling",
            a=index_of[row.left_id],
            b=index_of[row.right_id],
            winner=WINNER_BY_OUTCOME[row.outcome],
            kind="human",
        )
        for row in rulings
    )
    return replace(record, rulings=ruled)
