"""The address as people paste it."""

from __future__ import annotations

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.address import Root, address_fault, is_this_machine, moved_root, roots, tidied
from tests.members.asking import ask, failure_of
from tests.members.scripted_endpoint import ScriptedEndpoint, refuses, says


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("http://h:1/v1", ["http://h:1/v1/chat/completions"]),
        ("http://h:1/v1/", ["http://h:1/v1/chat/completions"]),
        (" HTTP://h:1/v1 ", ["http://h:1/v1/chat/completions"]),
        ("http://h:1/v1/chat/completions", ["http://h:1/v1/chat/completions"]),
        ("http://h:1/v1/chat/completions/", ["http://h:1/v1/chat/completions"]),
        ("http://h:1/v1/models", ["http://h:1/v1/chat/completions"]),
        ("http://h:1/v1#top", ["http://h:1/v1/chat/completions"]),
        ("https://h/api/paas/v4", ["https://h/api/paas/v4/chat/completions"]),
        (
            "https://h/v1beta/openai/",
            ["https://h/v1beta/openai/chat/completions", "https://h/v1beta/chat/completions"],
        ),
        ("http://h:1/v1/chat", ["http://h:1/v1/chat/chat/completions", "http://h:1/v1/chat/completions"]),
        (
            "http://h:1/docs",
            [f"http://h:1/{path}chat/completions" for path in ("docs/", "docs/v1/", "v1/")],
        ),
        ("http://h:1", ["http://h:1/chat/completions", "http://h:1/v1/chat/completions"]),
        ("http://h:1/", ["http://h:1/chat/completions", "http://h:1/v1/chat/completions"]),
        (
            "http://h/a/chat/completions",
            [f"http://h/{path}chat/completions" for path in ("a/", "a/v1/", "v1/")],
        ),
        ("http://h/v1?api-version=2", ["http://h/v1/chat/completions?api-version=2"]),
    ],
)
def test_what_is_asked(written: str, asked: list[str]) -> None:
    assert [root.url("chat/completions") for root in roots(written)] == asked


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:8000/v1", "write http://127.0.0.1:8000/v1 or https://"),
        ("api.example.com/v1", "write http://api.example.com/v1 or https://"),
        ("localhost", "write http://localhost"),
        ("ftp://h/v1", "expected http"),
        ("http:///v1", "expected http"),
        ("http://h:80a/v1", "no valid address"),
        ("http://[::1", "no valid address"),
        ("http://h /v1", "blank"),
        ("http://h/v1?api-key=s3cret", "key_env"),
        ("http://me:s3cret@h/v1", "key_env"),
    ],
)
def test_what_cannot_be_asked_is_told_with_what_to_write(address: str, words: str) -> None:
    assert words in address_fault(address)
    assert "s3cret" not in address_fault(address)


def test_what_can_be_asked_has_no_fault() -> None:
    for address in ("http://h", "https://h:8443/x/v1?api-version=2024-10-21", "http://[::1]:8000/v1"):
        assert address_fault(address) == ""


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1", "127.1", "127.8.9.10",
        "2130706433", "0x7f.1", "0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]",
    ],
)  # fmt: skip
def test_names_of_this_machine(host: str) -> None:
    assert is_this_machine(f"http://{host}:8000/v1")


@pytest.mark.parametrize(
    "host", ["example.com", "10.0.0.1", "128.0.0.1", "[fe80::1]", "localhost.example.com", "127.example"]
)
def test_names_of_other_machines(host: str) -> None:
    assert not is_this_machine(f"http://{host}:8000/v1")


@pytest.mark.parametrize("host", ["0.0.0.0", "127.1", "LOCALHOST", "127.0.0.1"])
def test_no_proxy_stands_before_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ScriptedEndpoint([says("Four.")]).running() as endpoint:
        assert ask(endpoint, base_url=endpoint.base_url.replace("127.0.0.1", host)).text == "Four."


@pytest.mark.parametrize("root", ["/v1", "", "/gate", "/gate/v1"])
@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
def test_an_address_without_its_version_is_found(root: str, end: str) -> None:
    with ScriptedEndpoint([says("Four.")], root=root).running() as endpoint:
        base_url = endpoint.base_url.removesuffix("/v1") + root.removesuffix("/v1") + end
        assert ask(endpoint, base_url=base_url).text == "Four."


def test_a_query_goes_with_every_call() -> None:
    with ScriptedEndpoint([says("Four.")]).running() as endpoint:
        ask(endpoint, base_url=f"{endpoint.base_url}?api-version=2024-10-21")
    assert endpoint.paths == ["POST /v1/chat/completions?api-version=2024-10-21"]


def test_where_nothing_is_the_places_asked_are_told() -> None:
    with (
        ScriptedEndpoint([says("Four.")], root="/elsewhere").running() as endpoint,
        pytest.raises(MemberError) as caught,
    ):
        ask(endpoint, base_url=endpoint.base_url.removesuffix("/v1"))
    assert "/chat/completions or http" in str(caught.value)
    assert "base_url is the address up to and with /v1" in str(caught.value)


def test_a_missing_model_is_no_missing_place() -> None:
    error = failure_of(refuses(404, {"error": {"message": "there is no model 'm-9'"}}), model="m-9")
    assert (error.kind, "base_url" in str(error)) == ("refused", False)
    with (
        ScriptedEndpoint(
            [refuses(404, {"error": {"message": "no model 'm-9'"}})], root=""
        ).running() as endpoint,
        pytest.raises(MemberError, match="no model 'm-9'"),
    ):
        ask(endpoint, model="m-9", base_url=endpoint.base_url.removesuffix("/v1"))


@pytest.mark.parametrize("wrong", ["/docs", "/v1/chat", "/api/generate", "/v1/v1"])
def test_a_wrong_path_is_put_right_on_the_same_host(wrong: str) -> None:
    with ScriptedEndpoint([says("Four.")]).running() as endpoint:
        base_url = endpoint.base_url.removesuffix("/v1") + wrong
        assert ask(endpoint, base_url=base_url).text == "Four."


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_address_that_has_moved_on_its_host_is_followed(status: int) -> None:
    moved = refuses(status, "", Location="/v1/chat/completions?api=2")
    with ScriptedEndpoint([moved, says("Four.")]).running() as endpoint:
        assert ask(endpoint).text == "Four."
    assert endpoint.paths == ["POST /v1/chat/completions", "POST /v1/chat/completions?api=2"]


@pytest.mark.parametrize(
    ("location", "moved"),
    [
        ("/v2/chat/completions", "http://h:1/v2"),
        ("http://h:2/v1/chat/completions/", "http://h:2/v1"),
        ("https://h/v1/chat/completions", None),
        ("/v1/chat/completions/", None),
        ("http://other/v1/chat/completions", None),
        ("/login?next=/v1/chat/completions", None),
        ("ftp://h/v1/chat/completions", None),
    ],
)
def test_a_move_is_followed_on_the_same_host_only(location: str, moved: str | None) -> None:
    found = moved_root(Root("http://h:1/v1"), location)
    assert (found and found.place) == moved
    assert moved_root(Root("https://h/v1"), "http://h/v2/chat/completions") is None


def test_a_move_in_a_circle_ends() -> None:
    scripts = [refuses(308, "", Location=f"/v1/chat/completions?n={n % 2}") for n in range(9)]
    with ScriptedEndpoint(scripts).running() as endpoint, pytest.raises(MemberError, match="has moved"):
        ask(endpoint)
    assert len(endpoint.requests) <= 5


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("127.0.0.1:8000/v1/chat/completions", "http://127.0.0.1:8000/v1"),
        ("localhost:1234", "http://localhost:1234"),
        ("192.168.1.7:8080/v1/", "http://192.168.1.7:8080/v1"),
        ("gpu-box:8000", "http://gpu-box:8000"),
        ("gpu.local:8000", "http://gpu.local:8000"),
        (" api.example.com/v1 ", "https://api.example.com/v1"),
        ("HTTPS://api.example.com/v1", "https://api.example.com/v1"),
        ("http://h:80a/v1", "http://h:80a/v1"),
        ("", ""),
    ],
)
def test_an_address_that_is_typed_gets_its_scheme(typed: str, written: str) -> None:
    assert tidied(typed) == written


def test_an_address_that_has_moved_is_told_with_the_new_one() -> None:
    error = failure_of(refuses(308, "", Location="https://api.example.com/v1/chat/completions"))
    assert "moved to https://api.example.com/v1/chat/completions" in str(error)
