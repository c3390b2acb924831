from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blender_ui.cli import fuse
from blender_ui.settings import Settings


class LongerIsBetter:
    """Stands in for a ranker's version."""

    def get_version(self) -> Any:
        return SimpleNamespace(id=1)

    def compare(self, version: Any, prompt: Any, texts: list[str], *, members: list[str]) -> Any:
        lengths = np.array([len(text) for text in texts], dtype=float)
        return lengths[:, None] - lengths[None, :]


def services_of(fused: str) -> Any:
    return SimpleNamespace(
        evaluating=LongerIsBetter(),
        fusing=SimpleNamespace(fuser_name="F", fuse_texts=lambda **asked: SimpleNamespace(text=fused)),
        close=lambda: None,
    )


@pytest.mark.parametrize(
    ("fused", "shown"), [("The longest of them all", "The longest of them all"), ("Short", "A long answer")]
)
def test_the_command_prints_what_a_page_would_show(
    tmp_path: Path,
    fused: str,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fuse, "build_services", lambda settings: services_of(fused))
    asked = {"instruction": "Why?", "input": "", "candidates": ["An answer", "A long answer"], "rounds": 1}
    fuse.run(Settings(home_path=tmp_path), argparse.Namespace(**asked, json=False))
    printed = capsys.readouterr()
    assert printed.out.strip() == shown
    assert ("candidate 2 above the fused answer" in printed.err) == (fused != shown)
    fuse.run(Settings(home_path=tmp_path), argparse.Namespace(**asked, json=True))
    told = json.loads(capsys.readouterr().out)
    assert (told["text"], told["fused_text"], told["is_fused"]) == (shown, fused, fused == shown)
