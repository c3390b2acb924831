"""What the API is for, as clients use it: a better answer than the best member's, a chat client's session."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

from blender_ui.members.protocol import Chunk, Message, Usage
from db.models import Role
from tests.api.house import Shop, build_trained_services
from tests.builders.scripted_members import Script, ScriptedMember

QUESTIONS = ["Why is the sky blue?", "How does a plane fly?", "What is bread?", "Who wrote Faust?"]
GOOD, BAD = "good good good answer", "an answer"


def knowing(*numbers: int) -> Script:
    """Answers some of ``QUESTIONS`` well, and the others badly."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        asked = messages[-1].content
        yield Chunk(GOOD if asked in [QUESTIONS[number] for number in numbers] else BAD, 4)
        yield Chunk("", 4, Usage(7, 4, "stop", 0.1, 0.2))

    return script


def test_auto_answers_better_than_the_best_member_where_the_ranker_knows_a_better_one(tmp_path: Path) -> None:
    # A real fast version, which has learnt from votes that answers with the word "good" are better.
    members = [ScriptedMember("Most", knowing(0, 1, 2)), ScriptedMember("Few", knowing(3))]
    shop = Shop(tmp_path, services=build_trained_services(tmp_path, *members))
    client = OpenAI(base_url=f"{shop.url}/v1", api_key=shop.keys[Role.RESEARCHER], max_retries=0, timeout=60)

    def count_good(model: str) -> int:
        said = [
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}])
            for question in QUESTIONS
        ]
        return sum("good" in (one.choices[0].message.content or "") for one in said)

    alone = {name: count_good(f"blender/{name}") for name in ("Most", "Few")}
    assert alone == {"Most": 3, "Few": 1}
    assert count_good("blender/auto") == 4
    client.close()
    shop.close()


class ChatClient:
    """Sends what Open WebUI's server sends: it lists the models, streams a chat, and asks for its title."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/v1",
            headers={
                "Authorization": f"Bearer {key}",
                "HTTP-Referer": "https://openwebui.com/",
                "X-Title": "Open WebUI",
                "X-OpenWebUI-User-Name": "Ada",
            },
            timeout=30,
        )

    def models(self) -> list[str]:
        return [one["id"] for one in self._http.get("/models").json()["data"]]

    def ask(self, model: str, text: str) -> tuple[str, dict[str, Any]]:
        """The text as it is put together from the stream, and the usage of its last chunk."""
        body = {
            "stream": True,
            "model": model,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": text}]},
            ],
            "stream_options": {"include_usage": True},
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 512,
            "user": {"name": "Ada", "id": "1", "email": "ada@example.org", "role": "admin"},
        }
        written, usage = "", {}
        with self._http.stream("POST", "/chat/completions", json=body) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = [line for line in response.iter_lines() if line and not line.startswith(":")]
        assert lines[-1] == "data: [DONE]"
        for line in lines[:-1]:
            chunk = json.loads(line.removeprefix("data: "))
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                written += choice["delta"].get("content") or ""
        return written, usage

    def make_title(self, model: str, said: str) -> str:
        history = f"<chat_history>\n{said}\n</chat_history>"
        asked = f"### Task:\nGenerate a concise title.\n### Chat History:\n{history}"
        body = {
            "model": model,
            "messages": [{"role": "user", "content": asked}],
            "stream": False,
            "max_completion_tokens": 1000,
        }
        response = self._http.post("/chat/completions", json=body)
        assert response.status_code == 200, response.text
        text: str = response.json()["choices"][0]["message"]["content"]
        return text


def test_a_chat_clients_session_is_replayed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    client = ChatClient(shop.url, shop.keys[Role.ANNOTATOR])
    model = client.models()[0]
    assert model == "blender/auto"
    written, usage = client.ask(model, QUESTIONS[0])
    assert written
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert client.make_title(model, written)
    shop.close()
