from dataclasses import replace

import numpy as np

from blender_ui.ranking.fast.negatives import MOST, choose_negatives, count_negatives
from tests.ranking.preferences import make_preferences


def test_a_negative_answers_another_prompt_and_loses_to_an_answer_of_its_own():
    dataset, _ = make_preferences(n_prompts=50)
    chosen = choose_negatives(dataset, 10)
    prompts = dataset.prompt_of[chosen.winner]
    assert len(np.unique(prompts)) == len(prompts) == 10
    assert (prompts != dataset.prompt_of[chosen.donor]).all()
    again = choose_negatives(dataset, 10)
    np.testing.assert_array_equal(chosen.donor, again.donor)
    assert not np.array_equal(chosen.donor, choose_negatives(dataset, 10, seed=1).donor)


def test_only_compared_prompts_take_part_and_no_more_than_asked():
    dataset, _ = make_preferences(n_prompts=50)
    compared = dataset.select(dataset.prompt_of[dataset.left] < 20)
    chosen = choose_negatives(compared, 15)
    assert len(chosen.winner) == 15
    assert max(dataset.prompt_of[np.concatenate([chosen.winner, chosen.donor])]) < 20


def test_an_empty_answer_or_one_to_both_prompts_is_no_negative():
    dataset, _ = make_preferences(n_prompts=8)
    silent = replace(dataset, texts=tuple("" if index % 4 else "Yes." for index in range(len(dataset.texts))))
    assert not len(choose_negatives(silent, 8).winner)


def test_one_prompt_alone_or_none_has_no_negative():
    dataset, _ = make_preferences(n_prompts=1)
    assert not len(choose_negatives(dataset, 1).winner)
    assert not len(choose_negatives(dataset.select(np.zeros(len(dataset), dtype=bool)), 1).winner)


def test_negatives_are_few_beside_the_labels_and_the_prompts():
    dataset, _ = make_preferences(n_prompts=50)
    assert count_negatives(dataset) == 6  # of 300 labels
    assert count_negatives(dataset.select(np.arange(len(dataset)) < 6)) == 0  # one prompt
    assert count_negatives(dataset.select(np.arange(len(dataset)) % 6 == 0)) == 1
    assert count_negatives(make_preferences(n_prompts=2_000)[0]) == MOST
