"""``benchmarks.member_choice`` on files of scores, of votes, and of one prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.member_choice import Run
from benchmarks.recorded import read_recorded
from blender_ui.choosing.chooser import ChooserOptions
from blender_ui.tasks.reading import read_tasks
from tests.tasks.prompts import make_encoder, make_tasks

QUALITY = {0: {"a": 1.0, "b": 0.0}, 1: {"a": 0.0, "b": 1.0}}
"""Of each member on each of the two kinds of prompt."""


def _write(path: Path, *, with_votes: bool) -> Path:
    tasks, kinds = make_tasks(120)
    lines: list[dict[str, Any]] = []
    for task, kind in zip(tasks, kinds, strict=True):
        quality = QUALITY[int(kind)]
        line: dict[str, Any] = {"prompt": task.instruction, "task": str(kind)}
        line["candidates"] = [{"model": member, "text": "x"} for member in quality]
        if with_votes:
            winner = "a" if quality["a"] > quality["b"] else "b"
            line["labels"] = [{"a": 0, "b": 1, "winner": winner, "kind": "human"}]
        else:
            for candidate in line["candidates"]:
                candidate["score"] = quality[candidate["model"]]
        lines.append(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("with_votes", [False, True])
def test_choosing_by_the_prompt_is_measured_on_scores_and_on_votes(tmp_path: Path, with_votes: bool) -> None:
    recorded = read_recorded(_write(tmp_path / "file.jsonl", with_votes=with_votes))
    encoder = make_encoder(tmp_path)
    run = Run(recorded, read_tasks(encoder, recorded.tasks), encoder, ChooserOptions(n_trees=20))
    found = run.measure(None, draws=1)
    assert found["n"] == 120
    assert found["oracle"] == 1.0
    assert float(str(found["gain"])) > 0.3
    assert np.isfinite(float(str(found["gain_at_100"])))
