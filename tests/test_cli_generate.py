"""``blender-ui generate``: members answer a project's prompts, without a page or a worker."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from blender_ui.bootstrap import build_services
from blender_ui.cli import generate
from blender_ui.errors import MalformedInput
from blender_ui.settings import Settings
from db.models import DEFAULT_PROJECT_ID
from tests.builders.stores import key_of, put_store
from tests.members.scripted_endpoint import KEY, Script, ScriptedEndpoint, refuses, says

MEMBERS = """
[[member]]
name = "Ann"
backend = "openai"
model = "m"
base_url = "{url}"
key_env = "ANN_KEY"
samples = 2

[member.price]
input = 1
output = 3
"""


def generate_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *scripts: Script, **changes: Any) -> int:
    monkeypatch.setenv("ANN_KEY", KEY)
    monkeypatch.setattr(generate, "end_on_signals", lambda code: None)
    options = {"project": "1", "source": None, "members": None, "json": True} | changes
    with ScriptedEndpoint(list(scripts)).running() as endpoint:
        (tmp_path / "members.toml").write_text(MEMBERS.format(url=endpoint.base_url))
        settings = Settings(home_path=tmp_path / "home", members_path=tmp_path / "members.toml")
        put_store(settings.home_path)
        services = build_services(settings)
        me = services.labeling.sign_in(key=key_of(1)).id
        services.project_prompts.add(DEFAULT_PROJECT_ID, instructions=["First?", "Second?"], by=me)
        services.close()
        return generate.run(settings, argparse.Namespace(**options))


def test_it_follows_the_answers_to_their_end_and_tells_their_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate_with(tmp_path, monkeypatch, says("Four", ".")) == 0
    printed = capsys.readouterr()
    job = json.loads(printed.out)
    assert (job["n_total"], job["n_done"], job["n_failed"], job["status"]) == (4, 4, 0, "complete")
    assert job["cost"] == pytest.approx(4 * (7 * 1 + 2 * 3) / 1e6)  # 7 tokens in and 2 out, each time
    assert "4 of 4 answers, 0 failed; cost so far 0.0001" in printed.err


def test_failures_are_told_by_the_exit_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate_with(tmp_path, monkeypatch, refuses(400, {"error": {"message": "no"}})) == 1


def test_an_unknown_project_or_member_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MalformedInput, match="no project 'Nowhere'; there are"):
        generate_with(tmp_path, monkeypatch, says("Four."), project="Nowhere")
    with pytest.raises(MalformedInput, match="called Bob; there are Ann"):
        generate_with(tmp_path, monkeypatch, says("Four."), members=["Bob"])
