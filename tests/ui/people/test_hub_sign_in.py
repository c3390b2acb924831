"""On a Space people sign in with their account of the hub: all the way, with a scripted provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio.oauth
import httpx
import pytest
from starlette.testclient import TestClient

from benchmarks.scripted_provider import CLIENT_ID, CLIENT_SECRET, ScriptedProvider, running_provider
from blender_ui.ui.app import BUILDERS, HOME, build_app
from blender_ui.ui.people.account.wiring import HUB_VARIABLES
from blender_ui.ui.serving.web import build_web
from blender_ui.ui.shell import ACCOUNT
from tests.ui.scripted_services import build_scripted_services

HOST = "me-app.hf.space"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedProvider]:
    """As a Space with ``hf_oauth: true`` has it."""
    with running_provider("huggy") as provider:
        said = {
            "SYSTEM": "spaces",
            "SPACE_ID": "me/app",
            "SPACE_HOST": HOST,
            "OAUTH_CLIENT_ID": CLIENT_ID,
            "OAUTH_CLIENT_SECRET": CLIENT_SECRET,
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": provider.address,
        }
        for name, value in said.items():
            monkeypatch.setenv(name, value)
            if hasattr(gradio.oauth, name):  # which it read when it was imported
                monkeypatch.setattr(gradio.oauth, name, value)
        yield provider


@pytest.fixture
def client(provider: ScriptedProvider, tmp_path: Path) -> Iterator[TestClient]:
    services = build_scripted_services(tmp_path, access_mode="accounts")
    pages = build_app(services, builders={page: BUILDERS[page] for page in (HOME, ACCOUNT)})
    web = build_web(pages, services.settings)
    with TestClient(web, base_url=f"https://{HOST}", follow_redirects=False) as client:
        yield client
    pages.close(verbose=False)
    services.engine.dispose()


def sign_in(client: TestClient) -> str:
    """Go to the provider and back; gives where the app leads to in the end."""
    sent = client.get("/login/huggingface?_target_url=/account")
    assert sent.status_code in (302, 307)
    back = httpx.get(sent.headers["location"]).headers["location"]
    assert back.startswith(f"https://{HOST}/login/callback")
    returned = client.get(back)
    assert returned.status_code in (302, 307), returned.text
    return returned.headers["location"]


def ask_who(client: TestClient) -> dict[str, str]:
    headers = {"origin": f"https://{HOST}"}
    answer = client.post("/gradio_api/run/account_hub", json={"data": []}, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"][0])


def test_whom_the_hub_vouches_for_is_signed_in_and_is_an_annotator(client: TestClient) -> None:
    assert ask_who(client) == {}
    assert sign_in(client) == "/account"
    signed_in = ask_who(client)
    assert (signed_in["name"], signed_in["role"]) == ("Huggy", "annotator")
    me = client.post(
        "/gradio_api/run/account_me",
        json={"data": [signed_in["token"]]},
        headers={"origin": f"https://{HOST}", "x-blender-key": signed_in["token"]},
    )
    assert me.json()["data"][0]["name"] == "Huggy"


def test_what_a_space_does_not_set_is_not_asked_for(
    provider: ScriptedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio refuses to start with a button whose provider is half known; then there is no button."""
    for name in HUB_VARIABLES:
        with monkeypatch.context() as patched:
            patched.delenv(name)
            patched.setattr(gradio.oauth, name, None, raising=False)
            services = build_scripted_services(tmp_path / name, access_mode="accounts")
            pages = build_app(services, builders={ACCOUNT: BUILDERS[ACCOUNT]})
            build_web(pages, services.settings)
            services.engine.dispose()
    assert "OAUTH_SCOPES" in HUB_VARIABLES
