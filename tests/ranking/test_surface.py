import numpy as np

from blender_ui.ranking.surface import SURFACE_NAMES, surface_features
from blender_ui.values import RankingPrompt

PROMPT = RankingPrompt(instruction="Name two red fruits.", input="apple, banana")


def column(name: str, *answers: str) -> list[float]:
    return surface_features(PROMPT, answers)[:, SURFACE_NAMES.index(name)].tolist()


def test_counts_are_those_of_a_hand_count():
    answer = "# Fruits\n- apple\n- **cherry**\n\nDone?"
    assert np.expm1(column("log_words", answer)).round(4).tolist() == [4]
    assert np.expm1(column("log_list_items", answer)).round(4).tolist() == [2]
    assert np.expm1(column("log_emphasis", answer)).round(4).tolist() == [2]
    assert np.expm1(column("log_lines", answer)).round(4).tolist() == [4]
    assert column("ends_sentence", answer, "apple and") == [1, 0]


def test_echo_is_the_share_of_distinct_words_that_the_prompt_has():
    assert column("echo_of_prompt", "Apple apple, cherry") == [0.5]


def test_every_text_has_finite_features():
    texts = ["", " \n", "...", "\x00", "日本語のテキスト", "a" * 50_000, "🙂"]
    features = surface_features(PROMPT, texts)
    assert features.shape == (7, len(SURFACE_NAMES))
    assert np.isfinite(features).all()
    assert column("is_empty", "", " \n", "a") == [1, 1, 0]


def test_repetition_and_what_is_new_are_counted_by_words():
    # Triples: red red red (again and again), so three of four were said before.
    assert column("repeated_share", "Red red red red red red.", "A cherry is red.", "Red.") == [0.75, 0, 0]
    new = np.expm1(column("log_new_words", "The cherry and the apple are ripe.", "Two red fruits.", ""))
    assert new.round(4).tolist() == [2, 0, 0]  # cherry and ripe; apple stands in the prompt
    assert column("share_of_asked", "Two fruits that are red: plums.", "Plums.", "Name two red fruits.") == [
        0.75,
        0,
        1,
    ]


def test_no_answers_give_no_rows():
    assert surface_features(PROMPT, []).shape == (0, len(SURFACE_NAMES))
