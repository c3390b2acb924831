from __future__ import annotations

import math

import numpy as np
import pytest

from blender_ui.errors import RankerError
from blender_ui.ranking.promotion import (
    Decision,
    Judgement,
    Rival,
    Trial,
    decide_promotion,
    judge_logits,
    judge_longer,
)
from blender_ui.ranking.standing import BASELINES, LONGER, RATING, Standing, measure_standing
from blender_ui.values import PreferenceDataset, RankingPrompt


def make_dataset(targets: list[float], *, texts: tuple[str, ...] | None = None) -> PreferenceDataset:
    """One prompt a preference, left against right."""
    n = len(targets)
    return PreferenceDataset(
        prompts=tuple(RankingPrompt(instruction=str(number)) for number in range(n)),
        texts=texts or ("left", "right") * n,
        members=("a", "b") * n,
        prompt_of=np.repeat(np.arange(n), 2),
        left=np.arange(0, 2 * n, 2),
        right=np.arange(1, 2 * n, 2),
        target=np.array(targets),
        both_bad=np.zeros(n, dtype=bool),
        strength=np.full(n, np.nan),
        annotators=("Ada",) * n,
    )


def stand_beside(*, right: int, n: int = 20) -> Standing:
    """One that is right on every prompt, beside baselines that are right on some."""
    baseline = np.arange(n) < right
    found = measure_standing(
        np.ones(n), dict.fromkeys(BASELINES, baseline.astype(float)), np.arange(n), judged_on="votes"
    )
    assert found.accuracy == 1
    return found


PROVEN, UNPROVEN = stand_beside(right=10), stand_beside(right=19)


def decide(new: Judgement, *, active: Judgement | None, standing: Standing = PROVEN) -> Decision:
    """Beside an active version that is as good as the baselines, so that its place is not in doubt."""
    rival = None if active is None else Rival("version 1", active, PROVEN, UNPROVEN)
    return decide_promotion(new, rival=rival, standing=standing)


def decide_trial(new: int, active: int, *, longer: int, rating: int, n: int = 41) -> Decision:
    """Versions and baselines that are right on the first so many of n prompts."""

    def for_left(right: int) -> np.ndarray:
        return np.where(np.arange(n) < right, 2.0, -2.0)

    trial = Trial(
        make_dataset([1] * n), for_left(new), {LONGER: for_left(longer), RATING: for_left(rating)}, "votes"
    )
    return decide_promotion(
        trial.judge(), rival=trial.face(for_left(active), name="version 1"), standing=trial.stand()
    )


def test_a_bad_active_version_gives_way_to_one_that_clearly_beats_it() -> None:
    decision = decide_trial(40, 1, longer=20, rating=41)
    assert decision.promoted
    assert decision.reason.startswith(
        "Promoted in place of a worse one: version 1 is right less often than the longer answer and the "
        "higher-rated member, and the new version leads it by +95 points"
    )
    assert "not shown to be better than the higher-rated member either" in decision.reason


@pytest.mark.parametrize(
    ("new", "active", "rating", "why"),
    [
        (31, 30, 41, "it leads the active one by nothing that an interval shows"),
        (40, 25, 25, "it beats both baselines, so that the usual rule promotes it"),
        (40, 41, 41, "it is worse than the active one"),
        (38, 30, 30, "the active one is below no baseline that the new one does not beat"),
    ],
)
def test_the_active_version_otherwise_keeps_its_place_or_loses_it_by_the_usual_rule(
    new: int, active: int, rating: int, why: str
) -> None:
    decision = decide_trial(new, active, longer=20, rating=rating)
    assert "in place of a worse one" not in decision.reason, why


def test_a_logit_of_two_for_the_chosen_side_loses_0_127_nats() -> None:
    # -ln sigmoid(2) = ln(1 + e^-2) = 0.126928
    judgement = judge_logits(np.array([2.0, -2.0]), make_dataset([1, 0]))
    assert judgement.n == 2
    assert judgement.accuracy == 1
    assert judgement.log_loss == pytest.approx(0.126928, abs=1e-6)


def test_ties_do_not_count_and_a_logit_of_zero_is_half_right() -> None:
    judgement = judge_logits(np.array([0.0, 5.0, 1.0]), make_dataset([1, 0.5, 1]))
    assert judgement.n == 2
    assert judgement.accuracy == 0.75
    assert judgement.low <= 0.75 <= judgement.high


def test_chance_loses_ln_2_and_is_not_promoted() -> None:
    chance = judge_logits(np.zeros(4), make_dataset([1, 0, 1, 0]))
    assert chance.log_loss == pytest.approx(math.log(2))
    decision = decide(chance, active=None)
    assert not decision.promoted
    assert decision.reason.startswith(
        "Refused: on 4 held-out preferences, log loss 0.693 against 0.693 of chance"
    )


def test_the_same_ranker_again_is_refused_and_a_better_one_promoted() -> None:
    dataset = make_dataset([1, 0, 1, 0])
    good = judge_logits(np.array([1.0, -1, 1, -1]), dataset)
    better = judge_logits(np.array([2.0, -2, 2, -2]), dataset)
    assert not decide(good, active=good).promoted
    decision = decide(better, active=good)
    assert decision.promoted
    assert "log loss 0.127 against 0.313 of version 1" in decision.reason
    assert "the longer answer on 50 % (a lead of +50 points" in decision.reason


def test_one_that_is_not_shown_to_beat_a_baseline_waits_for_more_votes() -> None:
    better = judge_logits(np.array([2.0, -2, 2, -2]), make_dataset([1, 0, 1, 0]))
    decision = decide(better, active=None, standing=UNPROVEN)
    assert not decision.promoted
    assert decision.reason.startswith(
        "Not yet: not shown to be better than the longer answer or the higher-rated member. The next training"
    )
    worse = judge_logits(np.array([-2.0, 2, -2, 2]), make_dataset([1, 0, 1, 0]))
    assert decide(worse, active=None, standing=UNPROVEN).reason.startswith("Refused: on 4 held-out")


def test_the_longer_answer_is_measured_in_characters() -> None:
    texts = ("longer", "short", "a", "bb")
    assert judge_longer(make_dataset([1, 1], texts=texts)) == 0.5


def test_nothing_decided_cannot_be_judged() -> None:
    with pytest.raises(RankerError, match="at least one preference for a side"):
        judge_logits(np.array([1.0]), make_dataset([0.5]))
