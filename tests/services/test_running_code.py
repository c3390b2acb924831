"""Code runs for a ranking only where the settings allow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from blender_ui.bootstrap import build_services
from blender_ui.evaluation.sandbox import find_obstacle
from blender_ui.evidence.answers import find_notes, let_code_run
from blender_ui.settings import load_settings
from blender_ui.values import RankingPrompt
from tests.builders.stores import put_store

ASKED = RankingPrompt(instruction="Write a Python function `inc(x)` that adds one, such that inc(1) == 2.")
ANSWERS = ("def inc(x):\n    return x + 1", "def inc(x):\n    return x - 1")


@pytest.mark.skipif(bool(find_obstacle()), reason="code is only run on x86-64 Linux")
@pytest.mark.parametrize(
    ("asked", "runs"),
    [({}, False), ({"RUN_CODE": "yes"}, True), ({"RUN_CODE": "yes", "ACCESS": "demo"}, False)],
)
def test_code_runs_only_where_the_settings_allow_it(
    asked: dict[str, str], runs: bool, tmp_path: Path
) -> None:
    environ = {
        "BLENDER_UI_HOME": str(tmp_path),
        **{f"BLENDER_UI_{name}": text for name, text in asked.items()},
    }
    put_store(tmp_path)
    services = build_services(load_settings(environ))
    try:
        assert bool(find_notes(ASKED, ANSWERS)) == runs
    finally:
        services.close()
        let_code_run(None)
