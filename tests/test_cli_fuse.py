from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blender_ui.cli import _parser, fuse
from blender_ui.cli.candidates import question
from blender_ui.errors import MalformedInput
from blender_ui.settings import Settings
from blender_ui.values import Message, RankingPrompt


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
    asked = {
        "instruction": "Why?",
        "input": "",
        "messages": None,
        "candidates": ["An answer", "A long answer"],
        "rounds": 1,
    }
    fuse.run(Settings(home_path=tmp_path), argparse.Namespace(**asked, json=False))
    printed = capsys.readouterr()
    assert printed.out.strip() == shown
    assert ("candidate 2 above the fused answer" in printed.err) == (fused != shown)
    fuse.run(Settings(home_path=tmp_path), argparse.Namespace(**asked, json=True))
    told = json.loads(capsys.readouterr().out)
    assert (told["text"], told["fused_text"], told["is_fused"]) == (shown, fused, fused == shown)


def test_a_conversation_is_ranked_and_fused_with_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    class Recording(LongerIsBetter):
        def compare(self, version: Any, prompt: Any, texts: list[str], *, members: list[str]) -> Any:
            asked.append(prompt)
            return super().compare(version, prompt, texts, members=members)

    def record(**given: Any) -> Any:
        asked.append(given)
        return SimpleNamespace(text="Fused, and longest")

    services = services_of("")
    services.evaluating, services.fusing.fuse_texts = Recording(), record
    monkeypatch.setattr(fuse, "build_services", lambda settings: services)
    said = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    path = tmp_path / "messages.json"
    path.write_text(json.dumps([*said, {"role": "user", "content": "And?"}]))
    options = fuse_options("--messages", f"@{path}", "one", "other")
    fuse.run(Settings(home_path=tmp_path), options)
    prompt = RankingPrompt(instruction="And?", history=(Message("user", "Why?"), Message("assistant", "So.")))
    assert asked[0] == asked[2] == prompt
    assert (asked[1]["instruction"], asked[1]["history"]) == ("And?", prompt.history)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{", "no conversation: Expecting"),
        ("[]", "last message of role user"),
        ('[{"role": "x", "content": ""}]', "message 1"),
        ("@nowhere.json", "nowhere.json could not be read"),
    ],
)
def test_what_is_no_conversation_is_refused(given: str, says: str) -> None:
    with pytest.raises(MalformedInput, match=says):
        question(fuse_options("--messages", given, "one", "other"))


def fuse_options(*arguments: str) -> argparse.Namespace:
    return _parser().parse_args(["fuse", *arguments])
