"""What a program gets where its request failed: a status and a sentence, in the form that OpenAI's has.

Invariant: every error of the API has this form, and its text is one that a person may read; what nobody
foresaw goes to the log under an id. Non-goal: the sentences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse

from blender_ui.errors import (
    BlenderError,
    FusionError,
    MalformedInput,
    MemberError,
    NoRanker,
    NotFound,
    NotPermitted,
    NotSignedIn,
    QuotaUsedUp,
    RankerError,
    Refused,
    StorageError,
)
from blender_ui.faults import request_id, tell

RETRY_SECONDS = 2
"""After a database that did not do its part."""


def describe(error: BlenderError) -> tuple[int, str, str]:
    """The status, the type and the code of an error; the type is one that OpenAI's clients know."""
    for kind, described in _KINDS:
        if isinstance(error, kind):
            return described
    return 500, "server_error", "failed"


_KINDS: tuple[tuple[type[BlenderError], tuple[int, str, str]], ...] = (
    # A kind before those that it belongs to.
    (NotSignedIn, (401, "authentication_error", "invalid_api_key")),
    (NotPermitted, (403, "permission_error", "role_too_low")),
    (QuotaUsedUp, (429, "rate_limit_error", "rate_limit_exceeded")),
    (Refused, (409, "invalid_request_error", "refused")),
    (NotFound, (404, "invalid_request_error", "not_found")),
    (MalformedInput, (400, "invalid_request_error", "malformed")),
    (NoRanker, (503, "server_error", "no_ranker")),
    (StorageError, (503, "server_error", "storage")),
    (MemberError, (502, "server_error", "member_failed")),
    (FusionError, (502, "server_error", "fuser_failed")),
    (RankerError, (500, "server_error", "ranker_failed")),
)


def error_body(error: BlenderError, *, param: str | None = None) -> dict[str, Any]:
    """The body that says what failed."""
    _, kind, code = describe(error)
    body: dict[str, Any] = {"message": str(error), "type": kind, "param": param, "code": code}
    return {"error": body | {"request_id": request_id.get() or None}}


def respond(error: Exception) -> JSONResponse:
    """The response to a request that failed."""
    # What a request has wrong is foreseen, and its texts are not for the log.
    told, param = _read_fault(error) if isinstance(error, RequestValidationError) else (tell(error), None)
    return JSONResponse(
        error_body(told, param=param), status_code=describe(told)[0], headers=dict(_headers(told))
    )


def _read_fault(error: RequestValidationError) -> tuple[BlenderError, str | None]:
    """The first thing that a body has not as it must, and where it is."""
    first = error.errors()[0]
    part, *names = first["loc"]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", first["msg"])
        return MalformedInput(f"the body is not JSON: {reason} at character {names[0]}"), None
    if part == "body" and not names:
        return MalformedInput(f"expected {_BODY}, came {_say_body(first['input'])}"), None
    where = ".".join(map(str, names))
    return MalformedInput(f"{where}: {first['msg']}"), where


_BODY = "the body as an object of JSON, with the header Content-Type: application/json"


def _say_body(body: object) -> str:
    if body is None:
        return "none"
    return "something else, or no such header" if isinstance(body, bytes | str) else type(body).__name__


def _headers(error: BlenderError) -> Mapping[str, str]:
    match error:
        case NotSignedIn():
            return {"WWW-Authenticate": "Bearer"}
        case QuotaUsedUp(wait_seconds=float(seconds)):
            return {"Retry-After": str(max(1, math.ceil(seconds)))}
        case StorageError():
            return {"Retry-After": str(RETRY_SECONDS)}
        case _:
            return {}


class TellingRoute(APIRoute):
    """A route that answers what its handler raises."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's own handler."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001 - the API's edge: every failure becomes a sentence
                return respond(error)

        return answer
