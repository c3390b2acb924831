"""``benchmarks.gpu`` does on the CPU what it does on a GPU, and says where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments],
        cwd=ROOT, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True,
    )  # fmt: skip
    return done, json.loads(done.stdout.splitlines()[-1])


def test_every_part_runs_on_the_cpu() -> None:
    done, report = run("--quick", "--device", "cpu")
    assert (done.returncode, report["device"]["kind"]) == (0, "cpu"), done.stdout
    assert report["reading"]["float32"]["cosine_least"] > 0.9999
    assert {part for part in gpu.PARTS if part in report} == set(gpu.PARTS)
    for part in ("joint", "fuser"):
        assert report[part]["step_seconds"] > 0
        assert len(report[part]["losses"]) == 3
    assert report["joint"]["logit_error"] < 1e-4
    assert report["fuser"]["written_words"] > 0
    assert report["memory"]["reading"].startswith("memory ran out: ")
    assert "lower micro_batch_size" in report["memory"]["training"]
    assert report["member"]["clients"] == 16
    assert report["member"]["pieces_least"] > 1  # it streamed


def test_without_a_gpu_it_says_so() -> None:
    done, report = run()
    assert (done.returncode, report["device"]) == (0, None)
    assert done.stdout.startswith("No GPU that torch can use is here; nothing was measured.")


def test_a_part_that_fails_has_its_error_and_the_next_one_runs(tmp_path: Path) -> None:
    parts = dict(gpu.run_parts(("unknown", "memory"), tmp_path, device="cpu", size="quick"))
    assert parts["unknown"]["error"].startswith("exit status 1: ")
    assert "KeyError: 'unknown'" in parts["unknown"]["error"]
    assert "lower micro_batch_size" in parts["memory"]["training"]
