"""Asks a scripted endpoint one question and tells what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.openai.client import stream_answer
from blender_ui.members.openai.endpoint import Endpoint
from blender_ui.members.protocol import Message, Sampling, Usage
from tests.members.scripted_endpoint import KEY, Script, ScriptedEndpoint

QUESTION = [Message("system", "Be brief."), Message("user", "How long does tea take?")]


class Answered(NamedTuple):
    text: str
    thinking: str
    usage: Usage


def ask(endpoint: ScriptedEndpoint, *, messages: Sequence[Message] = QUESTION, **changes: Any) -> Answered:
    """The answer as its reader has it at the end."""
    where = Endpoint(**({"name": "Ann", "base_url": endpoint.base_url, "model": "m", "key": KEY} | changes))
    text = thinking = ""
    for chunk in stream_answer(where, messages, sampling=Sampling()):
        text = chunk.onto(text)
        thinking += chunk.thinking
    assert chunk.usage is not None
    return Answered(text, thinking, chunk.usage)


def answer_of(*scripts: Script, **changes: Any) -> Answered:
    with ScriptedEndpoint(list(scripts)).running() as endpoint:
        return ask(endpoint, **changes)


def failure_of(*scripts: Script, **changes: Any) -> MemberError:
    with ScriptedEndpoint(list(scripts)).running() as endpoint, pytest.raises(MemberError) as caught:
        ask(endpoint, **changes)
    return caught.value
