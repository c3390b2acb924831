"""Import prompts, candidates and preferences from files.

Invariant: a file is imported whole or not at all, and importing it again changes nothing. A prompt
is known by its source and its id there. A prompt that is in the store already stays as it is. If
the file differs from it (more labels, another text), the report names it. It is not merged, because the
change may be a correction as well as an addition.

What goes to the queue: up to ``PAIRS_PER_PROMPT`` pairs of each prompt's differing candidates that
no person has compared in the file, with random sides. Non-goal: the syntax of files, which is
``blender_ui.exchange``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import NotFound
from blender_ui.exchange import LeftOutRows, PromptRecord, Tally, read_file, say_left_out
from blender_ui.exchange.archive import is_archive
from blender_ui.exchange.intake import Reading
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.data.archiving import import_archive
from blender_ui.services.data.import_rows import QueuePlan, Written, write_records
from blender_ui.services.data.records import OWN_SOURCE, own_id
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Project
from db.queries import bulk

PAIRS_PER_PROMPT = 10
"""Ten candidates make 45 pairs; ten of those compare each candidate twice."""
_PROMPTS_AT_ONCE = 500
_MOST_NAMED = 20

OnProgress = Callable[[int, int], None]
"""Takes how many prompts are written, and of how many."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import brought.

    Attributes:
        n_prompts: Prompts that are new.
        n_candidates: Their candidates.
        n_comparisons: Their comparisons, labelled and queued.
        n_queued: Of those, the ones that people will be asked.
        n_preferences: Their labels that stand, of people and judges.
        n_replaced: Labels that do not stand: the same annotator judged the pair again, later in the file.
        n_rows: Rows of the file.
        left_out: Rows and votes of the file that were not taken, by reason.
        faults: Place and reason of the first malformed rows that were skipped.
        shapes: Rows by the name of the shape that they were read as.
        n_already_there: Prompts that were in the store already, with the same content.
        n_differing: Prompts that were in the store already with other content, and were left so.
        differing: Names of the first of those, ``source: id``.
    """

    n_prompts: int
    n_candidates: int
    n_comparisons: int
    n_queued: int
    n_preferences: int
    n_replaced: int
    n_rows: int
    left_out: tuple[LeftOutRows, ...]
    faults: tuple[tuple[str, str], ...]
    shapes: dict[str, int]
    n_already_there: int
    n_differing: int
    differing: tuple[str, ...]


def tell_what_was_not_taken(report: ImportReport) -> tuple[str, ...]:
    """Sentences about rows and votes that are not in the store as the file has them; empty where all are."""
    told = [f"Left out {say_left_out(one)}." for one in report.left_out]
    told += [f"{place}: {reason}." for place, reason in report.faults]
    if report.n_replaced:
        votes = "1 vote was" if report.n_replaced == 1 else f"{report.n_replaced:,} votes were"
        told.append(f"{votes} replaced by a later one of the same person on the same pair.")
    if report.n_differing:
        more = ", ..." if report.n_differing > len(report.differing) else ""
        told.append(
            f"{report.n_differing:,} prompts were in the store with other content and were left as they are: "
            f"{', '.join(report.differing)}{more}. Give a changed prompt a new id to import it."
        )
    return tuple(told)


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

    def import_file(
        self,
        path: Path,
        *,
        project_id: int = DEFAULT_PROJECT_ID,
        ask_labelled: bool = False,
        reading: Reading | None = None,
        on_progress: OnProgress | None = None,
    ) -> ImportReport:
        """Import a file or a data set's folder; its form is told by its content.

        The file is read to its end before the store is touched.

        Args:
            path: See ``blender_ui.exchange.rows`` and ``blender_ui.exchange.shapes``; an archive, see
                ``blender_ui.services.data.archiving``, goes into an empty store.
            project_id: Whose prompts they become; an archive brings its own projects.
            ask_labelled: Queue pairs that people have compared in the file as well.
            reading: How the file is to be read; None for as it is.
            on_progress: Told after each batch of prompts.

        Raises:
            MalformedInput: With every fault by its number; nothing has been imported.
        """
        if is_archive(path):
            return self._import_archive(path)
        tally = Tally()
        records = list(read_file(path, tally=tally, reading=reading))
        with transaction(self._engine, immediate=True) as session:
            project = session.get(Project, project_id)
            if project is None:
                raise NotFound(f"there is no project {project_id}")
            plan = QueuePlan(
                n_pairs=PAIRS_PER_PROMPT,
                overlap=max(self._overlap, project.overlap),
                ask_labelled=ask_labelled,
                seed=self._seed,
                project_id=project_id,
            )
            fresh, differing = _sort_out(session, records, project_id)
            written = Written()
            for start in range(0, len(fresh), _PROMPTS_AT_ONCE):
                batch = fresh[start : start + _PROMPTS_AT_ONCE]
                written += write_records(session, records=batch, plan=plan, now=self._clock())
                if on_progress is not None:
                    on_progress(min(start + _PROMPTS_AT_ONCE, len(fresh)), len(fresh))
        self._after_vote()
        return ImportReport(
            n_prompts=len(fresh),
            n_candidates=written.n_candidates,
            n_comparisons=written.n_comparisons,
            n_queued=written.n_queued,
            n_preferences=written.n_preferences - written.n_replaced,
            n_replaced=written.n_replaced,
            n_rows=tally.n_rows,
            left_out=tally.left_out(),
            faults=tuple(tally.faults),
            shapes=dict(tally.shapes),
            n_already_there=len(records) - len(fresh) - len(differing),
            n_differing=len(differing),
            differing=tuple(f"{record.source}: {record.id}" for record in differing[:_MOST_NAMED]),
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
            n_already_there=0,
            n_differing=0,
            differing=(),
        )


def _sort_out(
    session: Session, records: Sequence[PromptRecord], project_id: int
) -> tuple[list[PromptRecord], list[PromptRecord]]:
    """Split off the records that are new, and those that differ from what is in the store."""
    sources = sorted({record.source for record in records})
    keys = bulk.list_prompt_keys(session, sources=sources, project_id=project_id)
    stored = {(key.source, key.external_id): key.digest for key in keys}
    if OWN_SOURCE in sources:
        # An export of this very store: its own prompts have no source in the store.
        own = bulk.list_own_prompts(session, project_id=project_id)
        stored |= {(OWN_SOURCE, own_id(prompt_id, fingerprint)): None for prompt_id, fingerprint in own}
    fresh, differing = [], []
    for record in records:
        if (record.source, record.id) not in stored:
            fresh.append(record)
        elif stored[record.source, record.id] not in (None, record.fingerprint):
            differing.append(record)
    return fresh, differing
