"""The endpoints of ``benchmarks.generation``: each path is one, which answers, hangs, or is full.

    python -m benchmarks.generation_child PORT FIRST_SECONDS TOKEN_SECONDS N_TOKENS N_AT_ONCE

``/fast0/v1`` and so on answer at the given pace and have as many answers under way as told: whoever comes
above that waits. ``/hanging/v1`` takes the question and says nothing; ``/full/v1`` answers 429 for a minute.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import defaultdict
from typing import NamedTuple


class Pace(NamedTuple):
    """How an endpoint answers."""

    first_seconds: float
    token_seconds: float
    n_tokens: int
    """On average; an answer has up to a quarter more or fewer."""
    n_at_once: int


class Endpoints:
    """Serves every path of one port."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._random = pace, random.Random(0)
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(pace.n_at_once)
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ", 2)[1]
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            await reader.readexactly(int(headers.get("content-length", 0)))
            await self._answer(path, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path.endswith("/models"):
            return await _reply(writer, "200 OK", {"object": "list", "data": [{"id": "m"}]})
        if path.startswith("/full/"):
            error = {"error": {"message": "slow down", "code": 429}}
            return await _reply(writer, "429 Too Many Requests", error, "Retry-After: 60\r\n")
        if path.startswith("/hanging/"):
            await asyncio.sleep(3600)
        async with self._places[path.split("/")[1]]:
            await self._stream(writer)
        return None

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        pace = self._pace
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(pace.first_seconds)
        n_tokens = round(pace.n_tokens * self._random.uniform(0.75, 1.25))
        for number in range(n_tokens):
            writer.write(_event({"choices": [{"index": 0, "delta": {"content": f"word{number} "}}]}))
            await writer.drain()
            await asyncio.sleep(pace.token_seconds)
        usage = {"prompt_tokens": 9, "completion_tokens": n_tokens}
        writer.write(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        writer.write(_event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")
        await writer.drain()


def _event(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


async def _reply(writer: asyncio.StreamWriter, status: str, document: object, more: str = "") -> None:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n{more}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


async def main() -> None:
    """Serve until killed."""
    port, first, each, n_tokens, n_at_once = sys.argv[1:]
    endpoints = Endpoints(Pace(float(first), float(each), int(n_tokens), int(n_at_once)))
    server = await asyncio.start_server(endpoints.serve, "127.0.0.1", int(port), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
