"""Answers that conclude the same are one group, and its features are of texts alone."""

from __future__ import annotations

import numpy as np

from blender_ui.evidence.agreement import GROUP_FEATURES, group_by_conclusion, group_features

PROMPT = "How many eggs are left of 16 if 7 are eaten and each costs $2?"
ANSWERS = [
    "16 - 7 = 9. The answer is 9.",
    "16 - 7 = 8. The answer is 8.",
    "Answer: 9",
    "no idea, sorry to say so, truly",
]


def test_groups_come_largest_first_and_leave_out_who_concludes_nothing() -> None:
    groups = group_by_conclusion(PROMPT, ANSWERS)
    assert [group.conclusion.key for group in groups][:2] == ["9", "8"]
    assert groups[0].answers == (0, 2)


def test_too_few_conclusions_make_no_groups() -> None:
    prose = "It is a long story about hens that I would rather tell another time, when everybody can listen."
    assert group_by_conclusion("Tell a story.", ["Answer: 9", prose, prose]) == ()


def test_features_see_size_and_wrong_steps_and_are_finite_for_empty_answers() -> None:
    groups = group_by_conclusion(PROMPT, ANSWERS)
    features = group_features(PROMPT, ANSWERS, groups)
    place = {name: index for index, name in enumerate(GROUP_FEATURES)}
    assert features.shape == (len(groups), len(GROUP_FEATURES))
    assert features[0, place["is_largest"]] == 1
    assert features[1, place["is_largest"]] == 0
    assert features[0, place["any_with_wrong_step"]] == 0
    assert features[1, place["any_with_wrong_step"]] == 1
    assert features[0, place["any_follows_last_step"]] == 1
    empty = group_by_conclusion("How many?", ["3", "", ""])
    assert empty == ()
    assert np.isfinite(group_features("", ["3", ""], group_by_conclusion("How many?", ["3", ""]))).all()


def test_features_do_not_depend_on_the_order_of_answers() -> None:
    groups = group_by_conclusion(PROMPT, ANSWERS[:3])
    swapped = [ANSWERS[2], ANSWERS[1], ANSWERS[0]]
    other = group_by_conclusion(PROMPT, swapped)
    np.testing.assert_allclose(
        group_features(PROMPT, ANSWERS[:3], groups), group_features(PROMPT, swapped, other)
    )
