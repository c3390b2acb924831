"""The server of Hugging Face checkpoints, beyond what every member promises."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import AutoTokenizer

from blender_ui.errors import MemberError
from blender_ui.members.local.checkpoint import Checkpoint, _Writer
from blender_ui.members.local.transformers_server import Server
from blender_ui.members.openai.client import Endpoint, stream_answer
from blender_ui.members.protocol import Message, Sampling
from tests.members.tiny_checkpoint import TEMPLATE, build_tiny_checkpoint

pytestmark = pytest.mark.slow

QUESTION = [Message("user", "word1 word2 word3")]
GREEDY = Sampling(temperature=0, max_tokens=8)


class ScriptedModel:
    """Fails as a model on a full GPU does."""

    device = torch.device("cpu")

    def generate(self, **_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint: Path) -> Checkpoint:
    return Checkpoint(str(tiny_checkpoint), n_context=64)


@contextmanager
def serving(checkpoint: Checkpoint) -> Iterator[Endpoint]:
    server = Server(checkpoint, name="tiny", key="k")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Endpoint(name="Ann", base_url=server.base_url, model="tiny", key="k")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(endpoint: Endpoint, messages: list[Message], sampling: Sampling) -> tuple[str, str]:
    *pieces, last = stream_answer(endpoint, messages, sampling=sampling)
    assert last.usage is not None
    return "".join(piece.text for piece in pieces), last.usage.finish_reason


def test_greedy_answers_are_equal_and_seeded_ones_too(checkpoint: Checkpoint) -> None:
    with serving(checkpoint) as endpoint:
        assert ask(endpoint, QUESTION, GREEDY) == ask(endpoint, QUESTION, GREEDY)
        seeded = Sampling(temperature=1.5, max_tokens=8, seed=3)
        assert ask(endpoint, QUESTION, seeded) == ask(endpoint, QUESTION, seeded)


def test_an_answer_ends_before_a_stop_string(checkpoint: Checkpoint) -> None:
    with serving(checkpoint) as endpoint:
        whole, reason = ask(endpoint, QUESTION, GREEDY)
        assert reason == "length"
        stop = whole.split()[3]
        cut, reason = ask(endpoint, QUESTION, Sampling(temperature=0, max_tokens=8, stop=(stop,)))
    assert cut == whole[: whole.index(stop)]
    assert reason == "stop"


def test_an_answer_ends_where_the_context_is_full(checkpoint: Checkpoint) -> None:
    with serving(checkpoint) as endpoint:
        text, reason = ask(endpoint, QUESTION, Sampling(temperature=0, max_tokens=500))
    assert reason == "length"
    assert len(text.split()) < 64


def test_a_prompt_longer_than_the_context_is_refused(checkpoint: Checkpoint) -> None:
    with (
        serving(checkpoint) as endpoint,
        pytest.raises(MemberError, match="fill the context of 64") as caught,
    ):
        ask(endpoint, [Message("user", "word1 " * 100)], GREEDY)
    assert caught.value.kind == "refused"


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    folder = build_tiny_checkpoint(tmp_path, chat_template=None)
    with (
        serving(Checkpoint(str(folder), n_context=64)) as endpoint,
        pytest.raises(MemberError, match="no chat template") as caught,
    ):
        ask(endpoint, QUESTION, GREEDY)
    assert caught.value.kind == "refused"


ALTERNATING = (
    "{% for m in messages %}{% if m['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "{{ m['content'] + ' ' }}{% endfor %}"
)


def test_a_conversation_whose_roles_the_template_refuses_is_told_in_turns(tmp_path: Path) -> None:
    folder = build_tiny_checkpoint(tmp_path, chat_template=ALTERNATING)
    conversation = [
        Message("system", "word1"), Message("user", "word2"), Message("assistant", "word3"),
        Message("tool", "word4"), Message("user", "word5"),
    ]  # fmt: skip
    with serving(Checkpoint(str(folder), n_context=64)) as endpoint:
        text, reason = ask(endpoint, conversation, GREEDY)
    assert (len(text.split()) > 0, reason) == (True, "length")


def test_thinking_that_the_template_begins_is_not_the_answer(tmp_path: Path) -> None:
    tags = ("<think>", "</think>")
    folder = build_tiny_checkpoint(tmp_path, chat_template=TEMPLATE + tags[0], special_tokens=tags)
    with (
        serving(Checkpoint(str(folder), n_context=64)) as endpoint,
        pytest.raises(
            MemberError, match="thought for 8 tokens and gave no answer; raise max_tokens"
        ) as caught,
    ):
        ask(endpoint, QUESTION, GREEDY)
    assert (caught.value.kind, caught.value.partial_text) == ("empty", "")


def test_special_tokens_around_thinking_stay_and_others_go(tmp_path: Path) -> None:
    folder = build_tiny_checkpoint(tmp_path, special_tokens=("[THINK]", "[/THINK]", "<end>"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    said: list[str] = []
    writer = _Writer(tokenizer, said.append, [])
    for ids in (
        tokenizer.encode("word1"),
        *([one] for one in tokenizer.encode("[THINK] word2 [/THINK] word3 <end>")),
    ):
        writer.put(torch.tensor(ids))
    writer.end()
    assert "".join(said).split() == ["[THINK]", "word2", "[/THINK]", "word3"]


def test_a_full_gpu_is_told_as_such_and_the_server_goes_on(checkpoint: Checkpoint) -> None:
    with serving(checkpoint) as endpoint:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checkpoint, "_model", ScriptedModel())
            patch.setattr(checkpoint, "_options", lambda request, room: {"max_new_tokens": 1})
            with pytest.raises(MemberError, match="out of memory") as caught:
                ask(endpoint, QUESTION, GREEDY)
        assert caught.value.kind == "out_of_memory"
        assert ask(endpoint, QUESTION, GREEDY)[0]


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ("[]", 400), ('{"stream": true}', 400), ('{"stream": false, "messages": []}', 400)],
)
def test_a_request_outside_the_protocol_is_refused(checkpoint: Checkpoint, body: str, status: int) -> None:
    with serving(checkpoint) as endpoint:
        url = f"{endpoint.base_url}/chat/completions"
        response = httpx.post(url, content=body, headers=endpoint.headers, trust_env=False)
    assert response.status_code == status
    assert response.json()["error"]["message"].startswith("expected")


def test_connections_that_come_at_once_are_all_taken(checkpoint: Checkpoint) -> None:
    server = Server(checkpoint, name="tiny", key="k")
    try:
        with ExitStack() as stack:
            for _ in range(64):  # none of which is accepted yet
                stack.enter_context(socket.create_connection(server.server_address, timeout=0.5))
    finally:
        server.server_close()
