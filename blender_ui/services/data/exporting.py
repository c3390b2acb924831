"""Export prompts, candidates and preferences to files.

Invariant: a JSON-lines export imports into an empty store and exports again as the same bytes; a
file is replaced only once the new one is whole. Retracted preferences are left out, and people get
pseudonyms. Non-goal: the syntax of files, which is ``blender_ui.exchange``'s.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MalformedInput, NotFound, StorageError
from blender_ui.exchange import PromptRecord, write_csv, write_parquet, write_records
from blender_ui.exchange.lessons.files import FORMS, SYNTAXES, Syntax, write_lessons
from blender_ui.exchange.lessons.forms import RANKED, USUAL_TERMS, Form, Terms, list_rows
from blender_ui.faults import describe_os_error
from blender_ui.language import tr
from blender_ui.services.archive.archiving import export_archive
from blender_ui.services.data.cards import Contents, Making, tell_selection, write_card
from blender_ui.services.data.lessons import Judge, Unranked, get_active_id
from blender_ui.services.data.taking import PROMPTS_AT_ONCE, Selection, Taken, list_taken
from blender_ui.services.labeling.blinding import Blinding
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.models import Project, utc_now
from db.queries import bulk
from db.queries.whole import freeze

_WRITERS: dict[str, Callable[[Path, Iterator[PromptRecord]], int]] = {
    "jsonl": write_records,
    "csv": write_csv,
    "parquet": write_parquet,
}
EVERYTHING = Selection()
ARCHIVE = "archive"
FORMATS = (*_WRITERS, *FORMS, ARCHIVE)


@dataclass(frozen=True, kw_only=True)
class ForTraining:
    """How a file for trainers is to be made.

    Attributes:
        syntax: Of the file.
        terms: What the ranker must say of an answer, for the forms that ask it.
        ranks_first: Whether prompts that the ranker did not rank yet are ranked before; it takes a while.
    """

    syntax: Syntax = "jsonl"
    terms: Terms = USUAL_TERMS
    ranks_first: bool = False


USUAL = ForTraining()


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        path: The file.
        format: One of ``FORMATS``.
        n_lines: Prompts in JSON lines, labels in CSV and Parquet, rows in a file for trainers, rows of
            all tables in an archive.
        n_bytes: Size of the file.
        project_id: Whose prompts; None where it is of all projects.
        card: What is in it and how it was made, in Markdown; empty for an archive, which has a manifest.
        notes: What is not in it and why.
    """

    path: Path
    format: str
    n_lines: int
    n_bytes: int
    project_id: int | None = None
    card: str = ""
    notes: tuple[str, ...] = ()


class Exporting:
    """Exports one store.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone; an archive says when it was made.
        secret: Decides what a member is called where its project does not tell its name now.
        rank: Ranks a prompt by the active version and keeps the ranking; None where nothing can.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = utc_now,
        secret: int = 0,
        rank: Callable[[int], object] | None = None,
    ) -> None:
        self._engine = engine
        self._unranked = Unranked(engine, rank=rank)
        self._secret = secret
        self._clock = clock

    def export(
        self,
        path: Path,
        *,
        format: str,
        project_id: int | None = None,
        selection: Selection = EVERYTHING,
        training: ForTraining = USUAL,
        by: int | None = None,
    ) -> ExportReport:
        """Write the store, one project or some of its preferences to a file, as it is at one moment.

        Args:
            project_id: Only its prompts, with all that is about them; None for all projects. An archive is
                always of the whole store.
            selection: Only these preferences, and of prompts those that have some; an archive has all.
            by: Who asks, for the audit trail; None leaves no trace there.
            path: Where; its folder is made. JSON lines are gzipped if the name ends in ``.gz``.
            format: ``jsonl`` (what imports read), ``csv`` or ``parquet`` (one row a label), a form for
                trainers (``exchange.lessons``), or ``archive`` (every row of every table, see
                ``services.archive.archiving``).
            training: For a form for trainers.

        Raises:
            MalformedInput: If the format is none of these, or an archive of one project is asked for.
            NotFound: If there is no such project.
            NoRanker: If a form asks the ranker, and there is none.
            StorageError: If the file cannot be written; the one that was there before is left.
        """
        _check(format, project_id, selection, training)
        self._check_project(project_id)
        if format in RANKED and training.ranks_first:
            self._unranked.rank(project_id=project_id)
        unfinished = path.with_name(f".{os.getpid()}-{threading.get_ident()}-{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            n_lines, contents = self._write(unfinished, format, project_id, selection, training)
            unfinished.replace(path)
        except OSError as error:
            raise StorageError(
                tr("nothing was exported: {os_error}", os_error=describe_os_error(error, path))
            ) from error
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
            notes=self._note_unranked(format, project_id),
        )
        if by is not None:
            self._record(report, selection, by)
        return report

    def list_people(self) -> list[tuple[int, str]]:
        """Id and name of everybody with a standing preference, by name."""
        with transaction(self._engine) as session:
            return bulk.list_labellers(session)

    def _note_unranked(self, format: str, project_id: int | None) -> tuple[str, ...]:
        n = self._unranked.count(project_id=project_id) if format in RANKED else 0
        if not n:
            return ()
        return (
            f"{n:,} prompts with two answers or more are left out, because the active ranker has not ranked "
            "them: blender-ui export --rank ranks them first",
        )

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

    def _check_project(self, project_id: int | None) -> None:
        with transaction(self._engine) as session:
            if project_id is not None and session.get(Project, project_id) is None:
                raise NotFound(tr("there is no project {project_id}", project_id=project_id))

    def _write(
        self, path: Path, format: str, project_id: int | None, selection: Selection, training: ForTraining
    ) -> tuple[int, Contents | None]:
        if format == ARCHIVE:
            manifest = export_archive(self._engine, path, now=self._clock())
            return sum(table.n_rows for table in manifest.tables), None
        with transaction(self._engine) as session:
            freeze(session)
            contents, blinding = Contents(), Blinding(session, secret=self._secret)
            taken = list_taken(session, project_id, blinding, selection)
            if format in _WRITERS:
                records = contents.count(one.record for one in taken)
                return _WRITERS[format](path, records), contents
            form = next(one for one in FORMS if one == format)
            rows = _list_lessons(session, taken, contents, form, training.terms)
            return write_lessons(path, rows, form=form, syntax=training.syntax), contents


def _check(format: str, project_id: int | None, selection: Selection, training: ForTraining) -> None:
    if format not in FORMATS:
        raise MalformedInput(
            tr(
                "expected one of the formats {formats}; came {format!r}",
                formats=", ".join(FORMATS),
                format=format,
            )
        )
    if training.syntax not in SYNTAXES:
        raise MalformedInput(
            tr(
                "expected a file of {syntaxes}; came {syntax!r:.40}",
                syntaxes=", ".join(SYNTAXES),
                syntax=training.syntax,
            )
        )
    terms = training.terms
    if not (0 <= terms.threshold <= 1 and 0 <= terms.margin < float("inf")):
        raise MalformedInput(
            tr(
                "expected a threshold from 0 to 1, and a margin of 0 or more; came {threshold} and {margin}",
                threshold=terms.threshold,
                margin=terms.margin,
            )
        )
    if format == ARCHIVE and project_id is not None:
        raise MalformedInput(
            "an archive is every row of every table: export it from all projects, or one project as "
            "JSON lines"
        )
    if format == ARCHIVE and not selection.is_everything:
        raise MalformedInput("an archive is every row of every table: choose another form for some of them")


def _list_lessons(
    session: Session, taken: Iterator[Taken], contents: Contents, form: Form, terms: Terms
) -> Iterator[dict[str, Any]]:
    judge = Judge(session, version_id=get_active_id(session) if form in RANKED else None)
    for judged in judge.judge(taken, at_once=PROMPTS_AT_ONCE):
        contents.add(judged.record)
        yield from list_rows(form, judged, terms)
