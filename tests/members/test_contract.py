"""What every member promises, whoever generates."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from blender_ui.errors import MemberError
from blender_ui.members.configuration import Backend, Limits, MemberConfig
from blender_ui.members.openai.client import Endpoint, stream_answer
from blender_ui.members.protocol import Member, MemberStatus, Message, Sampling
from blender_ui.members.registry import LocalMember, Members
from tests.members.scripted_endpoint import KEY, ScriptedEndpoint, counts_up

pytestmark = pytest.mark.slow

QUESTION = [Message("user", "word1 word2 write the numbers from one to one thousand")]
ENDLESS = Sampling(temperature=0, max_tokens=1500)
LIMITS = Limits(n_context=2048, n_parallel=1, first_token_seconds=120)


@dataclass
class Subject:
    member: Member
    base_url: Callable[[], str]
    is_busy: Callable[[], bool]

    def wait_until_idle(self, *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_busy() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.is_busy()


@pytest.fixture(scope="module", params=["scripted", "llama_cpp", "transformers"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "scripted":
        with ScriptedEndpoint([counts_up]).running() as endpoint:
            yield _remote(endpoint)
    elif request.param == "llama_cpp":
        yield from _local(Backend.LLAMA_CPP, request.getfixturevalue("smollm2_path"))
    else:
        yield from _local(Backend.TRANSFORMERS, request.getfixturevalue("tiny_checkpoint"))


def _remote(endpoint: ScriptedEndpoint) -> Subject:
    config = MemberConfig(
        name="subject",
        backend=Backend.OPENAI,
        model="m",
        base_url=endpoint.base_url,
        key_env="SUBJECT_KEY",
        limits=LIMITS,
    )
    members = Members([config], find_weights=_no_weights, environ={"SUBJECT_KEY": KEY})
    return Subject(members.get("subject"), lambda: endpoint.base_url, lambda: endpoint.n_active > 0)


def _local(backend: Backend, path: Path) -> Iterator[Subject]:
    config = MemberConfig(name="subject", backend=backend, model=str(path), limits=LIMITS)
    members = Members([config], find_weights=_no_weights, environ={})
    member = members.get("subject")
    assert isinstance(member, LocalMember)

    def is_busy() -> bool:
        address = member.server.address(timeout_seconds=120)
        url = address.base_url.replace("/v1", "/slots")
        slots = httpx.get(url, headers={"Authorization": f"Bearer {address.key}"}, trust_env=False).json()
        return any(slot["is_processing"] for slot in slots)

    with closing(members):
        yield Subject(member, lambda: member.server.address(timeout_seconds=120).base_url, is_busy)


def _no_weights(name: str) -> Path:
    raise AssertionError(f"nobody should ask for the weights of {name}")


def test_an_answer_comes_in_pieces_and_ends_with_its_usage(subject: Subject) -> None:
    *pieces, last = subject.member.stream(QUESTION, options=Sampling(temperature=0, max_tokens=12))
    assert len(pieces) > 3
    assert all(piece.text and piece.usage is None for piece in pieces)
    assert [piece.n_tokens for piece in pieces] == list(range(1, len(pieces) + 1))
    assert last.text == ""
    assert last.usage is not None
    assert last.usage.n_tokens == last.n_tokens == 12
    assert last.usage.finish_reason == "length"
    assert last.usage.n_prompt_tokens > 5
    assert 0 < last.usage.first_token_seconds <= last.usage.seconds


def test_the_stop_signal_ends_the_answer_and_the_servers_work(subject: Subject) -> None:
    stop = threading.Event()
    stream = subject.member.stream(QUESTION, options=ENDLESS, stop=stop)
    text = "".join(next(stream).text for _ in range(3))
    assert subject.is_busy()
    stop.set()
    with pytest.raises(MemberError, match="stopped") as caught:
        list(stream)
    assert caught.value.kind == "stopped"
    assert caught.value.partial_text.startswith(text)
    assert subject.wait_until_idle(seconds=2)


def test_closing_the_stream_ends_the_servers_work(subject: Subject) -> None:
    stream = subject.member.stream(QUESTION, options=ENDLESS)
    next(stream)
    assert subject.is_busy()
    stream.close()
    assert subject.wait_until_idle(seconds=2)


def test_after_a_stop_the_next_question_is_answered(subject: Subject) -> None:
    stream = subject.member.stream(QUESTION, options=ENDLESS)
    next(stream)
    stream.close()
    *_, last = subject.member.stream(QUESTION, options=Sampling(temperature=0, max_tokens=3))
    assert last.usage is not None


def test_an_answer_that_takes_too_long_is_a_timeout_with_what_came(subject: Subject) -> None:
    *_, _ = subject.member.stream(QUESTION, options=Sampling(max_tokens=2))
    address = (
        subject.member.server.address(timeout_seconds=9) if isinstance(subject.member, LocalMember) else None
    )
    endpoint = Endpoint(
        name="subject",
        base_url=subject.base_url(),
        model="m",
        key=address.key if address else KEY,
        timeout_seconds=1.0,
    )
    with pytest.raises(MemberError, match="timeout_seconds") as caught:
        list(stream_answer(endpoint, QUESTION, sampling=ENDLESS))
    assert caught.value.kind == "timeout"
    assert caught.value.partial_text
    assert subject.wait_until_idle(seconds=2)


def test_nobody_gets_an_answer_without_the_key(subject: Subject) -> None:
    for key in ("", "wrong"):
        endpoint = Endpoint(name="subject", base_url=subject.base_url(), model="m", key=key)
        with pytest.raises(MemberError) as caught:
            list(stream_answer(endpoint, QUESTION, sampling=Sampling()))
        assert caught.value.kind == "refused"


def test_no_web_page_of_another_origin_may_read(subject: Subject) -> None:
    headers = {"Origin": "http://elsewhere.example"}
    response = httpx.get(f"{subject.base_url()}/models", headers=headers, trust_env=False)
    assert response.headers.get("Access-Control-Allow-Origin", "") == ""
    assert response.status_code == 401


def test_it_says_that_it_is_ready(subject: Subject) -> None:
    *_, _ = subject.member.stream(QUESTION, options=Sampling(max_tokens=2))
    assert subject.member.health().status is MemberStatus.READY
