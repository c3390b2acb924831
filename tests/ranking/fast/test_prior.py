import numpy as np

from blender_ui.ranking.fast.prior import kind_columns, known_members, member_columns


def test_unknown_members_have_no_column():
    assert known_members(["b", "", "a", "b"]) == ("a", "b")
    strengths = member_columns(["a", "", "stranger"], known=("a", "b"))
    np.testing.assert_array_equal(strengths, [[1, 0], [0, 0], [0, 0]])


def test_a_member_has_one_deviation_per_kind():
    strengths = member_columns(["a", "b", "b", ""], known=("a", "b"))
    deviations = kind_columns(strengths, np.array([0, 2, 1, 0]), 3)
    np.testing.assert_array_equal(
        deviations, [[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]]
    )


def test_where_all_prompts_are_of_one_kind_members_do_not_deviate():
    strengths = member_columns(["a", "b"], known=("a", "b"))
    assert kind_columns(strengths, np.zeros(2, dtype=int), 1).shape == (2, 0)
