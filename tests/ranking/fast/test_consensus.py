import numpy as np
import pytest

from blender_ui.ranking.fast.consensus import measure_consensus, share_voices


def test_it_is_the_mean_cosine_with_the_others_of_the_prompt():
    # East, north and north-east: east meets 0 and 1 / sqrt 2, and so on; another prompt does not count.
    states = np.array([[2.0, 0], [0, 5], [1, 1], [1, 0]])
    measured = measure_consensus(states, np.array([7, 7, 7, 9]), counts=np.ones(4, dtype=bool))
    half = 0.5 / np.sqrt(2)
    assert measured == pytest.approx([half, half, 1 / np.sqrt(2), 0])


def test_a_member_s_own_answers_share_one_voice():
    states = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1], [0, 1]])
    prompt = np.zeros(5, dtype=int)
    voices = share_voices(("A", "B", "C", "C", "C"), prompt)
    np.testing.assert_allclose(voices, [1, 1, *(1 / 3,) * 3])
    measured = measure_consensus(states, prompt, counts=np.ones(5, dtype=bool), voices=voices)
    np.testing.assert_allclose(measured, [0.5, 0.5, *((2 / 3) / (8 / 3),) * 3])
    assert share_voices(("C", "C", "", ""), np.array([0, 1, 1, 1])).tolist() == [1, 1, 1, 1]


def test_two_answers_never_differ_in_it_and_an_unread_one_does_not_count():
    states = np.array([[1.0, 0], [1, 1], [9, 9]])
    counts = np.array([True, True, False])
    measured = measure_consensus(states, np.zeros(3, dtype=int), counts=counts)
    assert measured[0] == pytest.approx(measured[1]) == pytest.approx(1 / np.sqrt(2))
    assert measured[2] == 0


def test_no_candidates_and_empty_states_are_fine():
    assert measure_consensus(np.zeros((0, 3)), np.zeros(0, dtype=int), counts=np.zeros(0, bool)).shape == (0,)
    measured = measure_consensus(np.zeros((2, 0)), np.zeros(2, dtype=int), counts=np.ones(2, bool))
    np.testing.assert_array_equal(measured, [0, 0])
