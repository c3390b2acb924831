from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.tasks.store_kinds import StoreKinds
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.sorting import ALL_ALIKE
from blender_ui.values import RankingPrompt
from db.engine import transaction
from db.models import Prompt
from tests.builders.stores import make_store
from tests.tasks.prompts import make_encoder, make_tasks


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def add_prompts(engine: Engine, n: int, *, seed: int = 0, category: str | None = None) -> None:
    with transaction(engine, immediate=True) as session:
        for task in make_tasks(n, seed=seed)[0]:
            prompt = RankingPrompt(instruction=task.instruction)
            session.add(
                Prompt(instruction=task.instruction, fingerprint=prompt.fingerprint, category=category)
            )


def open_kinds(engine: Engine, home: Path) -> StoreKinds:
    home.mkdir(exist_ok=True)
    encoder = make_encoder(home)
    return StoreKinds(engine, folder=home / "kinds", open_encoder=lambda: encoder)


def test_a_store_with_few_prompts_has_one_kind(engine: Engine, tmp_path: Path) -> None:
    add_prompts(engine, 29)
    assert open_kinds(engine, tmp_path).current() is ALL_ALIKE


@pytest.mark.slow
def test_two_processes_learn_the_same_kinds_without_a_word(engine: Engine, tmp_path: Path) -> None:
    add_prompts(engine, 130)
    one, other = (open_kinds(engine, tmp_path / name).current() for name in ("web", "worker"))
    assert len(one.names) > 1
    assert one.kinds.fingerprint == other.kinds.fingerprint


def test_kinds_stay_until_the_prompts_have_doubled(engine: Engine, tmp_path: Path) -> None:
    add_prompts(engine, 60)
    kinds = open_kinds(engine, tmp_path)
    before = kinds.current()
    add_prompts(engine, 59, seed=1)
    assert kinds.current() is before
    add_prompts(engine, 1, seed=2)
    assert kinds.current() is not before
    assert open_kinds(engine, tmp_path).current().names == kinds.current().names


def test_without_the_encoder_there_is_one_kind_and_the_log_says_why_once(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_prompts(engine, 60)
    nowhere = tmp_path / "nowhere"
    kinds = StoreKinds(engine, folder=tmp_path / "kinds", open_encoder=lambda: StaticEncoder(nowhere))
    assert kinds.current() is kinds.current() is ALL_ALIKE
    (record,) = caplog.records
    assert "all prompts count as one kind of task" in record.message


def test_inspect_has_the_learnt_kinds_and_the_categories_of_imports(engine: Engine, tmp_path: Path) -> None:
    add_prompts(engine, 60)
    add_prompts(engine, 5, seed=1, category="poems")
    kinds = open_kinds(engine, tmp_path)
    found = PreferenceTable(engine, find_kinds=kinds.current).prompts()
    assert set(found.kinds) == {*kinds.current().names, "poems"}
    assert {found.kinds[kind] for kind in found.kind[61:]} == {"poems"}
    tasks = [RankingPrompt(instruction=task.instruction) for task in make_tasks(60)[0]]
    names = [kinds.current().names[kind] for kind in kinds.current().sort(tasks)]
    assert [found.kinds[kind] for kind in found.kind[1:61]] == names
