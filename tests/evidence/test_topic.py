"""An answer to another prompt is told by the words that it shares with nothing here."""

from __future__ import annotations

import numpy as np
import pytest

from blender_ui.evidence.topic import (
    LEAST_LOG_CHANCE,
    OFF_TOPIC_BELOW,
    TOPIC_FEATURES,
    load_weights,
    log_chances_on_topic,
    topic_features,
)
from blender_ui.values import Message, RankingPrompt

HARBOUR = RankingPrompt(
    instruction="When was the lighthouse built?",
    input="The lighthouse of Brenn was built in 1841 by the fishers of the harbour. It burned down twice, "
    "and stands on the northern pier today.",
)
OWN = ("The lighthouse was built in 1841.", "In 1841, by the fishers of the harbour.", "1841")


@pytest.mark.parametrize(
    "foreign",
    [
        "Peel the onions, then fry them slowly in butter until they turn brown and sweet.",
        "def add(a, b):\n    return a + b",
        "Paris",
        "Answer: she plays the cello in an orchestra.",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_answer_to_another_prompt_is_the_least_likely_to_be_about_this_one(
    foreign: str, place: int
) -> None:
    answers = [*OWN[:place], foreign, *OWN[place + 1 :]]
    chances = log_chances_on_topic(HARBOUR, answers)
    assert int(np.argmin(chances)) == place
    assert chances[place] < np.log(0.5) < np.delete(chances, place).min()


@pytest.mark.parametrize(
    ("asked", "own", "foreign"),
    [
        (
            "Write a Python function `sum_digits(n)` that returns the sum of the digits of n.",
            "def sum_digits(n):\n    return sum(int(digit) for digit in str(n))",
            "def rotate(items, k):\n    k %= len(items)\n    return items[-k:] + items[:-k]",
        ),
        (
            "Write a JavaScript function sumDigits(n) that returns the sum of the digits of n.",
            "const sumDigits = (n) => String(n).split('').reduce((a, b) => a + Number(b), 0);",
            "function rotate(items, k) {\n  return items.slice(-k).concat(items.slice(0, -k));\n}",
        ),
    ],
)
def test_code_for_another_function_is_told_by_the_name_that_the_prompt_gives(
    asked: str, own: str, foreign: str
) -> None:
    chances = log_chances_on_topic(RankingPrompt(instruction=asked), (own, f"Here it is:\n{own}", foreign))
    assert chances[2] < OFF_TOPIC_BELOW
    assert chances[:2].min() > np.log(0.9)


def test_code_that_calls_for_help_by_other_names_is_still_for_the_function() -> None:
    asked = RankingPrompt(instruction="Write a Python function `gcd(a, b)` of two positive integers.")
    helped = (
        "def step(a, b):\n    return b, a % b\n\n"
        "def gcd(a, b):\n    while b:\n        a, b = step(a, b)\n    return a"
    )
    short = "import math\n\ndef gcd(a, b):\n    return math.gcd(a, b)"
    assert log_chances_on_topic(asked, (helped, short, helped)).min() > OFF_TOPIC_BELOW


def test_answers_in_a_script_without_spaces_share_words_too() -> None:
    asked = RankingPrompt(instruction="灯台はいつ建てられましたか。")
    answers = (
        "灯台は千八百四十一年に建てられました。",
        "千八百四十一年に建てられました。",
        "玉ねぎを薄く切って炒めます。",
    )
    chances = log_chances_on_topic(asked, answers)
    assert int(np.argmin(chances)) == 2
    assert chances[:2].min() > OFF_TOPIC_BELOW


def test_what_was_said_before_is_part_of_the_prompt() -> None:
    before = (Message("user", "Tell me about the lighthouse of Brenn."), Message("assistant", OWN[1]))
    asked = RankingPrompt(instruction="And who did that?")
    answers = ("The fishers of the harbour.", "I could not say.")
    alone = log_chances_on_topic(asked, answers)[0]
    assert (
        log_chances_on_topic(RankingPrompt(instruction=asked.instruction, history=before), answers)[0] > alone
    )


def test_the_order_of_the_answers_changes_nothing_and_few_answers_are_judged_without_fault() -> None:
    answers = (*OWN, "Peel the onions, then fry them slowly in butter.")
    np.testing.assert_allclose(
        log_chances_on_topic(HARBOUR, answers), log_chances_on_topic(HARBOUR, answers[::-1])[::-1], atol=1e-12
    )
    assert log_chances_on_topic(HARBOUR, ()).shape == (0,)
    assert log_chances_on_topic(HARBOUR, ("1841",)).tolist() == [0.0]
    assert log_chances_on_topic(HARBOUR, ("1841", " ")).tolist() == [0.0, 0.0]
    assert log_chances_on_topic(HARBOUR, ("!", "?", "1841")).min() >= LEAST_LOG_CHANCE


def test_the_package_has_a_weight_for_every_feature() -> None:
    weights = load_weights()
    assert len(weights.weights) == len(TOPIC_FEATURES)
    assert (weights.scale > 0).all()
    features = topic_features(HARBOUR, OWN)
    assert features.shape == (3, len(TOPIC_FEATURES))
    assert np.isfinite(features).all()
