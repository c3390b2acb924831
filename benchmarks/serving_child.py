"""The processes that ``benchmarks.serving`` talks to: a member that streams at a fixed pace, and our API.

python -m benchmarks.serving_child member PORT
python -m benchmarks.serving_child api PORT
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from blender_ui.bootstrap import Services, build_services
from db.enums import Outcome

FIRST_TOKEN_SECONDS = 0.25
TOKEN_SECONDS = 0.025
N_TOKENS = 48
WORDS = ["sky ", "blue ", "light ", "air "]
VOTE_SECONDS = 2.0
"""Between two votes of one person: a fast one."""


def main() -> None:
    """Serve until told to end."""
    what, port = sys.argv[1], int(sys.argv[2])
    app = Starlette(routes=_member_routes()) if what == "member" else _make_api()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def _member_routes() -> list[Route]:
    async def answer(request: Request) -> StreamingResponse:
        await request.body()
        return StreamingResponse(_stream(), media_type="text/event-stream")

    async def models(_: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [{"id": "m", "object": "model"}]})

    return [
        Route("/v1/chat/completions", answer, methods=["POST"]),
        Route("/v1/models", models),
    ]


async def _stream() -> AsyncIterator[str]:
    """A language model's pace: a while to read, then a word at a time, by the clock and not by the load."""
    due = time.monotonic() + FIRST_TOKEN_SECONDS
    for number in range(N_TOKENS):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += TOKEN_SECONDS
        delta = {"role": "assistant", "content": WORDS[number % len(WORDS)]}
        yield _line({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    usage = {"prompt_tokens": 9, "completion_tokens": N_TOKENS, "total_tokens": 9 + N_TOKENS}
    yield _line({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    yield "data: [DONE]\n\n"


def _line(chunk: dict[str, object]) -> str:
    whole = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", **chunk}
    return f"data: {json.dumps(whole)}\n\n"


def _label(services: Services, number: int, until: float) -> None:
    """One person, who needs ``VOTE_SECONDS`` for a pair."""
    me = services.labeling.sign_in(key=f"a-benchmark-person-{number:04d}-{until}").id
    time.sleep(VOTE_SECONDS * number / 8)
    while time.monotonic() < until:
        pair = services.labeling.next_pair(annotator_id=me)
        if pair is None:
            return
        services.labeling.submit(
            annotator_id=me,
            lease_id=pair.lease_id,
            outcome=Outcome.LEFT if number % 2 else Outcome.RIGHT,
            idempotency_key=f"{number}-{pair.lease_id}",
        )
        time.sleep(VOTE_SECONDS)


def _people_route(services: Services) -> Route:
    async def begin(request: Request) -> JSONResponse:
        """So many people label from now on, for so many seconds."""
        asked = await request.json()
        until = time.monotonic() + asked["seconds"]
        for number in range(asked["n"]):
            threading.Thread(target=_label, args=(services, number, until), daemon=True).start()
        return JSONResponse({"n": asked["n"]})

    return Route("/people", begin, methods=["POST"])


def _make_api() -> FastAPI:
    from blender_ui.api.app import Api
    from blender_ui.settings import load_settings

    services = build_services(load_settings(os.environ))
    api = Api(services)
    web = FastAPI(openapi_url=None, middleware=[api.request_log(), api.key_gate()])
    web.router.routes.append(_people_route(services))
    api.add_to(web)
    services.start()
    return web


if __name__ == "__main__":
    main()
