"""A first version of one's own beside the start ranker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blender_ui.ranking import start as packaged
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.start import digits_of, read_card
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.training import fast, rankers
from blender_ui.services.training.requests import Training
from blender_ui.services.versions import start
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.standing import describe_standing
from db.models import utc_now
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import make_store
from tests.builders.trained import versions_of
from tests.ranking.preferences import make_preferences
from tests.ranking.scripted_reader import WIDTH
from tests.services.training.test_training_run import carry_out
from tests.worker.scripted_worker import make_run

pytestmark = pytest.mark.slow


def train_beside_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, knows_the_prompts: bool
) -> tuple[VersionView, VersionView]:
    """The version that 40 votes made, and the start ranker, which knows nothing worth knowing."""
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    dataset, _ = make_preferences(n_prompts=3)
    nothing = dataset.select(np.zeros(len(dataset), dtype=bool))
    readings = np.random.default_rng(0).normal(size=(len(dataset.texts), WIDTH)).astype(np.float32)
    ranker = FastRanker.fit(nothing, readings)
    ranker.save(tmp_path / "package")
    asked = load_dataset(engine).dataset.prompts if knows_the_prompts else ()
    card = replace(
        read_card(),
        reader="scripted",
        reader_fingerprint="scripted",
        fingerprint=ranker.fingerprint,
        prompts=frozenset(map(digits_of, asked)),
    )
    for module in (start, packaged, fast, rankers):
        monkeypatch.setattr(module, "read_card", lambda: card)
    monkeypatch.setattr(start, "START_PATH", tmp_path / "package")
    monkeypatch.setattr(packaged, "START_PATH", tmp_path / "package")
    run = make_run(engine, tmp_path)
    start.keep_start_version(engine, rankers_path=tmp_path / "rankers", reader="scripted")
    version_id = carry_out(run, Training(engine, train_every=0, clock=utc_now).request())
    new, old = versions_of(engine).list_versions()
    assert new.id == version_id
    return new, old


def test_it_is_compared_with_the_start_ranker_and_begins_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = train_beside_start(tmp_path, monkeypatch, knows_the_prompts=False)
    assert new.parent_id == old.id
    assert new.metrics["active"]["version_id"] == old.id
    assert new.hyper_parameters["start"] == old.fingerprint
    assert new.is_active, "it beats one that knows nothing"
    found = old.metrics["standing_since"]
    assert (found["n"], found["judged_on"]) == (new.metrics["standing"]["n"], "preferences")
    assert describe_standing(old).sentence.startswith("Version 1 (start ranker) is not shown to be better")


def test_a_start_that_learnt_from_the_same_prompts_judges_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = train_beside_start(tmp_path, monkeypatch, knows_the_prompts=True)
    assert new.parent_id == old.id
    assert "active" not in new.metrics
    assert new.hyper_parameters["start"] is None
    assert new.is_active, "as any first version that beats chance"
