"""Many annotators at once, and a process that is killed: nothing twice, nothing lost."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import col

from blender_ui.services.labeling.loop import Labeling
from db.engine import create_store, transaction
from db.models import Comparison, Lease, LeaseStatus, Outcome, Preference, utc_now
from tests.builders.stores import add_prompts, key_of, make_store

pytestmark = pytest.mark.slow

N_PROMPTS = 30
OVERLAP = 3
N_ANNOTATORS = 8

# Labels until nothing is left and says so after each vote, on the store and as the person named.
ANNOTATOR = """
import sys
from blender_ui.services.labeling.loop import Labeling
from db.engine import create_store
from db.models import Outcome, utc_now
labeling = Labeling(create_store(sys.argv[1]), clock=utc_now, seed=7, lease_seconds=600, overlap=3)
me = labeling.sign_in(key=sys.argv[2]).id
while pair := labeling.next_pair(annotator_id=me):
    told = labeling.submit(
        annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.RIGHT, idempotency_key=str(pair.lease_id)
    )
    print(told.preference_id, flush=True)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_store(tmp_path)
    labeling = loop(engine)
    for prompt_id in add_prompts(engine, n_prompts=N_PROMPTS):
        labeling.queue_prompt(prompt_id=prompt_id)
    return engine


def loop(engine: Engine) -> Labeling:
    return Labeling(engine, clock=utc_now, seed=7, lease_seconds=600, overlap=OVERLAP)


def label_everything(labeling: Labeling, number: int, acknowledged: list[int]) -> None:
    me = labeling.sign_in(key=key_of(number)).id
    while pair := labeling.next_pair(annotator_id=me):
        told = labeling.submit(
            annotator_id=me,
            lease_id=pair.lease_id,
            outcome=Outcome.LEFT,
            idempotency_key=f"vote-{pair.lease_id}",
        )
        acknowledged.append(told.preference_id)


def check_store(engine: Engine, acknowledged: list[int]) -> None:
    """Every acknowledged vote is there once; every comparison has as many as it was to have."""
    with transaction(engine) as session:
        stored = session.scalars(select(col(Preference.id))).all()
        assert sorted(acknowledged) == sorted(stored)
        votes = session.execute(select(col(Preference.comparison_id), col(Preference.annotator_id))).all()
        assert len(set(votes)) == len(votes)
        assert set(Counter(comparison_id for comparison_id, _ in votes).values()) == {OVERLAP}
        n_open = session.scalars(select(func.count()).where(col(Comparison.is_open).is_(True))).one()
        assert n_open == 0


def test_threads_label_everything_once(engine: Engine) -> None:
    labeling = loop(engine)
    acknowledged: list[int] = []
    threads = [
        threading.Thread(target=label_everything, args=(labeling, number, acknowledged))
        for number in range(N_ANNOTATORS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(acknowledged) == N_PROMPTS * OVERLAP
    check_store(engine, acknowledged)


def test_processes_label_everything_once(engine: Engine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ANNOTATOR, url, key_of(number)], stdout=subprocess.PIPE, text=True
        )
        for number in range(4)
    ]
    acknowledged = [
        int(line) for process in processes for line in process.communicate(timeout=120)[0].split()
    ]
    assert all(process.returncode == 0 for process in processes)
    check_store(engine, acknowledged)


def test_what_was_acknowledged_survives_a_killed_process(engine: Engine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    process = subprocess.Popen(
        [sys.executable, "-c", ANNOTATOR, url, key_of(1)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(5)]
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.stdout.close()

    reopened = create_store(url)
    with transaction(reopened) as session:
        stored = session.scalars(select(col(Preference.id))).all()
        # The vote under way when the process died may be there without having been told.
        assert set(acknowledged) <= set(stored)
        assert len(stored) - len(acknowledged) <= 1
        n_active = session.scalars(select(func.count()).where(col(Lease.status) == LeaseStatus.ACTIVE)).one()
        assert n_active <= 1

    labeling = loop(reopened)
    rest: list[int] = []
    for number in (1, 2, 3):
        label_everything(labeling, number, rest)
    check_store(reopened, [*stored, *rest])


def test_tabs_of_one_annotator_see_the_same_pair(engine: Engine) -> None:
    labeling = loop(engine)
    me = labeling.sign_in(key=key_of(1)).id
    seen: list[int] = []

    def look() -> None:
        pair = labeling.next_pair(annotator_id=me)
        assert pair is not None
        seen.append(pair.lease_id)

    tabs = [threading.Thread(target=look) for _ in range(6)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(timeout=60)
    assert len(seen) == 6
    assert len(set(seen)) == 1
