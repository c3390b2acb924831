"""Code of prompts and answers runs, and whatever it does, the rest is known."""

from __future__ import annotations

import pytest

from blender_ui.evaluation.sandbox import find_obstacle, run_program
from blender_ui.evidence.code.behaviour import BEHAVIOUR_FEATURES, behaviour_features, observe
from blender_ui.evidence.code.execution import BLANK, Job, find_question, run_jobs, run_questions, source_of
from blender_ui.evidence.conclusions import Conclusion, ConclusionKind

pytestmark = pytest.mark.skipif(bool(find_obstacle()), reason="code is only run on x86-64 Linux")

VALUE = "Complete it.\n[PYTHON]\ndef f(x):\n    return sorted(x)\nassert f([2, 1]) == ??\n[/PYTHON]"
INPUT = "Complete it.\n```python\ndef f(x):\n    return x * 2\nassert f(??) == 'abab'\n```"


def test_a_value_that_is_asked_is_computed() -> None:
    question = find_question(VALUE)
    assert question is not None
    ((value, checks),) = run_questions([(question, [])], run_program)
    assert value is not None
    assert (value.value, checks) == ("[1, 2]", ())


def test_an_input_that_is_asked_is_checked_for_each_conclusion() -> None:
    question = find_question(INPUT)
    assert question is not None
    assert BLANK in question.left
    ((value, checks),) = run_questions([(question, ["'ab'", "'a'", "not python ("])], run_program)
    assert value is None
    assert [one.value for one in checks] == ["True", "False", "None"]


def test_a_call_in_words_is_found() -> None:
    prompt = "```python\ndef twice(x):\n    return 2 * x\n```\nWhat does `twice(21)` return?"
    question = find_question(prompt)
    assert question is not None
    ((value, _),) = run_questions([(question, [])], run_program)
    assert value is not None
    assert value.value == "42"


@pytest.mark.parametrize("prompt", ["Write a function f(x) that sorts.", "How many eggs?", "assert ??", ""])
def test_prompts_without_code_to_run_ask_nothing(prompt: str) -> None:
    assert find_question(prompt) is None


def test_one_job_that_ends_the_program_costs_no_other() -> None:
    jobs = [
        Job("x = 1", ("x + 1", "y")),
        Job("import os\nos._exit(0)", ("1",)),
        Job("while True: pass", ("1",)),
        Job("print('noise'); z = 3", ("z", "print(z)")),
    ]
    found = run_jobs(jobs, run_program)
    assert [[one.value for one in job] for job in found] == [["2", None], [None], [None], ["3", "None"]]
    assert found[0][1].error == "NameError"
    assert found[1][0].error == "Ended"


def test_answers_are_told_apart_by_what_they_do() -> None:
    answers = [
        "```python\ndef double(n):\n    return n * 2\n```",
        "def double(x):\n    return x + x",
        "def double(x):\n    return x ** 2",
        "def double(x):\n    raise ValueError",
        "I do not know.",
    ]
    prompt = "Write a python function double(n) that doubles. For example double(3) == 6."
    observed = observe(prompt, answers, run_program)
    features = behaviour_features(observed)
    place = {name: index for index, name in enumerate(BEHAVIOUR_FEATURES)}
    assert observed[4] is None
    assert features[:, place["share_of_examples"]].tolist() == [1, 1, 0, 0, 0]
    assert features[0, place["agreement"]] > features[2, place["agreement"]] > features[3, place["agreement"]]
    assert features[3, place["share_failing"]] == 1
    # The first two differ on texts alone: n * 2 and x + x are equal there, too.
    assert observed[0] == observed[1] != observed[2]


def test_conclusions_become_literals() -> None:
    said = [Conclusion(ConclusionKind.LITERAL, key, text) for key, text in (("ab", "ab"), ("[1]", "[1]"))]
    assert [source_of(one) for one in said] == ["'ab'", "[1]"]
