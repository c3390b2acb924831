"""A home whose disk is emptied comes back from its snapshots, and none is shadowed or overwritten."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from benchmarks.scripted_hub import ScriptedHub
from blender_ui.errors import HubError, SettingsError
from blender_ui.hub.repository import Repository
from blender_ui.services.archive.snapshots import Snapshots, open_repository, restore_newest
from blender_ui.settings import Settings
from blender_ui.store import open_home_store
from db.engine import transaction
from db.models import Prompt
from tests.builders.hubs import signed_in_hub
from tests.builders.rows import prompt, save
from tests.builders.stores import put_store


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHub]:
    with signed_in_hub(monkeypatch) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)  # where no members.toml lies, so that the home's own counts
    return Settings(home_path=tmp_path / "first", snapshots="me/kept", snapshot_seconds=1)


class Installation:
    """One start on a disk, as ``blender-ui serve`` makes it."""

    def __init__(self, settings: Settings) -> None:
        if not settings.home_path.exists():
            put_store(settings.home_path)
        self.settings = settings
        self.engine: Engine = open_home_store(settings)
        repository = open_repository(settings)
        assert repository is not None
        self.restored = restore_newest(self.engine, settings, repository)
        self.snapshots = Snapshots(self.engine, settings, repository, restored=self.restored)

    def count_prompts(self) -> int:
        with Session(self.engine) as session:
            return session.exec(select(func.count()).select_from(Prompt)).one()


def ask(engine: Engine, n_prompts: int) -> None:
    with transaction(engine, immediate=True) as session:
        save(session, [prompt(secrets.token_hex(4)) for _ in range(n_prompts)])


def on_empty_disk(settings: Settings, name: str) -> Settings:
    return replace(settings, home_path=settings.home_path.parent / name)


def test_an_emptied_home_has_what_the_last_snapshot_had(hub: ScriptedHub, settings: Settings) -> None:
    first = Installation(settings)
    assert first.restored is None
    ask(first.engine, 2)
    (settings.home_path / "members.toml").write_text("[[member]]\n")
    early = first.snapshots.take_if_changed()
    assert first.snapshots.take_if_changed() is None
    ask(first.engine, 1)
    late = first.snapshots.take_if_changed()
    assert list(hub.repositories["dataset", "me/kept"].files) == [late] != [early]
    assert hub.repositories["dataset", "me/kept"].is_private

    second = Installation(on_empty_disk(settings, "second"))
    assert second.restored == late
    assert second.count_prompts() == 3
    assert (second.settings.home_path / "members.toml").read_text() == "[[member]]\n"


def test_two_that_overlap_leave_each_other_s_snapshots(
    hub: ScriptedHub, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    old = Installation(settings)
    ask(old.engine, 1)
    old.snapshots.take_if_changed()
    new = Installation(on_empty_disk(settings, "new"))
    ask(old.engine, 1)
    last_of_old = old.snapshots.take_if_changed()
    ask(new.engine, 1)
    with caplog.at_level(logging.WARNING):
        of_new = new.snapshots.take_if_changed()
    assert set(hub.repositories["dataset", "me/kept"].files) == {last_of_old, of_new}
    Installation(on_empty_disk(settings, "third"))
    assert "other processes left" in caplog.text


def test_a_start_without_its_hub_fails_and_shadows_nothing(hub: ScriptedHub, settings: Settings) -> None:
    hub.is_down = True
    with pytest.raises(HubError):
        Installation(settings)
    hub.is_down = False
    assert Installation(settings).restored is None


def test_a_home_in_use_is_not_restored_over(hub: ScriptedHub, settings: Settings) -> None:
    first = Installation(settings)
    ask(first.engine, 1)
    first.snapshots.take_if_changed()
    used = on_empty_disk(settings, "used")
    put_store(used.home_path)
    engine = open_home_store(used)
    ask(engine, 4)
    engine.dispose()
    again = Installation(used)
    assert again.restored is None
    assert again.count_prompts() == 4


def test_a_failed_snapshot_is_told_and_the_next_has_what_it_lacked(
    hub: ScriptedHub, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    first = Installation(settings)
    ask(first.engine, 1)
    hub.is_down = True
    with pytest.raises(HubError):
        first.snapshots.take_if_changed()
    hub.is_down = False
    assert first.snapshots.take_if_changed() is not None


def test_closing_takes_the_last_one(hub: ScriptedHub, settings: Settings) -> None:
    first = Installation(replace(settings, snapshot_seconds=3600))
    first.snapshots.start()
    ask(first.engine, 1)
    first.snapshots.close()
    assert Installation(on_empty_disk(settings, "second")).count_prompts() == 1


def test_a_store_that_stays_by_itself_is_not_snapshot(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="BLENDER_UI_DATABASE_URL"):
        open_repository(replace(settings, database_url="postgresql+psycopg://host/name"))
    assert open_repository(replace(settings, snapshots="")) is None
    assert open_repository(settings) == Repository(name="me/kept", kind="dataset")
