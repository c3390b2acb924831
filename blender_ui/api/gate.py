"""Stands in front of the API's routes: finds the program behind a key, and holds its role against the rule.

Invariant: nothing of a request's body is read before its key was found; only in open mode on loopback may a
program come without one. Non-goal: which role a route needs (``rules``), and browsers, whose pages'
origins ``blender_ui.ui.serving.hosts`` checks.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from blender_ui.api.faults import respond
from blender_ui.api.rules import Rule, find_rule
from blender_ui.errors import NotPermitted, NotSignedIn
from blender_ui.services.people.access import is_below
from blender_ui.services.people.keys import ApiKeys, Caller

LONGEST_KEY = 256


class KeyGate:
    """ASGI middleware: lets pass what ``rules`` say, with the caller in the request's state.

    Args:
        app: What stands behind.
        keys: Finds whose a key is.
        is_open: Whether programs may come without a key: in open mode, where only this machine can.
    """

    def __init__(self, app: ASGIApp, *, keys: ApiKeys, is_open: bool) -> None:
        self._app = app
        self._keys = keys
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request here, or hand it on."""
        rule = find_rule(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if rule is not None and rule.role is not None:
            said = Headers(scope=scope).get("authorization", "")
            try:
                caller = await run_in_threadpool(self._admit, said, rule)
            except Exception as error:  # noqa: BLE001 - the app's edge: nothing behind it would make a sentence
                await respond(error)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    def _admit(self, said: str, rule: Rule) -> Caller:
        scheme, _, key = said.partition(" ")
        key = key.strip()
        if not key and self._is_open:
            return self._keys.admit_open()
        if scheme.lower() != "bearer" or not key:
            raise NotSignedIn(
                "This needs a key: send it as the header Authorization: Bearer KEY. An admin makes keys on "
                "the People page, or by: blender-ui key make NAME"
            )
        if len(key) > LONGEST_KEY or not key.isascii():
            raise NotSignedIn("This is no key of Blender UI. An admin makes keys on the People page.")
        caller = self._keys.admit(key)
        if rule.role is not None and is_below(caller.role, rule.role):
            raise NotPermitted(
                f"This needs a key with the role {rule.role.value}, and the key {caller.name} has the role "
                f"{caller.role.value}. An admin makes another one on the People page."
            )
        return caller


def get_caller(request: Request) -> Caller:
    """The program behind a request that the gate let in."""
    caller: Caller = request.state.caller
    return caller


By = Annotated[Caller, Depends(get_caller)]
"""A handler's argument that is the program behind the request."""
