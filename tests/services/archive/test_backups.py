"""A backup is taken while people vote, and restored whole or not at all."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from blender_ui.errors import MalformedInput, Refused
from blender_ui.installation import read_secret
from blender_ui.services.archive.archiving import import_archive
from blender_ui.services.archive.backups import MANIFEST, STORE, Home, back_up, check_backup, restore
from blender_ui.services.labeling.answers import Answer
from blender_ui.services.labeling.loop import Labeling
from db.models import Outcome, Preference, utc_now
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store

N_VOTES = 40


def home_of(folder: Path) -> Home:
    versions = tuple(folder / name for name in ("rankers", "fusers", "choosers"))
    return Home(path=folder, versions=versions, members_path=folder / "members.toml")


def vote(labeling: Labeling, annotator_id: int) -> int:
    pair = labeling.next_pair(annotator_id=annotator_id)
    assert pair is not None
    answer = Answer(lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key=f"k{pair.lease_id}")
    submitted = labeling.answer(answer, annotator_id=annotator_id).submitted
    assert submitted is not None
    return submitted.preference_id  # type: ignore[union-attr]


def list_votes(engine: Engine) -> list[int]:
    with Session(engine) as session:
        return list(session.exec(select(Preference.id).order_by(col(Preference.id))))  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    folder = tmp_path / "first"
    engine = make_store(folder)
    read_secret(folder)
    (folder / "members.toml").write_text("[[member]]\n")
    (folder / "rankers" / "v1").mkdir(parents=True)
    (folder / "rankers" / "v1" / "head.npz").write_bytes(bytes(range(256)) * 5000)
    (folder / "rankers" / ".draft").mkdir()
    (folder / "rankers" / ".draft" / "half").write_bytes(b"half")
    yield engine
    engine.dispose()


def test_a_backup_while_people_vote_has_every_vote_before_it_and_every_file(
    engine: Engine, tmp_path: Path
) -> None:
    labeling = make_labeling(engine, Clock())
    for prompt_id in add_prompts(engine, n_prompts=N_VOTES):
        labeling.queue_prompt(prompt_id=prompt_id)
    me = labeling.sign_in(key=key_of(1)).id
    before = [vote(labeling, me) for _ in range(N_VOTES // 4)]
    voting = threading.Thread(target=lambda: [vote(labeling, me) for _ in range(N_VOTES // 2)])
    voting.start()
    path, first = tmp_path / "all.backup", home_of(tmp_path / "first")
    back_up(engine, first, path, settings=["BLENDER_UI_HOME"], now=utc_now())
    voting.join()

    second = home_of(tmp_path / "second")
    again = make_store(second.path)
    read_secret(second.path)  # as an app that was started too early leaves it
    backup, _ = restore(again, second, path)
    assert backup.settings == ("BLENDER_UI_HOME",)
    restored, all_votes = list_votes(again), list_votes(engine)
    assert set(before) <= set(restored) <= set(all_votes)
    assert len(all_votes) == len(before) + N_VOTES // 2
    for name in ("rankers/v1/head.npz", "secret", "members.toml"):
        assert (second.path / name).read_bytes() == (first.path / name).read_bytes()
    assert not (second.path / "rankers" / ".draft").exists()
    assert (second.path / "secret").stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o600
    make_labeling(again, Clock()).next_pair(annotator_id=me)
    again.dispose()


def _rewrite(path: Path, change: dict[str, bytes | None]) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files | change).items():
            if content is not None:
                archive.writestr(name, content)


def _renamed(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read(MANIFEST))
    told["files"][1]["name"] = name
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("home/rankers/v1/head.npz", "SHA-256"),
        (STORE, "SHA-256"),
        ("home/secret", "lacks home/secret"),
        ("../outside", "expected a backup"),
        ("home/../../outside", "expected a backup"),
        ("/etc/outside", "expected a backup"),
        (None, "no whole backup"),
    ],
)
def test_a_damaged_backup_restores_nothing(
    engine: Engine, tmp_path: Path, name: str | None, said: str
) -> None:
    path, second = tmp_path / "all.backup", home_of(tmp_path / "second")
    back_up(engine, home_of(tmp_path / "first"), path, settings=[], now=utc_now())
    check_backup(path)
    if name is None:
        path.write_bytes(path.read_bytes()[:1000])
    elif name.startswith(("..", "/", "home/..")):
        _rewrite(path, {MANIFEST: _renamed(path, name)})
    else:
        _rewrite(path, {name: None if "lacks" in said else b"other"})
    again = make_store(second.path)
    for act in (lambda: check_backup(path), lambda: restore(again, second, path)):
        with pytest.raises(MalformedInput, match=said):
            act()
    assert sorted(file.name for file in second.path.iterdir()) == ["store.sqlite"]
    again.dispose()


def test_a_backup_goes_into_an_empty_home_only(engine: Engine, tmp_path: Path) -> None:
    path, second = tmp_path / "all.backup", home_of(tmp_path / "second")
    back_up(engine, home_of(tmp_path / "first"), path, settings=[], now=utc_now())
    again = make_store(second.path)
    add_prompts(again, n_prompts=1)
    with pytest.raises(Refused, match="empty store"):
        restore(again, second, path)
    assert not (second.path / "rankers").exists()
    again.dispose()
    with pytest.raises(Refused, match="files in rankers"):
        restore(engine, home_of(tmp_path / "first"), path)


def test_its_rows_are_an_archive_that_can_be_taken_alone(engine: Engine, tmp_path: Path) -> None:
    add_prompts(engine, n_prompts=2)
    path = tmp_path / "all.backup"
    back_up(engine, home_of(tmp_path / "first"), path, settings=[], now=utc_now())
    with zipfile.ZipFile(path) as archive:
        archive.extract(STORE, tmp_path)
    again = make_store(tmp_path / "second")
    tables = {table.name: table.n_rows for table in import_archive(again, tmp_path / STORE).tables}
    assert (tables["prompt"], tables["candidate"]) == (2, 4)
    again.dispose()
