"""The API's table of contents: which route is answered by what.

Invariant: every route is in ``rules``. Non-goal: who may call it, which ``gate`` sees to.
"""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse

from blender_ui.api.catalogue import Catalogue, Model, ModelList
from blender_ui.api.chat import Chat
from blender_ui.api.chat_forms import ChatCompletion, ChatRequest
from blender_ui.api.faults import respond
from blender_ui.api.feedback import Feedback, FeedbackRequest, FeedbackResponse
from blender_ui.api.gate import By, KeyGate
from blender_ui.api.metrics import Metrics
from blender_ui.api.page import draw_page
from blender_ui.api.request_log import RequestLog
from blender_ui.api.routing import Routes
from blender_ui.api.rules import BELOW
from blender_ui.api.scoring import Scores
from blender_ui.api.scoring_forms import (
    RerankRequest,
    RerankResponse,
    RewardRequest,
    RewardResponse,
    ScoreRequest,
    ScoreResponse,
)
from blender_ui.api.store_routes import add_store_routes
from blender_ui.api.streaming import Server
from blender_ui.bootstrap import Services
from blender_ui.errors import NotFound, StorageError
from blender_ui.services.people.access import Mode
from db.enums import ModelRole


class Api:
    """The routes for programs.

    Args:
        services: What they ask of.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self.routes = Routes()
        catalogue = Catalogue(services.members, since=services.started_at)
        _add_models(self.routes, catalogue)
        _add_chat(self.routes, services, catalogue)
        _add_scores(self.routes, services)
        _add_feedback(self.routes, services)
        add_store_routes(self.routes, services)
        self.metrics = Metrics(services.operation)
        services.blending.follow(self.metrics.note_answer)
        _add_operation(self.routes, services, self.metrics)
        _add_descriptions(self.routes)

    def key_gate(self) -> Middleware:
        """What stands in front of the routes."""
        services = self._services
        is_open = services.access.mode is Mode.OPEN and services.settings.is_on_loopback
        return Middleware(KeyGate, keys=services.keys, is_open=is_open)

    def request_log(self) -> Middleware:
        """What stands in front of everything, pages too."""
        return Middleware(RequestLog, metrics=self.metrics)

    def add_to(self, web: FastAPI) -> None:
        """Add the routes; before whatever answers every other path."""
        web.include_router(self.routes.router)
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        for path in (BELOW, f"{BELOW}/{{rest:path}}"):
            web.add_route(path, _find_nothing, methods=methods, include_in_schema=False)


async def _find_nothing(request: Request) -> JSONResponse:
    return respond(
        NotFound(
            f"nothing answers {request.method} {request.url.path[:100]}; GET {BELOW}/docs lists the routes"
        )
    )


def _add_models(routes: Routes, catalogue: Catalogue) -> None:
    def list_models(by: By) -> ModelList:
        """List the models that this key may ask."""
        return catalogue.list_models(by)

    def get_model(by: By, model: str) -> Model:
        """Say whether a model is there."""
        return catalogue.get_model(by, model)

    routes.add("GET", "/v1/models", list_models)
    routes.add("GET", "/v1/models/{model:path}", get_model)


def _add_chat(routes: Routes, services: Services, catalogue: Catalogue) -> None:
    chat = Chat(services.serving, catalogue=catalogue, server=Server(services.keys))

    async def answer(asked: ChatRequest, by: By, request: Request) -> ChatCompletion | StreamingResponse:
        """Answer a conversation by a blend of the members, or by one of them.

        With stream, server-sent events of the form chat.completion.chunk; the last of the first answer has
        the field blender.
        """
        return await chat.answer(asked, by, request)

    routes.add("POST", "/v1/chat/completions", answer, response_model=ChatCompletion)


def _add_scores(routes: Routes, services: Services) -> None:
    scores = Scores(services.scoring)

    def rerank(asked: RerankRequest) -> RerankResponse:
        """Put answers to a query in order, the best first."""
        return scores.rerank(asked)

    def score(asked: ScoreRequest) -> ScoreResponse:
        """Score answers beside the others to the same text, or beside a baseline."""
        return scores.score(asked)

    def reward(asked: RewardRequest) -> RewardResponse:
        """Reward completions beside the others to the same prompt, or beside a baseline."""
        return scores.reward(asked)

    routes.add("POST", "/v1/rerank", rerank, response_model_exclude_none=True)
    routes.add("POST", "/v1/score", score)
    routes.add("POST", "/v1/reward", reward)


def _add_feedback(routes: Routes, services: Services) -> None:
    feedback = Feedback(services.served_votes)

    def vote(said: FeedbackRequest, by: By) -> FeedbackResponse:
        """Vote on answers that this key was served."""
        return feedback.vote(said, by)

    routes.add("POST", "/v1/feedback", vote)


def _add_operation(routes: Routes, services: Services, metrics: Metrics) -> None:
    def say_alive() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    def say_ready() -> JSONResponse:
        """Say whether the store answers, a member may be asked, and a worker lives for the jobs."""
        try:
            found = services.operation.measure()
        except StorageError:
            return JSONResponse({"is_ready": False, "store": False}, status_code=503)
        state = {
            "store": True,
            "members": found.can_answer,
            "worker": not found.is_worker_silent,
            "ranker": ModelRole.RANKER in found.active,
        }
        # Without a ranker, or while a worker is gone, questions are answered all the same.
        is_ready = found.can_answer
        return JSONResponse({"is_ready": is_ready, **state}, status_code=200 if is_ready else 503)

    def write_metrics() -> Response:
        """Give figures for Prometheus."""
        return Response(metrics.write(), media_type=CONTENT_TYPE_LATEST)

    routes.add("GET", "/healthz", say_alive)
    routes.add("GET", "/readyz", say_ready, response_class=JSONResponse)
    routes.add("GET", "/metrics", write_metrics, response_class=PlainTextResponse)


def _add_descriptions(routes: Routes) -> None:
    def read_file() -> JSONResponse:
        """Give the OpenAPI file."""
        return JSONResponse(routes.describe())

    def read_page() -> HTMLResponse:
        """Show the OpenAPI file as a page."""
        return HTMLResponse(draw_page(routes.describe()))

    routes.add("GET", "/v1/openapi.json", read_file)
    routes.add("GET", "/v1/docs", read_page, response_class=HTMLResponse)
