"""Attributions add up, and what the model does not read gets nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from blender_ui.ranking.attribution import PairAttribution, Token, cut_into_tokens
from blender_ui.ranking.fast.ranker import GROUPS, FastRanker
from blender_ui.ranking.joint.attribution import JointExplainer
from blender_ui.ranking.joint.checkpoint import save_checkpoint, start_checkpoint
from blender_ui.ranking.joint.ranker import load_ranker
from blender_ui.ranking.reading_attribution import MOST_POINTS, EmbeddingPath, ReadingExplainer, integrate
from blender_ui.values import PreferenceDataset, RankingPrompt
from tests.ranking.joint_fixtures import make_base
from tests.ranking.preferences import with_likelihoods
from tests.ranking.test_reading import make_folder  # noqa: F401  a fixture

PROMPT = RankingPrompt(instruction="who sat on the mat", input="the best answer")
ANSWERS = ("the cat sat on a mat", "bad and long")


@pytest.mark.parametrize("form", ["joint", "pointwise"])
@pytest.mark.parametrize("backbone", ["deberta-v2", "bert"])
def test_a_joint_rankers_values_add_up_to_its_logit(tmp_path: Path, form: str, backbone: str) -> None:
    base = make_base(tmp_path / "base", backbone)
    save_checkpoint(start_checkpoint(base, form=form), tmp_path / "ranker")  # type: ignore[arg-type]
    found = JointExplainer(tmp_path / "ranker").attribute(PROMPT, ANSWERS, n_steps=40)
    logits = load_ranker(tmp_path / "ranker").pairwise_logits(PROMPT, ANSWERS)
    assert found.logit == pytest.approx(float(logits[0, 1]), abs=1e-4)
    moved = sum(abs(token.value) for token in (*found.first, *found.second, *found.prompt))
    assert moved > 1e-5
    assert abs(found.gap) < 0.02 * moved + 1e-6
    assert "".join(token.text for token in found.first).strip() == ANSWERS[0]
    assert "".join(token.text for token in found.second).strip() == ANSWERS[1]


def test_an_empty_answer_has_no_tokens(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "bert")
    save_checkpoint(start_checkpoint(base, form="joint"), tmp_path / "ranker")
    found = JointExplainer(tmp_path / "ranker").attribute(PROMPT, ("", "good"), n_steps=24)
    assert found.first == ()
    assert len(found.second) == 1


@pytest.fixture(scope="module", params=[False, True], ids=["states", "with likelihoods"])
def fitted(request, make_folder, tmp_path_factory):  # type: ignore[no-untyped-def]  # noqa: F811
    """A tiny reader, and a fast ranker that was fitted on what it reads, also as rankers from before were."""
    reader = ReadingExplainer(make_folder(), with_likelihoods=request.param)
    rng = np.random.default_rng(0)
    texts = tuple(" ".join(rng.choice(["cat", "sat", "mat", "good", "**on**"], 6)) for _ in range(24))
    prompts = tuple(RankingPrompt(instruction=f"Question {n}?") for n in range(12))
    dataset = PreferenceDataset(
        prompts=prompts,
        texts=texts,
        members=("A", "B") * 12,
        prompt_of=np.arange(24) // 2,
        left=np.arange(12) * 2,
        right=np.arange(12) * 2 + 1,
        target=rng.integers(0, 2, 12).astype(float),
        both_bad=np.zeros(12, dtype=bool),
        strength=np.full(12, np.nan),
        annotators=("x",) * 12,
    )
    readings = np.concatenate([reader.read(prompts[n], texts[2 * n : 2 * n + 2]) for n in range(12)])
    ranker = FastRanker.fit(dataset, readings)
    if request.param:
        ranker = with_likelihoods(ranker, readings).refit(dataset, readings)
    folder = tmp_path_factory.mktemp("ranker")
    ranker.save(folder)
    return reader, ranker, folder


def test_a_fast_rankers_values_add_up_to_its_logit(fitted) -> None:  # type: ignore[no-untyped-def]
    reader, ranker, folder = fitted
    found = reader.attribute(folder, PROMPT, ANSWERS, members=("A", "B"))
    readings = reader.read(PROMPT, ANSWERS)
    assert found.logit == pytest.approx(ranker.pairwise_logits(readings, ("A", "B"), PROMPT)[0, 1])
    moved = sum(abs(token.value) for token in (*found.first, *found.second))
    assert abs(found.gap) < 0.05 * moved
    assert found.is_complete
    assert found.n_steps <= MOST_POINTS
    assert "".join(token.text for token in found.first) == ANSWERS[0]


def test_a_ranker_from_before_is_explained_by_an_explainer_of_today(fitted) -> None:  # type: ignore[no-untyped-def]
    reader, ranker, folder = fitted
    found = ReadingExplainer(reader._folder).attribute(folder, PROMPT, ANSWERS, members=("A", "B"))
    readings = reader.read(PROMPT, ANSWERS)
    assert found.logit == pytest.approx(ranker.pairwise_logits(readings, ("A", "B"), PROMPT)[0, 1])


def test_a_long_answer_gets_fewer_points(fitted) -> None:  # type: ignore[no-untyped-def]
    reader, _, folder = fitted
    long = "the cat sat on the mat and " * 20  # a token a byte, and 300 are read
    found = reader.attribute(folder, PROMPT, (long, long), members=("A", "B"))
    assert found.n_steps <= 20 < MOST_POINTS


def test_points_are_put_where_the_utility_changes() -> None:
    def rises_near_the_end(embeddings: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(400 * (embeddings.mean(dim=(1, 2)) - 0.9))

    def miss(most_points: int) -> tuple[float, int]:
        path = EmbeddingPath(rises_near_the_end, torch.zeros(1, 3, 2), torch.ones(1, 3, 2))
        stretches = integrate(path, most_points)
        assert stretches[0].values.shape == (3,)
        return abs(1 - sum(float(stretch.values.sum()) for stretch in stretches)), path.n_points

    coarse, n_coarse = miss(4)
    fine, n_fine = miss(MOST_POINTS)
    assert (n_coarse, coarse > 0.5) == (4, True)
    assert fine < 0.05
    assert n_fine < MOST_POINTS


def test_a_fast_rankers_groups_add_up_exactly(fitted) -> None:  # type: ignore[no-untyped-def]
    reader, ranker, _ = fitted
    readings = reader.read(PROMPT, ANSWERS)
    first, second = np.array([0, 1]), np.array([1, 0])
    pairs = ranker.read_pairs(readings, ("A", "B"), [PROMPT] * 2, first=first, second=second)
    matrix = ranker.pairwise_logits(readings, ("A", "B"), PROMPT)
    np.testing.assert_allclose(pairs.logits, [matrix[0, 1], matrix[1, 0]], rtol=1e-12)
    np.testing.assert_allclose(pairs.by_group.sum(axis=1), pairs.logits, rtol=1e-12)
    assert pairs.by_group.shape == (2, len(GROUPS))
    np.testing.assert_allclose(
        pairs.deviations, ranker.uncertainty(readings, ("A", "B"), PROMPT)[0, 1], rtol=1e-9
    )


def test_weights_of_columns_give_the_utility_that_weights_of_features_give(fitted) -> None:  # type: ignore[no-untyped-def]
    reader, ranker, _ = fitted
    readings = reader.read(PROMPT, ANSWERS)
    weights = ranker.reading_weights()
    standard = np.clip((readings - weights.centre) / weights.scale, -5, 5)
    first, second = ranker.utilities(readings, ("", ""), [PROMPT] * 2)
    mine = standard @ weights.weights
    # Of two answers neither agrees more with the other, so only the difference is the same.
    assert mine[0] - mine[1] == pytest.approx(first - second, rel=1e-6)


def test_half_characters_are_told_with_the_token_that_ends_them() -> None:
    bytes_of = {1: b"a", 2: b"\xc3", 3: b"\xa9"}
    tokens = cut_into_tokens(
        [1, 2, 3],
        [1.0, 2.0, 3.0],
        decode=lambda ids: b"".join(bytes_of[one] for one in ids).decode(errors="replace"),
    )
    assert tokens == (Token("a", 1.0), Token("é", 5.0))


def test_a_sum_that_misses_much_is_not_complete() -> None:
    whole = PairAttribution(
        method="", first=(Token("a", 1.0),), second=(), prompt=(), logit=1.5, baseline=0.0, n_steps=1
    )
    assert whole.gap == pytest.approx(0.5)
    assert not whole.is_complete
