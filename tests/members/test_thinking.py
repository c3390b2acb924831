"""What a model thinks between tags is set apart, however the tags come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blender_ui.members.thinking import ThinkingFilter, marks_among, opened_by
from tests.members.asking import answer_of, failure_of
from tests.members.scripted_endpoint import break_off_after, chunk, sends, streams

STOP = chunk(finish="stop")


def read(*pieces: str) -> tuple[str, str]:
    reader, text, thinking = ThinkingFilter(), "", ""
    for piece in [*map(reader.feed, pieces), reader.end()]:
        text = piece.text if piece.restarts else text + piece.text
        thinking += piece.thinking
    assert (text, thinking) == (reader.text, reader.thinking)
    return text, thinking


@pytest.mark.parametrize(
    ("content", "answer", "thinking"),
    [
        ("<think>Which tea?</think>\n\nFour minutes.", "Four minutes.", "Which tea?"),
        ("\n <think>\nWhich tea?\n</think>Four minutes.", "Four minutes.", "\nWhich tea?\n"),
        ("<think></think>Four minutes.", "Four minutes.", ""),
        ("<think>a</think>\n<think>b</think>\nFour minutes.", "Four minutes.", "ab"),
        ("<think>a <think> b</think>Four.", "Four.", "a <think> b"),
        ("<think>a < b </thi> c</think>Four.", "Four.", "a < b </thi> c"),
        ("<thinking>Which?</thinking>\nFour.", "Four.", "Which?"),
        ("[THINK]Which?[/THINK]Four.", "Four.", "Which?"),
        ("◁think▷Which?◁/think▷Four.", "Four.", "Which?"),
        ("<|begin_of_thought|>Which?<|end_of_thought|>\nFour.", "Four.", "Which?"),
        (
            "<|channel|>analysis<|message|>Which?<|end|><|start|>assistant<|channel|>final<|message|>Four.",
            "Four.",
            "Which?",
        ),
        ("Which tea? Black.\n</think>\n\nFour minutes.", "Four minutes.", "Which tea? Black.\n"),
        ("Which tea? Black.</think>\n\nFour minutes.", "Four minutes.", "Which tea? Black."),
        ("Which tea? Black.</think>Four minutes.", "Four minutes.", "Which tea? Black."),
        ("</think>\n\nFour minutes.", "Four minutes.", ""),
        ("Well.\n<think>Hm.</think>\nFour minutes.", "Well.\n\nFour minutes.", "Hm."),
        ("<think>Which tea? Four", "", "Which tea? Four"),
        ("<think>Which tea? </thin", "", "Which tea? </thin"),
        ("Four minutes.", "Four minutes.", ""),
        ("  Four < five, <b>bold</b>", "  Four < five, <b>bold</b>", ""),
        ("Four <", "Four <", ""),
        ("The `<think>` tag ends with `</think>`.", "The `<think>` tag ends with `</think>`.", ""),
        ('It writes "<think>" and "</think>".', 'It writes "<think>" and "</think>".', ""),
        ("Put it between <think> and </think> tags.", "Put it between <think> and </think> tags.", ""),
        ("So:\n```\n<think>\nHm.\n</think>\n```\nDone.", "So:\n```\n<think>\nHm.\n</think>\n```\nDone.", ""),
        ("Then\n<think>it goes on", "Then\n<think>it goes on", ""),
        ("<think>a</think>The end is </think>\nhere.", "The end is </think>\nhere.", "a"),
    ],
)
def test_thinking_is_set_apart_wherever_the_pieces_are_cut(content: str, answer: str, thinking: str) -> None:
    assert read(content) == (answer, thinking)
    assert read(*content) == (answer, thinking)
    for cut in range(1, len(content)):
        assert read(content[:cut], content[cut:]) == (answer, thinking)


def test_thinking_is_given_while_it_comes() -> None:
    reader = ThinkingFilter()
    assert [reader.feed(piece).thinking for piece in ("<think>", "Which", " tea?</", "think>F")] == [
        "",
        "Which",
        " tea?",
        "",
    ]


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
    assert "it thought for 10 characters and gave no answer; ask it again" in str(error)


@pytest.mark.parametrize(
    "delta",
    [{"content": "<think>Which tea?"}, {"reasoning_content": "Which tea?"}, {"reasoning": "Which tea?"}],
)
def test_thinking_that_used_up_the_budget_says_how_much_it_was_and_what_to_raise(delta: Any) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 512}}
    error = failure_of(streams(chunk(**delta), chunk(finish="length"), usage))
    assert error.kind == "empty"
    assert "it thought for 512 tokens and gave no answer; raise max_tokens" in str(error)


SEALED = {"type": "reasoning.encrypted", "data": "c2VhbGVk"}


@pytest.mark.parametrize(
    "deltas",
    [
        [{"reasoning_content": "Which "}, {"reasoning_content": "tea?"}],
        [{"reasoning": "Which "}, {"reasoning": "tea?"}],
        [{"thinking": "Which tea?"}],
        [{"reasoning": "Which tea?", "reasoning_content": "Which tea?"}],
        [
            {"reasoning_details": [{"type": "reasoning.text", "text": "Which tea?"}]},
            {"reasoning_details": [SEALED]},
        ],
        [{"thinking_blocks": [{"type": "thinking", "thinking": "Which tea?", "signature": "xyz"}]}],
        [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Which tea?"}]}]}],
        [{"content": "<think>Which"}, {"content": " tea?</think>"}],
        [{"content": "Which tea?"}, {"content": "</think>"}],
        [{"reasoning_content": "Which ", "content": "<think>tea?</think>"}],
    ],
)
def test_thinking_in_any_form_goes_beside_the_answer(deltas: list[dict[str, Any]]) -> None:
    answered = answer_of(
        streams(*(chunk(**delta) for delta in deltas), chunk("Four "), chunk("minutes."), STOP)
    )
    assert (answered.text, answered.thinking) == ("Four minutes.", "Which tea?")


def test_an_answer_in_one_piece_has_its_thinking_beside_it() -> None:
    message = {"role": "assistant", "content": "Four minutes.", "reasoning_content": "Which tea?"}
    document = {"object": "chat.completion", "choices": [{"message": message, "finish_reason": "stop"}]}
    answered = answer_of(sends(json.dumps(document), content_type="application/json"))
    assert (answered.text, answered.thinking) == ("Four minutes.", "Which tea?")


def test_a_message_that_comes_again_at_the_end_is_thought_once() -> None:
    message = {"role": "assistant", "content": "Four minutes.", "reasoning_content": "Which tea?"}
    again = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    answered = answer_of(streams(chunk(reasoning_content="Which tea?"), chunk("Four minutes."), again))
    assert (answered.text, answered.thinking) == ("Four minutes.", "Which tea?")


def test_a_template_that_begins_the_thinking_is_told_by_the_end_of_its_prompt() -> None:
    assert opened_by("<|im_start|>assistant\n<think>\n") == "<think>"
    assert opened_by("<|im_start|>assistant\n<think>\n\n</think>\n\n") == ""


def test_only_a_tokenizer_s_own_marks_of_thinking_are_kept() -> None:
    assert marks_among(["<s>", "</s>", "[THINK]", "[/THINK]"]) == {"[THINK]", "[/THINK]"}
    assert marks_among(["<|end|>", "<|assistant|>"]) == frozenset()
