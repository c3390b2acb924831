"""Running code tells answers apart, and nothing runs unless a runner was given."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from blender_ui.evaluation.sandbox import find_obstacle, run_program
from blender_ui.evidence import running
from blender_ui.evidence.answers import EVIDENCE_NAMES, find_notes, gather, let_code_run
from blender_ui.evidence.running import EXECUTION_FEATURES, execute
from blender_ui.evidence.summary import ClaimKind, list_claims
from blender_ui.evidence.weighing import read_groups
from blender_ui.values import RankingPrompt

ASKED = RankingPrompt(
    instruction="Write a Python function `double(x)` that gives twice its argument, so that double(3) == 6."
)
RIGHT = "```python\ndef double(x):\n    return 2 * x\n```"
ALIKE = "def double(number):\n    return number + number"
WRONG = "def double(x):\n    return x ** 2"
BROKEN = "def double(x):\n    return y"
PROSE = "You multiply it by two."
READ = RankingPrompt(instruction="What does the call give?\ndef f(x):\n    return x + 1\nassert f(2) == ??")

pytestmark = pytest.mark.skipif(bool(find_obstacle()), reason="code is only run on x86-64 Linux")


@pytest.fixture
def allowed() -> Iterator[None]:
    let_code_run(run_program)
    yield
    let_code_run(None)


def _column(prompt: RankingPrompt, answers: list[str], name: str) -> list[float]:
    features = gather(prompt, answers, [""] * len(answers)).features
    return [float(value) for value in features[:, EVIDENCE_NAMES.index(name)]]


@pytest.mark.usefixtures("allowed")
def test_functions_are_run_on_the_prompts_examples_and_against_each_other() -> None:
    answers = [RIGHT, ALIKE, WRONG, BROKEN, PROSE]
    assert _column(ASKED, answers, "code_share_of_examples") == [1, 1, 0, 0, 0]
    assert _column(ASKED, answers, "code_runs_as_python") == [1, 1, 1, 1, 0]
    failing = _column(ASKED, answers, "code_share_failing")
    assert failing[3] == 1 > failing[0]
    notes = dict(find_notes(ASKED, answers))
    assert notes["1 of the prompt's 1 examples hold"] == (0, 1)
    assert notes["0 of the prompt's 1 examples hold"] == (2, 3)
    assert [places for text, places in notes.items() if text.startswith("the same on")] == [(0, 1)]


@pytest.mark.usefixtures("allowed")
def test_the_prompts_own_code_bears_answers_out_or_refutes_them() -> None:
    answers = ["3", "The answer is 3", "4"]
    assert _column(READ, answers, "is_borne_out") == [1, 1, 0]
    assert _column(READ, answers, "is_refuted") == [0, 0, 1]
    claims = [one for one in list_claims(READ, answers) if one.kind is ClaimKind.RAN]
    assert [one.places for one in claims] == [(0, 1), (2,)]
    assert [one.text for one in claims] == ["borne out by the code", "refuted by the code"]


def test_nothing_runs_unless_it_was_allowed() -> None:
    answers = [RIGHT, WRONG]
    features = gather(ASKED, answers, ["A", "B"]).features
    begin = EVIDENCE_NAMES.index(EXECUTION_FEATURES[0])
    assert not features[:, begin : begin + len(EXECUTION_FEATURES)].any()
    assert find_notes(ASKED, answers) == ()
    let_code_run(run_program)
    try:
        assert find_notes(ASKED, answers)  # what was found before is not kept
    finally:
        let_code_run(None)
    assert find_notes(ASKED, answers) == ()


def run_nothing(program: str, *, wall_seconds: float) -> tuple[str, ...]:
    return ()


@pytest.mark.usefixtures("allowed")
def test_answers_that_hang_take_no_longer_together_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_SECONDS", 3.0)
    hangs = [f"import time\ndef double(x):\n    time.sleep(60 + {number})" for number in range(5)]
    began = time.monotonic()
    assert find_notes(ASKED, [*hangs, RIGHT])
    assert time.monotonic() - began < 6  # 15 s each without the limit
    assert _column(ASKED, [*hangs, RIGHT], "code_share_of_examples") == [0, 0, 0, 0, 0, 1]


def test_a_prompt_with_a_very_long_word_is_read_at_once() -> None:
    asked = RankingPrompt(instruction=f"{ASKED.instruction}\n{'a' * 30_000}")
    began = time.monotonic()
    execute(asked, [RIGHT], (), run_nothing)
    assert time.monotonic() - began < 2  # each letter once began a name that was read to the word's end


def test_a_runner_that_gives_nothing_leaves_nothing_known() -> None:
    groups = read_groups(READ.instruction, "", ["3", "4"])
    found = execute(READ, ["3", "4"], groups, run_nothing)
    assert not found.features.any()
    assert found.notes == ()
    assert np.isfinite(execute(ASKED, [RIGHT, BROKEN], (), run_nothing).features).all()
