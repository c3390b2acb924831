"""Conversations as values and as JSON."""

import hashlib
from typing import Any

import pytest

from blender_ui.conversations import messages_json, parse_conversation, parse_messages, read_history
from blender_ui.values import Message, RankingPrompt

TURNS = (
    Message("system", "Be brief."),
    Message("user", "Translate.", "Guten Tag"),
    Message("assistant", "Good day"),
)


def test_without_a_history_a_prompt_has_the_fingerprint_that_it_always_had() -> None:
    prompt = RankingPrompt(instruction="Translate.", input=" Guten\nTag")
    assert prompt.fingerprint == hashlib.sha256(b"Translate. Guten Tag").hexdigest()
    assert prompt.first_turn_fingerprint == prompt.fingerprint


def test_another_history_makes_another_question_of_the_same_conversation() -> None:
    first = RankingPrompt(instruction="Translate.", input="Guten Tag")
    prompts = [
        RankingPrompt(instruction="Shorter?", history=history)
        for history in (TURNS, (*TURNS[:2], Message("assistant", "Hello")), TURNS[1:], ())
    ]
    assert len({prompt.fingerprint for prompt in prompts}) == 4
    assert {prompt.first_turn_fingerprint for prompt in prompts[:3]} == {first.fingerprint}
    assert prompts[3].first_turn_fingerprint == prompts[3].fingerprint


def test_where_a_history_is_split_into_messages_counts() -> None:
    """The words of both are the same in the same order."""
    one = (Message("user", "a b"), Message("assistant", "c"))
    other = (Message("user", "a"), Message("assistant", "b c"))
    ends = [RankingPrompt(instruction="d", history=history).fingerprint for history in (one, other)]
    assert ends[0] != ends[1]


def test_messages_come_back_from_json() -> None:
    assert messages_json(TURNS)[1] == {"role": "user", "content": "Translate.", "input": "Guten Tag"}
    assert messages_json(TURNS)[2] == {"role": "assistant", "content": "Good day"}
    assert read_history(messages_json(TURNS)) == parse_messages(messages_json(TURNS)) == TURNS


def test_a_conversation_is_its_last_turn_after_the_others() -> None:
    last = {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "now?"}]}
    prompt = parse_conversation([*messages_json(TURNS), last])
    assert prompt == RankingPrompt(instruction="And\nnow?", history=TURNS)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("Hi", "expected a list of messages, came str"),
        ([{"role": "user", "content": "Hi"}, "Hi"], "message 2: expected an object, came str"),
        ([{"role": "bot", "content": "Hi"}], "message 1: .*assistant or tool, came 'bot'"),
        ([{"role": "user"}], "message 1: expected a content of text, came NoneType"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "parts of type text alone"),
        ([{"role": "user", "content": "Hi", "input": 3}], "expected an input of text, came int"),
        ([{"role": "assistant", "content": "Hi"}], "role user, .*came one of role assistant"),
        ([], "there is none"),
        ([{"role": "user", "content": " "}], "it is empty"),
    ],
)
def test_what_is_no_conversation_is_refused_with_its_place(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_conversation(value)
