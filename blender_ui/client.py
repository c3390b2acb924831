"""A small client of the API, for Python programs: ``from blender_ui.client import Client``.

It knows HTTP and JSON, and nothing of the app, so that importing it costs no model and no page. Chats also go
by any client of OpenAI's protocol. Invariant: what the app refuses is raised with its own sentence.
Non-goal: streams.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

import httpx

Chat = str | Sequence[Mapping[str, Any]]
"""A text, or messages with role and content."""

Form = Literal["jsonl", "csv", "parquet", "sft", "kto", "dpo", "best_of_n", "rejection_sampled"]
"""Of an exported file."""


class ApiError(Exception):
    """What the app refused.

    Attributes:
        status: Of HTTP.
        code: What kind, see docs/api.md.
        request_id: Under which the app's log has it.
    """

    def __init__(self, message: str, *, status: int, code: str, request_id: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id


class Answer(NamedTuple):
    """An answer of a blend or a member.

    Attributes:
        answer_id: By which it is voted on.
        told: How it came about: the field ``blender`` of docs/api.md.
    """

    text: str
    answer_id: int
    told: Mapping[str, Any]


class Ranked(NamedTuple):
    """A document by its place in the request, from 0, and how likely it beats another one."""

    place: int
    score: float


class Rewards(NamedTuple):
    """Rewards in the order of the completions, and the version that gave them."""

    rewards: tuple[float, ...]
    version: int


class Client:
    """Asks one app.

    Args:
        url: Its address, such as ``http://127.0.0.1:7860``.
        key: From the People page; empty in open mode on loopback.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, url: str, key: str = "", *, timeout: float = 300.0) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/v1", headers=headers, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def models(self) -> tuple[str, ...]:
        """Names of the models that the key may ask."""
        return tuple(one["id"] for one in self._call("GET", "/models")["data"])

    def ask(self, chat: Chat, *, model: str = "blender/auto", n: int = 1, **options: Any) -> list[Answer]:
        """Ask; gives ``n`` answers, the best first.

        Args:
            chat: A question, or a conversation whose last message is the user's.
            model: One of ``models``.
            n: Answers to give.
            options: Further fields of ``/v1/chat/completions``, such as ``temperature``.

        Raises:
            ApiError: If there is no answer.
        """
        messages = [{"role": "user", "content": chat}] if isinstance(chat, str) else list(chat)
        told = self._call(
            "POST", "/chat/completions", json={"model": model, "messages": messages, "n": n, **options}
        )
        shown = told["blender"]["shown"]
        return [
            Answer(choice["message"]["content"], one["answer_id"], told["blender"])
            for choice, one in zip(told["choices"], shown, strict=True)
        ]

    def thumb(self, answer_id: int, direction: Literal["up", "down"], *, user: str = "") -> int:
        """Vote on one served answer; gives the preference's id."""
        return self._vote({"answer_id": answer_id, "thumb": direction}, user)

    def vote(
        self,
        answer_id: int,
        verdict: Literal["better", "worse", "tie", "both_bad"],
        other_id: int,
        *,
        user: str = "",
    ) -> int:
        """Vote on one served answer beside another one to the same prompt; gives the preference's id."""
        return self._vote({"answer_id": answer_id, "verdict": verdict, "other_id": other_id}, user)

    def rerank(self, query: str, documents: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        """Put answers to a query in order, the best first."""
        asked = {"query": query, "documents": list(documents), "top_n": top_n}
        found = self._call("POST", "/rerank", json=asked)["results"]
        return [Ranked(one["index"], one["relevance_score"]) for one in found]

    def reward(
        self, prompts: Sequence[Chat], completions: Sequence[Chat], *, baseline: str | None = None
    ) -> Rewards:
        """Reward completions beside the others to the same prompt, or beside a baseline."""
        asked = {"prompts": list(prompts), "completions": list(completions), "baseline": baseline}
        told = self._call("POST", "/reward", json=asked)
        return Rewards(tuple(told["rewards"]), told["ranker"]["version"])

    def projects(self) -> list[dict[str, Any]]:
        """The projects that the key works in."""
        return list(self._list("/projects"))

    def create_project(self, name: str, **terms: Any) -> dict[str, Any]:
        """Make a project; ``terms`` are ``guidelines``, ``overlap`` and ``ask``."""
        return dict(self._call("POST", "/projects", json={"name": name, **terms}))

    def add_prompts(self, project_id: int, instructions: Sequence[str]) -> int:
        """Add prompts to a project; says how many were new."""
        asked = {"project_id": project_id, "instructions": list(instructions)}
        return int(self._call("POST", "/prompts", json=asked)["n_added"])

    def prompts(self, **filters: int) -> Iterator[dict[str, Any]]:
        """Every prompt, of ``project_id`` if it is given."""
        return self._list("/prompts", **filters)

    def candidates(self, **filters: int) -> Iterator[dict[str, Any]]:
        """Every answer, of ``project_id`` or ``prompt_id`` if it is given."""
        return self._list("/candidates", **filters)

    def preferences(self, **filters: int) -> Iterator[dict[str, Any]]:
        """Every vote that stands, of ``project_id`` if it is given."""
        return self._list("/preferences", **filters)

    def versions(self, role: Literal["ranker", "fuser", "chooser"] = "ranker") -> list[dict[str, Any]]:
        """The versions of a role, the newest first."""
        return list(self._call("GET", "/versions", params={"role": role})["data"])

    def import_file(self, path: Path | str) -> dict[str, Any]:
        """Import a file of at most 16 MiB, whole or not at all."""
        file = Path(path)
        return dict(self._call("POST", "/imports", params={"name": file.name}, content=file.read_bytes()))

    def export(self, path: Path | str, form: Form = "jsonl", **asked: Any) -> str:
        """Write the whole store, or a project, to a file; gives what is left out and why, or "".

        Args:
            path: Where.
            form: Rows of the store, or one of the forms for trainers.
            asked: ``project_id``; of a form for trainers ``file`` (jsonl, csv or parquet), ``agreement``,
                and of the ranked ones ``threshold`` and ``margin``, as docs/exchange.md says.
        """
        with self._http.stream("GET", f"/exports/{form}", params=asked) as response:
            if response.is_error:
                response.read()
            _check(response)
            with Path(path).open("wb") as file:
                for piece in response.iter_bytes():
                    file.write(piece)
        return str(response.headers.get("x-blender-notes", ""))

    def webhooks(self) -> list[dict[str, Any]]:
        """Every webhook, the newest first."""
        return list(self._call("GET", "/webhooks")["data"])

    def create_webhook(self, url: str, events: Sequence[str]) -> dict[str, Any]:
        """Make a webhook; gives its ``id``, and the ``secret`` that is told only now."""
        return dict(self._call("POST", "/webhooks", json={"url": url, "events": list(events)}))

    def test_webhook(self, webhook_id: int) -> dict[str, Any]:
        """Send a webhook a message now; gives what came of it."""
        return dict(self._call("POST", f"/webhooks/{webhook_id}/test"))

    def webhook_messages(self, webhook_id: int) -> list[dict[str, Any]]:
        """The latest messages to a webhook and how their delivery went, the newest first."""
        return list(self._call("GET", f"/webhooks/{webhook_id}/messages")["data"])

    def remove_webhook(self, webhook_id: int) -> None:
        """Send nothing to a webhook any more."""
        self._call("DELETE", f"/webhooks/{webhook_id}")

    def _vote(self, said: dict[str, Any], user: str) -> int:
        return int(self._call("POST", "/feedback", json=said | {"user": user or None})["preference_id"])

    def _list(self, path: str, **filters: int) -> Iterator[dict[str, Any]]:
        after: int | None = 0
        while after is not None:
            asked = filters if path == "/projects" else {**filters, "after": after}
            page = self._call("GET", path, params=asked)
            yield from page["data"]
            after = page["next_after"]

    def _call(self, method: str, path: str, **sent: Any) -> Any:
        response = self._http.request(method, path, **sent)
        _check(response)
        return response.json()


def _check(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        told = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        told = response.text
    if not isinstance(told, dict):
        told = {"message": str(told)}
    raise ApiError(
        told.get("message") or f"status {response.status_code}",
        status=response.status_code,
        code=told.get("code") or "",
        request_id=response.headers.get("x-request-id", ""),
    )
