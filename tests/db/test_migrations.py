"""The migrations give exactly the schema of the models, once, whoever starts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, select

from db import models
from db.engine import create_store
from db.migrations import (
    SchemaVersionError,
    alembic_config,
    check_schema,
    list_revisions,
    migrate,
    newest_revision,
)
from tests.builders.stores import make_store
from tests.db.first_schema import (
    KEPT,
    KEPT_JOBS,
    KEPT_VERSIONS,
    add_jobs,
    add_versions,
    find_lost,
    make_first_schema,
    make_previous_release,
    read_all,
    read_jobs,
    read_kept,
    read_versions,
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return create_store(f"sqlite:///{tmp_path / 'store.sqlite'}")


def schema_of(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
        )
        # SQLite quotes the name of a table that a migration rebuilt.
        plain = {name: re.sub(r"\s+", " ", sql.replace('"', "")) for name, sql in rows}
        return {name: sql.removesuffix(")").strip() for name, sql in plain.items()}


def test_migrations_give_the_schema_of_the_models(engine: Engine, tmp_path: Path) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, SQLModel.metadata) == []

    # Alembic's comparison does not see CHECKs; SQLite's own text of the schema does.
    direct = create_store(f"sqlite:///{tmp_path / 'direct.sqlite'}")
    SQLModel.metadata.create_all(direct)
    migrated, wanted = schema_of(engine), schema_of(direct)
    assert migrated.keys() == wanted.keys()
    for name in wanted:
        assert sorted(migrated[name].split(", ")) == sorted(wanted[name].split(", "))


def test_an_empty_database_is_refused_until_it_is_migrated_and_migrated_once(engine: Engine) -> None:
    with pytest.raises(SchemaVersionError, match="no schema yet") as caught:
        check_schema(engine)
    assert caught.value.can_migrate
    assert migrate(engine) is True
    check_schema(engine)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    before = schema_of(engine)
    assert migrate(engine) is False
    assert schema_of(engine) == before


def test_the_names_of_files_tell_the_revisions_as_alembic_reads_them() -> None:
    scripts = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())
    assert list_revisions() == tuple(script.revision for script in reversed(scripts))


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (check_schema, migrate):
        with pytest.raises(SchemaVersionError, match="9999") as caught:
            attempt(engine)
        assert not caught.value.can_migrate
        assert caught.value.expected == newest_revision()


@pytest.mark.slow
def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom db.engine import create_store\nfrom db.migrations import migrate\n"
        "print(migrate(create_store(sys.argv[1])))"
    )
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    started = [
        subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in started)
    assert said == ["False", "False", "True"]
    check_schema(create_store(url))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """What the first schema and the last one with tables of their own for each kind left, migrated."""
    engine = create_store(f"sqlite:///{tmp_path_factory.mktemp('first') / 'store.sqlite'}")
    make_first_schema(engine)
    add_versions(engine)
    add_jobs(engine)
    assert migrate(engine) is True
    return engine


def test_a_database_of_the_first_schema_keeps_its_rows(migrated: Engine) -> None:
    check_schema(migrated)
    assert read_kept(migrated) == KEPT


def test_versions_of_rankers_and_fusers_come_into_one_table_with_all_that_names_them(
    migrated: Engine,
) -> None:
    assert read_versions(migrated) == KEPT_VERSIONS
    with Session(migrated) as session:
        row = session.exec(select(models.ModelVersion).where(models.ModelVersion.path == "f2")).one()
        assert (row.hyper_parameters, row.metrics) == ({"seed": 1}, {"n": 2})
        assert row.created_at.isoformat() == "2026-01-01T00:00:00+00:00"


def test_trainings_and_generations_come_into_one_table_with_all_that_names_them(migrated: Engine) -> None:
    assert read_jobs(migrated) == KEPT_JOBS
    with Session(migrated) as session:
        training, failed = session.get_one(models.Job, 2), session.get_one(models.Job, 6)
        assert training.options == {"a": "b"}
        for row in (training, failed):
            assert row.created_at.isoformat() == "2026-01-01T00:00:00+00:00"
        assert failed.heartbeat_at == failed.progressed_at == failed.created_at
    # What refers to a job refers to the new table.
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), migrated.begin() as connection:
        connection.execute(text("UPDATE model_version SET job_id = 99 WHERE id = 3"))


def test_the_previous_release_keeps_every_row_of_every_table(engine: Engine) -> None:
    make_previous_release(engine)
    before = read_all(engine)
    assert all(before.values()), [name for name, rows in before.items() if not rows]
    migrate(engine)
    assert find_lost(before, read_all(engine)) == []


def test_several_answers_of_one_member_are_numbered_as_they_came(engine: Engine) -> None:
    at = "'2026-01-01T00:00:00+00:00'"
    rows = (
        "INSERT INTO member (name, backend, model, options, fingerprint, created_at) VALUES "
        f"('a', 'openai', 'a', '{{}}', 'a', {at}), ('i', 'import', 'i', '{{}}', 'i', {at})",
        "INSERT INTO prompt (project_id, instruction, input, fingerprint, history, created_at) "
        f"VALUES (1, 'Why?', '', 'f', '[]', {at}), (1, 'How?', '', 'g', '[]', {at})",
        "INSERT INTO candidate (prompt_id, member_id, text, created_at) VALUES "
        f"(1, 1, 'x', {at}), (1, 2, 'y', {at}), (1, 1, 'z', {at}), (2, 1, 'x', {at}), (1, 2, 'y', {at}), "
        f"(1, 1, 'w', {at})",
    )
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0024")
        for row in rows:
            connection.execute(text(row))
    migrate(engine)
    with Session(engine) as session:
        samples = session.exec(select(models.Candidate.sample).order_by(models.Candidate.id)).all()  # type: ignore[arg-type]
    assert samples == [1, 1, 2, 1, 1, 3]
