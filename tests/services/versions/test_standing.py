"""Where a version stands, in words, and what a person overrides who lets it rank."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_ui.ranking.standing import BASELINES, Verdict, measure_standing
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.versions.model_versions import get_version
from blender_ui.services.versions.standing import describe_standing
from blender_ui.services.versions.start import keep_start_version
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion
from tests.builders.stores import make_store
from tests.builders.trained import versions_of


def metrics_of(*, right: int, baseline: int, n: int = 100) -> dict[str, Any]:
    """Figures of one that is right on the first prompts beside baselines that are right on fewer of them."""
    scores, others = (np.arange(n) < one for one in (right, baseline))
    found = measure_standing(
        scores.astype(float), dict.fromkeys(BASELINES, others.astype(float)), np.arange(n), judged_on="votes"
    )
    return {"standing": found.as_json()}


def add_version(tmp_path: Path, metrics: Mapping[str, Any]) -> Any:
    """A store with one version of these figures: the engine and the version's id."""
    engine = make_store(tmp_path)
    with transaction(engine) as session:
        row = ModelVersion(
            role=ModelRole.RANKER, kind=ModelKind.FAST, base_model="b", base_fingerprint="b",
            fingerprint="f", path="p", cut_off_preference_id=0, n_train=80, n_held_out=20,
            metrics=dict(metrics), code_version="1",
        )  # fmt: skip
        session.add(row)
        session.flush()
        return engine, row.id


@pytest.mark.parametrize(
    ("right", "baseline", "verdict", "words"),
    [
        (72, 60, Verdict.BETTER, "Version 1 beats both baselines: right on 72 % of 100 votes"),
        (72, 73, Verdict.UNDECIDED, "Version 1 is not shown to be better than the longer answer or the"),
        (60, 72, Verdict.WORSE, "Version 1 is worse than the longer answer and the higher-rated member"),
    ],
)
def test_the_figures_of_a_version_become_one_sentence(
    tmp_path: Path, right: int, baseline: int, verdict: Verdict, words: str
) -> None:
    engine, version_id = add_version(tmp_path, metrics_of(right=right, baseline=baseline))
    with transaction(engine) as session:
        found = describe_standing(get_version(session, version_id))
    assert found.verdict is verdict
    assert found.sentence.startswith(words)


def test_what_a_later_training_found_of_the_active_version_is_what_is_said_of_it(tmp_path: Path) -> None:
    since = {"standing_since": metrics_of(right=2, baseline=60)["standing"]}
    engine, version_id = add_version(tmp_path, metrics_of(right=72, baseline=60) | since)
    with transaction(engine) as session:
        found = describe_standing(get_version(session, version_id))
    assert found.verdict is Verdict.WORSE
    assert found.sentence.endswith("The longer answer was the better guess on these votes.")


def test_a_version_of_an_older_release_says_what_is_known(tmp_path: Path) -> None:
    metrics = {"held_out": {"n": 80, "accuracy": 0.71}, "longer": 0.72}
    engine, version_id = add_version(tmp_path, metrics)
    with transaction(engine) as session:
        found = describe_standing(get_version(session, version_id))
    assert found.verdict is None
    assert "right on 71 % of 80 held-out preferences, the longer answer on 72 %" in found.sentence


def test_the_start_ranker_says_that_no_vote_of_ones_own_has_judged_it(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    keep_start_version(engine, rankers_path=tmp_path, reader="smollm2-135m")
    with transaction(engine) as session:
        found = describe_standing(get_version(session, 1))
    assert found.verdict is None
    assert "no vote of yours has judged it yet" in found.sentence
    assert "of pandalm (the longer answer on 68 %" in found.sentence


def test_who_lets_an_unproven_version_rank_leaves_what_was_overridden(tmp_path: Path) -> None:
    engine, version_id = add_version(tmp_path, metrics_of(right=72, baseline=73))
    versions_of(engine).activate(version_id=version_id, decided_by_id=None, reason="reads better")
    (decision,) = versions_of(engine).decisions(version_id)
    assert decision.reason.startswith("reads better (this overrides the figures: Version 1 is not")
    (event,) = Auditing(engine).list_latest()
    assert (event.action, event.object_id) == ("version.activate", "1")
    assert event.after is not None
    assert event.after["reason"] == "reads better"
    assert event.after["overrides"] in decision.reason


def test_who_lets_a_proven_version_rank_overrides_nothing(tmp_path: Path) -> None:
    engine, version_id = add_version(tmp_path, metrics_of(right=72, baseline=60))
    versions_of(engine).activate(version_id=version_id, decided_by_id=None, reason="reads better")
    (decision,) = versions_of(engine).decisions(version_id)
    assert decision.reason == "reads better"
