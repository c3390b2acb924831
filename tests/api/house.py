"""The served app with scripted members, and a key of each role."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from blender_ui.services.people.keys import KeyTerms
from blender_ui.ui.app import build_app
from blender_ui.ui.web import build_web
from db.models import Role
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services


class House:
    """An app, asked without a socket.

    Args:
        folder: Its home.
        members: Two that answer, unless others are given.
        mode: Who may come in.
        host: What it says that it listens on.
    """

    def __init__(
        self, folder: Path, *members: ScriptedMember, mode: str = "accounts", host: str = "127.0.0.1"
    ) -> None:
        members = members or (
            ScriptedMember("Long", saying("A long answer, ", "which says more.")),
            ScriptedMember("Short", saying("Short.")),
        )
        self.services: Any = build_scripted_services(folder, *members, access_mode=mode)
        self.services.settings = replace(self.services.settings, host=host)
        self.pages = build_app(self.services)
        self.client = TestClient(build_web(self.pages, self.services.settings), base_url="http://localhost")
        self.keys = {role: self.make_key(role.value, role=role) for role in Role}

    def make_key(self, name: str, **terms: Any) -> str:
        wanted = KeyTerms(name=name, **{"requests_a_minute": 10_000, **terms})
        return str(self.services.keys.make(wanted, by=None))

    def ask(self, method: str, path: str, *, key: Role | str | None = None, **options: Any) -> Any:
        secret = self.keys[key] if isinstance(key, Role) else key
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}".encode()}
        return self.client.request(method, path, headers=headers | options.pop("headers", {}), **options)

    def close(self) -> None:
        self.pages.close(verbose=False)
        self.services.keys.close()
        self.services.engine.dispose()
