"""Ready is said of what can be asked, and costs as little as can be."""

from __future__ import annotations

from typing import Any

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.openai.client import check_endpoint
from blender_ui.members.openai.endpoint import Endpoint, Habits
from blender_ui.members.protocol import MemberHealth, MemberStatus
from tests.members.asking import ask
from tests.members.scripted_endpoint import KEY, ScriptedEndpoint, chunk, refuses, says, sends, streams


def health_of(endpoint: ScriptedEndpoint, habits: Habits | None = None, **changes: Any) -> MemberHealth:
    fields = {"name": "Ann", "base_url": endpoint.base_url, "model": "m", "key": KEY} | changes
    return check_endpoint(Endpoint(habits=habits or Habits(), **fields))


def is_asked(endpoint: ScriptedEndpoint) -> bool:
    return any(path.startswith("POST") for path in endpoint.paths)


@pytest.mark.parametrize("listed", ["m", "m:latest", "models/m"])
def test_a_model_that_is_listed_is_ready_without_a_question(listed: str) -> None:
    with ScriptedEndpoint([says("Hi")], models=["other", listed]).running() as endpoint:
        assert health_of(endpoint).status is MemberStatus.READY
        assert (
            health_of(endpoint, base_url=endpoint.base_url.removesuffix("/v1")).status is MemberStatus.READY
        )
        assert not is_asked(endpoint)


@pytest.mark.parametrize("models", [None, [], ["another"]])
def test_one_that_is_not_is_asked_a_tiny_question_once(models: list[str] | None) -> None:
    with ScriptedEndpoint([says("Hi")], models=models).running() as endpoint:
        habits = Habits()
        assert [health_of(endpoint, habits).status for _ in range(3)] == [MemberStatus.READY] * 3
        assert [body["max_tokens"] for body in endpoint.requests] == [16]


def test_a_real_answer_saves_the_tiny_question() -> None:
    with ScriptedEndpoint([says("Four.")], models=None).running() as endpoint:
        habits = Habits()
        ask(endpoint, habits=habits)
        assert health_of(endpoint, habits).status is MemberStatus.READY
        assert len(endpoint.requests) == 1


def test_a_model_that_only_thinks_within_so_few_tokens_is_ready() -> None:
    thinks = streams(chunk(None, reasoning_content="Hm."), chunk(finish="length"))
    with ScriptedEndpoint([thinks]).running() as endpoint:
        assert health_of(endpoint).status is MemberStatus.READY


def test_a_model_that_is_not_there_is_told_with_those_that_are_and_not_asked_at_every_look() -> None:
    missing = refuses(404, {"error": {"message": "model 'm' not found"}})
    with ScriptedEndpoint([missing], models=["llama", "qwen"]).running() as endpoint:
        habits = Habits()
        first, second = health_of(endpoint, habits), health_of(endpoint, habits)
        assert len(endpoint.requests) == 1
    assert first == second
    assert first.status is MemberStatus.FAILED
    assert "model 'm' not found" in first.reason
    assert "llama, qwen" in first.reason


def test_a_wrong_address_is_not_ready() -> None:
    with ScriptedEndpoint([says("Hi")], root="/api/v1", models=["m"]).running() as endpoint:
        health = health_of(endpoint)
        assert health.status is MemberStatus.FAILED
        assert "/v1/chat/completions" in health.reason
        right = endpoint.base_url.replace("/v1", "/api/v1")
        assert health_of(endpoint, base_url=right).status is MemberStatus.READY


def test_a_web_page_is_not_ready() -> None:
    with ScriptedEndpoint([sends("<title>Sign in</title>")], models=None).running() as endpoint:
        health = health_of(endpoint)
    assert health.status is MemberStatus.FAILED
    assert "Sign in" in health.reason


def test_an_answer_once_is_no_promise_after_a_refusal() -> None:
    gone = refuses(404, {"error": {"message": "model 'm' was taken down"}})
    with ScriptedEndpoint([says("Four."), gone], models=None).running() as endpoint:
        habits = Habits()
        ask(endpoint, habits=habits)
        with pytest.raises(MemberError, match="taken down"):
            ask(endpoint, habits=habits)
        assert health_of(endpoint, habits).status is MemberStatus.FAILED


def test_our_own_server_is_ready_by_any_name() -> None:
    with ScriptedEndpoint([says("Hi")], models=["/a/path.gguf"]).running() as endpoint:
        where = Endpoint(name="Ann", base_url=endpoint.base_url, model="smollm2", key=KEY)
        assert check_endpoint(where, serves_one=True).status is MemberStatus.READY
        assert not is_asked(endpoint)
