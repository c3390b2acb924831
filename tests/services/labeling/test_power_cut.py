"""What people said is on the disk before it is acknowledged; nothing else waits for the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from blender_ui.services.data.importing import Importing
from blender_ui.services.labeling.answers import Answer
from blender_ui.services.labeling.loop import Labeling
from blender_ui.store import open_store
from db.models import Outcome
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store

FULL, NORMAL = 2, 1


class Commits:
    """How far each commit of a store waited, as SQLite numbers it."""

    def __init__(self, engine: Engine) -> None:
        self.levels: list[int] = []
        event.listen(engine, "commit", self._note)

    def _note(self, connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        self.levels.append(raw.execute("PRAGMA synchronous").fetchone()[0])

    def of(self, act: Any) -> set[int]:
        self.levels.clear()
        act()
        return set(self.levels)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    make_store(tmp_path).dispose()
    engine = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", name="the store")
    yield engine
    engine.dispose()


def queued(engine: Engine) -> Labeling:
    labeling = make_labeling(engine, Clock())
    for prompt_id in add_prompts(engine, n_prompts=3):
        labeling.queue_prompt(prompt_id=prompt_id)
    return labeling


def vote(labeling: Labeling, annotator_id: int) -> Any:
    pair = labeling.next_pair(annotator_id=annotator_id)
    assert pair is not None
    answer = Answer(lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key=str(pair.lease_id))
    return lambda: labeling.answer(answer, annotator_id=annotator_id)


def test_a_vote_its_undo_and_an_import_wait_for_the_disk_and_lending_does_not(
    store: Engine, tmp_path: Path
) -> None:
    labeling = queued(store)
    me = labeling.sign_in(key=key_of(1)).id
    commits = Commits(store)
    assert commits.of(lambda: labeling.next_pair(annotator_id=me)) == {NORMAL}
    voting = vote(labeling, me)
    assert FULL in commits.of(voting)
    assert FULL in commits.of(lambda: labeling.undo(annotator_id=me))
    assert commits.of(lambda: labeling.next_pair(annotator_id=me)) == {NORMAL}
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"prompt": "Why?", "chosen": "A.", "rejected": "B."}))
    importing = Importing(store, clock=Clock(), seed=1, overlap=1)
    assert FULL in commits.of(lambda: importing.import_file(path))


def test_the_setting_takes_it_back(tmp_path: Path) -> None:
    make_store(tmp_path).dispose()
    engine = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", name="the store", waits_for_disk=False)
    labeling = queued(engine)
    me = labeling.sign_in(key=key_of(1)).id
    commits, voting = Commits(engine), vote(labeling, me)
    assert commits.of(voting) == {NORMAL}
    engine.dispose()
