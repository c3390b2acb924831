"""Rankers that learn from references, over made-up readings: one column says how right an answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from blender_ui.evaluation.judging import (
    FUSED,
    NO_WRITERS,
    UNKNOWN_WRITER,
    Answered,
    ReferenceJudge,
    add_negatives,
    best_first,
)
from blender_ui.evaluation.judging import reference_preferences as preferences_of
from blender_ui.values import FloatArray, RankingPrompt

N_ITEMS = 20


def read(prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
    """Two columns: whether the answer says "right", and noise that follows from the text."""
    rng = [np.random.default_rng(sum(map(ord, prompt.instruction + text))) for text in answers]
    return np.array([["right" in text, one.normal()] for text, one in zip(answers, rng, strict=True)], float)


def make_answered() -> list[Answered]:
    """A is right on even items, B on odd ones, and C on none."""
    return [
        Answered(
            RankingPrompt(instruction=f"Question {number}?"),
            {
                "A": "right" if number % 2 == 0 else "no",
                "B": "right, too" if number % 2 else "never",
                "C": "nothing",
            },
            {"A": 1.0 - number % 2, "B": float(number % 2), "C": 0.0},
        )
        for number in range(N_ITEMS)
    ]


def make_judge(
    answered: Sequence[Answered], *, doubted: int | None = None, writers: Mapping[str, str] = NO_WRITERS
) -> ReferenceJudge:
    def fuse(number: int, names: Sequence[str]) -> str:
        return "right at last"

    def score(number: int, text: str) -> float:
        return float(("right" in text) != (number == doubted))

    return ReferenceJudge(answered, score=score, read=read, fuse=fuse, start=None, seed=0, writers=writers)


def test_the_share_of_preference_follows_how_much_better_an_answer_scores() -> None:
    prompt = RankingPrompt(instruction="Q")
    dataset = preferences_of([Answered(prompt, {"A": "a", "B": "b", "C": "c"}, {"A": 0.5, "B": 1, "C": 0.5})])
    assert [
        (dataset.members[left], dataset.members[right], target)
        for left, right, target in zip(dataset.left, dataset.right, dataset.target, strict=True)
    ] == [("A", "B", 0.25), ("A", "C", 0.5), ("B", "C", 0.75)]
    assert set(dataset.annotators) == {"references"}


def test_items_without_two_answers_give_no_preference() -> None:
    prompt = RankingPrompt(instruction="Q")
    assert len(preferences_of([Answered(prompt, {"A": "a"}, {"A": 1}), Answered(prompt, {}, {})])) == 0


def test_all_answers_of_a_member_count_for_it_under_any_label() -> None:
    answered = [one._replace(scores={"A": 1.0, "B": 0.5, "C": 0.0}) for one in make_answered()]
    prompt, alike = answered[0].prompt, {"A": "right", "C": "right"}
    apart = make_judge(answered).compare_members(0, prompt, alike)
    together = make_judge(answered, writers={"C": "A"}).compare_members(0, prompt, alike)
    assert apart[0, 1] > 0.5
    assert together[0, 1] == 0


def test_the_answer_that_references_call_right_is_ranked_first_on_items_not_seen() -> None:
    answered = make_answered()
    judge = make_judge(answered)
    first = [
        best_first(list(one.texts), judge.compare_members(number, one.prompt, one.texts))[0]
        for number, one in enumerate(answered)
    ]
    assert first == ["A", "B"] * (N_ITEMS // 2)


@pytest.mark.parametrize("is_right", [True, False])
def test_whether_a_fused_answer_is_worth_showing_is_learnt_from_other_fused_answers(is_right: bool) -> None:
    # The fused text is the same either way and says nothing of its worth: only other fused answers do. What
    # members miss is worth half, so that a fused answer worth nothing is the worst and not their equal.
    fused = "all in all"

    def score(number: int, text: str) -> float:
        return float(is_right) if text == fused else (1 + ("right" in text)) / 2

    answered = [
        one._replace(scores={name: (1 + worth) / 2 for name, worth in one.scores.items()})
        for one in make_answered()
    ]
    judge = ReferenceJudge(
        answered, score=score, read=read, fuse=lambda number, names: fused, start=None, seed=0
    )
    for number in (0, 1, 2):
        texts = {**answered[number].texts, FUSED: fused}
        order = best_first(list(texts), judge.compare_all(number, answered[number].prompt, texts))
        assert (order.index(FUSED) < 2) == is_right


def test_each_item_is_learnt_from_with_an_answer_to_another_one_worth_what_its_own_references_say() -> None:
    answered = make_answered()[:6]
    asked: list[tuple[int, str]] = []

    def score(number: int, text: str) -> float:
        asked.append((number, text))
        return 0.25

    learnt = add_negatives(answered, score)
    # Three items further on, whose members take turns: the 4th item's is its 1st member's.
    assert asked[:3] == [(0, "no"), (1, "never"), (2, "nothing")]
    assert [one.texts[UNKNOWN_WRITER] for one in learnt] == [text for _, text in asked]
    assert all(
        one.scores == {**plain.scores, UNKNOWN_WRITER: 0.25}
        for one, plain in zip(learnt, answered, strict=True)
    )


def test_without_another_item_there_is_no_negative_sample() -> None:
    answered = make_answered()
    assert add_negatives(answered[:1], lambda number, text: 1.0) == answered[:1]
    silent = Answered(RankingPrompt(instruction="Q"), {}, {})
    assert add_negatives([answered[0], silent], lambda number, text: 1.0)[0] == answered[0]


def test_an_answer_to_another_question_is_ranked_lower_though_members_kept_to_the_point() -> None:
    def read_topic(prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        """Whether the answer says "right", and whether it is about what was asked."""
        topic = prompt.instruction.removesuffix("?").split()[-1]
        return np.array([["right" in text, text.endswith(f" {topic}")] for text in answers], float)

    answered = [
        one._replace(texts={name: f"{text} {number}" for name, text in one.texts.items()})
        for number, one in enumerate(make_answered())
    ]
    judge = ReferenceJudge(
        answered,
        score=lambda number, text: float("right" in text and text.endswith(f" {number}")),
        read=read_topic,
        fuse=lambda number, names: "",
        start=None,
        seed=0,
    )
    for number, one in enumerate(answered):
        right, wrong = ("B", "A") if number % 2 else ("A", "B")
        texts = {**one.texts, wrong: f"right {number + 1}"}  # as right as the other, about something else
        names, logits = list(texts), judge.compare_members(number, one.prompt, texts)
        # Without negative samples it is within 0.1 of nothing, now one way and now the other.
        assert logits[names.index(right), names.index(wrong)] > 0.5


@pytest.mark.slow
def test_no_item_is_judged_by_a_ranker_that_has_seen_its_references() -> None:
    answered = make_answered()
    judge = make_judge(answered)
    # The same but for one item, whose references now say the opposite of members and fused answer.
    lie = answered[3]._replace(scores={"A": 1.0, "B": 0.0, "C": 1.0})
    misled = make_judge([*answered[:3], lie, *answered[4:]], doubted=3)
    for compare in ("compare_members", "compare_all"):
        logits = {
            number: [
                getattr(one, compare)(number, answered[number].prompt, answered[number].texts)
                for one in (judge, misled)
            ]
            for number in range(N_ITEMS)
        }
        np.testing.assert_array_equal(*logits[3])
        changed = [number for number, (one, other) in logits.items() if not np.array_equal(one, other)]
        assert len(changed) == N_ITEMS * 4 // 5
