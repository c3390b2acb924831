"""What an endpoint will not have is asked otherwise where its refusal says how, and only there."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from typing import Any

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.openai.client import stream_answer
from blender_ui.members.openai.endpoint import Endpoint, Habits
from blender_ui.members.openai.request import Change, Extra
from blender_ui.members.protocol import Message, Sampling
from tests.members.asking import QUESTION, ask, failure_of
from tests.members.scripted_endpoint import (
    KEY,
    Script,
    ScriptedEndpoint,
    ScriptedHandler,
    events,
    is_silent,
    refuses,
    says,
    sends,
)


def openai(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **fields}}


def forbidden(name: str) -> dict[str, Any]:
    fault = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
    return {"detail": [fault]}


def refuses_while(is_so: Any, refusal: Script) -> Script:
    """Refuses while the body is so, and answers when it is not."""

    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        (refusal if is_so(body) else says("Four ", "minutes."))(handler, body)

    return script


def has(name: str) -> Any:
    return lambda body: name in body


def has_system(body: dict[str, Any]) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


MAX_TOKENS = [
    openai("Unsupported parameter: 'max_tokens' is not supported with this model. "
           "Use 'max_completion_tokens' instead.", param="max_tokens", code="unsupported_parameter"),
    openai("max_tokens is not a parameter of this model; it takes max_completion_tokens"),
    forbidden("max_tokens"),
]  # fmt: skip
TEMPERATURE = [
    openai("Unsupported value: 'temperature' does not support 0.7 with this model. "
           "Only the default (1) value is supported.", param="temperature", code="unsupported_value"),
    openai("temperature can only be 1 with this model"),
    openai("invalid temperature: only 1 is allowed for this model"),
    openai("UnsupportedParamsError: this model doesn't support temperature=0.7. Only 1 is supported."),
    forbidden("temperature"),
    {"message": "The parameter temperature is deprecated for this model", "code": "invalid"},
]  # fmt: skip
SEED = [
    openai("property 'seed' is unsupported"),
    openai("Unrecognized request argument supplied: seed"),
    [
        {
            "error": {
                "code": 400,
                "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
            }
        }
    ],
    {"error": "unknown field `seed`, expected one of `temperature`, `top_p`, `max_tokens`"},
]
SYSTEM = [
    openai("the system role is not supported by this template"),
    openai("Unsupported value: 'messages[0].role' does not support 'system' with this model.",
           param="messages[0].role", code="unsupported_value"),
    {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400},
    {"error": {"message": "Conversation roles must alternate user/assistant/user/...", "code": 400}},
    {"error": {"message": "Only user and assistant roles are supported!", "code": 400}},
    {"error": {"code": 400, "message": "Developer instruction is not enabled for models/gemma-3-27b-it"}},
    {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'"}]},
    {"error": "Unexpected role 'system', expected user"},
]  # fmt: skip


@pytest.mark.parametrize("status", [400, 422, 200])
@pytest.mark.parametrize(
    ("is_so", "document"),
    [(has("max_tokens"), one) for one in MAX_TOKENS]
    + [(has("temperature"), one) for one in TEMPERATURE]
    + [(has("stream_options"), openai("stream_options is not supported by this server"))]
    + [(has("stream"), openai("Streaming is not supported for this model"))]
    + [(has("stream"), openai("Your organization must be verified to stream this model.", param="stream",
                              code="unsupported_value"))]
    + [(has_system, one) for one in SYSTEM],
)  # fmt: skip
def test_it_is_asked_again_as_the_refusal_says(status: int, is_so: Any, document: Any) -> None:
    with ScriptedEndpoint([refuses_while(is_so, refuses(status, document))]).running() as endpoint:
        assert ask(endpoint).text == "Four minutes."
    first, second = endpoint.requests
    assert is_so(first)
    assert not is_so(second)


@pytest.mark.parametrize("document", SEED)
def test_a_parameter_that_is_not_known_is_left_out(document: Any) -> None:
    with ScriptedEndpoint([refuses_while(has("seed"), refuses(400, document))]).running() as endpoint:
        assert ask(endpoint, extra=Extra(parameters={"seed": 5})).text == "Four minutes."
    assert endpoint.requests[0].keys() - endpoint.requests[1].keys() == {"seed"}


def test_the_limit_is_asked_for_by_its_other_name() -> None:
    with ScriptedEndpoint(
        [refuses_while(has("max_tokens"), refuses(400, MAX_TOKENS[0]))]
    ).running() as endpoint:
        ask(endpoint)
    assert endpoint.requests[1]["max_completion_tokens"] == endpoint.requests[0]["max_tokens"]


def test_what_system_said_stands_before_what_the_user_said() -> None:
    with ScriptedEndpoint([refuses_while(has_system, refuses(500, SYSTEM[0]))]).running() as endpoint:
        ask(endpoint)
    content = "Be brief.\n\nHow long does tea take?"
    assert endpoint.requests[1]["messages"] == [{"role": "user", "content": content}]


CONVERSATION = (
    Message("system", "Be brief."),
    Message("user", "How long?"),
    Message("assistant", "What?"),
    Message("tool", "kettle: on"),
    Message("user", "Tea."),
)


@pytest.mark.parametrize(
    "document",
    [
        SYSTEM[3],
        openai("Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
               "'tool_calls'.", param="messages.[3].role"),
        openai("Role 'tool' is not supported by this template"),
    ],
)  # fmt: skip
def test_a_conversation_is_told_as_user_and_assistant_in_turn_where_its_roles_are_refused(
    document: Any,
) -> None:
    def is_so(body: dict[str, Any]) -> bool:
        return any(message["role"] not in ("user", "assistant") for message in body["messages"])

    with ScriptedEndpoint([refuses_while(is_so, refuses(400, document))]).running() as endpoint:
        ask(endpoint, messages=CONVERSATION)
    first, second = endpoint.requests
    assert [message["role"] for message in first["messages"]] == [one.role for one in CONVERSATION]
    assert all(message.keys() == {"role", "content"} for message in first["messages"])
    assert second["messages"] == [
        {"role": "user", "content": "Be brief.\n\nHow long?"},
        {"role": "assistant", "content": "What?"},
        {"role": "user", "content": "Result of a tool:\nkettle: on\n\nTea."},
    ]


def test_of_two_that_exclude_each_other_the_temperature_is_kept() -> None:
    def is_both(body: dict[str, Any]) -> bool:
        return "temperature" in body and "top_p" in body

    words = openai("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    with ScriptedEndpoint([refuses_while(is_both, refuses(400, words))]).running() as endpoint:
        ask(endpoint)
    assert "temperature" in endpoint.requests[1]


def test_one_refusal_after_the_other_is_followed_and_kept_for_the_next_question() -> None:
    script = refuses_while(
        has("max_tokens"),
        refuses_while_else(has("temperature"), refuses(400, TEMPERATURE[0]), refuses(400, MAX_TOKENS[0])),
    )
    habits = Habits()
    with ScriptedEndpoint([script]).running() as endpoint:
        ask(endpoint, habits=habits)
        assert len(endpoint.requests) == 3
        ask(endpoint, habits=habits)
        assert len(endpoint.requests) == 4
    assert set(habits.changes) == {Change("leave_out", "temperature"), Change("rename", "max_tokens")}


def refuses_while_else(is_so: Any, refusal: Script, otherwise: Script) -> Script:
    return lambda handler, body: (refusal if is_so(body) else otherwise)(handler, body)


@pytest.mark.parametrize(
    "document",
    [
        openai(
            "max_tokens is too large: 512. This model supports at most 256 completion tokens",
            param="max_tokens",
        ),
        openai("max_tokens 512 is not allowed: the valid range is 1 to 256"),
        openai("temperature must be between 0 and 0.5"),
        openai("the model's context is 2048 tokens; the prompt has 2999"),
        openai("Unsupported parameter: 'stop' is not supported with this model.", param="stop"),
        openai("model 'm' not found", code="model_not_found"),
        openai("the operating system is short of files"),
    ],
)
def test_a_refusal_that_names_no_other_way_stands_and_is_asked_once(document: Any) -> None:
    with ScriptedEndpoint([refuses(400, document)]).running() as endpoint:
        with pytest.raises(MemberError) as caught:
            ask(endpoint)
        assert len(endpoint.requests) == 1
    assert caught.value.kind == "refused"
    assert document["error"]["message"] in str(caught.value)


def test_a_refusal_that_nothing_helps_ends() -> None:
    with ScriptedEndpoint([refuses(400, TEMPERATURE[0])]).running() as endpoint:
        with pytest.raises(MemberError):
            ask(endpoint)
        assert len(endpoint.requests) == 2


def test_what_the_file_adds_and_takes_away_is_asked_so() -> None:
    extra = Extra(
        parameters={"reasoning_effort": "low", "top_p": 0.5},
        remove=("temperature", "max_tokens"),
        headers={"X-Team": "tea", "api-key": "k"},
        remove_headers=("User-Agent",),
    )
    with ScriptedEndpoint([says("Four.")]).running() as endpoint:
        ask(endpoint, extra=extra)
    (body,), (headers,) = endpoint.requests, endpoint.headers
    assert (body["reasoning_effort"], body["top_p"]) == ("low", 0.5)
    assert not {"temperature", "max_tokens"} & body.keys()
    assert (headers["X-Team"], headers["api-key"]) == ("tea", "k")
    assert "user-agent" not in {name.lower() for name in headers}


def failure_in_time(script: Script, **limits: float) -> tuple[MemberError, float, int]:
    with ScriptedEndpoint([script]).running() as endpoint:
        began_at = time.monotonic()
        with pytest.raises(MemberError) as caught:
            ask(endpoint, **limits)
        return caught.value, time.monotonic() - began_at, len(endpoint.requests)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Retry-After": "60"}, "60 s"),
        ({"Retry-After": formatdate(time.time() + 10_800, usegmt=True)}, "3 h"),
        ({"Retry-After": formatdate(time.time() + 86_400 * 400, usegmt=True)}, "h"),
        ({"retry-after-ms": "45000"}, "45 s"),
        ({"X": "0"}, "2m59.5s"),
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limited"), (503, "unreachable")])
def test_a_long_pause_is_told_and_not_waited_for(status: int, kind: str, headers: Any, words: str) -> None:
    document = openai("slow down" if len(headers) and "X" not in headers else "Please try again in 2m59.5s.")
    error, _, n_asked = failure_in_time(refuses(status, document, **headers))
    assert (error.kind, n_asked) == (kind, 1)
    assert words in str(error)
    assert "more than 15 s is not waited for" in str(error)


def test_a_pause_that_would_use_up_the_wait_for_the_first_token_is_not_taken() -> None:
    error, _, n_asked = failure_in_time(
        refuses(429, openai("slow down"), Retry_After="4"), first_token_seconds=3
    )
    assert (error.kind, n_asked) == ("rate_limited", 1)


@pytest.mark.parametrize("told", ["soon", "-5", "nan", "inf", "Thu, 01 Jan 1970 00:00:00 GMT", "0"])
def test_a_pause_that_says_nothing_is_the_usual_one(told: str) -> None:
    busy = refuses(429, openai("slow down"), Retry_After=told)
    with ScriptedEndpoint([busy, says("Four.")]).running() as endpoint:
        assert ask(endpoint).text == "Four."


@pytest.mark.parametrize(
    "told", ["1", pytest.param(formatdate(time.time() + 3600, usegmt=True), id="in an hour")]
)
def test_what_an_endpoint_told_one_question_holds_for_all(told: str) -> None:
    busy = refuses(429, openai("slow down"), Retry_After=told)
    with ScriptedEndpoint([busy, says("Four.")]).running() as endpoint:
        habits = Habits()
        where = Endpoint(name="Ann", base_url=endpoint.base_url, model="m", key=KEY, habits=habits)
        first = threading.Thread(target=lambda: _try(where), daemon=True)
        first.start()
        while not habits.quiet_seconds:
            time.sleep(0.01)
        said = _try(where)
        first.join(5)
    if told == "1":
        assert said == ["it asks to be left alone for 1 s", "Four."]
    else:
        (error,) = said
        assert "not to be asked for another" in error
        assert len(endpoint.requests) == 1


def _try(where: Endpoint) -> list[str]:
    """What is waited for, and the answer or the failure."""
    said = []
    try:
        for chunk in stream_answer(where, QUESTION, sampling=Sampling()):
            said += [text for text in (chunk.waiting, chunk.text) if text]
    except MemberError as error:
        said.append(str(error))
    return said


def test_a_model_that_is_loading_is_waited_for_as_long_as_a_first_token() -> None:
    loading = refuses(503, openai("Loading model"), Retry_After="0.05")
    with ScriptedEndpoint([*[loading] * 6, says("Four.")]).running() as endpoint:
        assert ask(endpoint).text == "Four."
    error = failure_of(refuses(503, openai("Loading model")), first_token_seconds=1)
    assert "Loading model" in str(error)
    with ScriptedEndpoint([*[refuses(503, openai("no"))] * 4, says("Four.")]).running() as endpoint:
        with pytest.raises(MemberError):
            ask(endpoint)
        assert len(endpoint.requests) == 3


def test_a_full_endpoint_that_says_so_within_a_stream_is_asked_again() -> None:
    busy = sends(events({"error": {"message": "overloaded", "code": 503}}))
    with ScriptedEndpoint([busy, says("Four.")]).running() as endpoint:
        assert ask(endpoint).text == "Four."


@pytest.mark.parametrize("status", [502, 504, 520, 529])
def test_a_gateways_page_is_told_by_its_title(status: int) -> None:
    page = f"<html><head><title>{status} Bad</title></head><body><center><h1>no</h1></center></body></html>"
    with ScriptedEndpoint([refuses(status, page), says("Four.")]).running() as endpoint:
        assert ask(endpoint).text == "Four."
    error = failure_of(refuses(status, page))
    assert error.kind == "unreachable"
    assert f"'{status} Bad'" in str(error)
    assert "<" not in str(error)


def test_silence_after_a_refusal_is_a_timeout_all_the_same() -> None:
    error = failure_of(refuses(400, TEMPERATURE[0]), is_silent, first_token_seconds=0.5)
    assert error.kind == "timeout"
