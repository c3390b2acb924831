"""The same store on a real PostgreSQL server, started for the test on a socket of its own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, select

from blender_ui.errors import LeaseLost, MalformedInput, NotSignedIn, Refused, StorageError
from blender_ui.services.archive.backups import back_up, restore
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.monitoring.queue_health import measure_queue
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.invitations import Invitations
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.versions.readiness import find_missing, measure_readiness
from blender_ui.store import open_store
from db.engine import transaction
from db.migrations import check_schema, migrate
from db.models import (
    DEFAULT_PROJECT_ID,
    Job,
    JobKind,
    JobStatus,
    ModelVersion,
    Outcome,
    Prompt,
    Role,
    utc_now,
)
from tests.builders.people import PASSWORD, make_accounts
from tests.builders.postgresql import PROGRAMS, an_empty_database, running_server
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
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
from tests.db.test_people import REFUSED, add_pair
from tests.services.archive.test_archiving import all_rows, make_full_store
from tests.services.archive.test_backups import home_of
from tests.services.labeling.test_labeling_under_load import check_store, label_everything, loop
from tests.services.training.test_counts import fill

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(not PROGRAMS, reason="needs PostgreSQL's server programs"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """The socket folder of a running server."""
    with running_server() as folder:
        yield folder


@pytest.fixture
def engine(empty: Engine) -> Engine:
    """A migrated database without rows."""
    migrate(empty)
    return empty


@pytest.fixture
def empty(server: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database of its own without a table."""
    with an_empty_database(server, request.node.name) as engine:
        yield engine


def test_migrations_give_the_schema_of_the_models(engine: Engine) -> None:
    check_schema(engine)
    assert migrate(engine) is False
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_a_database_of_the_first_schema_keeps_its_rows(empty: Engine) -> None:
    make_first_schema(empty)
    add_versions(empty)
    add_jobs(empty)
    assert migrate(empty) is True
    check_schema(empty)
    assert read_kept(empty) == KEPT
    assert read_versions(empty) == KEPT_VERSIONS
    assert read_jobs(empty) == KEPT_JOBS
    with transaction(empty, immediate=True) as session:
        version = session.exec(select(ModelVersion).where(ModelVersion.path == "f2")).one()
        again = ModelVersion(**{**version.model_dump(), "id": None, "is_active": False, "job_id": None})
        session.add(again)
        session.flush()
        assert again.id == 6  # the database goes on counting where the rows end
        job = Job(kind=JobKind.FAST, status=JobStatus.WAITING)
        session.add(job)
        session.flush()
        assert job.id == 8
    with pytest.raises(IntegrityError), empty.begin() as connection:
        connection.execute(text("UPDATE model_version SET job_id = 99 WHERE id = 3"))


def test_the_previous_release_keeps_every_row_of_every_table(empty: Engine) -> None:
    make_previous_release(empty)
    before = read_all(empty)
    assert all(before.values()), [name for name, rows in before.items() if not rows]
    migrate(empty)
    assert find_lost(before, read_all(empty)) == []


def test_the_database_refuses_what_must_never_be_true(engine: Engine) -> None:
    add_pair(engine)
    for statement, _ in REFUSED:
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM project")).scalar_one() == 1


def test_people_sign_in_and_their_roles_and_changes_are_kept(engine: Engine) -> None:
    clock = Clock()
    accounts = make_accounts(engine, clock)
    invitations = Invitations(engine, accounts=accounts, clock=clock)
    token = invitations.invite(role=Role.ADMIN, by=None)
    boss = invitations.accept(token=token, username="boss", password=PASSWORD, name="")
    access = Access(engine, mode=Mode.ACCOUNTS, clock=clock)
    assert access.recognise(boss.token).role is Role.ADMIN
    with pytest.raises(Refused):
        accounts.set_role(annotator_id=boss.annotator.id, role=Role.ANNOTATOR, by=None)
    projects = Projects(engine, clock=clock)
    made = projects.create(ProjectTerms(name="Safety"), by=boss.annotator.id)
    assert made.id == DEFAULT_PROJECT_ID + 1
    clock.pass_by(31 * 24 * 3600)
    with pytest.raises(NotSignedIn):
        access.recognise(boss.token)
    actions = [event.action for event in Auditing(engine).list_latest()]
    assert actions == ["project.create", "account.create", "invitation.create"]


def test_threads_label_everything_once(engine: Engine) -> None:
    labeling = loop(engine)
    for prompt_id in add_prompts(engine, n_prompts=20):
        labeling.queue_prompt(prompt_id=prompt_id)
    acknowledged: list[int] = []
    threads = [
        threading.Thread(target=label_everything, args=(labeling, number, acknowledged))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    check_store(engine, acknowledged)


def test_the_loop_keeps_its_promises(engine: Engine) -> None:
    clock = Clock()
    labeling = make_labeling(engine, clock)
    for prompt_id in add_prompts(engine, n_prompts=4):
        labeling.queue_prompt(prompt_id=prompt_id)
    me, other = (labeling.sign_in(key=key_of(number)).id for number in (1, 2))
    first = labeling.next_pair(annotator_id=me)
    assert first is not None
    assert isinstance(first.propensity, float)
    assert first.expires_at.utcoffset() is not None
    labeling.submit(
        annotator_id=me,
        lease_id=first.lease_id,
        outcome=Outcome.BOTH_BAD,
        idempotency_key="one",
        reason="why",
    )
    again = labeling.undo(annotator_id=me)
    assert again is not None
    assert again.comparison_id == first.comparison_id
    labeling.skip(annotator_id=me, lease_id=again.lease_id)
    assert labeling.prioritise({first.comparison_id: 2.0}) == 1
    labeling.mark_seen(annotator_id=other, prompt_id=1)
    assert labeling.progress(annotator_id=me).n_mine == 0
    clock.pass_by(100)
    assert labeling.next_pair(annotator_id=other) is not None


def test_an_export_is_the_same_from_either_database(engine: Engine, tmp_path: Path) -> None:
    sqlite = make_store(tmp_path)
    labeling = make_labeling(sqlite, Clock())
    for prompt_id in add_prompts(sqlite, n_prompts=3):
        labeling.queue_prompt(prompt_id=prompt_id)
    label_everything(labeling, 1, [])
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    Exporting(sqlite).export(first, format="jsonl")
    report = Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(first)
    assert (report.n_prompts, report.n_preferences) == (3, 3)
    Exporting(engine).export(second, format="jsonl")
    assert second.read_bytes() == first.read_bytes()


def test_the_inspector_reads_the_same_from_either_database(engine: Engine, tmp_path: Path) -> None:
    sqlite = make_store(tmp_path)
    found = []
    for store in (sqlite, engine):
        add_labeled_prompts(store, n_prompts=12)
        table = PreferenceTable(store)
        ratings = MemberRatings(store, table=table)
        wish = RatingWish(holds_style=True, adds_best_ranked=True)
        found.append((table.current(), table.styles(), measure_queue(store, table), ratings.rate(wish)))
    (told, styles, queue, rated), (there, other_styles, other_queue, other_rated) = found
    assert told.version == there.version
    for name in ("preference_id", "target", "left_id", "right", "is_human", "prompt_id"):
        np.testing.assert_array_equal(getattr(told, name), getattr(there, name))
    np.testing.assert_array_equal(styles, other_styles)
    assert queue == other_queue
    assert rated == other_rated


def test_the_pages_counts_are_the_same_from_either_database(engine: Engine, tmp_path: Path) -> None:
    found = []
    for store in (make_store(tmp_path), engine):
        fill(store)
        with transaction(store) as session:
            counts = measure_readiness(session), find_missing(session)
        found.append((*counts, sorted(map(str, Inspection(store).list_sources()))))
    assert found[0] == found[1]
    assert found[0][0].n_held_out > 0


def test_an_archive_moves_a_store_from_sqlite_with_every_row(engine: Engine, tmp_path: Path) -> None:
    sqlite = make_full_store(tmp_path)
    Exporting(sqlite, clock=Clock()).export(tmp_path / "all.zip", format="archive")
    Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(tmp_path / "all.zip")
    assert all_rows(engine) == all_rows(sqlite)
    figures = [Quality(store, clock=Clock()).view() for store in (sqlite, engine)]
    assert figures[0].n_labels == figures[1].n_labels > 0
    with transaction(engine, immediate=True) as session:
        prompt = Prompt(instruction="New?", fingerprint="f")
        session.add(prompt)
        session.flush()
        assert prompt.id == 4, "new rows are numbered after those that came"


def test_a_backup_moves_an_installation_from_sqlite_with_its_versions(engine: Engine, tmp_path: Path) -> None:
    first, second = home_of(tmp_path / "first"), home_of(tmp_path / "second")
    second.path.mkdir()
    sqlite = make_store(first.path)
    add_prompts(sqlite, n_prompts=3)
    (first.path / "rankers" / "v1").mkdir(parents=True)
    (first.path / "rankers" / "v1" / "head.npz").write_bytes(b"weights")
    path = tmp_path / "all.backup"
    back_up(sqlite, first, path, settings=[], now=utc_now())
    _, manifest = restore(engine, second, path)
    assert {table.name: table.n_rows for table in manifest.tables}["candidate"] == 6
    assert (second.path / "rankers" / "v1" / "head.npz").read_bytes() == b"weights"
    sqlite.dispose()


def test_what_a_database_cannot_keep_is_refused(engine: Engine, tmp_path: Path) -> None:
    address = engine.url.render_as_string(hide_password=False)
    make_store(tmp_path).dispose()
    for url in (address, f"sqlite:///{tmp_path / 'store.sqlite'}"):
        store = open_store(url, name="the store")
        labeling = make_labeling(store, Clock())
        me = labeling.sign_in(key=key_of(1)).id
        # SQLite keeps a NUL, so an import there loses no text; pages refuse it on either.
        for name in ("half \ud83d", "a\0b")[: 2 if url is address else 1]:
            with pytest.raises(MalformedInput):
                labeling.rename(annotator_id=me, name=name)
        for number in (2**63, 10**30):
            with pytest.raises((LeaseLost, MalformedInput)):
                labeling.skip(annotator_id=me, lease_id=number)
        assert labeling.rename(annotator_id=me, name="Ann").name == "Ann"
        store.dispose()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("/nowhere_at_all?", "does not exist"),
        ("nobody_here@/", "nobody_here"),
    ],
)
def test_a_server_that_does_not_let_one_in_is_a_sentence(engine: Engine, change: str, said: str) -> None:
    address = engine.url.render_as_string(hide_password=False)
    start, _, rest = address.partition("@/")
    if change.startswith("/"):
        address = f"{start}@{change}{rest.partition('?')[2]}"
    else:
        address = f"{start.rpartition('//')[0]}//{change}{rest}"
    with pytest.raises(StorageError, match=said) as caught:
        open_store(address, name="the store")
    assert "SELECT" not in str(caught.value)


def test_a_database_that_may_only_be_read_is_a_sentence(engine: Engine) -> None:
    address = engine.url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(
            text(f'ALTER DATABASE "{engine.url.database}" SET default_transaction_read_only = on')
        )
    with pytest.raises(StorageError, match="cannot be written"):
        open_store(address, name="the store")
