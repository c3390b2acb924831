"""Conclusions are read out of answers as people write them, in one spelling."""

from __future__ import annotations

import pytest

from blender_ui.evidence.conclusions import ConclusionKind, canonical, read_conclusion

OUTPUT = "What does it return?\n[PYTHON]\ndef f(x):\n    return x\nassert f(1) == ??\n[/PYTHON]"
CHOICE = "Which is red?\nA. grass\nB. blood\nC. milk"


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ('```json\n{"reasoning": "9 x 2 = 18", "answer": "$18.00"}\n```', "18"),
        ("She sells 9 eggs.\nThe answer is 18 dollars.", "18"),
        ("First 16 - 7 = 9, then 9 * 2 = 18", "18"),
        (r"So we get \boxed{1,800}.", "1800"),
        ("Reasoning.\n#### 6/4", "3/2"),
        ('{"answer": 0.5}', "1/2"),
        ("Final Answer: -3", "-3"),
        ('{"answer": "18"}\n\n## Question 2\n{"answer": "7"}', "18"),
    ],
)
def test_numbers_are_reduced_whatever_stands_around_them(answer: str, key: str) -> None:
    conclusion = read_conclusion("How many dollars does she make?", answer)
    assert conclusion is not None
    assert (conclusion.kind, conclusion.key) == (ConclusionKind.NUMBER, key)


@pytest.mark.parametrize(
    ("answer", "key"),
    [("B", "B"), ("(b) blood", "B"), ("The correct option is B.", "B"), ("It has iron, so (C).", "C")],
)
def test_choices_are_letters_of_the_options(answer: str, key: str) -> None:
    conclusion = read_conclusion(CHOICE, answer)
    assert conclusion is not None
    assert (conclusion.kind, conclusion.key) == (ConclusionKind.CHOICE, key)


def test_options_may_stand_in_the_given_text() -> None:
    conclusion = read_conclusion("Which is red?", "C", given="A. grass\nB. milk\nC. blood")
    assert conclusion is not None
    assert conclusion.kind is ConclusionKind.CHOICE


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", True),
        ("'Abc'", "Abc", True),
        ("'Abc'", "abc", False),
        ("[1,2]", "[1, 2]", True),
        ("[1, 2]", "(1, 2)", False),
        (" a", "a", False),
        ("", "''", True),
    ],
)
def test_literals_are_equal_by_value(one: str, other: str, is_equal: bool) -> None:
    read = [canonical(OUTPUT, text) for text in (one, other)]
    assert read[0] is not None
    assert read[1] is not None
    assert (read[0].key == read[1].key) is is_equal


def test_spans_are_equal_but_for_case_articles_and_marks() -> None:
    keys = {read_conclusion("Who wrote it?", text).key for text in ("The Bard.", "bard", "**Bard**")}  # type: ignore[union-attr]
    assert keys == {"bard"}


def test_prose_concludes_nothing() -> None:
    prose = (
        "Money was collected from students. Thousands of colonies were found on it, most of them harmless."
    )
    assert (
        read_conclusion("Summarize the text.", prose, given="How many bacteria live on a note? 7 = 3 + 4.")
        is None
    )
    assert read_conclusion("How many?", "") is None
