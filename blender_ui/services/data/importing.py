"""Import prompts, candidates and preferences from files.

Invariant: a file is imported whole or not at all, and importing it again changes nothing. A prompt
is known by its source and its id there. What a file has beside what is in the store (votes, answers) is
merged; a prompt whose question is another one stays as it is, and the report names it. Memory does not grow
with the file.

What goes to the queue: up to ``PAIRS_PER_PROMPT`` pairs of each prompt's differing candidates that
no person has compared in the file, with random sides. Non-goal: the syntax of files, which is
``blender_ui.exchange``'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from copy import deepcopy
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import NotFound
from blender_ui.exchange import PromptRecord, Tally
from blender_ui.exchange.archive import is_archive
from blender_ui.exchange.files.rows import name_source
from blender_ui.exchange.intake import Reading, take_records
from blender_ui.exchange.kept_files import KeptFile, KeptFiles
from blender_ui.exchange.records import standing_labels
from blender_ui.exchange.tally import OnLeft
from blender_ui.language import tr
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.archive.archiving import import_archive
from blender_ui.services.data.import_reports import (
    N_SHOWN,
    FilePreview,
    ImportReport,
    preview_archive,
    preview_of,
)
from blender_ui.services.data.import_rows import Names, QueuePlan, Written, write_records
from blender_ui.services.data.merging import merge_records
from blender_ui.services.data.records import OWN_SOURCE, own_id
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Project
from db.queries import bulk, merges

PAIRS_PER_PROMPT = 10
"""Ten candidates make 45 pairs; ten of those compare each candidate twice."""
_PROMPTS_AT_ONCE = 500
_MOST_NAMED = 20

OnProgress = Callable[[int, int], None]
"""Takes how many prompts are written, and of how many."""


class Importing:
    """Imports files into one store.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        seed: Decides which pairs are queued, in which order and on which sides.
        overlap: How many people are to be asked each queued pair.
        after_vote: Called when a file was imported.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime],
        seed: int,
        overlap: int,
        after_vote: AfterVote | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._seed = seed
        self._overlap = overlap
        self._after_vote = after_vote or AfterVote()
        self._kept = KeptFiles()

    def import_file(
        self,
        path: Path,
        *,
        project_id: int = DEFAULT_PROJECT_ID,
        ask_labelled: bool = False,
        reading: Reading | None = None,
        on_progress: OnProgress | None = None,
        on_left: OnLeft | None = None,
        by: int | None = None,
    ) -> ImportReport:
        """Import a file or a data set's folder; its form is told by its content.

        The file is read to its end before the store is touched.

        Args:
            path: See ``exchange.files.rows`` and ``exchange.shapes.finding``; an archive, see
                ``blender_ui.services.archive.archiving``, goes into an empty store.
            project_id: Whose prompts they become; an archive brings its own projects.
            ask_labelled: Queue pairs that people have compared in the file as well.
            reading: How the file is to be read; None for as it is.
            on_progress: Told after each batch of prompts.
            on_left: Told each row that is left out.
            by: Who asks, for the audit trail; None for the command line. An archive brings its own trail.

        Raises:
            MalformedInput: With every fault by its number; nothing has been imported.
        """
        if is_archive(path):
            return self._import_archive(path)
        kept = self._kept.take(path, reading or Reading())
        tally = deepcopy(kept.tally)
        with closing(kept.gathering) as gathering:
            with transaction(self._engine, immediate=True, durable=True) as session:
                intake = _StoreIntake(session, self._plan(session, project_id, ask_labelled), self._clock)
                n_done, records = 0, take_records(gathering, tally, path)
                while batch := list(islice(records, _PROMPTS_AT_ONCE)):
                    intake.take(batch)
                    n_done += len(batch)
                    if on_progress is not None:
                        on_progress(n_done, gathering.n_prompts)
                self._record(session, path, project_id, intake.report(tally), by)
            if on_left is not None:
                for left in gathering.left_rows():
                    on_left(left)
        self._after_vote()
        return intake.report(tally)

    def preview_file(
        self, path: Path, *, project_id: int = DEFAULT_PROJECT_ID, reading: Reading | None = None
    ) -> FilePreview:
        """Say what a file would bring, and bring nothing.

        What was read is kept for the import that usually follows; reading is the longer half of it.

        Raises:
            UnknownShape: If its columns are those of no known tool.
            MalformedInput: As an import would.
        """
        if is_archive(path):
            return preview_archive(path)
        kept = self._kept.take(path, reading or Reading())
        try:
            preview = self._preview(kept, project_id)
        except BaseException:
            kept.gathering.close()
            raise
        self._kept.keep(kept)
        return preview

    def _preview(self, kept: KeptFile, project_id: int) -> FilePreview:
        tally = deepcopy(kept.tally)
        shown: list[PromptRecord] = []
        source = kept.reading.source or name_source(kept.path)
        known: Counter[str] = Counter()
        records = take_records(kept.gathering, tally, kept.path)
        while batch := list(islice(records, _PROMPTS_AT_ONCE)):
            shown += batch[: N_SHOWN - len(shown)]
            prints = [record.question.fingerprint for record in batch if record.source == source]
            with transaction(self._engine) as session:
                known.update(
                    merges.count_asked_elsewhere(
                        session, project_id=project_id, fingerprints=prints, source=source
                    )
                )
        return preview_of(tally, shown, source=source, known=known)

    def _record(
        self, session: Session, path: Path, project_id: int, report: ImportReport, by: int | None
    ) -> None:
        after = {
            "project_id": project_id,
            "n_prompts": report.n_prompts,
            "n_answers": report.n_candidates,
            "n_preferences": report.n_preferences,
        }
        change = Change(by=by, action="data.import", object_id=path.name[:64], after=after)
        record_change(session, change, now=self._clock())

    def _plan(self, session: Session, project_id: int, ask_labelled: bool) -> QueuePlan:
        project = session.get(Project, project_id)
        if project is None:
            raise NotFound(tr("there is no project {project_id}", project_id=project_id))
        return QueuePlan(
            n_pairs=PAIRS_PER_PROMPT,
            overlap=max(self._overlap, project.overlap),
            ask_labelled=ask_labelled,
            seed=self._seed,
            project_id=project_id,
        )

    def _import_archive(self, path: Path) -> ImportReport:
        n_rows = {table.name: table.n_rows for table in import_archive(self._engine, path).tables}
        with transaction(self._engine) as session:
            n_queued = bulk.count_open(session)
        self._after_vote()
        return ImportReport(
            n_prompts=n_rows["prompt"],
            n_candidates=n_rows["candidate"],
            n_comparisons=n_rows["comparison"],
            n_queued=n_queued,
            n_preferences=n_rows["preference"],
            n_replaced=0,
            n_rows=sum(n_rows.values()),
            left_out=(),
            faults=(),
            shapes={},
            notes=(),
            n_already_there=0,
            n_merged=0,
            n_known=0,
            n_differing=0,
            differing=(),
        )


class _StoreIntake:
    """One file's records on their way into the store, batch by batch."""

    def __init__(self, session: Session, plan: QueuePlan, clock: Callable[[], datetime]) -> None:
        self._session, self._plan, self._clock = session, plan, clock
        self._names = Names(session)
        self._own: set[str] | None = None
        self._written = Written()
        self._n_prompts = self._n_already_there = self._n_known = 0
        self._differing: list[str] = []

    def take(self, records: Sequence[PromptRecord]) -> None:
        """Write what is new of these records."""
        stored = self._find(records)
        fresh: list[PromptRecord] = []
        merging: list[tuple[PromptRecord, int]] = []
        for record in records:
            known = stored.get((record.source, record.id))
            if known is None and not self._is_own(record):
                fresh.append(record)
            elif known is None or known.digest == record.fingerprint:
                self._n_already_there += 1
                self._n_known += sum(stands for _, stands in standing_labels(record.labels))
            elif (known.instruction, known.input, read_history(known.history)) == (
                record.prompt,
                record.input,
                record.history,
            ):
                merging.append((record, known.prompt_id))
            else:
                self._differing.append(f"{record.source}: {record.id}")
        now = self._clock()
        self._n_prompts += len(fresh)
        self._written += write_records(
            self._session, records=fresh, plan=self._plan, names=self._names, now=now
        )
        if merging:
            merged = merge_records(
                self._session, records=merging, plan=self._plan, names=self._names, now=now
            )
            self._written += merged
            self._n_already_there += len(merging) - merged.n_merged

    def report(self, tally: Tally) -> ImportReport:
        """What came of the file."""
        written = self._written
        return ImportReport(
            n_prompts=self._n_prompts,
            n_candidates=written.n_candidates,
            n_comparisons=written.n_comparisons,
            n_queued=written.n_queued,
            n_preferences=written.n_preferences - written.n_replaced,
            n_replaced=written.n_replaced,
            n_rows=tally.n_rows,
            left_out=tally.left_out(),
            faults=tuple(tally.faults),
            shapes=dict(tally.shapes),
            notes=tuple(tally.notes),
            n_already_there=self._n_already_there,
            n_merged=written.n_merged,
            n_known=self._n_known + written.n_known,
            n_differing=len(self._differing),
            differing=tuple(self._differing[:_MOST_NAMED]),
        )

    def _find(self, records: Sequence[PromptRecord]) -> dict[tuple[str, str], merges.StoredPrompt]:
        by_source: defaultdict[str, list[str]] = defaultdict(list)
        for record in records:
            by_source[record.source].append(record.id)
        return {
            (source, found.external_id): found
            for source, ids in by_source.items()
            for found in merges.list_prompts_named(
                self._session, project_id=self._plan.project_id, source=source, external_ids=ids
            )
        }

    def _is_own(self, record: PromptRecord) -> bool:
        """Whether a record is of a prompt that was asked here, which has no source in the store."""
        if record.source != OWN_SOURCE:
            return False
        if self._own is None:
            own = bulk.list_own_prompts(self._session, project_id=self._plan.project_id)
            self._own = {own_id(prompt_id, fingerprint) for prompt_id, fingerprint in own}
        return record.id in self._own
