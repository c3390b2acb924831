"""The embedded default fuser, with its real weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import WeightsUnavailable
from blender_ui.fusion.attribution import attribute_spans
from blender_ui.fusion.fusers import choose_fuser
from blender_ui.members.configuration import Backend, Limits, MemberConfig
from blender_ui.members.protocol import Sampling
from blender_ui.members.registry import Members
from blender_ui.settings import load_settings
from blender_ui.values import RankingPrompt
from blender_ui.weights.resolver import fetch

PROMPT = RankingPrompt(instruction="Give me two tips for sleeping better.")
CANDIDATES = (
    "Keep the same bedtime every night, also at the weekend, so that your body knows when to rest.",
    "Avoid coffee after lunch. Keep the bedroom dark and cool.",
)


@pytest.fixture(scope="module")
def members() -> Iterator[Members]:
    settings = load_settings(os.environ)
    try:
        path = fetch("smollm2-135m", cache_path=settings.weights_path, use_hub=settings.hub == "yes")
    except WeightsUnavailable as error:
        pytest.skip(f"SmolLM2's weights are absent: {error}")
    config = MemberConfig(
        name="SmolLM2 135M",
        backend=Backend.LLAMA_CPP,
        model=str(path),
        sampling=Sampling(temperature=0.0, max_tokens=120),
        limits=Limits(first_token_seconds=120, timeout_seconds=300),
    )
    members = Members([config], find_weights=Path, environ={})
    yield members
    members.close()


@pytest.mark.slow
def test_the_embedded_fuser_streams_an_answer_that_takes_from_its_sources(members: Members) -> None:
    fuser = choose_fuser("", members=members, process=EngineProcess({}))
    pieces = list(fuser.stream(PROMPT, CANDIDATES))
    assert len(pieces) > 5
    text = pieces[-1].text
    assert text.strip()
    assert not text.lower().startswith("here is the combined")
    attribution = attribute_spans(text, CANDIDATES)
    assert "".join(text[span.start : span.end] for span in attribution.spans) == text
    assert sum(attribution.shares) > 0
