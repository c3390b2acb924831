"""``POST /v1/chat/completions``: a conversation, answered by a blend of members or by one of them.

Invariant: a key with the role annotator is told no member's name and nothing that gives one away. Non-goal:
how the answer comes about, which ``services.serving`` says.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from blender_ui.api.catalogue import Catalogue
from blender_ui.api.chat_forms import (
    AskedReport,
    BlenderOptions,
    BlenderReport,
    ChatChoice,
    ChatCompletion,
    ChatRequest,
    FusedReport,
    Message,
    ShownReport,
    SpanReport,
    Usage,
    list_ignored,
    read_prompt,
    read_sampling,
)
from blender_ui.api.faults import error_body
from blender_ui.api.streaming import Server
from blender_ui.choosing.choice import Budget
from blender_ui.errors import BlenderError, MemberError
from blender_ui.faults import tell
from blender_ui.services.fusing.rows import FusionView
from blender_ui.services.people.access import is_below
from blender_ui.services.people.keys import Caller
from blender_ui.services.serving.blends import Serving
from blender_ui.services.serving.serve import Serve
from blender_ui.services.serving.views import AskedMember, Piece, Served, Wanted
from db.enums import Role

KEEP_ALIVE_SECONDS = 10.0
"""Without a word: shorter than the patience of usual proxies."""
LOOK_SECONDS = 1.0
"""Between two looks whether a program that waits for a whole answer is still there."""


class Chat:
    """Answers conversations.

    Args:
        serving: Makes the answers.
        catalogue: Knows the models' names.
        server: Runs what is asked.
    """

    def __init__(self, serving: Serving, *, catalogue: Catalogue, server: Server) -> None:
        self._serving = serving
        self._catalogue = catalogue
        self._server = server

    async def answer(
        self, asked: ChatRequest, caller: Caller, request: Request
    ) -> ChatCompletion | StreamingResponse:
        """Answer a conversation, whole or as it is written.

        Raises:
            BlenderError: If nothing can be answered; of a stream, only what is known before it begins.
        """
        self._server.check(caller)
        writer = _Writer(asked, caller)
        serve = await run_in_threadpool(self._serving.begin, self._read(asked, caller))
        if asked.stream:
            return StreamingResponse(
                self._stream(serve, caller, writer),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
            )
        try:
            async with aclosing(self._server.follow(serve, caller, quiet_seconds=LOOK_SECONDS)) as events:
                async for event in events:
                    if isinstance(event, Served):
                        return writer.write_whole(event)
                    if event is None and await request.is_disconnected():
                        break
        except Exception as error:
            raise writer.tell(error) from error
        raise MemberError("the request was stopped", kind="stopped")

    def _read(self, asked: ChatRequest, caller: Caller) -> Wanted:
        named = self._catalogue.read(caller, asked.model)
        options = asked.blender or BlenderOptions()
        return Wanted(
            prompt=read_prompt(asked),
            blend=named.blend,
            member=named.member,
            n=asked.n or 1,
            k=options.k,
            budget=Budget(cost=options.budget or np.inf, seconds=options.seconds or np.inf),
            sampling=read_sampling(asked),
            asked_by_id=caller.annotator_id,
            project_id=caller.project_id,
        )

    async def _stream(self, serve: Serve, caller: Caller, writer: _Writer) -> AsyncIterator[str]:
        yield ": asked\n\n"
        try:
            async with aclosing(
                self._server.follow(serve, caller, quiet_seconds=KEEP_ALIVE_SECONDS)
            ) as events:
                async for event in events:
                    if event is None:
                        yield ": waiting\n\n"
                    elif isinstance(event, Piece):
                        yield writer.write_piece(serve.prompt_id, event)
                    else:
                        yield writer.write_end(event)
        except Exception as error:  # noqa: BLE001 - the stream's edge: the failure is its last word
            yield _line(error_body(writer.tell(error)))
            return
        yield "data: [DONE]\n\n"


class _Writer:
    """Writes what came of one request in OpenAI's form."""

    def __init__(self, asked: ChatRequest, caller: Caller) -> None:
        self._model = asked.model
        self._ignored = list_ignored(asked)
        self._with_usage = asked.stream_options is not None and asked.stream_options.include_usage
        self._is_blind = is_below(caller.role, Role.RESEARCHER)
        self._begun: set[int] = set()
        self._created = int(time.time())

    def write_whole(self, served: Served) -> ChatCompletion:
        return ChatCompletion(
            id=_id(served.prompt_id),
            created=self._created,
            model=self._model,
            choices=[
                ChatChoice(
                    index=one.index, message=Message(content=one.text), finish_reason=one.finish_reason
                )
                for one in served.choices
            ],
            usage=_usage(served),
            blender=self.report(served),
        )

    def write_piece(self, prompt_id: int, piece: Piece) -> str:
        delta: dict[str, Any] = {"content": piece.text}
        if piece.choice not in self._begun:
            self._begun.add(piece.choice)
            delta = {"role": "assistant", **delta}
        if piece.thinking:
            delta["reasoning_content"] = piece.thinking
        if piece.restarts:
            delta["restarts"] = True
        return _line(self._chunk(prompt_id, [{"index": piece.choice, "delta": delta, "finish_reason": None}]))

    def write_end(self, served: Served) -> str:
        """The last chunks: each answer's end, the report with the first, and the usage where it is wanted."""
        report = self.report(served).model_dump(mode="json")
        ends = [
            {"index": one.index, "delta": {}, "finish_reason": one.finish_reason} for one in served.choices
        ]
        chunks = [self._chunk(served.prompt_id, [end]) for end in ends]
        chunks[0]["blender"] = report
        if self._with_usage:
            chunks.append(self._chunk(served.prompt_id, []) | {"usage": _usage(served).model_dump()})
        return "".join(map(_line, chunks))

    def tell(self, error: Exception) -> BlenderError:
        """The error as this program may hear it: what members say of themselves has their names."""
        if self._is_blind and isinstance(error, MemberError):
            return MemberError("no member answered", kind=error.kind)
        return tell(error)

    def report(self, served: Served) -> BlenderReport:
        fused = served.fusion
        return BlenderReport(
            prompt_id=served.prompt_id,
            shown=[
                ShownReport(answer_id=one.answer_id, member=self._name(one.member), is_fused=one.is_fused)
                for one in served.choices
            ],
            asked=[self._report_asked(one) for one in served.asked],
            fused=None if fused is None else self._report_fused(fused),
            ranker_version=served.ranker_version,
            chooser_version=served.chooser_version,
            cost=served.cost,
            n_uncounted=served.n_uncounted,
            notice=None if self._is_blind else served.notice or None,
            ignored=self._ignored,
        )

    def _report_asked(self, asked: AskedMember) -> AskedReport:
        said = AskedReport(
            answer_id=asked.answer_id,
            failure=asked.failure_kind or None,
            rank=asked.rank,
            score=asked.score,
            win_probability=asked.win_probability,
        )
        if self._is_blind:
            return said
        return said.model_copy(
            update={
                "member": asked.member,
                "sample": asked.sample,
                "failure": asked.failure or None,
                "propensity": asked.propensity,
                "seconds": asked.seconds,
                "first_token_seconds": asked.first_token_seconds,
                "prompt_tokens": asked.n_prompt_tokens,
                "completion_tokens": asked.n_tokens,
                "cost": asked.cost,
            }
        )

    def _report_fused(self, fusion: FusionView) -> FusedReport:
        ids = {source.position: source.candidate_id for source in fusion.sources}
        return FusedReport(
            answer_id=fusion.candidate_id,
            fuser=self._name(fusion.fuser),
            sources=[source.candidate_id for source in fusion.sources],
            spans=[
                SpanReport(
                    start=span.start,
                    end=span.end,
                    answer_id=None if span.position is None else ids[span.position],
                )
                for span in fusion.spans
            ],
        )

    def _name(self, member: str) -> str | None:
        return None if self._is_blind else member

    def _chunk(self, prompt_id: int, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": _id(prompt_id),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }


def _id(prompt_id: int) -> str:
    return f"chatcmpl-{prompt_id}"


def _usage(served: Served) -> Usage:
    return Usage(
        prompt_tokens=served.n_prompt_tokens,
        completion_tokens=served.n_tokens,
        total_tokens=served.n_prompt_tokens + served.n_tokens,
    )


def _line(value: object) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"
