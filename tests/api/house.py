"""The app's API with scripted members, a ranker that prefers longer answers, and a key of each role."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from openai import OpenAI
from sqlmodel import select
from starlette.testclient import TestClient

from blender_ui.api.app import Api
from blender_ui.bootstrap import Services, build_services
from blender_ui.services.people.keys import KeyTerms
from blender_ui.settings import Settings
from blender_ui.ui.app import BUILDERS, build_app
from blender_ui.ui.serving.server import PageServer
from blender_ui.ui.serving.web import build_web
from db.engine import transaction
from db.models import Role
from tests.builders.scripted_members import ScriptedEnsemble, ScriptedMember, saying
from tests.builders.stores import make_store
from tests.builders.trained import copy_trained_store
from tests.ui.scripted_services import ScriptedFuser, ScriptedProcess, build_scripted_services

LONG = "A long answer, which says more. And then it goes on."
QUESTION: Any = [{"role": "user", "content": "Why is the sky blue?"}]


def make_members() -> list[ScriptedMember]:
    """Two that answer: the ranker prefers the second."""
    return [ScriptedMember("Short", saying("Short.")), ScriptedMember("Long", saying(LONG[:20], LONG[20:]))]


def build_trained_services(folder: Path, *members: ScriptedMember) -> Services:
    """Services with a fast version that was really trained: it prefers answers with the word "good"."""
    copy_trained_store(folder)
    process: Any = ScriptedProcess()
    substitutes: Any = {
        "engine": make_store(folder),
        "secret": 7,
        "members": ScriptedEnsemble(*members),
        "process": process,
        "explainers": process,
        "fuser": ScriptedFuser(),
    }
    settings = Settings(home_path=folder, weights_path=folder / "weights", port=0, access="accounts")
    return build_services(settings, **substitutes)


class Keeper:
    """Services, and keys to ask them by."""

    def __init__(self, services: Any) -> None:
        self.services = services
        self.keys = {role: self.make_key(role.value, role=role) for role in Role}

    def make_key(self, name: str, **terms: Any) -> str:
        wanted = KeyTerms(name=name, **{"requests_a_minute": 10_000, **terms})
        return str(self.services.keys.make(wanted, by=None))

    def rows(self, table: type[Any]) -> list[Any]:
        with transaction(self.services.engine) as session:
            return list(session.exec(select(table)).all())

    def headers(self, key: Role | str | None) -> dict[str, bytes]:
        secret = self.keys[key] if isinstance(key, Role) else key
        return {} if secret is None else {"Authorization": f"Bearer {secret}".encode()}

    def close(self) -> None:
        self.services.keys.close()
        self.services.engine.dispose()


class House(Keeper):
    """The whole app, pages and all, asked without a socket.

    Args:
        folder: Its home.
        mode: Who may come in.
        host: What it says that it listens on.
        builders: Of the pages.
    """

    def __init__(
        self, folder: Path, *, mode: str = "accounts", host: str = "127.0.0.1", builders: Any = BUILDERS
    ) -> None:
        super().__init__(build_scripted_services(folder, *make_members(), access_mode=mode))
        self.services.settings = replace(self.services.settings, host=host)
        self.pages = build_app(self.services, builders=builders)
        self.client = TestClient(build_web(self.pages, self.services.settings), base_url="http://localhost")

    def ask(self, method: str, path: str, *, key: Role | str | None = None, **options: Any) -> Any:
        headers = self.headers(key) | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)

    def close(self) -> None:
        self.pages.close(verbose=False)
        super().close()


class Shop(Keeper):
    """The API alone, served on loopback.

    Args:
        folder: Its home.
        members: Two that answer, unless others are given.
        is_trained: Whether there is a ranker, a scripted one that prefers longer answers.
        services: In place of scripted ones.
    """

    def __init__(
        self, folder: Path, *members: ScriptedMember, is_trained: bool = True, services: Any = None
    ) -> None:
        scripted = members or tuple(make_members())
        super().__init__(services or build_scripted_services(folder, *scripted, access_mode="accounts"))
        if is_trained and services is None:
            self.services.ranking.train()
        api = Api(self.services)
        web = FastAPI(openapi_url=None, middleware=[api.request_log(), api.key_gate()])
        api.add_to(web)
        self._server = PageServer(web, host="127.0.0.1", port=0)
        self.url = self._server.url.rstrip("/")

    def chats(self, key: Role | str = Role.RESEARCHER) -> Any:
        secret = self.keys[key] if isinstance(key, Role) else key
        client = OpenAI(base_url=f"{self.url}/v1", api_key=secret, max_retries=0, timeout=30)
        return client.chat.completions

    def ask(self, method: str, path: str, *, key: Role | str | None = Role.RESEARCHER, **options: Any) -> Any:
        return httpx.request(method, f"{self.url}{path}", headers=self.headers(key), timeout=30, **options)

    def close(self) -> None:
        self._server.close()
        super().close()
