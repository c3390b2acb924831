from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from blender_ui.evidence.answers import EVIDENCE_NAMES, AnswerEvidence
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.start import CARD_FILE, START_PATH, digits_of, open_start, read_card
from blender_ui.values import PreferenceDataset, RankingPrompt
from tests.ranking.preferences import make_preferences

PROMPT = RankingPrompt(instruction="Question?")
PERMISSIVE = {"Apache-2.0", "MIT"}


def begin(seed: int = 0) -> tuple[FastRanker, PreferenceDataset, np.ndarray]:
    """A start that believes what made these preferences are made by, and other preferences."""
    dataset, readings = make_preferences(n_prompts=200, by_text=3, seed=seed)
    empty = FastRanker.fit(dataset.select(np.zeros(len(dataset), dtype=bool)), readings)
    features = empty.text_features(readings, dataset.prompt_of)
    difference = features[dataset.left] - features[dataset.right]
    weights = np.linalg.lstsq(difference, 4 * (dataset.target - 0.5), rcond=None)[0]
    return empty.begin(weights), dataset, readings


def test_the_card_says_whose_votes_taught_the_ranker_in_the_package() -> None:
    card = read_card()
    ranker = open_start(card.reader_fingerprint)
    assert ranker is not None
    assert ranker.fingerprint == card.fingerprint
    assert card.n_preferences == sum(source["n_preferences"] for source in card.sources)
    assert {source["licence"] for source in card.sources} <= PERMISSIVE
    assert card.figures.keys() >= {source["name"] for source in card.sources}
    assert card.bad_at
    assert sum(path.stat().st_size for path in START_PATH.iterdir()) < 1_000_000


def test_the_package_holds_no_text_that_it_learnt_from() -> None:
    card = json.loads((START_PATH / CARD_FILE).read_text())
    assert all(len(one) == len(digits_of(PROMPT)) and int(one, 16) >= 0 for one in card["prompts"])


def test_with_another_reader_there_is_no_start() -> None:
    assert open_start("another reader") is None


def test_the_card_knows_the_prompts_it_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _ = make_preferences(n_prompts=5)
    card = replace(read_card(), prompts=frozenset({digits_of(dataset.prompts[3])}))
    np.testing.assert_array_equal(card.find_known(dataset), dataset.prompt_of[dataset.left] == 3)


def test_a_start_ranks_by_its_weights_before_the_first_label() -> None:
    start, dataset, readings = begin()
    utility = start.utilities(readings, dataset.members, [PROMPT] * len(readings))
    right = (utility[dataset.left] > utility[dataset.right]) == (dataset.target == 1)
    assert right.mean() > 0.8


def about(n: int, name: str, values: np.ndarray) -> AnswerEvidence:
    """Evidence that says one thing about n answers."""
    features = np.zeros((n, len(EVIDENCE_NAMES)))
    features[:, EVIDENCE_NAMES.index(name)] = values
    return AnswerEvidence(features, ((),) * n)


def test_an_answer_about_something_else_loses_before_the_first_label() -> None:
    start, _, readings = begin()
    assert start.weighs_evidence
    same = np.stack([readings[0], readings[0]])
    foreign = start.pairwise_logits(
        same, ("", ""), PROMPT, evidence=about(2, "log_chance_on_topic", np.array([0.0, -5.0]))
    )
    assert foreign[0, 1] > 1


def test_a_start_learns_from_own_labels_what_other_evidence_is_worth() -> None:
    start, dataset, readings = begin()
    won = np.zeros(len(readings))
    np.add.at(won, np.where(dataset.target == 1, dataset.left, dataset.right), 1.0)
    said = about(len(readings), "concludes", np.minimum(won, 1.0))
    taught = start.refit(dataset, readings, evidence=said)
    same, asked = np.stack([readings[0], readings[0]]), about(2, "concludes", np.array([1.0, 0.0]))
    assert start.pairwise_logits(same, ("", ""), PROMPT, evidence=asked)[0, 1] == 0
    assert taught.pairwise_logits(same, ("", ""), PROMPT, evidence=asked)[0, 1] > 0.5


def test_own_labels_move_a_start_from_the_first_one_on() -> None:
    start, dataset, readings = begin()
    ask = readings[:2], ("", ""), PROMPT
    before = start.pairwise_logits(*ask)[0, 1]
    one = dataset.select(np.arange(len(dataset)) < 1)
    for target in (0.0, 1.0):
        moved = start.refit(
            replace(one, left=np.array([0]), right=np.array([1]), target=np.array([target])), readings
        )
        assert (moved.pairwise_logits(*ask)[0, 1] > before) == (target == 1.0)


def test_labels_that_say_the_opposite_take_over() -> None:
    start, _, _ = begin()
    own, readings = make_preferences(n_prompts=60, by_text=-3, seed=1)
    refitted = start.refit(own, readings)
    utility = refitted.utilities(readings, [""] * len(readings), [PROMPT] * len(readings))
    right = (utility[own.left] > utility[own.right]) == (own.target == 1)
    assert right.mean() > 0.7


def test_what_is_saved_of_a_start_is_what_is_loaded(tmp_path) -> None:
    start, _, readings = begin()
    start.save(tmp_path / "start")
    loaded = FastRanker.load(tmp_path / "start")
    assert loaded.fingerprint == start.fingerprint
    ask = readings[:4], [""] * 4, PROMPT
    np.testing.assert_array_equal(loaded.pairwise_logits(*ask), start.pairwise_logits(*ask))
