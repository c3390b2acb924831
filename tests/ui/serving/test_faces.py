"""What a browser is shown where a request came to nothing, and what programs get there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from blender_ui.ui.app import BUILDERS, HOME, LABEL, build_app
from blender_ui.ui.serving.faces import FAILED, SIGN_IN, Faces
from blender_ui.ui.serving.web import build_web
from tests.ui.scripted_services import build_scripted_services

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FEW_PAGES = {page: BUILDERS[page] for page in (HOME, LABEL)}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    services: Any = build_scripted_services(tmp_path)
    pages = build_app(services, builders=FEW_PAGES)
    with TestClient(build_web(pages, services.settings), base_url="http://localhost") as client:
        yield client
    pages.close(verbose=False)
    services.engine.dispose()


@pytest.mark.parametrize("path", ["/no-such-page", "/label/deeper", "/theme.css.map"])
def test_an_unknown_address_is_a_page_for_a_browser_and_json_for_a_program(
    client: TestClient, path: str
) -> None:
    shown = client.get(path, headers=BROWSER)
    assert shown.status_code == 404
    assert shown.headers["content-type"].startswith("text/html")
    assert "There is no such page" in shown.text
    assert 'href="/label"' in shown.text
    assert "content-security-policy" in shown.headers
    told = client.get(path, headers={"accept": "application/json"})
    assert told.status_code == 404
    assert "<html" not in told.text


def test_pages_and_files_that_are_there_are_left_as_they_are(client: TestClient) -> None:
    for path in ("/", "/label", "/theme.css"):
        assert client.get(path, headers=BROWSER).status_code == 200
    assert "There is no such page" not in client.get("/label", headers=BROWSER).text


def test_routes_for_programs_answer_as_ever(client: TestClient) -> None:
    for path in ("/gradio_api/proxy=x", "/v1/nothing", "/v1"):
        answer = client.get(path, headers=BROWSER)
        assert answer.status_code >= 400
        assert "<html" not in answer.text, path


async def _fail(_request: Request) -> None:
    raise RuntimeError("secret detail")


async def _refuse(_request: Request) -> JSONResponse:
    return JSONResponse({"error": "Not <b>you</b>."}, status_code=403, headers={"x-kept": "yes"})


async def _stream(_request: Request) -> StreamingResponse:
    return StreamingResponse(iter([b"one", b"two"]), media_type="text/plain")


async def _broken(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("Traceback: secret detail", status_code=500)


@pytest.fixture
def behind() -> TestClient:
    routes = [
        Route("/fail", _fail), Route("/refuse", _refuse), Route("/stream", _stream),
        Route("/login/callback", _broken), Route("/broken", _broken),
    ]  # fmt: skip
    faces = Faces(Starlette(routes=routes), root="/below")
    return TestClient(faces, raise_server_exceptions=False, headers=BROWSER)


def test_a_failure_is_a_page_that_tells_nothing_of_what_failed(behind: TestClient) -> None:
    for path in ("/fail", "/broken"):
        answer = behind.get(path)
        assert answer.status_code == 500
        assert FAILED[0] in answer.text
        assert "secret" not in answer.text


def test_a_failed_sign_in_says_so_and_where_to_go(behind: TestClient) -> None:
    answer = behind.get("/login/callback")
    assert SIGN_IN[0] in answer.text
    assert 'href="/below/account"' in answer.text


def test_a_refusal_s_own_sentence_is_shown_as_text_and_its_headers_stay(behind: TestClient) -> None:
    answer = behind.get("/refuse")
    assert answer.status_code == 403
    assert "Not &lt;b&gt;you&lt;/b&gt;." in answer.text
    assert answer.headers["x-kept"] == "yes"
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_stream_passes_as_it_comes(behind: TestClient) -> None:
    assert behind.get("/stream").text == "onetwo"
