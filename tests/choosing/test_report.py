"""What a chooser learnt, as people look at it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorded import from_scores
from blender_ui.choosing.chooser import Chooser, ChooserOptions, fit_chooser
from blender_ui.choosing.outcomes import Votes, from_votes
from blender_ui.choosing.report import ALL, ALWAYS, CHOSEN, RANDOM, load_report, make_report, measure_curve
from blender_ui.errors import ChooserError
from blender_ui.tasks.reading import ReadTasks, read_tasks
from tests.tasks.prompts import make_encoder, make_tasks

MEMBERS = ("first", "second", "third")


def fit(folder: Path) -> tuple[Chooser, ReadTasks, np.ndarray]:
    """A chooser of members that are good at one kind of prompt each, but for the third."""
    encoder = make_encoder(folder)
    tasks, kinds = make_tasks(200)
    likely = np.where(kinds[:, None] == 0, [0.9, 0.2, 0.4], [0.2, 0.9, 0.4])
    scores = (np.random.default_rng(0).random(likely.shape) < likely).astype(float)
    read = read_tasks(encoder, tasks)
    chooser = fit_chooser(encoder, read, from_scores(MEMBERS, scores), ChooserOptions(n_trees=20))
    return chooser, read, kinds


def test_the_curve_judges_every_way_on_the_same_prompts(tmp_path: Path) -> None:
    chooser, _, _ = fit(tmp_path)
    tasks, kinds = make_tasks(60, seed=9)
    held_out = read_tasks(chooser.encoder, tasks)
    scores = np.where(kinds[:, None] == 0, [1.0, 0.0, 0.5], [0.0, 1.0, 0.5])
    scores[:5, 1:] = np.nan  # one known member says nothing about choosing
    curve, n_judged = measure_curve(chooser, held_out, from_scores(MEMBERS, scores))
    assert n_judged == 55
    by = {(point.way, round(point.n_calls)): point for point in curve}
    assert by[CHOSEN, 1].quality > 0.95
    assert by[ALWAYS, 1].quality < 0.7
    assert by[RANDOM, 1].quality == pytest.approx(0.5)  # the mean of 1, 0 and 0.5
    assert by[RANDOM, 2].quality == pytest.approx((1 + 1 + 0.5) / 3)  # the best of each of three pairs
    assert by[ALL, 3].quality == 1
    assert by[RANDOM, 1].shares == pytest.approx((1 / 3,) * 3)
    assert sum(by[CHOSEN, 1].shares) == pytest.approx(1)


def test_a_report_comes_back_with_votes_by_kind_and_no_leader(tmp_path: Path) -> None:
    chooser, read, kinds = fit(tmp_path)
    n = len(read.texts)
    votes = Votes(
        prompt=np.arange(n), first=np.zeros(n, dtype=int), second=np.ones(n, dtype=int), target=1.0 - kinds
    )
    outcomes = from_votes(MEMBERS, votes, n_prompts=n)
    report = make_report(chooser, read, votes, held_out=read, outcomes=outcomes)
    report.save(tmp_path)
    assert load_report(tmp_path) == report
    assert [sum(column) for column in zip(*report.n_votes, strict=True)] == [n, n, 0]
    assert len(report.places) == len(report.kind_of) == len(report.prompts) == n
    if len(report.kinds) > 1:
        assert report.leader == ""


def test_a_version_from_before_reports_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ChooserError, match="train a chooser again"):
        load_report(tmp_path)
