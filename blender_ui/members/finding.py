"""Model servers on this machine, by the ports that they usually listen on, and whether a model answers.

Invariant: only this machine is looked at, unless a person names another address; a server counts as found
when it lists models or asks for a key. Non-goal: writing members.toml (``starting_file``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx

from blender_ui.errors import MemberError
from blender_ui.members.openai.client import stream_answer
from blender_ui.members.openai.endpoint import Endpoint
from blender_ui.members.openai.health import list_models
from blender_ui.members.protocol import Message, Sampling

QUESTION = "Which city is the capital of France? Answer in one word."
MOST_TOKENS = 512
"""Of a trial answer: a model that thinks first needs some."""


class Server(NamedTuple):
    """Where a kind of model server listens unless it is told otherwise."""

    title: str
    base_url: str


USUAL_SERVERS = (
    Server("Ollama", "http://127.0.0.1:11434/v1"),
    Server("vLLM", "http://127.0.0.1:8000/v1"),
    Server("LM Studio", "http://127.0.0.1:1234/v1"),
    Server("llama.cpp", "http://127.0.0.1:8080/v1"),
)
"""The servers' own default ports. Another program may have one of them, so the title is a guess."""


class Found(NamedTuple):
    """A server that is there, or why it cannot be used.

    Attributes:
        models: Names of what it serves, in its order.
        fault: Why there are none; empty where there are.
        wants_key: Whether it refused the key, or that there was none.
    """

    server: Server
    models: tuple[str, ...]
    fault: str = ""
    wants_key: bool = False


class Trial(NamedTuple):
    """What became of a question; ``fault`` is empty where it was answered."""

    answer: str
    seconds: float
    fault: str = ""


def find_servers(servers: Sequence[Server] = USUAL_SERVERS) -> list[Found]:
    """The servers that run, in the order given; those that do not are left out."""
    with ThreadPoolExecutor(max_workers=max(len(servers), 1)) as pool:
        looked_at = list(pool.map(look_at, servers))
    return [found for found in looked_at if found.models or found.wants_key]


def look_at(server: Server, key: str = "") -> Found:
    """What a server has to offer; a failure is told in ``fault``."""
    endpoint = Endpoint(name=server.title, base_url=server.base_url, model="", key=key)
    try:
        listing = list_models(endpoint)
    except httpx.HTTPError as error:
        return Found(server, (), endpoint.silence(error))
    except ValueError as error:
        return Found(server, (), str(error))
    if listing.models:
        return Found(server, listing.models)
    if listing.status in (401, 403):
        return Found(server, (), f"{server.base_url} asks for a key (HTTP {listing.status})", wants_key=True)
    return Found(server, (), f"{server.base_url} lists no models (HTTP {listing.status})")


def try_model(endpoint: Endpoint) -> Trial:
    """Ask a model a question, as people will ask it."""
    began, answer = time.monotonic(), ""
    sampling = Sampling(temperature=0, max_tokens=MOST_TOKENS)
    try:
        with contextlib.closing(
            stream_answer(endpoint, [Message("user", QUESTION)], sampling=sampling)
        ) as chunks:
            for chunk in chunks:
                answer = chunk.onto(answer)
    except MemberError as failure:
        return Trial("", time.monotonic() - began, str(failure))
    return Trial(answer.strip(), time.monotonic() - began)
