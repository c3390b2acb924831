from __future__ import annotations

import numpy as np
import pytest

from blender_ui.ranking.baselines import longer_logits, rating_logits, rating_logits_by_fold
from blender_ui.ranking.standing import (
    LONGER,
    RATING,
    Standing,
    Verdict,
    describe,
    measure_standing,
    read_standing,
    stand,
)
from tests.ranking.preferences import make_preferences
from tests.ranking.test_promotion import make_dataset


def measure(n_ahead: int, n_behind: int, *, n: int = 60) -> Standing:
    """A ranker that alone is right on some prompts, and alone wrong on others, beside either baseline."""
    scores, others = np.ones(n), np.ones(n)
    others[:n_ahead] = 0
    scores[n_ahead : n_ahead + n_behind] = 0
    return measure_standing(scores, {LONGER: others, RATING: others}, np.arange(n), judged_on="votes")


def test_72_percent_beside_73_is_not_shown_to_be_better() -> None:
    found = measure(11, 12)
    assert found.verdict is Verdict.UNDECIDED
    assert tuple(found.find_unbeaten()) == (LONGER, RATING)
    assert "a lead of -2 points" in describe(found)


@pytest.mark.parametrize(
    ("n_ahead", "n_behind", "expected"),
    [(16, 4, Verdict.BETTER), (4, 16, Verdict.WORSE), (11, 9, Verdict.UNDECIDED)],
)
def test_the_interval_decides(n_ahead: int, n_behind: int, expected: Verdict) -> None:
    assert measure(n_ahead, n_behind).verdict is expected


def test_nine_prompts_say_nothing() -> None:
    assert measure(9, 0, n=9).verdict is Verdict.UNDECIDED
    assert tuple(measure(9, 0, n=9).find_unbeaten()) == (LONGER, RATING)
    assert measure(10, 0, n=10).verdict is Verdict.BETTER


def test_it_is_read_as_it_was_written_and_other_figures_are_none() -> None:
    found = measure(16, 4)
    assert read_standing(found.as_json()) == found
    assert read_standing(None) is None
    assert read_standing({"accuracy": 0.7}) is None


def test_ties_are_left_out_and_the_longer_answer_is_right_where_it_won() -> None:
    dataset = make_dataset([1, 0.5, 0], texts=("longer", "short", "a", "bb", "longer", "short"))
    found = stand(np.array([1.0, 3, 0]), {LONGER: longer_logits(dataset)}, dataset, judged_on="votes")
    assert (found.n, found.n_prompts, found.accuracy) == (2, 2, 0.75)
    assert found.against[LONGER].accuracy == 0.5
    assert found.against[LONGER].difference == 0.25


def test_members_are_rated_by_other_prompts_alone() -> None:
    dataset, _ = make_preferences(n_prompts=20)
    folds = dataset.prompt_of[dataset.left] % 2
    by_fold = rating_logits_by_fold(dataset, folds)
    odd = folds == 1
    expected = rating_logits(dataset.select(~odd), dataset.select(odd))
    assert by_fold[odd] == pytest.approx(expected)
    assert np.any(expected != 0)


def test_the_better_guess_is_the_baseline_that_was_right_most_often() -> None:
    votes = np.arange(100)
    right = {LONGER: votes < 55, RATING: votes < 99}
    baselines = {name: one.astype(float) for name, one in right.items()}
    found = measure_standing((votes < 98).astype(float), baselines, votes, judged_on="votes")
    assert found.find_better_guess() == RATING
    assert measure(16, 4).find_better_guess() == ""
