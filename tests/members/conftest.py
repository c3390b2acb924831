"""Real weights for the tests that need them, and short pauses for all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blender_ui.errors import WeightsUnavailable
from blender_ui.members.openai import client
from blender_ui.settings import load_settings
from blender_ui.weights.resolver import fetch


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked again is asked soon; what the endpoint itself tells to wait is waited for."""
    monkeypatch.setattr(client, "FIRST_RETRY_SECONDS", 0.03)


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    settings = load_settings(os.environ)
    try:
        return fetch("smollm2-135m", cache_path=settings.weights_path, use_hub=settings.hub == "yes")
    except WeightsUnavailable as error:
        pytest.skip(f"SmolLM2's weights are absent: {error}")


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.members.tiny_checkpoint import build_tiny_checkpoint

    return build_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))
