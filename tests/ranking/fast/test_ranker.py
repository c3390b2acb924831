import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from blender_ui.errors import RankerError
from blender_ui.ranking.evaluation import decided_majorities, score_logits
from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES
from blender_ui.ranking.fast.files import ARRAYS_FILE, SETTINGS_FILE
from blender_ui.ranking.fast.negatives import Negatives, ReadNegatives, choose_negatives
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.tasks.sorting import TaskSorter, learn_sorter
from blender_ui.values import PreferenceDataset, RankingPrompt
from tests.ranking.preferences import WIDTH, make_preferences, with_likelihoods
from tests.tasks.prompts import make_encoder, make_tasks

PROMPT = RankingPrompt(instruction="Question?")


def accuracy(ranker: FastRanker, dataset: PreferenceDataset, readings: np.ndarray) -> float:
    pairs = decided_majorities(dataset)
    prompts = [dataset.prompts[prompt] for prompt in dataset.prompt_of]
    utility = ranker.utilities(readings, dataset.members, prompts)
    return float(score_logits(utility[pairs.winner] - utility[pairs.loser]).mean())


def test_it_learns_what_people_look_at_and_says_so_on_unseen_prompts():
    dataset, readings = make_preferences(n_prompts=100, by_text=3)
    unseen, unseen_readings = make_preferences(n_prompts=50, by_text=3, seed=1)
    ranker = FastRanker.fit(dataset, readings)
    assert accuracy(ranker, unseen, unseen_readings) > 0.8


def test_it_learns_who_writes_well_where_readings_say_nothing():
    dataset, readings = make_preferences(n_prompts=60, by_text=0, by_member=1)
    unseen, unseen_readings = make_preferences(n_prompts=60, by_text=0, by_member=1, seed=1)
    text = FastRanker.fit(dataset, readings, options=FastOptions(uses_members=False))
    both = FastRanker.fit(dataset, readings)
    assert accuracy(text, unseen, unseen_readings) < 0.6
    assert accuracy(both, unseen, unseen_readings) > 0.7


def test_logits_are_antisymmetric_and_uncertainty_is_symmetric():
    dataset, readings = make_preferences(n_prompts=20)
    ranker = FastRanker.fit(dataset, readings)
    logits = ranker.pairwise_logits(readings[:4], dataset.members[:4], PROMPT)
    deviations = ranker.uncertainty(readings[:4], dataset.members[:4], PROMPT)
    np.testing.assert_allclose(logits, -logits.T, atol=1e-12)
    np.testing.assert_allclose(deviations, deviations.T, atol=1e-12)
    assert (deviations[~np.eye(4, dtype=bool)] > 0).all()


def test_unknown_members_and_a_single_candidate_can_be_ranked():
    dataset, readings = make_preferences(n_prompts=20, by_member=1)
    ranker = FastRanker.fit(dataset, readings)
    same = np.repeat(readings[:1], 3, axis=0)
    logits = ranker.pairwise_logits(same, ["m3", "stranger", ""], PROMPT)
    assert logits[1, 2] == pytest.approx(0)
    assert logits[0, 1] > 0
    np.testing.assert_array_equal(ranker.pairwise_logits(same[:1], [""], PROMPT), [[0]])


def test_uncertainty_falls_as_labels_come():
    few, few_readings = make_preferences(n_prompts=12)
    many, many_readings = make_preferences(n_prompts=200)
    ask = few_readings[:4], few.members[:4], PROMPT
    before = FastRanker.fit(few, few_readings)
    assert before.uncertainty(*ask).sum() > before.refit(many, many_readings).uncertainty(*ask).sum()


def test_a_refit_with_the_same_preferences_changes_nothing_to_speak_of():
    dataset, readings = make_preferences(n_prompts=30)
    ranker = FastRanker.fit(dataset, readings)
    again = ranker.refit(dataset, readings)
    ask = readings[:4], dataset.members[:4], PROMPT
    np.testing.assert_allclose(ranker.pairwise_logits(*ask), again.pairwise_logits(*ask), atol=1e-3)


def test_a_refit_gives_a_new_member_its_strength():
    dataset, readings = make_preferences(n_prompts=40, n_members=3, by_text=0, by_member=1)
    wider, wider_readings = make_preferences(n_prompts=40, n_members=4, by_text=0, by_member=1)
    ranker = FastRanker.fit(dataset, readings).refit(wider, wider_readings)
    same = np.repeat(readings[:1], 2, axis=0)
    assert ranker.pairwise_logits(same, ["m3", "m0"], PROMPT)[0, 1] > 1


def test_what_is_saved_is_what_is_loaded(tmp_path: Path):
    dataset, readings = make_preferences(n_prompts=20, by_member=1)
    ranker = FastRanker.fit(dataset, readings)
    ranker.save(tmp_path / "version")
    loaded = FastRanker.load(tmp_path / "version")
    ask = readings[:4], dataset.members[:4], PROMPT
    assert loaded.fingerprint == ranker.fingerprint
    np.testing.assert_array_equal(loaded.pairwise_logits(*ask), ranker.pairwise_logits(*ask))


def test_damage_and_absence_are_told_with_the_folder(tmp_path: Path):
    with pytest.raises(RankerError, match="nowhere"):
        FastRanker.load(tmp_path / "nowhere")
    dataset, readings = make_preferences(n_prompts=5)
    FastRanker.fit(dataset, readings).save(tmp_path / "cut")
    (tmp_path / "cut" / SETTINGS_FILE).write_text("{")
    with pytest.raises(RankerError, match="cut"):
        FastRanker.load(tmp_path / "cut")


def test_readings_of_another_width_are_refused():
    dataset, readings = make_preferences(n_prompts=5)
    ranker = FastRanker.fit(dataset, readings)
    with pytest.raises(RankerError, match=rf"\(2, {WIDTH}\)"):
        ranker.pairwise_logits(readings[:2, :7], ["", ""], PROMPT)
    with pytest.raises(RankerError, match="finite"):
        ranker.refit(dataset, np.full_like(readings, np.nan))


def test_without_any_preference_it_says_even_odds():
    dataset, readings = make_preferences(n_prompts=5)
    ranker = FastRanker.fit(dataset.select(np.zeros(len(dataset), dtype=bool)), readings)
    np.testing.assert_array_equal(
        ranker.pairwise_logits(readings[:2], ["m0", "m1"], PROMPT), np.zeros((2, 2))
    )


def test_narrow_readings_and_ties_alone_can_be_learnt_from():
    dataset, readings = make_preferences(n_prompts=20)
    ties = replace(dataset, target=np.full(len(dataset), 0.5))
    logits = FastRanker.fit(ties, readings[:, :3]).pairwise_logits(readings[:2, :3], ["m0", "m1"], PROMPT)
    np.testing.assert_allclose(logits, 0, atol=1e-6)


def test_progress_is_a_curve_that_never_rises():
    dataset, readings = make_preferences(n_prompts=40)
    points: list[tuple[int, float, float]] = []
    FastRanker.fit(dataset, readings, on_progress=lambda *point: points.append(point))
    steps, losses, _ = zip(*points, strict=True)
    assert list(steps) == list(range(1, len(points) + 1))
    assert list(losses) == sorted(losses, reverse=True)


def test_a_start_is_kept_without_labels_and_left_behind_with_many():
    elsewhere, elsewhere_readings = make_preferences(n_prompts=100, by_text=3)
    start = FastRanker.fit(elsewhere, elsewhere_readings)
    dataset, readings = make_preferences(n_prompts=100, by_text=-3, seed=1)
    unseen, unseen_readings = make_preferences(n_prompts=50, by_text=-3, seed=2)
    none = dataset.select(np.zeros(len(dataset), dtype=bool))
    ask = readings, [""] * len(readings), [dataset.prompts[prompt] for prompt in dataset.prompt_of]
    kept = FastRanker.fit(none, readings, start=start).utilities(*ask)
    assert np.corrcoef(kept, start.utilities(*ask))[0, 1] == pytest.approx(1)
    assert accuracy(start, unseen, unseen_readings) < 0.3
    assert accuracy(FastRanker.fit(dataset, readings, start=start), unseen, unseen_readings) > 0.75


def test_a_start_makes_a_few_labels_worth_many():
    elsewhere, elsewhere_readings = make_preferences(n_prompts=200, by_text=2)
    few, few_readings = make_preferences(n_prompts=4, by_text=2, seed=1)
    unseen, unseen_readings = make_preferences(n_prompts=100, by_text=2, seed=2)
    cold = FastRanker.fit(few, few_readings)
    warm = FastRanker.fit(few, few_readings, start=FastRanker.fit(elsewhere, elsewhere_readings))
    assert accuracy(warm, unseen, unseen_readings) > accuracy(cold, unseen, unseen_readings) + 0.1


def test_a_start_of_another_reader_is_refused():
    dataset, readings = make_preferences(n_prompts=5)
    start = FastRanker.fit(dataset, readings)
    with pytest.raises(RankerError, match=rf"\({len(readings)}, {WIDTH}\)"):
        FastRanker.fit(dataset, readings[:, :30], start=start)


def test_an_answer_that_was_not_read_is_nobodys_rival():
    dataset, readings = make_preferences(n_prompts=40)
    unread = np.vstack([readings, np.zeros((1, WIDTH), dtype=readings.dtype)])
    wider = replace(
        dataset,
        texts=(*dataset.texts, "never read"),
        members=(*dataset.members, "m0"),
        prompt_of=np.append(dataset.prompt_of, 0),
    )
    ask = readings[:4], dataset.members[:4], PROMPT
    np.testing.assert_allclose(
        FastRanker.fit(wider, unread).pairwise_logits(*ask),
        FastRanker.fit(dataset, readings).pairwise_logits(*ask),
        atol=1e-9,
    )


def test_readings_that_say_nothing_cost_the_prior_little():
    dataset, readings = make_preferences(n_prompts=80, by_text=0, by_member=1)
    unseen, unseen_readings = make_preferences(n_prompts=100, by_text=0, by_member=1, seed=1)
    prior = FastRanker.fit(dataset, readings, options=FastOptions(uses_text=False))
    both = FastRanker.fit(dataset, readings)
    reached, alone = accuracy(both, unseen, unseen_readings), accuracy(prior, unseen, unseen_readings)
    assert reached > alone - 0.03


def test_an_answer_near_to_the_others_wins_where_people_choose_so():
    dataset, readings = make_preferences(n_prompts=80, n_members=4, by_text=0)
    rng = np.random.default_rng(3)
    hidden = slice(20, WIDTH)
    shared = 3 * rng.normal(size=(80, WIDTH - 20))
    is_far = np.tile([False, False, False, True], 80)
    readings[:, hidden] += np.where(is_far[:, None], 0, np.repeat(shared, 4, axis=0))
    chosen = np.where(is_far[dataset.left] == is_far[dataset.right], 0.5, is_far[dataset.right])
    people = replace(dataset, target=chosen.astype(float), members=("",) * len(dataset.members))
    learnt = people.select(dataset.prompt_of[dataset.left] < 60)
    asked = people.select(dataset.prompt_of[dataset.left] >= 60)
    with_consensus = FastRanker.fit(learnt, readings)
    without = FastRanker.fit(learnt, readings, options=FastOptions(uses_consensus=False))
    assert accuracy(with_consensus, asked, readings) > 0.95
    assert accuracy(with_consensus, asked, readings) > accuracy(without, asked, readings) + 0.1


def with_negatives(
    dataset: PreferenceDataset, readings: np.ndarray, seed: int
) -> tuple[Negatives, np.ndarray]:
    """Negatives whose last column but one, which means nothing in answers, says what they are."""
    chosen = choose_negatives(dataset, len(dataset.prompts) // 2, seed=seed)
    shifted = readings[chosen.donor].copy()
    shifted[:, -2] += 5
    return chosen, shifted


def test_negatives_teach_what_people_s_votes_do_not_and_a_refit_keeps_it():
    dataset, readings = make_preferences(n_prompts=100, by_text=1)
    chosen, shifted = with_negatives(dataset, readings, seed=0)
    plain = FastRanker.fit(dataset, readings)
    taught = FastRanker.fit(dataset, readings, negatives=ReadNegatives(*chosen, shifted))
    unseen, unseen_readings = make_preferences(n_prompts=100, by_text=1, seed=1)
    test, others = with_negatives(unseen, unseen_readings, seed=1)

    def lost(ranker: FastRanker) -> float:
        prompts = [PROMPT] * len(test.winner)
        members = [""] * len(test.winner)
        winner = ranker.utilities(unseen_readings[test.winner], members, prompts)
        return float((winner > ranker.utilities(others, members, prompts)).mean())

    assert lost(plain) < 0.7
    assert lost(taught) > 0.8
    assert lost(taught.refit(dataset, readings)) > 0.8
    assert accuracy(taught, unseen, unseen_readings) > accuracy(plain, unseen, unseen_readings) - 0.06


def test_a_refit_after_loading_is_the_refit_before(tmp_path: Path):
    dataset, readings = make_preferences(n_prompts=20)
    chosen, shifted = with_negatives(dataset, readings, seed=0)
    ranker = FastRanker.fit(dataset, readings, negatives=ReadNegatives(*chosen, shifted))
    ranker.save(tmp_path)
    again = FastRanker.load(tmp_path).refit(dataset, readings)
    assert again.fingerprint == ranker.refit(dataset, readings).fingerprint


def test_where_texts_do_not_count_negatives_do_not():
    dataset, readings = make_preferences(n_prompts=20, by_member=1)
    chosen, shifted = with_negatives(dataset, readings, seed=0)
    options = FastOptions(uses_text=False)
    ranker = FastRanker.fit(dataset, readings, options=options, negatives=ReadNegatives(*chosen, shifted))
    plain = FastRanker.fit(dataset, readings, options=options)
    ask = readings[:4], dataset.members[:4], PROMPT
    np.testing.assert_allclose(ranker.pairwise_logits(*ask), plain.pairwise_logits(*ask), atol=1e-6)


def learn_two_kinds(folder: Path) -> tuple[TaskSorter, PreferenceDataset, np.ndarray]:
    """Prompts of two kinds, on which the better member is another one."""
    dataset, readings = make_preferences(n_prompts=160, n_members=2, by_text=0)
    tasks, kinds = make_tasks(160)
    chosen = (kinds[dataset.prompt_of[dataset.left]] == 0).astype(float)  # the left one is always "m0"
    prompts = tuple(RankingPrompt(instruction=task.instruction) for task in tasks)
    sorter = learn_sorter(make_encoder(folder), tasks)
    return sorter, replace(dataset, prompts=prompts, target=chosen), readings


def test_members_deviate_by_the_learnt_kind_of_task(tmp_path: Path):
    sorter, dataset, readings = learn_two_kinds(tmp_path)
    ranker = FastRanker.fit(dataset, readings, kinds=sorter)
    alike = FastRanker.fit(dataset, readings)
    tasks, kinds = make_tasks(40, seed=9)
    same = np.repeat(readings[:1], 2, axis=0)

    def count_right(judge: FastRanker) -> float:
        found = [
            judge.pairwise_logits(same, ["m0", "m1"], RankingPrompt(instruction=task.instruction))[0, 1] > 0
            for task in tasks
        ]
        return float((np.array(found) == (kinds == 0)).mean())

    assert count_right(ranker) > 0.75
    assert count_right(alike) < 0.7


def test_a_loaded_ranker_has_its_kinds_wherever_it_lies(tmp_path: Path):
    sorter, dataset, readings = learn_two_kinds(tmp_path)
    ranker = FastRanker.fit(dataset, readings, kinds=sorter)
    ranker.save(tmp_path / "version")
    for path in tmp_path.glob("*.*"):
        path.unlink()
    loaded = FastRanker.load(tmp_path / "version")
    assert loaded.fingerprint == ranker.fingerprint
    ask = readings[:2], dataset.members[:2], dataset.prompts[0]
    np.testing.assert_array_equal(loaded.pairwise_logits(*ask), ranker.pairwise_logits(*ask))
    assert loaded.refit(dataset, readings).pairwise_logits(*ask)[0, 1] == pytest.approx(
        ranker.pairwise_logits(*ask)[0, 1], rel=0.05
    )


def test_a_ranker_saved_with_the_five_old_kinds_still_opens_and_refits(tmp_path: Path):
    dataset, readings = make_preferences(n_prompts=40, by_member=1)
    ranker = FastRanker.fit(dataset, readings)
    ranker.save(tmp_path)
    settings = json.loads((tmp_path / SETTINGS_FILE).read_text())
    settings |= {"format": 4, "task_kinds": ["code", "mathematics", "transform", "write", "ask"]}
    del settings["task_kinds_fingerprint"]
    arrays = load_file(tmp_path / ARRAYS_FILE)
    more = 5 * len(settings["members"])
    arrays["head.mean"] = np.append(arrays["head.mean"], np.full(more, 7.0))
    arrays["head.covariance"] = np.pad(arrays["head.covariance"], (0, more))
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(settings))
    (tmp_path / ARRAYS_FILE).write_bytes(save(arrays))
    old = FastRanker.load(tmp_path)
    saved = (tmp_path / SETTINGS_FILE).read_bytes() + (tmp_path / ARRAYS_FILE).read_bytes()
    assert old.fingerprint == hashlib.sha256(saved).hexdigest()
    ask = readings[:4], dataset.members[:4], dataset.prompts[0]
    np.testing.assert_array_equal(old.pairwise_logits(*ask), ranker.pairwise_logits(*ask))
    np.testing.assert_allclose(
        old.refit(dataset, readings).pairwise_logits(*ask), ranker.pairwise_logits(*ask), atol=0.01
    )


def test_a_ranker_whose_readings_begin_with_likelihoods_opens_as_it_was(tmp_path: Path):
    dataset, readings = make_preferences(n_prompts=40, by_member=1)
    ranker = FastRanker.fit(dataset, readings)
    before = with_likelihoods(ranker, readings).refit(dataset, readings)
    before.save(tmp_path)
    settings = json.loads((tmp_path / SETTINGS_FILE).read_text())
    settings["format"] = 6
    assert settings.pop("n_likelihoods") == len(LIKELIHOOD_NAMES)
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(settings))
    saved = (tmp_path / SETTINGS_FILE).read_bytes() + (tmp_path / ARRAYS_FILE).read_bytes()
    old = FastRanker.load(tmp_path)
    assert old.fingerprint == hashlib.sha256(saved).hexdigest()
    assert old.weighs_likelihoods
    assert not ranker.weighs_likelihoods
    ask = readings[:4], dataset.members[:4], dataset.prompts[0]
    np.testing.assert_array_equal(old.pairwise_logits(*ask), before.pairwise_logits(*ask))
    assert old.group_sizes[:2] == (len(LIKELIHOOD_NAMES), 13)
    assert old.refit(dataset, readings).weighs_likelihoods
