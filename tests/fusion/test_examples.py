from __future__ import annotations

from dataclasses import replace

import pytest

from blender_ui.fusion.examples import AnsweredPrompt, Target, build_example, consensus_order
from blender_ui.fusion.quality import measure_fusion, rouge_l
from blender_ui.values import RankingPrompt

ALL = tuple(Target)
ANSWERED = AnsweredPrompt(
    prompt=RankingPrompt(instruction="How is tea made?"),
    answers={1: "Boil water and pour it.", 2: "Boil water, then wait.", 3: "Ask someone.", 4: "  "},
    reference=None,
    votes={},
    scores={},
)


def test_without_labels_the_best_ranked_answer_is_left_out_and_rebuilt_from_the_others() -> None:
    example = build_example(replace(ANSWERED, scores={3: 2.0, 1: 1.0, 2: 0.0}), targets=ALL, top_k=3)
    assert example is not None
    assert (example.source, example.target) == (Target.LEAVE_ONE_OUT, "Ask someone.")
    assert example.candidates == ("Boil water and pour it.", "Boil water, then wait.")


def test_without_a_ranking_the_answer_that_the_others_agree_with_is_the_best() -> None:
    example = build_example(ANSWERED, targets=ALL, top_k=3)
    assert example is not None
    assert example.target.startswith("Boil water")
    assert example.candidates[-1] == "Ask someone."
    # F1 by hand: "a b c" against "a b d" 4/6, against "x" 0; "a b d" the same; "x" 0.
    assert consensus_order(["x", "a b c", "a b d"]) == (1, 2, 0)


def test_what_people_preferred_is_the_target_and_the_others_are_read() -> None:
    example = build_example(replace(ANSWERED, votes={2: 3.0, 1: -3.0}), targets=ALL, top_k=1)
    assert example is not None
    assert (example.source, example.target) == (Target.PREFERRED, "Boil water, then wait.")
    assert example.candidates == ("Boil water and pour it.",)


def test_a_reference_comes_before_votes() -> None:
    example = build_example(replace(ANSWERED, reference="Brew it.", votes={2: 3.0}), targets=ALL, top_k=3)
    assert example is not None
    assert (example.source, example.target, len(example.candidates)) == (Target.REFERENCE, "Brew it.", 3)


@pytest.mark.parametrize(
    ("answered", "targets"),
    [
        (replace(ANSWERED, votes={1: 0.0, 2: 0.0}), ALL),
        (replace(ANSWERED, votes={1: 1.0}), (Target.REFERENCE, Target.LEAVE_ONE_OUT)),
        (replace(ANSWERED, answers={1: "a", 2: "b"}), ALL),
        (replace(ANSWERED, answers={1: "a", 2: "a", 3: "a"}), ALL),
        (ANSWERED, (Target.PREFERRED,)),
        (replace(ANSWERED, answers={}), ALL),
    ],
)
def test_a_prompt_that_says_nothing_gives_no_example(
    answered: AnsweredPrompt, targets: tuple[Target, ...]
) -> None:
    assert build_example(answered, targets=targets, top_k=3) is None


def test_quality_tells_a_copy_from_a_fusion() -> None:
    example = build_example(
        replace(
            ANSWERED,
            answers={1: "The town lies on a river.", 2: "It was founded in 1850."},
            reference="The town lies on a river. It was founded in 1850.",
        ),
        targets=ALL,
        top_k=2,
    )
    assert example is not None
    copy, fusion = (measure_fusion(text, example) for text in (example.candidates[0], example.target))
    assert copy.copied == 1
    assert fusion.copied == pytest.approx(0.53, abs=0.03)
    assert fusion.covered == fusion.rouge_l == 1
    # Of the target's 11 different words the copy has 6; its LCS is 6 of 6 and 6 of 11: F1 12/17.
    assert copy.covered == pytest.approx(6 / 11)
    assert copy.rouge_l == pytest.approx(12 / 17)


def test_rouge_l_of_the_paper_s_example() -> None:
    """Lin, "ROUGE", 2004, section 3: LCS("police killed the gunman", "police kill the gunman") is 3 of 4
    without stemming; "the gunman kill police" has 2 of 4."""
    assert rouge_l("the gunman killed police", "police killed the gunman") == pytest.approx(0.5)
