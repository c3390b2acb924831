"""Which names the app answers to, and whose pages may send it something."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from blender_ui.services.people.access import Mode
from blender_ui.settings import Settings
from blender_ui.ui.serving.hosts import HostCheck, find_hosts

UPLOAD, JOIN, STREAM = "/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/queue/data"
HERE = "127.0.0.1:7860"


def ask(
    method: str = "GET", path: str = "/", *, mode: Mode = Mode.OPEN, space: str = "", hosts: str = "",
    bound: str = "127.0.0.1", local: str = "127.0.0.1", **headers: str,
) -> Any:  # fmt: skip
    """What is answered to a request that came in at ``local``, with these headers."""
    settings = Settings(host=bound, hosts=hosts)
    app = Starlette(
        routes=[Route("/{path:path}", lambda request: PlainTextResponse("there"), methods=[method])]
    )
    check = HostCheck(app, hosts=find_hosts(settings, mode=mode, space_host=space))
    client = TestClient(check, base_url=f"http://{local}")
    sent = {name.replace("_", "-"): value for name, value in {"host": HERE, **headers}.items()}
    return client.request(method, path, headers=sent)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "localhost."]
)
def test_an_open_app_answers_to_the_names_of_loopback(host: str) -> None:
    assert ask(host=host).text == "there"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "192.168.1.5"]
)
@pytest.mark.parametrize("path", ["/", "/label", "/theme.css", UPLOAD, "/config"])
def test_a_name_that_was_pointed_here_is_not_answered_to_at_any_address(host: str, path: str) -> None:
    refused = ask(path=path, host=host)
    assert refused.status_code == 403
    assert f"BLENDER_UI_HOSTS={host.partition(':')[0]}" in refused.json()["error"]


def test_a_browser_is_shown_a_page_that_says_what_to_set_and_runs_nothing() -> None:
    refused = ask(host="<script>x", accept="text/html,*/*")
    assert refused.headers["content-type"].startswith("text/html")
    assert "BLENDER_UI_HOSTS=&lt;script&gt;x" in refused.text


def test_an_open_app_that_others_reach_answers_at_the_address_they_came_in_by() -> None:
    lan = {"bound": "0.0.0.0", "local": "192.168.1.5"}
    assert ask(host="192.168.1.5:7860", **lan).text == "there"
    assert ask(host="0.0.0.0:7860", **lan).text == "there"
    assert ask(host="server.local:7860", **lan).status_code == 403
    assert ask(host="server.local:7860", hosts="proxy.example, server.local", **lan).text == "there"
    assert ask(host="192.168.1.6:7860", **lan).status_code == 403


def test_where_people_sign_in_any_name_will_do_until_somebody_names_them() -> None:
    for mode in (Mode.ACCOUNTS, Mode.DEMO):
        assert ask(mode=mode, host="blender.example").text == "there"
        assert ask(mode=mode, host="blender.example", hosts="blender.example").text == "there"
        assert ask(mode=mode, host="other.example", hosts="blender.example").status_code == 403
        assert ask(mode=mode, host="127.0.0.1:7860", hosts="blender.example").text == "there", "health checks"


ELSEWHERE = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "http://localhost:7860"},
    {"origin": "http://127.0.0.1:7860.evil.example"},
    {"origin": "file://"},
    {"origin": "http://["},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"referer": "https://evil.example/page"},
]


@pytest.mark.parametrize("headers", ELSEWHERE)
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", UPLOAD),
        ("POST", JOIN),
        ("POST", "/login"),
        ("DELETE", "/v1/x"),
        ("GET", STREAM),
        ("OPTIONS", JOIN),
    ],
)
def test_a_page_elsewhere_sends_nothing_and_listens_to_nothing(
    headers: dict[str, str], mode: Mode, method: str, path: str
) -> None:
    refused = ask(method, path, mode=mode, **headers)
    assert refused.status_code == 403
    assert "its own pages" in refused.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:7860"},
        {"origin": "http://127.0.0.1:7860", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"referer": "http://127.0.0.1:7860/label"},
        {"host": "blender.example", "origin": "https://blender.example", "hosts": "blender.example"},
        {"host": "blender.example:443", "origin": "https://blender.example", "hosts": "blender.example"},
        {"host": "[::1]:7860", "origin": "http://[::1]:7860"},
    ],
)
def test_the_apps_own_pages_and_programs_send_what_they_want(headers: Any) -> None:
    for method, path in (("POST", UPLOAD), ("POST", JOIN), ("GET", STREAM)):
        assert ask(method, path, **headers).text == "there"


def test_everybody_may_link_to_a_page() -> None:
    link = {"sec_fetch_site": "cross-site", "referer": "https://news.example/"}
    assert ask(path="/label", **link).text == "there"
    assert ask(path="/login/callback", **link).text == "there"


def test_a_proxy_that_keeps_the_name_to_itself_needs_the_setting() -> None:
    through = {"origin": "https://blender.example"}
    refused = ask("POST", JOIN, mode=Mode.ACCOUNTS, **through)
    assert "BLENDER_UI_HOSTS=blender.example" in refused.json()["error"]
    assert ask("POST", JOIN, mode=Mode.ACCOUNTS, hosts="blender.example", **through).text == "there"


def test_a_name_that_a_proxy_passes_on_counts_as_the_name_in_the_address() -> None:
    through = {"origin": "https://blender.example", "x_forwarded_host": "blender.example"}
    assert ask("POST", JOIN, mode=Mode.ACCOUNTS, **through).text == "there"
    assert ask("POST", JOIN, mode=Mode.OPEN, **through).status_code == 403
    assert ask("POST", JOIN, mode=Mode.OPEN, hosts="blender.example", **through).text == "there"


@pytest.mark.parametrize("mode", list(Mode))
def test_a_space_answers_to_its_own_names(mode: Mode) -> None:
    names = "ada-blender.hf.space,blender.example"
    for name in names.split(","):
        seen = {"mode": mode, "space": names, "host": name, "origin": f"https://{name}"}
        assert ask("POST", JOIN, **seen).text == "there"
        # The platform may ask by an address of its own.
        assert ask("POST", JOIN, **{**seen, "host": "10.0.0.7:7860", "local": "10.0.0.7"}).text == "there"
    assert ask("POST", JOIN, mode=mode, space=names, origin="https://bob.hf.space").status_code == 403
