from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.ranking.start import CARD_FILE, StartCard, read_card
from blender_ui.services.versions import start
from blender_ui.services.versions.model_versions import Versions, VersionView
from blender_ui.services.versions.start import keep_start_version
from db.models import ModelRole
from tests.builders.stores import make_store

READER = "smollm2-135m"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def list_versions(engine: Engine, folder: Path) -> tuple[VersionView, ...]:
    return Versions(engine, folders=dict.fromkeys(ModelRole, folder)).list_versions()


def keep_another(engine: Engine, folder: Path, card: StartCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "read_card", lambda: card)
    keep_start_version(engine, rankers_path=folder, reader=READER)


def test_a_new_store_ranks_with_the_start_ranker(engine: Engine, tmp_path: Path) -> None:
    keep_start_version(engine, rankers_path=tmp_path, reader=READER)
    (version,) = list_versions(engine, tmp_path)
    assert version.is_active
    assert version.is_start
    assert version.name == f"version {version.id} (start ranker)"
    assert version.n_train == read_card().n_preferences
    assert (tmp_path / version.path / CARD_FILE).is_file()


def test_it_is_kept_once_and_its_files_come_back(engine: Engine, tmp_path: Path) -> None:
    keep_start_version(engine, rankers_path=tmp_path, reader=READER)
    keep_start_version(engine, rankers_path=tmp_path / "moved", reader=READER)
    (version,) = list_versions(engine, tmp_path)
    assert (tmp_path / "moved" / version.path / CARD_FILE).is_file()


def test_with_another_reader_there_is_none(engine: Engine, tmp_path: Path) -> None:
    keep_start_version(engine, rankers_path=tmp_path, reader="qwen2.5-coder-0.5b")
    assert list_versions(engine, tmp_path) == ()


def test_a_newer_start_ranker_replaces_an_older_one(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_start_version(engine, rankers_path=tmp_path, reader=READER)
    newer = replace(read_card(), fingerprint="f" * 64)
    keep_another(engine, tmp_path, newer, monkeypatch)
    new, old = list_versions(engine, tmp_path)
    assert (new.is_active, old.is_active) == (True, False)
    assert new.fingerprint == "f" * 64


def test_it_never_replaces_a_version_of_one_s_own(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_start_version(engine, rankers_path=tmp_path, reader=READER)
    (version,) = list_versions(engine, tmp_path)
    monkeypatch.setattr(VersionView, "is_start", property(lambda one: one.id != version.id))
    keep_another(engine, tmp_path, replace(read_card(), fingerprint="f" * 64), monkeypatch)
    new, own = list_versions(engine, tmp_path)
    assert (new.is_active, own.is_active) == (False, True)
