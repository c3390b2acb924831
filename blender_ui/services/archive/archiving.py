"""Export the whole store as one archive, and import one into an empty store.

Invariant: export and import give the same rows in every table, or nothing. An archive holds people's
names and sign-ins, so it must be protected like the database itself. Non-goals:
merging two stores, and the files of trained rankers, which lie beside the database.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from blender_ui.errors import MalformedInput, Refused, SchemaMismatch
from blender_ui.exchange.archive import (
    Manifest,
    OpenArchive,
    TableDump,
    TableEntry,
    open_archive,
    write_archive,
)
from blender_ui.services.versions import model_versions
from db.engine import create_store, transaction
from db.enums import RECORDED_SOURCE
from db.migrations import filling_older, list_revisions, migrate, newest_revision
from db.models import ModelVersion, Project, Promotion
from db.queries import prompts, whole

_RECORDED = frozenset(
    {
        *("project", "member", "prompt", "candidate", "comparison", "ranking", "ranking_entry"),
        *("pairwise_logit", "fusion", "fusion_source", "fusion_span"),
    }
)
"""The tables that recorded rounds have rows in."""


def export_archive(engine: Engine, path: Path, *, now: datetime) -> Manifest:
    """Write every row of every table into a file, as they are at one moment."""
    with transaction(engine) as session:
        whole.freeze(session)
        tables = (
            TableDump(table.name, whole.columns_of(table), whole.iterate_rows(session, table))
            for table in whole.list_tables()
        )
        return write_archive(path, tables, revision=newest_revision(), created_at=now.isoformat())


def import_archive(engine: Engine, path: Path) -> Manifest:
    """Bring an archive's rows into an empty store; those of an older schema are migrated on the way.

    Raises:
        MalformedInput: If the archive is damaged, or its tables are not its schema's.
        SchemaMismatch: If it comes from a store of a schema that this code does not know.
        Refused: If the store is not empty.
    """
    with open_archive(path) as archive:
        if archive.manifest.revision in list_revisions()[:-1]:
            with _bring_up(archive, path) as newer:
                return import_archive(engine, newer)
        with transaction(engine, immediate=True, durable=True) as session:
            _check(archive.manifest, path)
            _make_room(session)
            _write(session, archive)
            return archive.manifest


@contextmanager
def _bring_up(archive: OpenArchive, path: Path) -> Iterator[Path]:
    """The same rows in an archive of this schema: in a store of their own they are migrated as any are."""
    manifest = archive.manifest
    with tempfile.TemporaryDirectory(prefix="blender-ui-older-") as name:
        store = create_store(f"sqlite:///{Path(name) / 'store.sqlite'}")
        newer = Path(name) / path.name
        try:
            with filling_older(store, manifest.revision) as connection, Session(connection) as session:
                for entry in manifest.tables:
                    _expect_all(
                        entry,
                        whole.insert_all(
                            session, whole.table_of(entry.name, entry.columns), archive.rows(entry)
                        ),
                    )
                session.commit()  # of the connection's transaction, which ends with the block
            migrate(store)
            export_archive(store, newer, now=datetime.fromisoformat(manifest.created_at))
        except (SQLAlchemyError, RuntimeError) as error:
            raise MalformedInput(
                f"expected the tables of revision {manifest.revision} in {path.name}, came what does not "
                f"fit them: {error}"
            ) from error
        finally:
            store.dispose()
        yield newer


def _check(manifest: Manifest, path: Path) -> None:
    expected = newest_revision()
    if manifest.revision != expected:
        raise SchemaMismatch(
            f"{path.name} was taken out of a store at revision {manifest.revision}, this one is at "
            f"{expected} and does not know it: a newer version of this app wrote it, so update this one"
        )
    ours = {table.name: whole.columns_of(table) for table in whole.list_tables()}
    if {entry.name: entry.columns for entry in manifest.tables} != ours:
        raise MalformedInput(f"the tables of {path.name} are not those of revision {expected}")


def _make_room(session: Session) -> None:
    """Refuse a store with rows; what a store begins with gives way.

    That is the project, the start ranker and the recorded rounds, as long as nobody has touched them.
    """
    filled = _count_rows(session)
    if _is_untouched(session, filled):
        for table in reversed(whole.list_tables()):
            whole.delete_all(session, table=table)
    elif filled:
        rows = ", ".join(f"{n} in {name}" for name, n in filled.items())
        raise Refused(
            f"an archive goes into an empty store, and this one has rows: {rows}. "
            "Set BLENDER_UI_HOME to a new folder, and import it there before the app is first used"
        )


def is_untouched(engine: Engine) -> bool:
    """Whether a store has no rows but those that every store begins with, so that an archive goes into it."""
    with transaction(engine) as session:
        return _is_untouched(session, _count_rows(session))


def _count_rows(session: Session) -> dict[str, int]:
    return {table.name: n for table in whole.list_tables() if (n := whole.count_rows(session, table))}


def _is_untouched(session: Session, filled: dict[str, int]) -> bool:
    versions = model_versions.list_versions(session)
    n_begun = {Project.__tablename__: 1, ModelVersion.__tablename__: len(versions)}
    n_begun[Promotion.__tablename__] = len(versions)
    if not all(version.is_start for version in versions):
        return False
    others = {name for name, n in filled.items() if n_begun.get(name) != n}
    if not others:
        return True
    is_theirs = {prompt.source for prompt in prompts.list_all(session)} == {RECORDED_SOURCE}
    return is_theirs and others <= _RECORDED and filled.get(Project.__tablename__) == 2


def _write(session: Session, archive: OpenArchive) -> None:
    by_name = {table.name: table for table in whole.list_tables()}
    for entry in archive.manifest.tables:
        _expect_all(entry, whole.insert_all(session, by_name[entry.name], archive.rows(entry)))


def _expect_all(entry: TableEntry, n_rows: int) -> None:
    if n_rows != entry.n_rows:
        raise MalformedInput(f"expected {entry.n_rows} rows of {entry.name}, came {n_rows}")
