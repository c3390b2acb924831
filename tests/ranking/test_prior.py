import numpy as np
import pytest

from blender_ui.ranking.prior import TASK_KINDS, known_members, member_columns, task_kind
from blender_ui.values import RankingPrompt


@pytest.mark.parametrize(
    ("instruction", "given", "kind"),
    [
        ("Write a Python function that reverses a list.", "", "code"),
        ("What is 12 * 7?", "", "mathematics"),
        ("Summarize the text below.", "", "transform"),
        ("Make this sentence formal.", "gimme that", "transform"),
        ("Write a short poem about the sea.", "", "write"),
        ("Why is the sky blue?", "", "ask"),
        ("", "", "ask"),
    ],
)
def test_the_first_rule_that_fits_names_the_kind(instruction: str, given: str, kind: str):
    assert task_kind(RankingPrompt(instruction=instruction, input=given)) == kind


def test_unknown_members_have_no_column():
    assert known_members(["b", "", "a", "b"]) == ("a", "b")
    strengths, deviations = member_columns(["a", "", "stranger"], ["ask"] * 3, known=("a", "b"))
    np.testing.assert_array_equal(strengths, [[1, 0], [0, 0], [0, 0]])
    assert deviations.sum() == 1


def test_a_member_has_one_deviation_per_kind():
    _, deviations = member_columns(["a"] * len(TASK_KINDS), TASK_KINDS, known=("a",))
    np.testing.assert_array_equal(deviations, np.eye(len(TASK_KINDS)))
