"""How the client names what goes wrong, and when it tries again."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.openai import client as openai_endpoint
from blender_ui.members.openai.client import Endpoint, check_endpoint, stream_answer
from blender_ui.members.protocol import Chunk, MemberStatus, Message, Sampling
from tests.members.scripted_endpoint import (
    KEY,
    Script,
    ScriptedEndpoint,
    ScriptedHandler,
    counts_up,
    is_silent,
    refuses,
    says,
)

QUESTION = [Message("system", "Be brief."), Message("user", "How are you?")]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_endpoint, "MAX_RETRY_SECONDS", 0.05)


def ask(endpoint: ScriptedEndpoint, sampling: Sampling | None = None, **limits: float) -> list[Chunk]:
    where = Endpoint(name="Ann", base_url=endpoint.base_url, model="m", key=KEY, **limits)
    return list(stream_answer(where, QUESTION, sampling=sampling or Sampling()))


def failure_of(script: Script, **limits: float) -> MemberError:
    with ScriptedEndpoint([script]).running() as endpoint, pytest.raises(MemberError) as caught:
        ask(endpoint, **limits)
    return caught.value


def test_it_sends_the_conversation_and_every_option() -> None:
    sampling = Sampling(temperature=0.3, top_p=0.8, max_tokens=9, seed=5, stop=("END",))
    with ScriptedEndpoint([says("Fine", ".")]).running() as endpoint:
        chunks = ask(endpoint, sampling)
    assert "".join(chunk.text for chunk in chunks) == "Fine."
    assert endpoint.requests == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How are you?"},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.3,
            "top_p": 0.8,
            "max_tokens": 9,
            "seed": 5,
            "stop": ["END"],
        }
    ]


def test_what_an_endpoint_does_not_count_is_not_known() -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.text("one ")
        handler.text("two")
        handler.end_answer()

    with ScriptedEndpoint([script]).running() as endpoint:
        last = ask(endpoint)[-1]
    assert last.usage is not None
    assert (last.usage.n_prompt_tokens, last.usage.n_tokens, last.n_tokens) == (None, None, 2)


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (400, {"error": {"message": "too long", "type": "exceed_context_size_error"}}, "refused"),
        (403, {"error": {"message": "no access"}}, "refused"),
        (404, "not json", "refused"),
        (429, {"error": {"message": "slow down"}}, "rate_limited"),
        (500, {"error": {"message": "CUDA out of memory. Tried to allocate"}}, "out_of_memory"),
        (500, {"error": {"message": "odd"}}, "bad_response"),
        (503, {"error": {"message": "Loading model"}}, "unreachable"),
    ],
)
def test_an_error_status_has_its_kind_and_keeps_the_endpoints_words(
    status: int, document: Any, kind: str
) -> None:
    error = failure_of(refuses(status, document))
    assert error.kind == kind
    assert str(error).startswith("Ann: ")
    assert (document if isinstance(document, str) else document["error"]["message"]) in str(error)


def test_an_error_within_the_stream_keeps_the_text_so_far() -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.text("So far")
        handler.event({"error": {"message": "it broke", "type": "out_of_memory", "code": 500}})

    error = failure_of(script)
    assert (error.kind, error.partial_text) == ("out_of_memory", "So far")


def test_a_connection_that_breaks_off_is_a_crash() -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.text("Half an")
        time.sleep(0.05)
        handler.break_off()

    error = failure_of(script)
    assert (error.kind, error.partial_text) == ("crashed", "Half an")


def test_a_stream_that_ends_without_a_finish_reason_is_a_crash() -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.text("Half an")
        handler.send("")

    assert failure_of(script).kind == "crashed"


@pytest.mark.parametrize("event", ["{not json", "[]", '{"choices": [3]}', '{"choices": [{"delta": 3}]}'])
def test_an_event_outside_the_protocol_is_a_bad_response(event: str) -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.send(f"data: {event}\n\n")

    assert failure_of(script).kind == "bad_response"


@pytest.mark.parametrize(
    "choice",
    [{"delta": {"content": "\ud83d"}}, {"delta": {"content": "Bye"}, "finish_reason": "\ud83d"}],
)
def test_half_a_surrogate_pair_is_a_bad_response(choice: dict[str, Any]) -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.text("So far")
        handler.event({"choices": [choice]})

    error = failure_of(script)
    assert (error.kind, error.partial_text) == ("bad_response", "So far")
    str(error).encode()


def test_an_endpoints_words_can_always_be_stored() -> None:
    str(failure_of(refuses(400, {"error": {"message": "bad \ud83d"}}))).encode()


def test_only_a_newline_ends_an_event() -> None:
    text = "a\u2028b\u2029c\u0085d\x7f 😀"
    event = json.dumps({"choices": [{"delta": {"content": text}}]}, ensure_ascii=False)

    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        for piece in ("data: ", event[:30], event[30:], "\r", "\n\r\n", f"data: {event}\n\n"):
            handler.send(piece)
            time.sleep(0.02)
        handler.send('data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]')
        handler.send("")

    with ScriptedEndpoint([script]).running() as endpoint:
        *chunks, last = ask(endpoint)
    assert [chunk.text for chunk in chunks] == [text, text]
    assert last.usage is not None


@pytest.mark.parametrize("pieces", [(), ("  ", "\n")])
def test_an_answer_without_a_word_is_empty(pieces: tuple[str, ...]) -> None:
    assert failure_of(says(*pieces)).kind == "empty"


def test_silence_is_a_timeout_that_names_its_limit() -> None:
    error = failure_of(is_silent, first_token_seconds=0.2)
    assert error.kind == "timeout"
    assert "first_token_seconds" in str(error)


def test_the_first_token_ends_the_wait_for_the_first_token() -> None:
    with ScriptedEndpoint([counts_up]).running() as endpoint:
        assert ask(endpoint, Sampling(max_tokens=150), first_token_seconds=1)[-1].usage is not None


def test_a_stop_is_heard_while_nothing_comes() -> None:
    stop = threading.Event()
    with ScriptedEndpoint([is_silent]).running() as endpoint:
        where = Endpoint(name="Ann", base_url=endpoint.base_url, model="m", key=KEY)
        threading.Timer(0.1, stop.set).start()
        began_at = time.monotonic()
        with pytest.raises(MemberError) as caught:
            list(stream_answer(where, QUESTION, sampling=Sampling(), stop=stop))
    assert caught.value.kind == "stopped"
    assert time.monotonic() - began_at < 20  # The endpoint would be waited for much longer.


def test_a_full_endpoint_is_asked_again_before_the_first_token() -> None:
    busy = refuses(429, {"error": {"message": "slow down"}}, Retry_After="0")
    with ScriptedEndpoint([busy, busy, says("At last")]).running() as endpoint:
        assert ask(endpoint)[0].text == "At last"
        assert len(endpoint.requests) == 3


def test_a_refusal_is_not_repeated() -> None:
    with ScriptedEndpoint([refuses(400, {"error": {"message": "no"}})]).running() as endpoint:
        with pytest.raises(MemberError):
            ask(endpoint)
        assert len(endpoint.requests) == 1


def test_nothing_is_repeated_after_the_first_token() -> None:
    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        handler.text("Half")
        handler.event({"error": {"message": "slow down", "code": 429}})

    with ScriptedEndpoint([script]).running() as endpoint:
        with pytest.raises(MemberError) as caught:
            ask(endpoint)
        assert caught.value.kind == "rate_limited"
        assert len(endpoint.requests) == 1


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = Endpoint(name="Ann", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1", model="m")
        with pytest.raises(MemberError, match="is the server running") as caught:
            list(stream_answer(endpoint, QUESTION, sampling=Sampling()))
        assert check_endpoint(endpoint).status is MemberStatus.FAILED
    assert caught.value.kind == "unreachable"


def test_a_proxy_of_the_environment_never_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with ScriptedEndpoint([says("Here")]).running() as endpoint:
        assert ask(endpoint)[0].text == "Here"


def test_health_tells_a_wrong_key_from_a_right_one() -> None:
    with ScriptedEndpoint([counts_up]).running() as endpoint:
        right = Endpoint(name="Ann", base_url=endpoint.base_url, model="m", key=KEY)
        wrong = Endpoint(name="Ann", base_url=endpoint.base_url, model="m", key="other")
        assert check_endpoint(right).status is MemberStatus.READY
        assert check_endpoint(wrong).status is MemberStatus.UNAVAILABLE


def test_the_key_is_in_no_text_of_the_endpoint() -> None:
    assert "secret" not in repr(Endpoint(name="Ann", base_url="http://h/v1", model="m", key="secret"))


def test_a_key_that_cannot_be_sent_is_in_no_message() -> None:
    endpoint = Endpoint(name="Ann", base_url="http://127.0.0.1:9/v1", model="m", key="secret\n")
    health = check_endpoint(endpoint)
    assert health.status is MemberStatus.FAILED
    with pytest.raises(MemberError, match="printable ASCII") as caught:
        list(stream_answer(endpoint, QUESTION, sampling=Sampling()))
    assert "secret" not in health.reason + str(caught.value)
