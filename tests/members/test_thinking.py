"""What a model thinks between tags is set apart, however the tags come."""

from __future__ import annotations

import pytest

from blender_ui.members.thinking import ThinkingFilter
from tests.members.asking import answer_of, failure_of
from tests.members.scripted_endpoint import break_off_after, chunk, streams

STOP = chunk(finish="stop")


def read(*pieces: str) -> tuple[str, int]:
    reader, text = ThinkingFilter(), ""
    for piece in [*map(reader.feed, pieces), reader.end()]:
        text = piece.text if piece.restarts else text + piece.text
    assert text == reader.text
    return text, reader.n_thought


@pytest.mark.parametrize(
    ("content", "answer", "n_thought"),
    [
        ("<think>Which tea?</think>\n\nFour minutes.", "Four minutes.", 10),
        ("\n <think>\nWhich tea?\n</think>Four minutes.", "Four minutes.", 12),
        ("<think></think>Four minutes.", "Four minutes.", 0),
        ("<think>a</think>\n<think>b</think>\nFour minutes.", "Four minutes.", 2),
        ("<think>a <think> b</think>Four.", "Four.", 11),
        ("<thinking>Which?</thinking>\nFour.", "Four.", 6),
        ("[THINK]Which?[/THINK]Four.", "Four.", 6),
        ("◁think▷Which?◁/think▷Four.", "Four.", 6),
        ("Which tea? Black.\n</think>\n\nFour minutes.", "Four minutes.", 18),
        ("Which tea? Black.</think>\n\nFour minutes.", "Four minutes.", 17),
        ("Which tea? Black.</think>Four minutes.", "Four minutes.", 17),
        ("</think>\n\nFour minutes.", "Four minutes.", 0),
        ("Well.\n<think>Hm.</think>\nFour minutes.", "Well.\n\nFour minutes.", 3),
        ("<think>Which tea? Four", "", 15),
        ("<think>Which tea? </thin", "", 17),
        ("Four minutes.", "Four minutes.", 0),
        ("  Four < five, <b>bold</b>", "  Four < five, <b>bold</b>", 0),
        ("Four <", "Four <", 0),
        ("The `<think>` tag ends with `</think>`.", "The `<think>` tag ends with `</think>`.", 0),
        ('It writes "<think>" and "</think>".', 'It writes "<think>" and "</think>".', 0),
        ("Put it between <think> and </think> tags.", "Put it between <think> and </think> tags.", 0),
        ("So:\n```\n<think>\nHm.\n</think>\n```\nDone.", "So:\n```\n<think>\nHm.\n</think>\n```\nDone.", 0),
        ("Then\n<think>it goes on", "Then\n<think>it goes on", 0),
        ("<think>a</think>The end is </think>\nhere.", "The end is </think>\nhere.", 1),
    ],
)
def test_thinking_is_set_apart_wherever_the_pieces_are_cut(content: str, answer: str, n_thought: int) -> None:
    assert read(content) == (answer, n_thought)
    assert read(*content) == (answer, n_thought)
    for cut in range(1, len(content)):
        assert read(content[:cut], content[cut:]) == (answer, n_thought)


def test_a_beginning_that_never_came_takes_back_what_was_given() -> None:
    pieces = ("Which tea?", "</think>", "\n\n", "Four ", "minutes.")
    answered = answer_of(streams(*map(chunk, pieces), STOP))
    assert answered.text == "Four minutes."


def test_the_answer_and_its_failure_have_none_of_it() -> None:
    pieces = ("<thi", "nk>Which", " tea?</", "think>\n", "Four ", "min")
    error = failure_of(break_off_after(*map(chunk, pieces)))
    assert (error.kind, error.partial_text) == ("crashed", "Four min")
    error = failure_of(break_off_after(*map(chunk, pieces[:2])))
    assert (error.kind, error.partial_text) == ("crashed", "")


def test_only_thinking_is_an_empty_answer_that_says_so() -> None:
    error = failure_of(streams(chunk("<think>Which tea?</think>\n"), STOP))
    assert error.kind == "empty"
    assert "only thought" in str(error)
