"""What members.toml shows as an example can be taken as it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from blender_ui.members.configuration import MemberConfig, parse_members
from blender_ui.members.protocol import Message
from blender_ui.members.registry import Members
from blender_ui.shipped import find_shipped
from tests.members.scripted_endpoint import KEY, ScriptedEndpoint, says


@pytest.fixture(scope="module")
def examples() -> tuple[MemberConfig, ...]:
    """Those that are commented out, with the marks taken off; sentences between them stay comments."""
    commented = [
        line[2:] for line in find_shipped("members.toml").read_text().splitlines() if line[:2] == "# "
    ]
    tables = [line for line in commented if re.match(r"\[|[a-z_]+ = ", line)]
    return parse_members("\n".join(tables))


def test_every_example_is_valid(examples: tuple[MemberConfig, ...]) -> None:
    assert {one.backend.value for one in examples} == {"llama_cpp", "transformers", "openai"}


@pytest.mark.parametrize("environ", [{"HF_TOKEN": KEY}, {}])
def test_inference_providers_answer_where_a_token_is_there(
    examples: tuple[MemberConfig, ...], environ: dict[str, str]
) -> None:
    (hosted,) = [one for one in examples if one.key_env == "HF_TOKEN"]
    with ScriptedEndpoint([says("Par", "is")], models=[hosted.model]).running() as endpoint:
        config = replace(hosted, base_url=endpoint.base_url)
        members = Members([config], find_weights=Path, environ=environ)
        (health,) = members.health()
        if environ:
            answer = ""
            for chunk in members.get(config.name).stream([Message("user", "Capital of France?")]):
                answer = chunk.onto(answer)
            assert (health.status, answer) == ("ready", "Paris")
        else:
            assert health.status == "unavailable"
            assert "HF_TOKEN" in health.reason
        members.close()
