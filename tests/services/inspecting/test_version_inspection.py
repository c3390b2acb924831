"""Versions that were really trained, judged on held-out votes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import NotFound
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.predicting import predict_fast
from blender_ui.services.inspecting import predictions
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.versions import VersionInspection
from blender_ui.services.ranking.datasets import gather_stored, load_dataset
from blender_ui.services.ranking.readings import load_readings
from blender_ui.votes.views import find_judged
from db.engine import transaction
from db.models import Preference, utc_now
from tests.builders.preferences import lengthen_good_answers
from tests.builders.stores import make_store
from tests.builders.trained import copy_trained_store


class TrainedStore:
    """A store with a good version and one that learnt from misleading votes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        _, self.good, self.misled = copy_trained_store(home)
        self.engine: Engine = make_store(home)
        self.table = PreferenceTable(self.engine)
        self.inspection = self.open()

    def open(self) -> VersionInspection:
        return VersionInspection(
            self.engine, table=self.table, process=EngineProcess({}), rankers_path=self.home / "rankers"
        )


@pytest.fixture(scope="module")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainedStore]:
    trained_store = TrainedStore(tmp_path_factory.mktemp("home"))
    yield trained_store
    trained_store.engine.dispose()


def test_a_report_says_what_predicting_each_held_out_vote_by_hand_says(trained_store: TrainedStore) -> None:
    report = trained_store.inspection.report(trained_store.good)
    stored = load_dataset(trained_store.engine)
    held_out = stored.dataset.held_out(share=0.2)
    judged = stored.dataset.select(held_out)
    version = next(one for one in trained_store.inspection.list_versions() if one.id == trained_store.good)
    with transaction(trained_store.engine) as session:
        vectors = load_readings(session, stored.candidate_ids.tolist(), fingerprint=version.base_fingerprint)
    readings = np.stack([vectors[one] for one in stored.candidate_ids.tolist()])
    ranker = FastRanker.load(trained_store.home / "rankers" / version.path)
    logits = predict_fast(ranker, judged, readings, gather_stored(trained_store.engine, stored))
    assert report.n_judged == report.n_votes == len(judged)
    assert report.accuracy.share == pytest.approx(np.mean((logits > 0) == (judged.target == 1)))
    assert report.reliability.brier == pytest.approx(np.square(expit(logits) - judged.target).mean())
    assert report.accuracy.low < report.accuracy.share <= report.accuracy.high


def test_groups_hold_every_vote_once(trained_store: TrainedStore) -> None:
    report = trained_store.inspection.report(trained_store.good)
    for rows in (report.by_pair, report.by_kind, report.by_length, report.by_agreement):
        assert sum(row.n for row in rows) == report.n_judged
        assert sum(row.n * row.share for row in rows) == pytest.approx(
            report.n_judged * report.accuracy.share
        )
    assert {row.name for row in report.by_agreement} == {"one vote"}
    assert {row.name for row in report.by_pair} == {"m0-0 / m1-0", "m0-1000 / m1-1000"}


def test_the_surest_mistakes_come_first_and_are_mistakes(trained_store: TrainedStore) -> None:
    report = trained_store.inspection.report(trained_store.misled)
    chances = [one.probability for one in report.mistakes]
    assert chances == sorted(chances, reverse=True)
    assert all(chance > 0.5 for chance in chances)
    assert len(chances) == report.n_judged - round(report.n_judged * report.accuracy.share)


def test_a_fast_version_has_no_side(trained_store: TrainedStore) -> None:
    report = trained_store.inspection.report(trained_store.good)
    assert report.first_gain == 0
    assert report.people_longer.n == 0  # all answers are of one length here


def test_how_often_people_prefer_the_longer_answer_is_counted(tmp_path: Path) -> None:
    trained_store = TrainedStore(tmp_path)
    lengthen_good_answers(trained_store.engine)
    report = trained_store.inspection.report(trained_store.good)
    assert report.people_longer.n == report.n_votes
    assert report.people_longer.share == 1  # the held-out votes are all for the better one
    trained_store.engine.dispose()


def test_two_versions_are_compared_on_the_same_votes(trained_store: TrainedStore) -> None:
    contrast = trained_store.inspection.contrast(trained_store.misled, trained_store.good)
    assert contrast.second.share > contrast.first.share
    assert contrast.n_changes == contrast.test.n_first_only + contrast.test.n_second_only
    assert contrast.test.n_second_only - contrast.test.n_first_only == pytest.approx(
        contrast.n * (contrast.second.share - contrast.first.share)
    )
    assert contrast.test.p_value < 0.05
    assert all(
        (one.second_probability > 0.5) == one.is_better and (one.first_probability > 0.5) != one.is_better
        for one in contrast.changes
    )
    back = trained_store.inspection.contrast(trained_store.good, trained_store.misled)
    assert back.test.p_value == contrast.test.p_value


def test_what_was_predicted_is_kept_and_only_new_votes_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained_store = TrainedStore(tmp_path)
    before = trained_store.inspection.report(trained_store.good)
    monkeypatch.setattr(FastRanker, "load", _refuse)
    again = trained_store.open().report(trained_store.good)
    assert again.accuracy == before.accuracy
    trained_store.engine.dispose()


@pytest.mark.parametrize("n_bytes", [0, 100], ids=["empty", "half-written"])
def test_a_file_of_predictions_that_cannot_be_read_is_made_again(tmp_path: Path, n_bytes: int) -> None:
    trained_store = TrainedStore(tmp_path)
    before = trained_store.inspection.report(trained_store.good)
    (kept,) = (trained_store.home / "rankers" / "predictions").glob("*.npz")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:n_bytes])
    assert trained_store.open().report(trained_store.good).accuracy == before.accuracy
    assert kept.read_bytes() == whole
    trained_store.engine.dispose()


def _refuse(folder: Path) -> FastRanker:
    raise AssertionError("what was predicted was asked again")


def test_a_look_judges_as_much_as_it_has_time_for_and_the_rest_follows(
    trained_store: TrainedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained_store.inspection.report(trained_store.good)
    shutil.copytree(
        trained_store.home / "rankers", tmp_path / "rankers", ignore=shutil.ignore_patterns("predictions")
    )
    monkeypatch.setattr(predictions, "REQUEST_SECONDS", 0.0)
    monkeypatch.setattr(predictions, "PORTION", 2)
    inspection = VersionInspection(
        trained_store.engine,
        table=trained_store.table,
        process=EngineProcess({}),
        rankers_path=tmp_path / "rankers",
    )
    part = inspection.report(trained_store.good)
    assert 0 < part.n_judged < whole.n_judged
    assert part.n_waiting > 0
    seen, until = part, time.monotonic() + 10
    while seen.n_waiting and time.monotonic() < until:
        seen = inspection.report(trained_store.good)
    inspection.close()
    assert (seen.n_judged, seen.accuracy, seen.by_kind) == (whole.n_judged, whole.accuracy, whole.by_kind)


def test_two_versions_of_which_a_look_knows_a_part_are_compared_on_the_same_part(
    trained_store: TrainedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained_store.inspection.contrast(trained_store.misled, trained_store.good)
    shutil.copytree(
        trained_store.home / "rankers", tmp_path / "rankers", ignore=shutil.ignore_patterns("predictions")
    )
    monkeypatch.setattr(predictions, "REQUEST_SECONDS", 0.0)
    monkeypatch.setattr(predictions, "PORTION", 2)
    inspection = VersionInspection(
        trained_store.engine,
        table=trained_store.table,
        process=EngineProcess({}),
        rankers_path=tmp_path / "rankers",
    )
    part = inspection.contrast(trained_store.misled, trained_store.good)
    inspection.close()
    assert 0 < part.n < whole.n


def test_a_vote_that_is_taken_back_makes_a_new_report(tmp_path: Path) -> None:
    trained_store = TrainedStore(tmp_path)
    before = trained_store.inspection.report(trained_store.good)
    with transaction(trained_store.engine, immediate=True) as session:
        told = find_judged(trained_store.table.current(), trained_store.table.prompts())
        preference = session.get(Preference, int(told.preference_id[0]))
        assert preference is not None
        preference.retracted_at = utc_now()
    assert trained_store.inspection.report(trained_store.good).n_votes == before.n_votes - 1
    trained_store.engine.dispose()


def test_lineage_names_where_a_version_comes_from(trained_store: TrainedStore) -> None:
    lineage = trained_store.inspection.lineage(trained_store.misled)
    assert lineage.ancestors[0].id == trained_store.misled
    assert len(lineage.code_versions) == len(lineage.ancestors)
    assert lineage.decisions[0].version_id == trained_store.misled
    points = trained_store.inspection.learning_curve()
    assert [point.version_id for point in points] == [trained_store.good, trained_store.misled]
    assert points[0].n_train < points[1].n_train


def test_people_and_a_version_rate_the_same_members(trained_store: TrainedStore) -> None:
    rows = trained_store.inspection.rate_members(trained_store.good)
    assert {row.member for row in rows} == {"m0-0", "m1-0", "m0-1000", "m1-1000"}
    assert sum(row.ranker for row in rows) == pytest.approx(0, abs=1e-9)
    assert all(row.people_low < row.people < row.people_high for row in rows)


def test_a_version_that_is_not_there_is_an_error(trained_store: TrainedStore) -> None:
    with pytest.raises(NotFound):
        trained_store.inspection.report(99)
    with pytest.raises(NotFound):
        trained_store.inspection.contrast(trained_store.good, 99)
