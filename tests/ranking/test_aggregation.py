"""Scores, ranks and the tournament on matrices small enough to work by hand."""

from __future__ import annotations

import numpy as np
import pytest

from blender_ui.errors import RankerError
from blender_ui.ranking.aggregation import (
    Pair,
    rank_scores,
    run_tournament,
    score_candidates,
    score_deviations,
)

# Margins M - M.T: candidate 0 beats 1 by 1.5 and loses to 2 by 1.0; 1 loses to 2 by 0.5.
LOGITS = np.array([[0.0, 1.0, -0.25], [-0.5, 0.0, 0.5], [0.75, 1.0, 0.0]])


def test_max_logits_is_the_mean_margin_over_the_rivals() -> None:
    np.testing.assert_allclose(score_candidates(LOGITS), [(1.5 - 1.0) / 2, (-1.5 - 0.5) / 2, (1.0 + 0.5) / 2])


def test_max_logits_times_the_share_of_rivals_is_the_references_score() -> None:
    """llm-blender 0.0.2 divides by n, the diagonal included; ours divides by the n - 1 rivals."""
    reference = (LOGITS - LOGITS.T).mean(axis=1)
    np.testing.assert_allclose(score_candidates(LOGITS) * 2 / 3, reference)


def test_max_wins_is_the_share_of_readings_won() -> None:
    # Of 4 readings each, 0 wins (0,1) and (1,0); 1 wins (1,2); 2 wins (2,0), (2,1) and (0,2).
    np.testing.assert_allclose(score_candidates(LOGITS, policy="max_wins"), [0.5, 0.25, 0.75])


def test_a_reading_of_zero_is_half_a_win_for_both() -> None:
    np.testing.assert_allclose(score_candidates(np.zeros((3, 3)), policy="max_wins"), [0.5, 0.5, 0.5])


@pytest.mark.parametrize("policy", ["max_logits", "max_wins"])
def test_the_diagonal_is_ignored_and_one_candidate_scores_zero(policy: str) -> None:
    marked = LOGITS + np.diag([np.nan, 9.0, -9.0])
    np.testing.assert_array_equal(
        score_candidates(marked, policy=policy),  # type: ignore[arg-type]
        score_candidates(LOGITS, policy=policy),  # type: ignore[arg-type]
    )
    assert score_candidates(np.array([[7.0]]), policy=policy).tolist() == [0.0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("logits", "reason"),
    [
        (np.zeros((0, 0)), "at least one candidate"),
        (np.zeros((2, 3)), "square"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), "finite"),
    ],
)
def test_a_matrix_that_cannot_be_scored_is_refused(logits: np.ndarray, reason: str) -> None:
    with pytest.raises(RankerError, match=reason):
        score_candidates(logits)


def test_an_unknown_policy_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(RankerError, match="max_logits, max_wins"):
        score_candidates(LOGITS, policy="max_votes")  # type: ignore[arg-type]


def test_equal_scores_share_the_lowest_rank() -> None:
    """The reference's own example: scores .087, -.174, .087 rank 1, 3, 1."""
    assert rank_scores(np.array([0.087, -0.174, 0.087])).tolist() == [1, 3, 1]


def test_a_score_that_is_not_a_number_has_no_rank() -> None:
    with pytest.raises(RankerError, match="NaN"):
        rank_scores(np.array([1.0, np.nan]))


def _draw_logits(n_candidates: int, rng: np.random.Generator) -> np.ndarray:
    """Strengths, a gain of .3 for standing first, and noise of .2 that no strength explains."""
    strengths = rng.normal(size=n_candidates)
    noise = 0.2 * rng.normal(size=(n_candidates, n_candidates))
    return np.asarray(strengths[:, None] - strengths[None, :] + 0.3 + noise)


def _run(logits: np.ndarray) -> tuple[int, int, list[Pair]]:
    asked: list[Pair] = []

    def compare(pairs: object) -> list[float]:
        assert isinstance(pairs, list)
        asked.extend(pairs)
        return [float(logits[pair]) for pair in pairs]

    tournament = run_tournament(len(logits), compare)
    return tournament.winner, tournament.n_readings, asked


def test_the_tournament_counts_what_it_read_and_reads_nothing_twice() -> None:
    _, n_readings, asked = _run(_draw_logits(8, np.random.default_rng(0)))
    assert n_readings == len(asked) == len(set(asked))
    assert all(first != second for first, second in asked)


@pytest.mark.parametrize("n_candidates", [8, 12])
def test_the_tournament_finds_the_same_best_for_under_half_the_readings(n_candidates: int) -> None:
    rng = np.random.default_rng(1)
    matrices = [_draw_logits(n_candidates, rng) for _ in range(200)]
    played = [_run(logits) for logits in matrices]
    same = [
        winner == score_candidates(logits).argmax()
        for (winner, _, _), logits in zip(played, matrices, strict=True)
    ]
    assert np.mean(same) >= 0.95
    assert np.mean([n_readings for _, n_readings, _ in played]) < 0.5 * n_candidates * (n_candidates - 1)


def test_the_tournament_grows_like_n_log_n_when_nothing_is_ever_settled() -> None:
    rng = np.random.default_rng(2)
    for n_candidates in (16, 64):
        _, n_readings, _ = _run(rng.normal(size=(n_candidates, n_candidates)))
        assert n_readings <= 2 * n_candidates * np.log2(n_candidates) + 4 * n_candidates


@pytest.mark.parametrize(("n_candidates", "n_expected"), [(1, 0), (2, 2), (3, 6)])
def test_a_few_candidates_are_read_in_full(n_candidates: int, n_expected: int) -> None:
    logits = LOGITS[:n_candidates, :n_candidates]
    winner, n_readings, _ = _run(logits)
    assert winner == score_candidates(logits).argmax()
    assert n_readings == n_expected


def test_a_tournament_of_no_one_or_of_nan_is_refused() -> None:
    with pytest.raises(RankerError, match="at least one"):
        run_tournament(0, lambda pairs: [0.0 for _ in pairs])
    with pytest.raises(RankerError, match="finite logits"):
        run_tournament(4, lambda pairs: [float("nan") for _ in pairs])


def test_a_score_s_deviation_is_that_of_its_contrast_of_utilities() -> None:
    """Against a covariance of utilities whose errors go together, worked out the long way."""
    root = np.random.default_rng(3).normal(size=(4, 4))
    covariance = root @ root.T
    spread = np.diag(covariance)
    deviations = np.sqrt(np.maximum(spread[:, None] + spread[None, :] - 2 * covariance, 0))
    contrast = 2 * (np.eye(4) - (1 - np.eye(4)) / 3)  # twice the mean margin over the three rivals
    expected = np.sqrt(np.einsum("ik,kl,il->i", contrast, covariance, contrast))
    assert score_deviations(deviations) == pytest.approx(expected)
    assert (expected < 2 * deviations.sum(axis=1) / 3).all()  # never as wide as if all erred together
    assert score_deviations(np.zeros((1, 1))).tolist() == [0.0]
