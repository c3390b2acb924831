"""The served web app: headers, an address below another, and starts while visitors wait."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from blender_ui.ui.app import BUILDERS, HOME, LABEL, build_app
from blender_ui.ui.policy import Policy, find_scripts, hash_script
from blender_ui.ui.serving.server import PageServer
from blender_ui.ui.serving.web import build_web, open_pages
from blender_ui.ui.shell import read_scripts
from tests.ui.scripted_services import build_scripted_services

N_VISITORS = 20
REPOSITORY = Path(__file__).parents[3]
FEW_PAGES = {page: BUILDERS[page] for page in (HOME, LABEL)}


@pytest.fixture
def pages(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Few of the pages, or those that a test asks for."""
    services = build_scripted_services(tmp_path)
    pages = build_app(services, builders=getattr(request, "param", FEW_PAGES))
    pages.settings = services.settings
    yield pages
    pages.close(verbose=False)
    services.engine.dispose()


def test_every_answer_has_the_headers_that_tell_a_browser_what_to_allow(pages: Any) -> None:
    client = TestClient(build_web(pages, pages.settings), base_url="http://localhost")
    with client:
        answers = {
            200: client.get("/label"),
            404: client.get("/gradio_api/proxy=x"),
            403: client.get("/", headers={"host": "evil.example"}),
            405: client.delete("/theme.css"),
        }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        policy = read_policy(answer)
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == ["'self'"]
        assert policy["object-src"] == ["'none'"]
        assert policy["script-src"][:2] == ["'self'", "'unsafe-eval'"]
        assert all(one.startswith("'sha256-") for one in policy["script-src"][2:])
        assert "'unsafe-inline'" not in policy["default-src"] + policy["script-src"]


@pytest.mark.parametrize(
    "path",
    [
        "/logout?_target_url=https://evil.example/",
        "/logout?_target_url=//evil.example/",
        "/logout?_target_url=%5C%5Cevil.example/",
        "/login/huggingface?_target_url=https://evil.example/",
        "/login/callback?_target_url=////evil.example/",
        "//evil.example/",
        "//evil.example/label/",
        "/label//",
    ],
)
def test_no_address_leads_to_another_site(pages: Any, path: str) -> None:
    with TestClient(build_web(pages, pages.settings), base_url="http://localhost") as client:
        answer = client.get(f"http://localhost{path}", follow_redirects=False)
    target = urljoin(f"http://localhost{path}", answer.headers.get("location", ""))
    assert urlsplit(target).netloc == "localhost"


def read_policy(answer: Any) -> dict[str, list[str]]:
    """The policy's directives with their sources."""
    parts = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in parts}


def test_a_page_runs_the_scripts_that_the_app_put_there_and_the_policy_of_another_answer_none(
    pages: Any,
) -> None:
    with TestClient(build_web(pages, pages.settings), base_url="http://localhost") as client:
        page, file = client.get("/label"), client.get("/theme.css")
    named = read_policy(page)["script-src"]
    in_page = re.findall(r"<script(?![^>]*src=)[^>]*>(.*?)</script>", page.text, re.DOTALL)
    assert len(in_page) >= 4
    for script in (*in_page, *read_scripts()):
        assert f"'{hash_script(script)}'" in named
    assert len(named) == 2 + len({*in_page, *read_scripts()})
    assert read_policy(file)["script-src"] == ["'self'", "'unsafe-eval'"]


def test_a_page_elsewhere_shows_the_app_in_a_frame_only_where_the_settings_name_it(pages: Any) -> None:
    settings = replace(pages.settings, frames="https://wiki.example, https://*.hf.space")
    with TestClient(build_web(pages, settings), base_url="http://localhost") as client:
        policy = client.get("/label").headers["content-security-policy"]
    assert policy.endswith("; frame-ancestors 'self' https://wiki.example https://*.hf.space")


@pytest.mark.parametrize(("frames", "kept"), [("", "lax"), ("https://wiki.example", "none")])
def test_a_cookie_goes_to_other_sites_only_where_one_of_them_may_frame_the_app(
    frames: str, kept: str
) -> None:
    async def answer(request: Any) -> Response:
        given = PlainTextResponse("there")
        given.set_cookie("session", "x", samesite="none", secure=True, httponly=True)
        return given

    app = Policy(Starlette(routes=[Route("/", answer)]), scripts=(), frames=frames)
    with TestClient(app) as client:
        cookie = client.get("/").headers["set-cookie"].lower()
    assert f"samesite={kept}" in cookie
    assert "httponly" in cookie
    assert "secure" in cookie


def test_a_script_in_a_file_of_somebody_is_not_allowed() -> None:
    async def answer(request: Any) -> Response:
        return HTMLResponse("<script>alert(1)</script>")

    routes = [Route("/", answer), Route("/gradio_api/file=page.html", answer)]
    with TestClient(Policy(Starlette(routes=routes), scripts=(), frames="")) as client:
        ours, theirs = (client.get(route.path).headers["content-security-policy"] for route in routes)
    named = hash_script("alert(1)")
    assert named in ours
    assert named not in theirs


def test_the_pages_set_no_cookie(pages: Any) -> None:
    with TestClient(build_web(pages, pages.settings), base_url="http://localhost") as client:
        asked = [client.get("/"), client.get("/label"), client.get("/config")]
        asked.append(client.post("/gradio_api/run/account_me", json={"data": [None]}))
    assert [one.headers.get("set-cookie") for one in asked] == [None] * 4


def test_a_script_hash_is_that_of_the_standard() -> None:
    # Content Security Policy Level 3, 8.3, "Usage of 'unsafe-hashes'", first example: doSubmit()
    assert hash_script("doSubmit()") == "sha256-jzgBGA4UWFFmpOBq0JpdsySukE1FrEN5bUpoK8Z29fY="
    assert find_scripts("<script>a < b && '</b>'</script><script src=x></script><p>c</p>") == [
        "a < b && '</b>'"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("root", ["/blender", "https://example.org/blender"])
def test_a_proxy_serves_the_app_below_another_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", root)
    services = build_scripted_services(tmp_path, access_mode="accounts")
    pages = build_app(services)
    headers = {"host": "example.org", "x-forwarded-proto": "https", "origin": "https://example.org"}
    with TestClient(
        build_web(pages, services.settings), base_url="http://localhost", headers=headers
    ) as client:
        for below in ("", "/blender"):  # whether or not the proxy strips it
            page = client.get(f"{below}/label")
            assert '"root":"https://example.org/blender"' in page.text
            me = client.post(f"{below}/gradio_api/run/account_me", json={"data": [None]})
            assert me.json()["data"][0]["must_sign_in"] is True
            assert client.get(f"{below}/theme.css").status_code == 200
            assert client.get(f"{below}/").status_code == client.get(below or "/").status_code == 200
            assert client.get("/blenders").status_code == 404
            closed = client.get(f"{below}/gradio_api/file=https://example.com/")
            assert closed.status_code == 404
            refused = client.post(f"{below}/gradio_api/run/inspect_open", json={"data": []})
            assert refused.status_code == 401


class Crowd:
    """Clients that ask an address again and again, before anything answers there and afterwards."""

    def __init__(self, port: int) -> None:
        self.n_pages = 0
        self._port = port
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(N_VISITORS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._end.wait(0.05):
            # Not httpx: its certificates, read for each client, took more of the machine than the app.
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
                    connection.request("GET", "/inspect")
                    self.n_pages += connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                continue

    def close(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("pages", [BUILDERS], indirect=True, ids=["all"])
def test_a_start_succeeds_while_twenty_visitors_wait(pages: Any) -> None:
    port = find_free_port()
    with closing(Crowd(port)) as crowd:
        url = open_pages(pages, replace(pages.settings, port=port))
        assert httpx.get(url, timeout=60).status_code == 200
    assert url == f"http://127.0.0.1:{port}/"
    assert crowd.n_pages > 0


def test_the_pages_end_at_once_though_a_tab_is_open(pages: Any) -> None:
    url = open_pages(pages, replace(pages.settings, port=0))
    with httpx.stream("GET", f"{url}gradio_api/heartbeat/tab", timeout=60) as tab:
        lines = tab.iter_lines()
        assert next(lines) == "data: ALIVE"
        pages.close(verbose=False)
        assert [line for line in lines if line] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "localhost"), ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")]
)
def test_the_address_that_is_printed_can_be_opened(host: str, shown: str) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": f"{(await receive())['type']}.complete"})
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with closing(PageServer(answer, host=host, port=0)) as server:
        assert re.fullmatch(rf"http://{shown}:\d+/", server.url)
        assert httpx.get(server.url).status_code == 204


@pytest.mark.slow  # starts the whole program twice, of which importing it alone takes five seconds
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_app_py_starts_under_a_crowd_says_its_address_and_ends_when_told(tmp_path: Path, number: int) -> None:
    port = find_free_port()
    members = tmp_path / "members.toml"
    members.write_text(
        '[[member]]\nname = "Away"\nbackend = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BLENDER_UI_")}
    environment = inherited | {
        "BLENDER_UI_HOME": str(tmp_path / "home"), "BLENDER_UI_MEMBERS": str(members),
        "BLENDER_UI_WORKER": "none", "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port),
    }  # fmt: skip
    script = (
        "import sys, blender_ui.cli.serve as serve, app\n"
        "serve.prepare_weights = lambda settings, is_over: True\n"  # which would fetch models
        "sys.exit(app.main())"
    )
    with closing(Crowd(port)) as crowd:
        process = subprocess.Popen(
            [sys.executable, "-c", script], env=environment, cwd=REPOSITORY,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line == f"Blender UI is open at http://127.0.0.1:{port}/\n":
                break
        process.send_signal(number)
        said.append(process.stdout.read())
        assert process.wait(60) == 0, "".join(said)
    assert crowd.n_pages > 0


def find_free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
