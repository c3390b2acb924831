"""`blender-ui versions`: the rankers and where they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blender_ui.cli import main
from tests.services.versions.test_standing import add_version, metrics_of


def test_each_ranker_is_listed_with_its_standing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path))
    engine, _ = add_version(tmp_path, metrics_of(right=72, baseline=73))
    monkeypatch.setenv("BLENDER_UI_DATABASE_URL", str(engine.url))
    engine.dispose()
    assert main(["versions"]) == 0
    assert "1  fast  not shown to beat the baselines\n   Version 1 is not" in capsys.readouterr().out
    assert main(["versions", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["standing"]["verdict"] == "undecided"
