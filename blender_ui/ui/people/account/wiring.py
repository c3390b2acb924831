"""Ties the account page's requests to its handlers.

The page's script calls the endpoints by their names, so that no password or token is ever a
component's value.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.events import api

from blender_ui.bootstrap import Services
from blender_ui.services.people.accounts import SignedIn
from blender_ui.ui.people.account.handlers import AccountHandlers
from blender_ui.ui.people.account.layout import draw_account
from blender_ui.ui.shell import PAGES

HUB_VARIABLES = (
    "SPACE_ID",
    "OAUTH_CLIENT_ID",
    "OAUTH_CLIENT_SECRET",
    "OAUTH_SCOPES",
    "OPENID_PROVIDER_URL",
    "SPACE_HOST",
)
"""What a Space with ``hf_oauth: true`` sets; without them Gradio would only mimic the sign-in."""


class _Endpoints:
    """The handlers as Gradio calls them: plain JSON in and out; ``guard`` makes a reply of an error."""

    def __init__(self, handlers: AccountHandlers) -> None:
        self._handlers = handlers

    def me(self, key: str) -> dict[str, Any]:
        return asdict(self._handlers.me(key))

    def work_in(self, key: str, project_id: int | None) -> dict[str, Any]:
        return {"project_id": self._handlers.work_in(key, project_id)}

    def sign_in(self, username: str, password: str) -> dict[str, Any]:
        return _signed_in(self._handlers.sign_in(username, password))

    def sign_out(self, key: str) -> dict[str, Any]:
        return asdict(self._handlers.sign_out(key))

    def invitation(self, token: str) -> dict[str, Any]:
        return self._handlers.invitation(token)

    def join(self, key: str, token: str) -> dict[str, Any]:
        return self._handlers.join(key, token)

    def accept(self, token: str, username: str, password: str, name: str) -> dict[str, Any]:
        return _signed_in(self._handlers.accept(token, username, password, name))

    def password(self, key: str, old: str, new: str) -> dict[str, Any]:
        return _signed_in(self._handlers.change_password(key, old, new))

    def name(self, key: str, name: str) -> dict[str, Any]:
        return self._handlers.rename(key, name)

    def look_at_reset(self, token: str) -> dict[str, Any]:
        return self._handlers.look_at_reset(token)

    def reset(self, token: str, password: str) -> dict[str, Any]:
        return _signed_in(self._handlers.reset(token, password))

    def hub(self, profile: gr.OAuthProfile | None) -> dict[str, Any]:
        if profile is None:  # its button has not been pressed
            return {}
        return _signed_in(self._handlers.sign_in_from_hub(profile.username, profile.name))


def build_account(services: Services, page: gr.Blocks) -> None:
    """Draw and wire the account page.

    Args:
        services: Shared by every visitor.
        page: The Blocks that the page belongs to.
    """
    paths = [one.path for one in PAGES]
    endpoints = _Endpoints(
        AccountHandlers(
            services.access,
            services.accounts,
            services.invitations,
            services.resets,
            workspaces=services.workspaces,
            pages=paths,
        )
    )
    has_hub = all(os.environ.get(name) for name in HUB_VARIABLES)
    draw_account(has_hub=has_hub)
    api(endpoints.me, api_name="account_me", queue=False)
    api(endpoints.work_in, api_name="account_work_in", queue=False)
    api(endpoints.sign_in, api_name="account_sign_in", queue=False)
    api(endpoints.sign_out, api_name="account_sign_out", queue=False)
    api(endpoints.invitation, api_name="account_invitation", queue=False)
    api(endpoints.join, api_name="account_join", queue=False)
    api(endpoints.accept, api_name="account_accept", queue=False)
    api(endpoints.password, api_name="account_password", queue=False)
    api(endpoints.name, api_name="account_name", queue=False)
    api(endpoints.look_at_reset, api_name="account_reset_look", queue=False)
    api(endpoints.reset, api_name="account_reset", queue=False)
    if has_hub:
        api(endpoints.hub, api_name="account_hub", queue=False)


def _signed_in(signed_in: SignedIn) -> dict[str, Any]:
    annotator = signed_in.annotator
    return {"token": signed_in.token, "name": annotator.name, "role": annotator.role.value}
