"""TRL's GRPOTrainer with our reward: a real training of a tiny checkpoint, over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from db.models import Role
from tests.api.house import Shop, build_trained_services, make_members


@pytest.mark.slow
def test_twenty_steps_of_grpo_raise_our_reward(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    # Its ranker has learnt that answers with the word "good" are better; the checkpoint knows that word.
    shop = Shop(tmp_path, services=build_trained_services(tmp_path, *make_members()))
    command = [sys.executable, "-m", "benchmarks.grpo", "--steps", "20"]
    ran = subprocess.run(
        [*command, "--url", shop.url, "--key", shop.keys[Role.ANNOTATOR]],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    shop.close()
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["n_steps"], told["n_requests"]) == (20, 20)
    assert told["reward_last_quarter"] > told["reward_first_quarter"] + 0.5, told
