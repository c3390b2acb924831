from __future__ import annotations

import json
from pathlib import Path

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.evaluation.recorded_answers import RecordedAnswers, Text

ASKED = {"member": "A", "options": {"seed": 1, "stop": []}, "instruction": "Why?"}


def never() -> Text:
    raise AssertionError("it was asked again")


def test_an_answer_is_asked_for_once_also_by_a_later_run(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    first = RecordedAnswers(path)
    answer = first.get(ASKED, lambda: Text("Because.", 2.5, 3))
    assert first.get(dict(reversed(ASKED.items())), never) == answer
    assert RecordedAnswers(path).get(ASKED, never) == answer == Text("Because.", 2.5, 3)
    assert json.loads(path.read_text())["asked"] == ASKED


def test_other_options_are_another_question() -> None:
    recorded = RecordedAnswers()
    recorded.get(ASKED, lambda: Text("Because.", 1, 1))
    other = {**ASKED, "options": {"seed": 2, "stop": []}}
    assert recorded.get(other, lambda: Text("So.", 1, 1)).text == "So."


def test_a_failure_is_asked_again(tmp_path: Path) -> None:
    recorded = RecordedAnswers(tmp_path / "answers.jsonl")
    assert recorded.get(ASKED, lambda: Text("", 1, 0, "crashed")).error == "crashed"
    assert recorded.get(ASKED, lambda: Text("Because.", 1, 1)).text == "Because."


def test_a_line_that_a_killed_run_left_is_taken_out_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    RecordedAnswers(path).get(ASKED, lambda: Text("Because.", 1, 1))
    whole = path.read_text()
    path.write_text(whole + whole[:20])
    recorded = RecordedAnswers(path)
    assert recorded.get(ASKED, never).text == "Because."
    assert path.read_text() == whole


def test_a_file_of_something_else_is_refused_by_line_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"instruction": "Why?"}\nthe end')
    with pytest.raises(MalformedInput, match=r"line 1: expected a recorded answer"):
        RecordedAnswers(path)
    assert path.read_text() == '{"instruction": "Why?"}\nthe end'
    path.write_text("the end")
    with pytest.raises(MalformedInput, match="came 'the end' at its end"):
        RecordedAnswers(path)
    assert path.read_text() == "the end"
