"""How a route of the API is added: by its rule, with its role in the OpenAPI file.

Invariant: a route without a rule cannot be added. Non-goal: what routes do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from blender_ui import __version__
from blender_ui.api.faults import TellingRoute
from blender_ui.api.rules import get_rule

TITLE = "Blender UI"
SUMMARY = "The blend and the ranker for other programs; docs/api.md has examples."
KEY_SCHEME = "key"
NO_KEY = "none"
"""In place of a role where everybody may ask."""


class Routes:
    """The API's routes."""

    def __init__(self) -> None:
        self.router = APIRouter(route_class=TellingRoute)

    def add(self, method: str, path: str, handle: Callable[..., Any], **options: Any) -> None:
        """Add a route; the first line of its handler's docstring is its summary.

        Raises:
            LookupError: If nobody has said which role it needs.
        """
        rule = get_rule(method, path)
        extra: dict[str, Any] = {"x-required-role": NO_KEY if rule.role is None else rule.role.value}
        if rule.role is not None:
            extra["security"] = [{KEY_SCHEME: []}]
        summary, _, description = (handle.__doc__ or "").partition("\n")
        self.router.add_api_route(
            path,
            handle,
            methods=[method],
            summary=summary.strip(),
            description=description.strip(),
            openapi_extra=extra,
            **options,
        )

    def describe(self) -> dict[str, Any]:
        """The OpenAPI file."""
        described = get_openapi(
            title=TITLE, version=__version__, summary=SUMMARY, routes=list(self.router.routes)
        )
        schemes = {KEY_SCHEME: {"type": "http", "scheme": "bearer"}}
        described.setdefault("components", {})["securitySchemes"] = schemes
        return described
