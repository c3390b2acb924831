"""One archive: the same rows in an empty store, or nothing."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, DateTime, Engine, Float, Integer, LargeBinary, MetaData
from sqlmodel import SQLModel

from blender_ui.errors import MalformedInput, Refused, SchemaMismatch, StorageError
from blender_ui.exchange.archive import Kind, TableDump, write_archive
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.labeling.relabeling import Relabeling
from db.engine import create_store, transaction
from db.migrations import migrate
from db.models import (
    CandidateFailure,
    FailureKind,
    Job,
    JobKind,
    JobStatus,
    ModelKind,
    ModelRole,
    ModelVersion,
    Outcome,
    Reading,
)
from db.queries import whole
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.db.first_schema import make_previous_release, read_all


def make_full_store(folder: Path) -> Engine:
    """Votes, one undone and one given anew, a lent pair, a reading, a failure, a job and two versions."""
    engine, clock = make_store(folder), Clock()
    labeling = make_labeling(engine, clock, overlap=2)
    for prompt_id in add_prompts(engine, n_prompts=3):
        labeling.queue_prompt(prompt_id=prompt_id)
    me = labeling.sign_in(key=key_of(1), name="Ada").id
    for number in range(3):
        pair = labeling.next_pair(annotator_id=me)
        assert pair is not None
        labeling.submit(
            annotator_id=me,
            lease_id=pair.lease_id,
            outcome=Outcome.LEFT,
            idempotency_key=str(number),
            seconds=1.25,
            reason="a “quote”, and\na line",
        )
    labeling.undo(annotator_id=me)
    Relabeling(engine, clock=clock).relabel(
        annotator_id=me, preference_id=1, outcome=Outcome.RIGHT, idempotency_key="anew"
    )
    labeling.mark_seen(annotator_id=me, prompt_id=1)
    with transaction(engine, immediate=True) as session:
        session.add(Reading(candidate_id=1, reader_fingerprint="f", vector=b"\x00\xff\x80"))
        session.add(
            CandidateFailure(prompt_id=1, member_id=1, kind=FailureKind.TIMEOUT, message="late", seconds=0.1)
        )
        session.add(
            Job(
                workflow_id="w",
                kind=JobKind.FAST,
                status=JobStatus.COMPLETE,
                options={"n": [1, 2.5, None], "é": {"a": True}},
                cut_off_preference_id=1,
            )
        )
        for parent in (None, 1):
            session.add(
                ModelVersion(
                    role=ModelRole.RANKER,
                    parent_id=parent,
                    kind=ModelKind.FAST,
                    base_model="m",
                    base_fingerprint="b",
                    fingerprint="f",
                    path="1",
                    cut_off_preference_id=1,
                    n_train=1,
                    n_held_out=0,
                    metrics={"accuracy": 0.1 + 0.2},
                    code_version="t",
                    is_active=parent is None,
                )
            )
            session.flush()
    return engine


def all_rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with transaction(engine) as session:
        return {table.name: list(whole.iterate_rows(session, table)) for table in whole.list_tables()}


def bring_in(engine: Engine, path: Path) -> Any:
    return Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(path)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    engine = make_full_store(tmp_path)
    report = Exporting(engine, clock=Clock()).export(tmp_path / "all.zip", format="archive")
    assert report.n_lines == sum(map(len, all_rows(engine).values()))
    return report.path


@pytest.fixture
def empty(tmp_path: Path) -> Engine:
    (tmp_path / "empty").mkdir()
    return make_store(tmp_path / "empty")


def test_an_archive_gives_every_row_of_every_table_again(
    archive: Path, empty: Engine, tmp_path: Path
) -> None:
    before = all_rows(make_store(tmp_path))
    assert sum(bool(rows) for rows in before.values()) >= 11
    report = bring_in(empty, archive)
    assert (report.n_prompts, report.n_preferences) == (3, 4)
    after = all_rows(empty)
    assert after.keys() == before.keys() == {table.name for table in SQLModel.metadata.sorted_tables}
    for name, rows in before.items():
        assert after[name] == rows, name


def test_work_goes_on_in_the_new_store(archive: Path, empty: Engine) -> None:
    bring_in(empty, archive)
    labeling = make_labeling(empty, Clock(), overlap=2)
    me = labeling.sign_in(key=key_of(1)).id
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None, "the pair that was taken back is lent again"
    labeling.submit(annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.TIE, idempotency_key="after")


def test_a_store_with_rows_is_refused_and_left(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    used = make_store(tmp_path / "used")
    add_prompts(used, n_prompts=1)
    before = all_rows(used)
    with pytest.raises(Refused, match="1 in prompt"):
        bring_in(used, archive)
    assert all_rows(used) == before


def change(archive: Path, name: str, content: bytes) -> Path:
    changed = archive.with_name("changed.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return changed


def test_a_changed_table_is_noticed_and_nothing_comes_in(archive: Path, empty: Engine) -> None:
    with zipfile.ZipFile(archive) as file:
        other = file.read("tables/member.parquet")
    with pytest.raises(MalformedInput, match=r"tables/prompt\.parquet.*SHA-256"):
        bring_in(empty, change(archive, "tables/prompt.parquet", other))
    assert {name for name, rows in all_rows(empty).items() if rows} == {"project"}


def test_an_archive_of_an_older_release_comes_in_as_its_database_would_be_migrated(
    empty: Engine, tmp_path: Path
) -> None:
    old = create_store(f"sqlite:///{tmp_path / 'old.sqlite'}")
    make_previous_release(old)
    path = tmp_path / "old.zip"
    write_archive(path, dump_by_looks(old), revision="0006", created_at="2026-01-02T03:04:05+00:00")
    bring_in(empty, path)
    migrate(old)
    ours, theirs = read_all(empty), read_all(old)
    for job in (*ours["job"], *theirs["job"]):  # the migration draws names for those that had none
        job["workflow_id"] = len(job["workflow_id"])
    assert ours == theirs
    old.dispose()


def test_an_older_archive_that_is_none_says_what_does_not_fit(empty: Engine, tmp_path: Path) -> None:
    path = tmp_path / "old.zip"
    dump = TableDump("prompt", {"colour": "text"}, [{"colour": "red"}])
    write_archive(path, [dump], revision="0006", created_at="2026-01-02T03:04:05+00:00")
    with pytest.raises(MalformedInput, match=r"expected the tables of revision 0006 in old\.zip.*colour"):
        bring_in(empty, path)
    assert {name for name, rows in all_rows(empty).items() if rows} == {"project"}


def dump_by_looks(engine: Engine) -> Iterator[TableDump]:
    """What that release's own export would write, by the database's types alone."""
    tables = MetaData()
    tables.reflect(engine)
    for table in tables.sorted_tables:
        if table.name == "alembic_version":
            continue
        kinds = {column.name: kind_by_looks(column.type) for column in table.columns}
        with engine.connect() as connection:
            found = [dict(row._mapping) for row in connection.execute(table.select())]
        rows = [
            {
                name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
                for name, value in row.items()
            }
            for row in found
        ]
        yield TableDump(table.name, kinds, rows)


def kind_by_looks(type_: object) -> Kind:
    kinds: dict[type, Kind] = {
        JSON: "json", DateTime: "time", Boolean: "bool", Integer: "int", Float: "float", LargeBinary: "bytes",
    }  # fmt: skip
    return next((kind for known, kind in kinds.items() if isinstance(type_, known)), "text")


def test_an_archive_of_another_schema_names_both_revisions(archive: Path, empty: Engine) -> None:
    with zipfile.ZipFile(archive) as file:
        manifest = json.loads(file.read("manifest.json"))
    manifest["revision"] = "0000"
    with pytest.raises(SchemaMismatch, match="at revision 0000, this one is at"):
        bring_in(empty, change(archive, "manifest.json", json.dumps(manifest).encode()))


def test_a_manifest_of_another_format_is_refused(archive: Path, empty: Engine) -> None:
    with pytest.raises(MalformedInput, match="blender-ui archive 9"):
        bring_in(empty, change(archive, "manifest.json", b'{"format": "blender-ui archive 9"}'))


def test_an_export_that_fails_leaves_the_old_file(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = archive.read_bytes()

    def fail(*_: Any) -> Any:
        raise OSError("no space left")

    monkeypatch.setattr(whole, "iterate_rows", fail)
    with pytest.raises(StorageError, match="no space"):
        Exporting(make_store(tmp_path)).export(archive, format="archive")
    assert archive.read_bytes() == before
    assert not list(tmp_path.glob(".*"))
