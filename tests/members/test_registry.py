"""The ensemble: who is in it, who can be asked, and what it may import."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from blender_ui.errors import MemberError, NotFound, WeightsUnavailable
from blender_ui.members.configuration import Backend, Limits
from blender_ui.members.openai.request import Extra
from blender_ui.members.protocol import MemberStatus, Message
from blender_ui.members.registry import Members
from tests.members.scripted_endpoint import KEY, ScriptedEndpoint, is_silent, says
from tests.members.test_configuration import member

QUESTION = [Message("user", "How are you?")]


def no_weights(name: str) -> Path:
    raise WeightsUnavailable(f"{name} is not here; fetch it by: a command")


def test_disabled_members_are_left_out() -> None:
    configs = [member(name="Ann"), member(name="Bob", enabled=False), member(name="Cid")]
    members = Members(configs, find_weights=no_weights, environ={})
    assert members.names == ("Ann", "Cid")
    assert [config.name for config in members.configs] == ["Ann", "Cid"]
    with pytest.raises(NotFound, match="Ann, Cid"):
        members.get("Bob")


def test_a_member_is_told_its_system_text_unless_the_asker_has_one() -> None:
    with ScriptedEndpoint([says("Fine")]).running() as endpoint:
        ann = member(
            name="Ann", backend=Backend.OPENAI, base_url=endpoint.base_url, key_env="K", system="Be brief."
        )
        with closing(Members([ann], find_weights=no_weights, environ={"K": KEY})) as members:
            list(members.get("Ann").stream(QUESTION))
            list(members.get("Ann").stream([Message("system", "Fuse."), *QUESTION]))
    said = [[message["content"] for message in request["messages"]] for request in endpoint.requests]
    assert said == [["Be brief.", "How are you?"], ["Fuse.", "How are you?"]]


def test_a_hanging_member_costs_one_question_its_wait() -> None:
    with ScriptedEndpoint([is_silent]).running() as endpoint:
        limits = Limits(first_token_seconds=1)
        ann = member(
            name="Ann", backend=Backend.OPENAI, base_url=endpoint.base_url, key_env="K", limits=limits
        )
        with closing(Members([ann], find_weights=no_weights, environ={"K": KEY})) as members:
            for kind in ("timeout", "unreachable", "unreachable"):
                with pytest.raises(MemberError) as caught:
                    list(members.get("Ann").stream(QUESTION))
                assert caught.value.kind == kind
            assert 0 < members.get("Ann").pause_seconds <= 15
        assert len(endpoint.requests) == 1


def test_a_member_without_its_weights_says_how_to_get_them_and_spoils_nothing() -> None:
    with ScriptedEndpoint([says("Fine")]).running() as endpoint:
        configs = [
            member(name="Ann", model="ann-1b"),
            member(name="Bob", backend=Backend.OPENAI, base_url=endpoint.base_url, key_env="BOB_KEY"),
        ]
        with closing(Members(configs, find_weights=no_weights, environ={"BOB_KEY": KEY})) as members:
            members.start()
            ann, bob = members.health()
            assert ann.status is MemberStatus.UNAVAILABLE
            assert "ann-1b is not here; fetch it by" in ann.reason
            assert bob.status is MemberStatus.READY
            with pytest.raises(MemberError, match="fetch it by") as caught:
                list(members.get("Ann").stream(QUESTION))
            assert caught.value.kind == "unreachable"
            assert next(members.get("Bob").stream(QUESTION)).text == "Fine"


def test_a_model_file_that_is_absent_is_named() -> None:
    with closing(Members([member(model="/nowhere/a.gguf")], find_weights=no_weights, environ={})) as members:
        members.start()
        (health,) = members.health()
    assert health.status is MemberStatus.UNAVAILABLE
    assert "/nowhere/a.gguf" in health.reason


def test_a_missing_key_is_named_by_its_variable() -> None:
    config = member(backend=Backend.OPENAI, base_url="http://127.0.0.1:9/v1", key_env="ANN_KEY")
    members = Members([config], find_weights=no_weights, environ={})
    (health,) = members.health()
    assert health.status is MemberStatus.UNAVAILABLE
    assert "ANN_KEY" in health.reason
    with pytest.raises(MemberError, match="ANN_KEY") as caught:
        list(members.get("Ann").stream(QUESTION))
    assert caught.value.kind == "refused"


def test_a_key_is_taken_without_the_whitespace_around_it() -> None:
    with ScriptedEndpoint([says("Fine")]).running() as endpoint:
        config = member(backend=Backend.OPENAI, base_url=endpoint.base_url, key_env="ANN_KEY")
        members = Members([config], find_weights=no_weights, environ={"ANN_KEY": f" {KEY}\r\n"})
        assert members.health()[0].status is MemberStatus.READY
        assert next(members.get("Ann").stream(QUESTION)).text == "Fine"


def test_the_secret_of_a_header_comes_from_the_environment() -> None:
    with ScriptedEndpoint([says("Fine")]).running() as endpoint:
        config = member(
            backend=Backend.OPENAI,
            base_url=endpoint.base_url,
            key_env="ANN_KEY",
            extra=Extra(headers={"X-Team": "$TEAM_KEY", "X-Title": "tea"}),
        )
        environ = {"ANN_KEY": KEY, "TEAM_KEY": "s3cret\n"}
        assert next(
            Members([config], find_weights=no_weights, environ=environ).get("Ann").stream(QUESTION)
        ).text
        assert endpoint.headers[-1]["X-Team"] == "s3cret"
        assert endpoint.headers[-1]["X-Title"] == "tea"
        (health,) = Members([config], find_weights=no_weights, environ={"ANN_KEY": KEY}).health()
    assert health.status is MemberStatus.UNAVAILABLE
    assert "TEAM_KEY" in health.reason


@pytest.mark.parametrize("key", ["sk secret", "sk-secret\nsk-secret", "sk-secrét", "sk-secret\0"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(key: str) -> None:
    config = member(backend=Backend.OPENAI, base_url="http://127.0.0.1:9/v1", key_env="ANN_KEY")
    members = Members([config], find_weights=no_weights, environ={"ANN_KEY": key})
    (health,) = members.health()
    assert health.status is MemberStatus.UNAVAILABLE
    with pytest.raises(MemberError, match="printable ASCII") as caught:
        list(members.get("Ann").stream(QUESTION))
    assert caught.value.kind == "refused"
    for text in (health.reason, str(caught.value)):
        assert "ANN_KEY" in text
        assert "secr" not in text


def test_a_proxy_that_cannot_be_used_spoils_one_member_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "odd://127.0.0.1:9")
    with ScriptedEndpoint([says("Fine")]).running() as endpoint:
        configs = [
            member(name="Ann", backend=Backend.OPENAI, base_url="http://ann.invalid/v1", key_env="A_KEY"),
            member(name="Bob", backend=Backend.OPENAI, base_url=endpoint.base_url, key_env="A_KEY"),
        ]
        members = Members(configs, find_weights=no_weights, environ={"A_KEY": KEY})
        ann, bob = members.health()
    assert (ann.status, bob.status) == (MemberStatus.FAILED, MemberStatus.READY)
    assert "ValueError: Unknown scheme for proxy" in ann.reason
    with pytest.raises(MemberError, match="ValueError: Unknown scheme for proxy") as caught:
        list(members.get("Ann").stream(QUESTION))
    assert caught.value.kind == "crashed"


def test_the_web_process_gets_no_torch_from_it() -> None:
    script = """
import sys
import blender_ui.members.registry, blender_ui.weights.resolver, blender_ui.members.openai.client
heavy = {"torch", "transformers", "xllamacpp", "gguf", "huggingface_hub"} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])
